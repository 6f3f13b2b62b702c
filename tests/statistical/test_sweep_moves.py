"""Moves of the hyperparameters by the sweeps that draw the effects."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sknnmm.kernels.marginal_likelihoods import log_likelihood_ratios
from sknnmm.priors import BayesB, BayesC, BayesR
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.snp import sweep_move
from sknnmm.sampling.snp.blocked import BlockedSweep
from tests.helpers.moments import assert_same_distribution, sample
from tests.helpers.networks import Parts, small_network, snp_terms

PRIORS = [
    BayesC(scale=0.2),
    pytest.param(BayesR(scale=0.3), marks=pytest.mark.slow),
    pytest.param(BayesB(scale=0.2), marks=pytest.mark.slow),
]


def sampler_by_blocks(model, n_moves):
    network = model.network()
    return Sampler(network, [BlockedSweep(network, snp_terms(network))], n_moves)


@pytest.mark.parametrize("multipliers", [[0, 1.0], [0, 0.01, 0.1, 1.0], [0.1, 1.0]])
def test_likelihoods_of_single_effects_are_those_of_their_definition(multipliers):
    """x'residual is N(0, xx s2 + xx^2 v_m) in component m; effects out of the model say nothing."""
    rng = np.random.default_rng(0)
    multipliers, n_snps, n_columns = np.array(multipliers), 7, 3
    seen, squares = 5 * rng.normal(size=(n_snps, n_columns)), rng.uniform(2, 9, n_snps)
    component = np.zeros((n_snps, n_columns), np.int8)
    component[2, 1] = -1
    weights = [rng.dirichlet(np.ones(multipliers.size), n_columns).T.copy() for _ in range(2)]
    s2 = rng.uniform(0.5, 1, n_columns)
    for common in (True, False):
        variances = rng.uniform(0.1, 1, (2, 1 if common else n_snps, n_columns))

        def log_likelihood(weights, variance):
            xx = squares[:, None]
            densities = [
                weight * stats.norm.pdf(seen, scale=np.sqrt(xx * s2 + xx**2 * m * variance))
                for weight, m in zip(weights, multipliers, strict=True)
            ]
            return np.log(np.sum(densities, axis=0))

        expected = log_likelihood(weights[1], variances[1])
        expected -= log_likelihood(weights[0], variances[0])
        expected[component < 0] = 0
        given = seen, squares, component, multipliers, weights[0], variances[0]
        ratios = log_likelihood_ratios(*given, weights[1], variances[1], s2)
        assert_allclose(ratios, expected.sum(axis=0), rtol=1e-10)


def test_likelihoods_too_large_for_a_number():
    """Of an effect that is certain, the two odds are left; many of them multiply."""
    seen, squares = np.full((400, 1), 1e4), np.full(400, 10.0)
    weights, new_weights = np.array([[0.9], [0.1]]), np.array([[0.6], [0.4]])
    variance, s2 = np.full((1, 1), 0.5), np.ones(1)
    component = np.ones((400, 1), np.int8)
    given = seen, squares, component, np.array([0.0, 1.0]), weights, variance
    ratios = log_likelihood_ratios(*given, new_weights, variance, s2)
    assert_allclose(ratios, 400 * np.log(4), rtol=1e-10)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: type(prior).__name__)
def test_posterior_is_that_without_moves(prior):
    draws = []
    for n_moves in (0, None):
        rng = np.random.default_rng(1)
        options = {"n": 60, "p": 40, "n_observed": 0, "uninformative": 0}
        model = small_network(rng, direct_prior=prior, **options)
        sampler = sampler_by_blocks(model, n_moves)

        def quantities(chain):
            state = Parts(chain).direct
            hyper = state.hyper
            values = [*np.log(hyper.weights[:, 0]), np.log(hyper.variance).mean()]
            values += [(state.fit**2).sum(), np.count_nonzero(state.effects)]
            return np.array([*values, *np.abs(state.effects[:2, 0])])

        draws.append(sample(sampler, quantities, 2000, np.random.default_rng(2)))
    assert_same_distribution(*draws)


def test_refused_columns_are_as_before(monkeypatch):
    """And accepted ones are not; what is maintained of both is right."""
    rng = np.random.default_rng(3)
    model = small_network(rng, n=40, p=50, n_observed=6, snp_prior=BayesB(scale=0.2))
    sampler = sampler_by_blocks(model, None)
    chain = starting_state(sampler, rng)
    (update,) = sampler.snp_updates
    for _ in range(20):
        sampler.iterate(chain, rng, tuning=True)
    state = Parts(chain).snp
    hyper = state.hyper
    held = [state.effects, state.component, hyper.weights, hyper.variance, hyper.scale]
    before = [values.copy() for values in held]
    (part,) = update.parts(chain, sampler.residuals)
    n_refused = []
    original = sweep_move.SweepMove.decide

    def decide(self, unexplained, rng, tuning):
        self._log_ratio[::2] = -np.inf
        original(self, unexplained, rng, tuning)
        n_refused.append(len(self._log_ratio[::2]))

    monkeypatch.setattr(sweep_move.SweepMove, "decide", decide)
    (left,) = sweep_move.move_by_sweeps(update, [part], rng, tuning=False)
    left.settle()
    assert n_refused == [3]
    for values, old in zip(held, before, strict=True):
        assert_array_equal(values[..., ::2], old[..., ::2])
    assert (hyper.scale[1::2] != before[-1][1::2]).any()
    X = model.genotypes.dot(np.eye(50))
    assert_allclose(state.fit, X @ state.effects, atol=1e-10)


def test_moves_are_made_at_their_rate():
    """From the second iteration on: the first finds effects."""
    rng = np.random.default_rng(4)
    model = small_network(rng, p=20, direct_prior=BayesC(scale=0.2))
    sampler = sampler_by_blocks(model, None)
    chain = starting_state(sampler, rng)
    steps = [Parts(chain).snp.steps, Parts(chain).direct.steps]
    n_tuned = []
    for _ in range(6):
        sampler.iterate(chain, rng, tuning=True)
        n_tuned.append([each.n_tuned for each in steps])
    assert n_tuned == [[0, 0], [1, 1], [2, 2], [3, 3], [3, 3], [4, 4]]
