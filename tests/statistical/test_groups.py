"""Groups of effects with priors of their own: closed forms, and limits without groups."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.priors import GBLUP, RRBLUP, BayesA, BayesB, BayesC, BayesL, BayesR, GroupedPrior
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep, CrossProductSweep
from sknnmm.sampling.snp.interweaving import Interweaving
from sknnmm.sampling.snp.passes import ConnectionSweep, OneColumnSweep
from tests.helpers.maintained import assert_maintained
from tests.helpers.moments import (
    FIXED_RESIDUAL,
    S2,
    assert_same_distribution,
    assert_same_moments,
    sample,
)
from tests.helpers.networks import (
    Parts,
    centred,
    sampler_of,
    sampler_with,
    small_network,
    table_of_effects,
)

MASK = np.eye(20, 3, dtype=bool) | (np.arange(20)[:, None] % 7 == np.arange(3))
COMPLETE = {"missing": 0.0, "missing_y": 0, "uninformative": 0}
UPDATES = {  # options that lead to them
    BlockedSweep: {"by_rows": True, "weighted": True},
    OneColumnSweep: {"by_rows": True, "n_observed": 1, "direct_prior": None},
    CrossProductSweep: {"n": 40, "missing": 0.2},
    ConnectionSweep: {"mask": MASK, "p": 20, "n_observed": 3},
    ConnectionCrossProductSweep: COMPLETE | {"mask": MASK, "p": 20, "n_observed": 3, "n": 40},
}
PRIORS = [
    BayesA(scale=0.2),
    BayesB(scale=0.2),
    BayesC(scale=0.2),
    BayesL(shape=4.0, rate=0.4),
    BayesR(scale=0.3),
]
FIXED = [
    BayesC(pi=0.3, estimate_pi=False, scale=0.2, estimate_variance=False),
    BayesB(pi=0.3, estimate_pi=False, scale=0.2, estimate_variance=False),
    RRBLUP(scale=0.2, estimate_variance=False),
]


def grouped(prior, n_groups, p):
    return GroupedPrior({str(g): prior for g in range(n_groups)}, np.arange(p) % n_groups)


def trace(kind, prior, n_groups):
    """Return all effects and variances of 20 iterations, without groups if there are none.

    The starting weights depend on how many groups there are, so two groups are of SNPs alone.
    """
    rng = np.random.default_rng(4)
    options = {"p": 12, "n_observed": 2} | UPDATES[kind]
    by_rows, p, n_nodes = options.pop("by_rows", False), options["p"], options["n_observed"]
    of_snps, of_weights = prior, prior
    if n_groups:
        of_snps = grouped(prior, n_groups, p)
        of_weights = grouped(prior, 1, n_nodes) if n_groups == 1 else prior
    options = {"direct_prior": of_snps} | options
    model = small_network(rng, snp_prior=of_snps, weight_prior=of_weights, **options)
    joint = prior.jointly_normal
    sampler = sampler_with(model, kind) if joint else sampler_of(model, by_rows, n_moves=0)
    assert kind in map(type, sampler.snp_updates)

    def values(chain):
        parts = Parts(chain)
        states = [part for part in (parts.snp, parts.weights, parts.direct) if part]
        arrays = [state.effects for state in states]
        arrays += [parts.omics.residual_variance, parts.phenotype.residual_variance]
        return np.concatenate([array.ravel() for array in arrays])

    drawn = sample(sampler, values, 20, rng, burn_in=0)
    assert (drawn != 0).any(axis=0).mean() > 0.8
    return drawn


@pytest.mark.parametrize("kind", UPDATES)
@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: type(prior).__name__)
def test_one_group_is_no_groups_to_the_bit(kind, prior):
    """Hyperparameters included: effects depend on them."""
    assert_array_equal(trace(kind, prior, 1), trace(kind, prior, 0))


@pytest.mark.parametrize("kind", UPDATES)
@pytest.mark.parametrize("prior", FIXED[:2], ids=lambda prior: type(prior).__name__)
def test_equal_groups_without_hyperparameters_are_no_groups_to_the_bit(kind, prior):
    assert_array_equal(trace(kind, prior, 2), trace(kind, prior, 0))


def test_equal_rr_blup_groups_are_no_groups_to_the_bit():
    assert_array_equal(trace(BlockedSweep, FIXED[2], 2), trace(BlockedSweep, FIXED[2], 0))


VARIANCES = np.array([0.02, 0.2])


def two_penalties(p):
    """Return RR-BLUP with a variance for even and one for odd predictors, and these of each."""
    priors = {f"{v:g}": RRBLUP(scale=v, estimate_variance=False) for v in VARIANCES}
    return GroupedPrior(priors, np.arange(p) % 2), VARIANCES[np.arange(p) % 2]


def ridge_posterior(X, y, variances):
    """Return mean and covariance of effects under a flat intercept."""
    X, y = X - X.mean(axis=0), y - y.mean()
    covariance = np.linalg.inv(X.T @ X / S2 + np.diag(1 / variances))
    return covariance @ X.T @ y / S2, covariance


@pytest.mark.parametrize("by_rows", [True, False])
def test_two_groups_of_snps_are_ridge_with_two_penalties(by_rows):
    rng = np.random.default_rng(5)
    prior, variances = two_penalties(6)
    model = small_network(
        rng, n=20, p=6, n_observed=0, direct_prior=prior, residual_prior=FIXED_RESIDUAL, **COMPLETE
    )
    draws = sample(
        sampler_of(model, by_rows), lambda c: Parts(c).direct.effects[:, 0].copy(), 3000, rng
    )
    mean, covariance = ridge_posterior(centred(model.genotypes), model.y, variances)
    assert_same_moments(draws, mean, covariance, ess_factor=0.3)


def test_two_groups_of_omics_are_ridge_with_two_penalties():
    """Omics are complete, so that nothing else moves; the joint draw is exact."""
    rng = np.random.default_rng(6)
    prior, variances = two_penalties(5)
    model = small_network(
        rng, n=30, n_observed=5, weight_prior=prior, residual_prior=FIXED_RESIDUAL, **COMPLETE
    )
    draws = sample(sampler_of(model), lambda c: Parts(c).weights.effects[:, 0].copy(), 2000, rng)
    mean, covariance = ridge_posterior(model.omics, model.y, variances)
    assert_same_moments(draws, mean, covariance, ess_factor=0.9)


def test_gblup_of_a_group_is_rr_blup_of_its_scaled_snps():
    """The variance of an effect per allele is v over the expected variance of the SNP."""
    rng = np.random.default_rng(7)
    model = small_network(rng, n=40, p=6, n_observed=0, direct_prior=RRBLUP())
    scale = np.sqrt(model.genotypes.expected_variance)
    priors = {"a": GBLUP(), "b": RRBLUP()}
    prior = GroupedPrior(priors, np.arange(6) % 2, 1 / scale)
    model = small_network(np.random.default_rng(7), n=40, p=6, n_observed=0, direct_prior=prior)
    sampler = sampler_of(model)
    state = starting_state(sampler, rng).layers["phenotype"].terms["direct_effects"]
    variances = prior.effect_variances(state.hyper, np.ones(1))[:, 0]
    own = np.arange(6) % 2 == 0
    assert_allclose(variances[own] * scale[own] ** 2, variances[0] * scale[0] ** 2)
    # Each group explains half of r2 = 0.5 a priori.
    explained = variances * model.genotypes.variance
    assert_allclose([explained[own].sum(), explained[~own].sum()], 0.25)


class Watching(Interweaving):
    """Moves of groups that compare every gain with the log likelihood by definition."""

    def __init__(self, sampler, chain, X):
        super().__init__(2)
        self.sampler, self.chain, self.X, self.n_seen = sampler, chain, X, {}

    def _draw(self, prior, part, unexplained, rng, tuning):
        term = next(
            term
            for update in self.sampler.snp_updates
            for term in update.terms
            if any(part.state.hyper is h for h in term.of(self.chain).hyper.groups.values())
        )
        members = part.state.hyper.layout.members

        def gain_of(effects):
            """Return what all effects gain where those of the group become `effects`."""
            changed = term.of(self.chain).effects.copy()
            present = changed.copy()
            present[members], changed[members] = part.state.effects, effects
            return self.log_likelihood(term, changed) - self.log_likelihood(term, present)

        def check(effects, expected):
            gain = gain_of(effects)
            assert_allclose(expected / part.residual_variance, gain, rtol=1e-7, atol=1e-7)
            name = type(prior).__name__
            self.n_seen[name] = self.n_seen.get(name, 0) + np.count_nonzero(gain)

        weigh, weigh_scale = unexplained.weigh, unexplained.weigh_scale

        def watched(change):
            gain, *of_scales = weigh(change)
            effects = part.state.effects.copy()
            effects.reshape(-1)[change.entries] = change.values
            check(effects, gain)
            linear, quadratic = of_scales[2:]
            check(1.3 * effects, gain + 0.3 * linear - 0.5 * 0.3**2 * quadratic)
            return gain, *of_scales

        def watched_scale():
            linear, quadratic = weigh_scale()
            check(1.3 * part.state.effects, 0.3 * linear - 0.5 * 0.3**2 * quadratic)
            return linear, quadratic

        unexplained.weigh, unexplained.weigh_scale = watched, watched_scale
        super()._draw(prior, part, unexplained, rng, tuning)

    def log_likelihood(self, term, effects):
        """Return that of a term's layer, (C,), from the rows."""
        layer, state = self.sampler.network.layer(term.layer), self.chain.layers[term.layer]
        mean = 0.0
        for other in layer.terms:
            if other.acts_by_snps:
                table = table_of_effects(self.sampler, other, self.chain, None)
                if other is term:
                    table = effects
                    if effects.ndim == 1:
                        table = term.connections.table(effects).toarray()
                mean = mean + self.X @ table
            elif other.source:
                activated = other.activation.value(self.chain.layers[other.source].response)
                mean = mean + activated @ state.terms[other.name].effects
            else:
                mean = mean + state.terms[other.name].coefficients[0]
        squares = layer.row_weight[:, None] * (state.response - mean) ** 2
        return -0.5 * squares.sum(axis=0) / state.residual_variance


@pytest.mark.parametrize("kind", [k for k in UPDATES if k is not ConnectionCrossProductSweep])
def test_gains_of_moves_of_groups_are_differences_of_the_log_likelihood(kind):
    """And what is maintained stays what its definition says."""
    rng = np.random.default_rng(8)
    options = {"p": 12, "n_observed": 2} | UPDATES[kind]
    by_rows, p = options.pop("by_rows", False), options["p"]
    priors = {"a": BayesC(scale=0.2), "b": RRBLUP(scale=0.1), "c": BayesR(scale=0.3)}
    prior = GroupedPrior(priors, np.arange(p) % 3)
    model = small_network(rng, snp_prior=prior, **{"direct_prior": prior} | options)
    sampler = sampler_of(model, by_rows)
    chain = starting_state(sampler, rng)
    for _ in range(5):
        sampler.iterate(chain, rng, tuning=True)
    X = centred(model.genotypes)
    watching = Watching(sampler, chain, X)
    for _ in range(15):
        for update in sampler.snp_updates:
            update.draw(chain, sampler.residuals, rng, watching, tuning=False)
            assert_maintained(sampler, chain, X, model.covariates, 1e-9)
    assert watching.n_seen.keys() == {"BayesC", "RRBLUP", "BayesR"}
    assert min(watching.n_seen.values()) >= 5


@pytest.mark.slow
def test_posterior_of_groups_is_that_without_moves():
    priors = {"a": BayesC(scale=0.2), "b": RRBLUP(scale=0.1)}
    draws = []
    for n_moves in (0, 2):
        rng = np.random.default_rng(1)
        prior = GroupedPrior(priors, np.arange(12) % 2)
        model = small_network(rng, n=60, p=12, n_observed=0, direct_prior=prior, uninformative=0)
        sampler = Sampler(model.network(), n_moves=n_moves)

        def quantities(chain):
            state = Parts(chain).direct
            a, b = state.hyper.groups.values()
            log_variances = np.log([a.variance[0, 0], b.variance[0, 0]])
            return np.array([a.weights[0, 0], *log_variances, *np.abs(state.effects[:2, 0])])

        draws.append(sample(sampler, quantities, 4000, np.random.default_rng(n_moves)))
    assert_same_distribution(*draws)
