"""The variances of RR-BLUP, drawn with the effects integrated out, against numerical quadrature."""

from itertools import product

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from sknnmm.priors import RRBLUP, ScaledInverseChi2
from sknnmm.sampling.snp.spectral import SpectralDraw
from tests.helpers.moments import sample
from tests.helpers.networks import Parts, centred, sampler_of, small_network

KINDS = {"both": (True, True), "v fixed": (False, True), "s2 fixed": (True, False)}
GRID = np.linspace(-7, 5, 241)  # of the logarithms


def log_likelihood(model):
    """Return log p(y | v, s2) on the grid (log v, log s2), the intercept integrated out."""
    rows = model.y_observed
    X, y, weight = centred(model.genotypes)[rows], model.y[rows], model.y_weight[rows]
    root = np.sqrt(weight)
    contrasts = np.linalg.qr(root[:, None], mode="complete")[0][:, 1:].T  # without the intercept
    of_snps = contrasts @ (root[:, None] * X)
    values, vectors = np.linalg.eigh(of_snps @ of_snps.T)
    squares = (vectors.T @ contrasts @ (root * y)) ** 2
    v, s2 = np.exp(GRID)[:, None, None], np.exp(GRID)[None, :, None]
    variances = v * np.maximum(values, 0) + s2
    return -0.5 * (np.log(variances) + squares / variances).sum(axis=-1)


def moments(log_v, log_s2):
    """Return the functions that are compared."""
    return np.array(
        [log_v, log_s2, log_v**2, log_s2**2, log_v * log_s2, log_v > -2.025, log_s2 > -0.525]
    )


def exact_moments(model):
    """Return their posterior means."""
    density = log_likelihood(model)
    for axis, prior in enumerate((model.direct_prior, model.residual_prior)):
        if prior.estimate_variance:  # the density of the logarithm
            of_prior = -0.5 * prior.df * (GRID + prior.scale * np.exp(-GRID))
        else:
            of_prior = np.where(np.abs(GRID - np.log(prior.scale)) < 1e-9, 0, -np.inf)
        density = density + np.expand_dims(of_prior, 1 - axis)
    weights = np.exp(density - density.max())
    values = moments(*np.meshgrid(GRID, GRID, indexing="ij"))
    return (values * weights).sum(axis=(1, 2)) / weights.sum()


SHAPES = {"long": (6, False), "long, weighted": (6, True), "wide": (30, True)}
CASES = list(product(("sums", "rows"), SHAPES, KINDS))


def is_rare(source, shape, kind):
    """Return whether a case has little of its own: it is then in the slow tier alone."""
    return shape == "long" or (source == "rows" and kind != "both")


@pytest.mark.parametrize(
    ("source", "shape", "kind"),
    [pytest.param(*case, marks=[pytest.mark.slow] if is_rare(*case) else []) for case in CASES],
)
def test_variances_have_their_marginal_posterior(source, shape, kind):
    """And draws of them are nearly independent."""
    by_rows, (p, weighted) = source == "rows", SHAPES[shape]
    rng = np.random.default_rng(p)
    of_effects, of_residuals = KINDS[kind]
    model = small_network(
        rng,
        n=20,
        p=p,
        n_observed=0,
        missing_y=3,
        uninformative=0,
        weighted=weighted,
        direct_prior=RRBLUP(df=4, scale=np.exp(GRID[100]), estimate_variance=of_effects),
        residual_prior=ScaledInverseChi2(
            df=4, scale=np.exp(GRID[130]), estimate_variance=of_residuals
        ),
    )
    sampler = sampler_of(model, by_rows)
    (update,) = sampler.snp_updates
    assert isinstance(update, SpectralDraw) and update.keeps_fit == by_rows

    def variances(chain):
        parts = Parts(chain)
        return np.log([parts.direct.hyper.variance[0, 0], parts.phenotype.residual_variance[0]])

    draws = moments(*sample(sampler, variances, 4000, rng, burn_in=20).T)
    unknown = np.ptp(draws, axis=1) > 0
    assert unknown.sum() >= 2
    drawn, exact = draws[unknown], exact_moments(model)
    ess = array_stats.ess(drawn[:, None], method="mean", chain_axis=1, draw_axis=2)
    z = (drawn.mean(axis=1) - exact[unknown]) / (drawn.std(axis=1) / np.sqrt(ess))
    assert np.abs(z).max() < stats.norm.isf(1e-4 / 2 / len(z)), z.round(1)
    np.testing.assert_allclose(draws[~unknown].mean(axis=1), exact[~unknown], atol=1e-6)
    assert ess[:2].min() > 0.4 * 4000
