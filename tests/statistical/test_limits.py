"""Two ways to the same posterior agree."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.single_site import SingleSiteSweep
from sknnmm.priors import GBLUP, RRBLUP, BayesA, BayesB, BayesC, BayesR
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.missing.elliptical_slice import SliceMissingOmics
from sknnmm.sampling.missing.exact import ExactMissingOmics
from sknnmm.sampling.missing.hamiltonian import HamiltonianMissingOmics, leapfrog
from sknnmm.sampling.missing.step_size import TARGET_ACCEPTANCE
from sknnmm.sampling.missing.whitening import Whitening
from sknnmm.sampling.snp.blocked import BlockedSweep
from tests.helpers.missing_omics import draw_missing, missing_update
from tests.helpers.moments import (
    FIXED_RESIDUAL,
    assert_same_distribution,
    assert_same_moments,
    sample,
)
from tests.helpers.networks import (
    Parts,
    sampler_of,
    sampler_with,
    small_network,
    snp_terms,
    table_of_effects,
    with_dosages,
)


@pytest.mark.slow
def test_sweeps_agree_with_single_site_sampling():
    """The plain sampler of the benchmarks has the same posterior as ours."""
    draws = []
    for kind in (SingleSiteSweep, BlockedSweep):
        rng = np.random.default_rng(0)
        model = small_network(rng, direct_prior=BayesC(df=8, scale=0.1), missing_y=3)

        def quantities(chain):
            parts = Parts(chain)
            effects = [parts.snp.effects[:3].ravel(), parts.direct.effects[:3, 0]]
            return np.concatenate([*effects, np.log(parts.omics.residual_variance)])

        draws.append(sample(sampler_with(model, kind), quantities, 2500, rng))
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


@pytest.mark.slow
@pytest.mark.parametrize("case", SAME_PRIORS)
def test_special_cases_of_priors(case):
    draws = []
    for prior in SAME_PRIORS[case]:
        rng = np.random.default_rng(5)
        model = small_network(rng, direct_prior=prior, snp_prior=prior, n=18)
        sampler = sampler_of(model)

        def quantities(chain, sampler=sampler, rng=rng):
            values = []
            for term in snp_terms(sampler.network):
                effects = table_of_effects(sampler, term, chain, rng)
                variances = np.log(term.of(chain).hyper.variance).mean(axis=0)
                values += [effects[:3].ravel().copy(), variances]
            return np.concatenate(values)

        draws.append(sample(sampler, quantities, 2500, rng))
    assert_same_distribution(*draws)


@pytest.mark.slow
@pytest.mark.parametrize("p", [6, 40])
def test_gblup_is_rr_blup_on_scaled_snps(p):
    """The same bases, and the same distribution of effects per allele, fits and variances."""
    bases, draws = [], []
    for scaled in (False, True):
        rng = np.random.default_rng(0)
        prior = RRBLUP(df=8, scale=0.1) if scaled else GBLUP(df=8, scale=0.1)
        model = small_network(rng, p=p, n=20, snp_prior=prior, direct_prior=prior)
        mean = model.genotypes.mean
        sd = np.sqrt(mean * (1 - mean / 2))
        if scaled:
            model = with_dosages(model, np.asfortranarray(model.genotypes.dosages / sd))
        sampler = sampler_of(model)
        per_allele = 1 / sd[:3, None] if scaled else 1.0

        def quantities(chain, sampler=sampler, rng=rng, per_allele=per_allele):
            values = []
            for term in snp_terms(sampler.network):
                state = term.of(chain)
                effects = table_of_effects(sampler, term, chain, rng)[:3] * per_allele
                values += [effects, state.fit[:3], np.log(state.hyper.variance)]
            return np.concatenate([value.ravel() for value in values])

        draws.append(sample(sampler, quantities, 2500, rng))
        bases.append([update.basis.squared for update in sampler.snp_updates])
    assert_allclose(np.concatenate(bases[0]), np.concatenate(bases[1]), rtol=1e-9)
    assert_same_distribution(*draws)


def exact_moments(model, parts, row):
    """Return mean and covariance of the missing omics of one row given y (linear activation)."""
    missing = ~model.omics_observed[row]
    w = parts.weights.effects[:, 0]
    prior_mean = parts.snp.fit[row, missing]
    prior = np.diag(parts.omics.residual_variance[missing])
    w_missing = w[missing]
    rest = model.y[row] - model.omics[row, ~missing] @ w[~missing]
    residual_variance = parts.phenotype.residual_variance[0] / model.y_weight[row]
    gain = prior @ w_missing / (w_missing @ prior @ w_missing + residual_variance)
    mean = prior_mean + gain * (rest - w_missing @ prior_mean)
    return mean, prior - np.outer(gain, w_missing @ prior)


@pytest.mark.parametrize(
    "kind",
    [
        ExactMissingOmics,
        HamiltonianMissingOmics,
        pytest.param(SliceMissingOmics, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_missing_omics_follow_their_normal_distribution(kind, weighted):
    """Mean, variance and covariance for the linear activation, row by row."""
    model = small_network(
        np.random.default_rng(0), n_observed=3, missing=0.6, n=16, weighted=weighted
    )
    draws, parts, update = draw_missing(kind, model)
    factor = 0.9 if kind is ExactMissingOmics else 0.3
    n_tested = 0
    for row in update.rows:
        cells = update.coupled.rows == row
        mean, covariance = exact_moments(model, parts, row)
        assert_same_moments(draws[:, cells], mean, covariance, ess_factor=factor, alpha=1e-5)
        n_tested += cells.sum() > 1
    assert n_tested >= 3  # rows where covariances matter


@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid", "softplus", "leaky_relu"])
@pytest.mark.parametrize(("n_phenotypes", "n_below"), [(1, 0), (2, 0), (1, 12)])
def test_hmc_gradient_is_that_of_its_potential(n_phenotypes, n_below, activation):
    """Central differences, cell by cell."""
    rng = np.random.default_rng(0)
    options = {"n_observed": 3, "missing": 0.6, "n": 16, "activation": activation}
    model = small_network(rng, n_below=n_below, **options)
    y = np.column_stack([model.y, model.y**2])
    model = replace(model, y=y[:, :n_phenotypes])
    sampler = sampler_of(model)
    chain = starting_state(sampler, rng)
    for _ in range(3):
        sampler.iterate(chain, rng, tuning=True)
    weights = np.array([[1.2, -0.5], [-0.8, -1.0], [0.5, 0.7]])
    Parts(chain).weights.effects[:] = weights[:, :n_phenotypes]
    update = missing_update(HamiltonianMissingOmics, sampler)
    whitening = Whitening(*update.coupled.prior(Parts(chain).omics), update.coupled.upper)
    potential, gradient = update.potential(chain, whitening)
    u = rng.standard_normal(whitening.mean.shape)
    step = 1e-5
    differences = [
        (potential(u + step * cell) - potential(u - step * cell)).sum() / (2 * step)
        for cell in np.eye(len(u))
    ]
    assert_allclose(gradient(u), differences, rtol=1e-7, atol=1e-8)
    assert np.abs(gradient(u) - u).max() > 0.1  # y matters


@pytest.mark.parametrize("residual_variance", [0.3, 0.03, 0.003])  # best steps 0.76, 0.27, 0.09
def test_hmc_tunes_towards_its_target_and_then_freezes(residual_variance):
    """Held at its average, the step accepts a little more often than while it is tuned.

    Over 36 seeds, 1,000 iterations each accept at a rate of 0.8165 with an SD of 0.0034, which are
    4 SD to either side of this interval.
    """
    model = small_network(np.random.default_rng(0), n_observed=3, missing=0.6, n=40)
    _, parts, _ = draw_missing(HamiltonianMissingOmics, model, 1000, residual_variance)
    assert TARGET_ACCEPTANCE == 0.8
    assert 0.803 < parts.omics.step_size.summary()["acceptance_rate"] < 0.830
    assert parts.omics.step_size.n_updates == 500
    assert parts.omics.step_size.n_frozen == 1000
    assert parts.omics.step_size.value == np.exp(parts.omics.step_size.log_average)


@pytest.mark.parametrize(
    ("activation", "kind"),
    [
        ("tanh", HamiltonianMissingOmics),
        ("relu", SliceMissingOmics),
        *(
            pytest.param(*others, marks=pytest.mark.slow)
            for others in (
                ("tanh", SliceMissingOmics),
                ("softplus", HamiltonianMissingOmics),
                ("softplus", SliceMissingOmics),
                ("relu", HamiltonianMissingOmics),
            )
        ),
    ],
)
def test_missing_omics_match_quadrature(activation, kind):
    """One missing omic per row: mean and variance against numerical integration."""
    model = small_network(
        np.random.default_rng(0), n_observed=1, missing=1.0, n=10, activation=activation
    )
    draws, parts, update = draw_missing(kind, model, n_iter=5000)
    grid = np.linspace(-12, 12, 20_001)
    w, s2 = parts.weights.effects[0, 0], parts.phenotype.residual_variance[0]
    for cell, row in enumerate(update.rows):
        eta = parts.snp.fit[row, 0]
        log_density = -0.5 * (grid - eta) ** 2 / parts.omics.residual_variance[0]
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


@pytest.mark.slow
def test_complete_omics_separate_the_layers():
    """With no omic missing, y cannot reach the SNP effects on the omics."""
    drawn = []
    for shift in (0.0, 1.0):
        rng = np.random.default_rng(0)
        model = small_network(rng, missing=0.0, missing_y=0, uninformative=0, n=20)
        sampler = sampler_of(replace(model, y=model.y * (1 + shift)))

        def quantities(chain):
            parts = Parts(chain)
            return np.append(parts.snp.effects.ravel(), np.log(parts.omics.residual_variance))

        drawn.append(sample(sampler, quantities, 3000, np.random.default_rng(int(shift))))
    assert_same_distribution(*drawn)


def test_fixed_residual_variance_stays():
    rng = np.random.default_rng(0)
    model = small_network(rng, residual_prior=FIXED_RESIDUAL)

    def variances(chain):
        return np.concatenate([layer.residual_variance for layer in chain.layers.values()])

    draws = sample(sampler_of(model), variances, 5, rng)
    assert draws.shape == (5, 3)
    assert_allclose(draws, FIXED_RESIDUAL.scale)
