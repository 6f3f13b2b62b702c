"""Two ways to the same posterior agree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.single_site import SingleSiteSweep
from sknnmm.genotypes import Genotypes
from sknnmm.priors import GBLUP, RRBLUP, BayesA, BayesB, BayesC, BayesR
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.missing.missing_omics import (
    ExactMissingOmics,
    HamiltonianMissingOmics,
    SliceMissingOmics,
    leapfrog,
)
from sknnmm.sampling.snp.blocked import BlockedSweep
from tests.helpers.moments import (
    FIXED_RESIDUAL,
    assert_same_distribution,
    assert_same_moments,
    sample,
)
from tests.helpers.networks import small_network


def test_sweeps_agree_with_single_site_sampling():
    """The plain sampler of the benchmarks has the law of ours."""
    draws = []
    for kind in (SingleSiteSweep, BlockedSweep):
        rng = np.random.default_rng(0)
        model = small_network(rng, direct_prior=BayesC(df=8, scale=0.1), missing_y=3)
        sampler = Sampler(model)
        sampler.snp_updates = [kind(model, sampler.paths)]

        def quantities(chain):
            effects = np.concatenate([chain.snp.effects[:3].ravel(), chain.direct.effects[:3, 0]])
            return np.concatenate([effects, np.log(chain.omics_residual_variance)])

        draws.append(sample(sampler, quantities, 2500, rng))
    assert_same_distribution(*draws)


SAME_PRIORS = {
    "BayesC(pi=0) = RR-BLUP": (
        BayesC(pi=0.0, estimate_pi=False, df=8, scale=0.1),
        RRBLUP(df=8, scale=0.1),
    ),
    "BayesB(pi=0) = BayesA": (
        BayesB(pi=0.0, estimate_pi=False, df=8, scale=0.1, estimate_scale=False),
        BayesA(df=8, scale=0.1, estimate_scale=False),
    ),
    "BayesR(0, 1) = BayesC": (
        BayesR(components=(0, 1), df=8, scale=0.1),
        BayesC(df=8, scale=0.1),
    ),
}


@pytest.mark.parametrize("case", SAME_PRIORS)
def test_special_cases_of_priors(case):
    draws = []
    for prior in SAME_PRIORS[case]:
        rng = np.random.default_rng(5)
        model = small_network(rng, direct_prior=prior, snp_prior=prior, n=18)
        sampler = Sampler(model)

        def quantities(chain, sampler=sampler, rng=rng):
            values = [
                np.log(state.hyper.variance).mean(axis=0) for state in (chain.snp, chain.direct)
            ]
            for update in sampler.snp_updates:
                for path in update.paths:
                    effects = update.snp_effects(path.state(chain), rng)
                    values.append(effects[:3].ravel().copy())
            return np.concatenate(values)

        draws.append(sample(sampler, quantities, 2500, rng))
    # Paths come in the same order from both: SNPs on nodes, then direct.
    assert_same_distribution(*draws)


@pytest.mark.parametrize("p", [6, 40])
def test_gblup_is_rr_blup_on_scaled_snps(p):
    """The same random numbers give the same effects, per allele instead of per scaled SNP."""
    effects = []
    for scaled in (False, True):
        rng = np.random.default_rng(0)
        prior = RRBLUP(df=8, scale=0.1) if scaled else GBLUP(df=8, scale=0.1)
        model = small_network(rng, p=p, n=20, snp_prior=prior, direct_prior=prior)
        mean = model.genotypes.mean
        sd = np.sqrt(mean * (1 - mean / 2))
        if scaled:
            X = np.asfortranarray(model.genotypes.dosages / sd)
            object.__setattr__(model, "genotypes", Genotypes(X))
        sampler = Sampler(model)
        chain = starting_state(sampler, np.random.default_rng(1))
        rng = np.random.default_rng(2)
        for _ in range(5):
            sampler.iterate(chain, rng, tuning=False)
        # The sign of a singular vector is free: compare fits, which do not depend on it in law.
        fits = [chain.snp.fit[model.informative], chain.direct.fit[model.y_observed]]
        effects.append((sampler.snp_updates[0].basis.squared, sampler, chain, fits, sd))
    (gblup, _, chain, _, sd), (rr, *_) = effects
    assert_allclose(gblup, rr, rtol=1e-9)
    update = effects[0][1].snp_updates[0]
    b = update.snp_effects(chain.snp, np.random.default_rng(3))
    raw = update.basis.effects(
        chain.snp.effects, chain.snp.hyper.variance[0], np.random.default_rng(3)
    )
    assert_allclose(b, raw / sd[:, None], rtol=1e-9, atol=1e-12)


def draw_missing(kind, model, n_iter=4000):
    """Return draws of the missing omics with everything else fixed."""
    rng = np.random.default_rng(7)
    sampler = Sampler(model)
    chain = starting_state(sampler, rng)
    chain.weights.effects[:, 0] = [1.2, -0.8, 0.5][: model.n_nodes]
    chain.residual_variance[:] = 0.3
    chain.snp.fit[:] = np.random.default_rng(1).standard_normal(chain.snp.fit.shape)
    update = kind(model)
    draws = []
    for iteration in range(500 + n_iter):
        update.draw(chain, rng, iteration < 500)
        if iteration >= 500:
            draws.append(update._coupled.of(chain.omics))
    return np.array(draws), chain, update


def exact_moments(model, chain, row):
    """Return mean and covariance of the missing omics of one row given y (linear activation)."""
    missing = ~model.omics_observed[row]
    w = chain.weights.effects[:, 0]
    prior_mean = chain.omics_mean()[row, missing]
    prior = np.diag(chain.omics_residual_variance[missing])
    w_missing = w[missing]
    rest = model.y[row] - model.omics[row, ~missing] @ w[~missing]
    residual_variance = chain.residual_variance[0] / model.y_weight[row]
    gain = prior @ w_missing / (w_missing @ prior @ w_missing + residual_variance)
    mean = prior_mean + gain * (rest - w_missing @ prior_mean)
    return mean, prior - np.outer(gain, w_missing @ prior)


@pytest.mark.parametrize("kind", [ExactMissingOmics, HamiltonianMissingOmics, SliceMissingOmics])
@pytest.mark.parametrize("weighted", [False, True])
def test_missing_omics_follow_their_normal_law(kind, weighted):
    """Mean, variance and covariance for the linear activation, row by row."""
    model = small_network(
        np.random.default_rng(0), n_observed=3, missing=0.6, n=16, weighted=weighted
    )
    draws, chain, update = draw_missing(kind, model)
    factor = 0.9 if kind is ExactMissingOmics else 0.3
    n_tested = 0
    for row in update._rows:
        cells = update._coupled.rows == row
        mean, covariance = exact_moments(model, chain, row)
        assert_same_moments(draws[:, cells], mean, covariance, ess_factor=factor, alpha=1e-5)
        n_tested += cells.sum() > 1
    assert n_tested >= 3  # rows where covariances matter


@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid", "softplus", "leaky_relu"])
def test_hmc_gradient_is_that_of_its_potential(activation):
    """Central differences, cell by cell."""
    rng = np.random.default_rng(0)
    model = small_network(rng, n_observed=3, missing=0.6, n=16, activation=activation)
    sampler = Sampler(model)
    chain = starting_state(sampler, rng)
    for _ in range(3):
        sampler.iterate(chain, rng, tuning=True)
    chain.weights.effects[:, 0] = [1.2, -0.8, 0.5]
    update = HamiltonianMissingOmics(model)
    mean, sd = update._prior(chain, update._coupled)
    potential, gradient = update.potential(chain, mean, sd)
    u = rng.standard_normal(mean.shape)
    step = 1e-5
    differences = [
        (potential(u + step * cell) - potential(u - step * cell)).sum() / (2 * step)
        for cell in np.eye(len(u))
    ]
    assert_allclose(gradient(u), differences, rtol=1e-7, atol=1e-8)
    assert np.abs(gradient(u) - u).max() > 0.1  # y matters


def test_hmc_tunes_towards_its_target_and_then_freezes():
    model = small_network(np.random.default_rng(0), n_observed=3, missing=0.6, n=40)
    _, chain, update = draw_missing(HamiltonianMissingOmics, model, n_iter=10)
    step = chain.step_size.value
    assert 0.2 < step < 2.5
    rng = np.random.default_rng(0)
    update.draw(chain, rng, False)
    assert chain.step_size.value == step


@pytest.mark.parametrize("kind", [HamiltonianMissingOmics, SliceMissingOmics])
@pytest.mark.parametrize("activation", ["tanh", "softplus", "relu"])
def test_missing_omics_match_quadrature(activation, kind):
    """One missing omic per row: mean and variance against numerical integration."""
    model = small_network(
        np.random.default_rng(0), n_observed=1, missing=1.0, n=10, activation=activation
    )
    draws, chain, update = draw_missing(kind, model, n_iter=5000)
    grid = np.linspace(-12, 12, 20_001)
    w, s2 = chain.weights.effects[0, 0], chain.residual_variance[0]
    for cell, row in enumerate(update._rows):
        eta = chain.omics_mean()[row, 0]
        log_density = -0.5 * (grid - eta) ** 2 / chain.omics_residual_variance[0]
        log_density -= 0.5 * (model.y[row] - w * model.activation.value(grid)) ** 2 / s2
        density = np.exp(log_density - log_density.max())
        density /= density.sum()
        mean = density @ grid
        variance = density @ (grid - mean) ** 2
        assert_same_moments(
            draws[:, [cell]], [mean], np.array([[variance]]), ess_factor=0.15, alpha=1e-5
        )


def test_leapfrog_is_reversible_and_conserves_energy():
    rng = np.random.default_rng(0)
    start, momentum = rng.standard_normal((2, 50))

    def energy(u, r):
        return (0.25 * u**4 + 0.5 * u**2 + 0.5 * r**2).sum()

    def gradient(u):
        return u**3 + u

    end, end_momentum = leapfrog(gradient, start, momentum, 0.05, 20)
    back, back_momentum = leapfrog(gradient, end, -end_momentum, 0.05, 20)
    assert_allclose(back, start, atol=1e-12)
    assert_allclose(-back_momentum, momentum, atol=1e-12)
    errors = []
    for halvings in (1, 2):
        step = 0.05 / halvings
        moved = leapfrog(gradient, start, momentum, step, 20 * halvings)
        errors.append(abs(energy(*moved) - energy(start, momentum)))
    assert 3 < errors[0] / errors[1] < 5  # second order
    assert errors[1] < 0.02


def test_complete_omics_separate_the_layers():
    """With no omic missing, y cannot reach the SNP effects on the omics."""
    drawn = []
    for shift in (0.0, 1.0):
        rng = np.random.default_rng(0)
        model = small_network(rng, missing=0.0, missing_y=0, uninformative=0, n=20)
        model.y[:] = model.y * (1 + shift)
        model = type(model)(**{f: getattr(model, f) for f in model.__dataclass_fields__})
        sampler = Sampler(model)
        draws = sample(
            sampler,
            lambda c: np.append(c.snp.effects.ravel(), np.log(c.omics_residual_variance)),
            3000,
            np.random.default_rng(int(shift)),
        )
        drawn.append(draws)
    assert_same_distribution(*drawn)


def test_fixed_residual_variance_stays():
    rng = np.random.default_rng(0)
    model = small_network(rng, residual_prior=FIXED_RESIDUAL)
    draws = sample(
        Sampler(model), lambda c: np.append(c.omics_residual_variance, c.residual_variance), 5, rng
    )
    assert_allclose(draws, FIXED_RESIDUAL.scale)
