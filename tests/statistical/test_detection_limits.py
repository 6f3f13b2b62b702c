"""Omics below their detection limit: exact distributions by quadrature, limits that say nothing.

Joint distributions are in test_joint_distribution.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import log_ndtr
from scipy.stats import norm

from sknnmm.priors import RRBLUP, ScaledInverseChi2
from sknnmm.sampling.missing.elliptical_slice import SliceMissingOmics
from sknnmm.sampling.missing.exact import ExactMissingOmics
from sknnmm.sampling.missing.hamiltonian import HamiltonianMissingOmics
from tests.helpers.missing_omics import draw_missing
from tests.helpers.moments import assert_expectations, assert_same_distribution, sample
from tests.helpers.networks import Parts, sampler_of, small_network

UPPER = np.array([  # of three omics; the first three rows are observed, the last lacks y
    *[[np.inf, np.inf, np.inf]] * 3,
    [-0.5, np.inf, np.inf],
    [-0.5, 0.5, np.inf],
    [0.0, 0.3, np.inf],
    [-1.0, -1.0, -1.0],
    [-4.0, np.inf, np.inf],  # far out in the tail of what y and genotypes expect
    [-4.0, 0.0, np.inf],
    [1.0, np.inf, np.inf],
    [-1.0, 0.5, np.inf],
])  # fmt: skip


def network_below(**options):
    """Return a network whose other omics are missing, or below the bounds of UPPER."""
    rng = np.random.default_rng(0)
    model = small_network(
        rng, n=len(UPPER), n_observed=3, missing=1.0, missing_y=1, uninformative=0, **options
    )
    return replace(model, omics_limits=UPPER)


def products(cells):
    """Return the values of cells (..., K), and of all products of two of them."""
    first, second = np.triu_indices(cells.shape[-1])
    return np.concatenate([cells, cells[..., first] * cells[..., second]], axis=-1)


def expected_products(model, parts, row):
    """Return their expectations over the cells of a row given everything else, by quadrature."""
    eta = parts.snp.fit[row]
    s2 = parts.omics.residual_variance
    middles = (np.arange(60) + 0.5) / 60
    points = []
    for centre, sd, bound in zip(eta, np.sqrt(s2), UPPER[row], strict=True):
        last = min(bound, centre + 7 * sd)
        first = min(centre, last) - (7 if last > centre - sd else 3) * sd
        points.append(first + (last - first) * middles)
    grid = np.stack(np.meshgrid(*points, indexing="ij"), axis=-1).reshape(-1, 3)
    fitted = model.activation.value(grid) @ parts.weights.effects[:, 0]
    log_weight = -0.5 * (model.y[row] - fitted) ** 2 / parts.phenotype.residual_variance[0]
    log_weight -= 0.5 * ((grid - eta) ** 2 / s2).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    return weight @ products(grid) / weight.sum()


@pytest.mark.parametrize(
    ("kind", "activation"),
    [
        (ExactMissingOmics, "linear"),
        (HamiltonianMissingOmics, "tanh"),
        (SliceMissingOmics, "relu"),
        pytest.param(HamiltonianMissingOmics, "linear", marks=pytest.mark.slow),
        pytest.param(SliceMissingOmics, "linear", marks=pytest.mark.slow),
        pytest.param(SliceMissingOmics, "tanh", marks=pytest.mark.slow),
    ],
)
def test_cells_below_limits_match_quadrature(kind, activation):
    """Means, and means of all products, of the cells of every row, everything else fixed."""
    model = network_below(activation=activation)
    draws, parts, update = draw_missing(kind, model, n_iter=2500)
    for row in update.rows:
        cells = draws[:, update.coupled.rows == row]
        assert (cells <= UPPER[row]).all()
        assert_expectations(products(cells), expected_products(model, parts, row), alpha=1e-5)


@pytest.mark.parametrize(
    "kind",
    [
        ExactMissingOmics,
        pytest.param(SliceMissingOmics, marks=pytest.mark.slow),
        pytest.param(HamiltonianMissingOmics, marks=pytest.mark.slow),
    ],
)
def test_limits_far_above_say_nothing(kind):
    """The same distribution; in slices, where rounding stays what it is, the same draws."""
    model = network_below(activation="linear" if kind is ExactMissingOmics else "tanh")
    missing = replace(model, omics_limits=np.full(UPPER.shape, np.inf))
    upper = np.where(np.isfinite(UPPER), 60.0, np.inf)
    upper[-1] = np.inf  # without y: drawn from the prior, with other random numbers
    high = replace(model, omics_limits=upper)
    first, second = (draw_missing(kind, each, n_iter=800)[0] for each in (missing, high))
    if kind is SliceMissingOmics:
        assert_allclose(first, second, rtol=1e-6, atol=1e-6)
    assert_same_distribution(products(first)[:, :60], products(second)[:, :60])


def test_posterior_of_a_tiny_network_matches_quadrature():
    """One SNP, one omic: some values below the limit, one missing, one phenotype missing."""
    rng = np.random.default_rng(3)
    variance = RRBLUP(scale=0.4, estimate_variance=False)
    fixed = ScaledInverseChi2(scale=0.5, estimate_variance=False)
    model = small_network(
        rng,
        n=9,
        p=1,
        n_observed=1,
        missing=0.0,
        missing_y=1,
        uninformative=0,
        snp_prior=variance,
        weight_prior=variance,
        residual_prior=fixed,
        intercept_variance=0.5,
    )
    limit = -0.2
    omics, upper = model.omics.copy(), np.full(model.omics.shape, np.inf)
    omics[[3, 4, 5, 8]] = np.nan
    upper[[3, 4, 8]] = limit
    model = replace(model, omics=omics, omics_limits=upper)

    def quantities(chain):
        parts = Parts(chain)
        effects = sampler.update_of(sampler.layers[0].terms[0]).snp_effects(parts.snp, rng)
        values = np.concatenate([
            parts.omics_fixed.coefficients.ravel(),
            effects.ravel(),
            parts.fixed.coefficients.ravel(),
            parts.weights.effects.ravel(),
        ])  # fmt: skip
        return np.concatenate([values, values**2])

    sampler = sampler_of(model)
    draws = sample(sampler, quantities, 4000, rng)
    assert_expectations(draws, quadrature_of_tiny_network(model, limit), alpha=1e-4)


def quadrature_of_tiny_network(model, limit):
    """Return posterior means, and those of squares, of node intercept, b, intercept, w."""
    s2 = 0.5
    x = model.genotypes.dosages[:, 0] - model.genotypes.mean[0]
    prior_sd = np.sqrt([0.5, 0.4, 0.5, 0.4])
    axes = [np.linspace(-3.5, 3.5, 24) * sd for sd in prior_sd]
    mu, b, m, w = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    log_density = sum(-0.5 * (v / sd) ** 2 for v, sd in zip((mu, b, m, w), prior_sd, strict=True))
    for i in range(len(x)):
        eta, z, y = mu + x[i] * b, model.omics[i, 0], model.y[i]
        if not np.isnan(z):
            log_density += norm.logpdf(z, eta, np.sqrt(s2))
            if not np.isnan(y):
                log_density += norm.logpdf(y, m + w * z, np.sqrt(s2))
            continue
        centre, spread = eta, s2  # of the omic, given y
        if not np.isnan(y):
            total = w * w * s2 + s2
            log_density += norm.logpdf(y, m + w * eta, np.sqrt(total))
            centre = eta + s2 * w / total * (y - m - w * eta)
            spread = s2 - (s2 * w) ** 2 / total
        if np.isfinite(model.omics_limits[i, 0]):
            log_density += log_ndtr((limit - centre) / np.sqrt(spread))
    density = np.exp(log_density - log_density.max())
    values = np.array([mu, b, m, w])
    return np.concatenate([values, values**2]) @ density / density.sum()
