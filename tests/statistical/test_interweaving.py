"""Moves of the hyperparameters together with the effects: what they weigh, and what they leave."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.priors import RRBLUP, BayesA, BayesB, BayesC, BayesL, BayesR, DenseLayout
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.snp.interweaving import ACCEPTANCE, MAX_MOVES, Interweaving, Steps
from tests.helpers.maintained import assert_maintained
from tests.helpers.moments import assert_same_distribution, sample
from tests.helpers.networks import (
    Parts,
    centred,
    sampler_of,
    small_network,
    snp_terms,
    table_of_effects,
)

MASK = np.eye(20, 3, dtype=bool)
COMPLETE = {"missing": 0.0, "missing_y": 0, "uninformative": 0}
UPDATES = {  # kinds of update by the options that lead to them
    "blocked": {"by_rows": True, "weighted": True},
    "one column": {"n_observed": 0, "by_rows": True},
    "cross-products": {"uninformative": 2},
    "cross-products, drawn cells": {"n": 40, "missing": 0.2},
    "sums": COMPLETE | {"weighted": True},
    "connections": {"mask": MASK, "p": 20, "n_observed": 3},
}
PRIORS = {
    "BayesC": BayesC(scale=0.2),
    "BayesR": BayesR(scale=0.3),
    "BayesB": BayesB(scale=0.2),
    "BayesA": BayesA(scale=0.2),
    "BayesL": BayesL(shape=4.0, rate=0.4),
}


def network_of(update, prior, dtype=np.float64):
    """Return the model and its sampler, with moves, and a chain that has left its start."""
    rng = np.random.default_rng(0)
    options = dict(UPDATES[update])
    by_rows = options.pop("by_rows", False)
    model = small_network(
        rng, snp_prior=PRIORS[prior], direct_prior=PRIORS[prior], dtype=dtype, **options
    )
    sampler = sampler_of(model, by_rows, n_moves=3)
    chain = starting_state(sampler, rng)
    for _ in range(5):
        sampler.iterate(chain, rng, tuning=True)
    return model, sampler, chain, rng


class Watching(Interweaving):
    """Moves that compare every gain with the log likelihood by definition."""

    def __init__(self, sampler, chain, X):
        super().__init__(2)
        self.sampler, self.chain, self.X, self.n_seen = sampler, chain, X, 0

    def draw(self, prior, part, unexplained, rng, tuning, sweep_moves):
        (term,) = (t for t in snp_terms(self.sampler.network) if t.of(self.chain) is part.state)
        weigh, weigh_scale = unexplained.weigh, unexplained.weigh_scale

        def watched(change):
            gain, *of_scales = weigh(change)
            effects = part.state.effects.copy()
            effects.reshape(-1)[change.entries] = change.values
            present = self.log_likelihood(term, part.state.effects)
            expected = self.log_likelihood(term, effects) - present
            assert_allclose(gain / part.residual_variance, expected, rtol=1e-8, atol=1e-8)
            self.n_seen += (expected != 0).sum()
            for b, (linear, quadratic) in (
                (part.state.effects, of_scales[:2]),
                (effects, of_scales[2:]),
            ):
                scaled = self.log_likelihood(term, 1.3 * b) - self.log_likelihood(term, b)
                gain_of_scale = (0.3 * linear - 0.5 * 0.3**2 * quadratic) / part.residual_variance
                assert_allclose(gain_of_scale, scaled, rtol=1e-8, atol=1e-8)
            return gain, *of_scales

        def watched_scale():
            linear, quadratic = weigh_scale()
            gain = 0.3 * linear - 0.5 * 0.3**2 * quadratic
            present = self.log_likelihood(term, part.state.effects)
            expected = self.log_likelihood(term, 1.3 * part.state.effects) - present
            assert_allclose(gain / part.residual_variance, expected, rtol=1e-8, atol=1e-8)
            self.n_seen += (expected != 0).sum()
            return linear, quadratic

        unexplained.weigh, unexplained.weigh_scale = watched, watched_scale
        super().draw(prior, part, unexplained, rng, tuning, sweep_moves)

    def log_likelihood(self, term, effects):
        """Return that of a term's layer, (C,), from the rows."""
        layer = self.sampler.network.layer(term.layer)
        state = self.chain.layers[term.layer]
        mean = 0.0
        for other in layer.terms:
            of_other = state.terms[other.name]
            if other is term:
                table = effects if effects.ndim == 2 else term.connections.table(effects).toarray()
                mean = mean + self.X @ table
            elif other.acts_by_snps:
                rng = np.random.default_rng(0)
                mean = mean + self.X @ table_of_effects(self.sampler, other, self.chain, rng)
            elif other.source:
                activated = other.activation.value(self.chain.layers[other.source].response)
                mean = mean + activated @ of_other.effects
            else:
                mean = mean + np.ones((len(self.X), 1)) @ of_other.coefficients
        squares = layer.row_weight[:, None] * (state.response - mean) ** 2
        return -0.5 * squares.sum(axis=0) / state.residual_variance


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("prior", ["BayesC", "BayesA"])
def test_gains_are_differences_of_the_log_likelihood(update, prior):
    model, sampler, chain, rng = network_of(update, prior)
    watching = Watching(sampler, chain, centred(model.genotypes))
    for _ in range(10):
        for snp_update in sampler.snp_updates:
            snp_update.draw(chain, sampler.residuals, rng, watching, tuning=False)
    assert watching.n_seen >= 10


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize(
    ("dtype", "atol"),
    [(np.float64, 1e-10), pytest.param(np.float32, 2e-4, marks=pytest.mark.slow)],
)
def test_fits_equal_their_definition_after_moves(update, dtype, atol):
    for prior in ("BayesB", "BayesL"):
        model, sampler, chain, rng = network_of(update, prior, dtype)
        X = centred(model.genotypes)
        before = moved(chain)
        for _ in range(20):  # fewer than the iterations between refreshes
            for snp_update in sampler.snp_updates:
                snp_update.draw(chain, sampler.residuals, rng, Interweaving(3), tuning=False)
                assert_maintained(sampler, chain, X, model.covariates, atol)
        assert (moved(chain) != before).all()


def moved(chain):
    """Return scales or penalties of all SNP effects."""
    hypers = [
        term.hyper
        for layer in chain.layers.values()
        for name, term in layer.terms.items()
        if name in ("snp_effects", "direct_effects")
    ]
    of_prior = "squared_penalty" if hasattr(hypers[0], "squared_penalty") else "scale"
    return np.concatenate([getattr(hyper, of_prior) for hyper in hypers])


@pytest.mark.slow  # in the ordinary tier all joint-distribution tests of mixtures make moves
@pytest.mark.parametrize("prior", PRIORS)
def test_posterior_is_that_without_moves(prior):
    draws = []
    for n_moves in (0, 2):
        rng = np.random.default_rng(1)
        model = small_network(
            rng, n=60, p=12, n_observed=0, direct_prior=PRIORS[prior], uninformative=0
        )
        sampler = sampler_of(model, n_moves=n_moves)

        def quantities(chain):
            layer = chain.layers["phenotype"]
            state = layer.terms["direct_effects"]
            hyper = state.hyper
            spread = getattr(hyper, "squared_penalty", hyper.variance.mean(axis=0))
            values = [*np.log(hyper.weights[:, 0]), np.log(spread[0]), state.fit_squares[0]]
            return np.array([*values, layer.residual_variance[0], *np.abs(state.effects[:2, 0])])

        draws.append(sample(sampler, quantities, 4000, np.random.default_rng(n_moves)))
    varies = draws[0].std(axis=0) > 0
    assert_same_distribution(*(of_chain[:, varies] for of_chain in draws))


def test_as_many_moves_as_an_iteration_can_afford():
    steps = Steps.start(BayesC(), BayesC().start(np.ones(2), DenseLayout(5, 2)))
    assert steps.affordable(0.3, 500) == 1  # before any was made
    for _ in range(100):
        steps.tune(np.ones((2, 1)), np.zeros(2), cost=0.2)
    assert steps.affordable(0.3, 500) == pytest.approx(1.5)
    assert steps.affordable(0.3, 2000) == pytest.approx(3)
    for _ in range(2000):
        steps.tune(np.ones((2, 1)), np.zeros(2), cost=0.6)
    assert steps.affordable(0.3, 1000) == pytest.approx(0.5)
    assert steps.affordable(0.3, 10_000) == pytest.approx(1.5)
    steps.cost = 1e-9
    assert steps.affordable(0.3, 5) == MAX_MOVES


def test_proposals_are_tuned_in_burn_in_alone():
    _, sampler, chain, rng = network_of("sums", "BayesC")
    steps = Parts(chain).snp.steps
    before = steps.root.copy()
    sampler.iterate(chain, rng, tuning=True)
    tuned = steps.root.copy()
    assert (tuned != before).all()
    sampler.iterate(chain, rng, tuning=False)
    assert_array_equal(steps.root, tuned)


def test_proposals_find_their_width():
    """Towards the acceptance aimed at, from steps a hundred times too wide or too narrow."""
    rng = np.random.default_rng(0)
    steps = Steps.start(BayesC(), BayesC().start(np.ones(2), DenseLayout(5, 2)))
    steps.root[:] = [[[100.0]], [[0.01]]]
    for _ in range(2000):
        normal = rng.standard_normal((2, 1))
        acceptance = np.exp(
            -0.5 * (steps.root[:, 0] * normal)[:, 0] ** 2
        )  # from the mode of N(0, 1)
        steps.tune(normal, acceptance - ACCEPTANCE)
    width = np.sqrt(1 / ACCEPTANCE**2 - 1)  # mean acceptance 1 / sqrt(1 + width^2)
    assert_allclose(steps.root[:, 0, 0], width, rtol=0.2)


def test_without_moves_nothing_is_proposed():
    model = small_network(np.random.default_rng(0))
    sampler = Sampler(model.network(), n_moves=0)
    rng = np.random.default_rng(0)
    chain = starting_state(sampler, rng)
    sampler.iterate(chain, rng, tuning=True)
    assert Parts(chain).snp.steps.n_tuned == 0


def test_steps_only_where_effects_follow():
    for prior, has_steps in ((BayesC(), True), (RRBLUP(), False), (BayesL(), False)):
        model = small_network(np.random.default_rng(0), snp_prior=prior)
        chain = starting_state(sampler_of(model), np.random.default_rng(0))
        assert (Parts(chain).snp.steps is not None) == has_steps
