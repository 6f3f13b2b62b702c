"""The sampler against posteriors known in closed form."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sknnmm.priors import RRBLUP, BayesB, BayesC, BayesR
from sknnmm.priors._layout import DenseLayout
from sknnmm.sampling.snp.blocked import BlockedSweep
from tests.helpers.moments import (
    FIXED_EFFECT_VARIANCE,
    FIXED_RESIDUAL,
    S2,
    V,
    assert_same_moments,
    sample,
)
from tests.helpers.networks import Parts, centred, sampler_of, sampler_with, small_network


def ridge_posterior(X, y, weight):
    """Return mean and covariance of b under a flat intercept, b ~ N(0, V), residual S2 / weight."""
    informative = np.flatnonzero(weight)
    used, weight = X[informative], np.asarray(weight, float)[informative]
    projection = np.diag(weight) - np.outer(weight, weight) / weight.sum()
    precision = used.T @ projection @ used / S2 + np.eye(X.shape[1]) / V
    covariance = np.linalg.inv(precision)
    return covariance @ used.T @ projection @ y[informative] / S2, covariance


@pytest.mark.parametrize(
    ("p", "sweep"),
    [
        pytest.param(6, False, id="spectral, more rows than SNPs"),
        pytest.param(30, False, id="spectral, more SNPs than rows"),
        pytest.param(6, True, id="swept, more rows than SNPs"),
        pytest.param(30, True, id="swept, more SNPs than rows", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_rr_blup_is_ridge(p, sweep, weighted):
    """Mean and covariance of the effects, rows with missing y left out."""
    rng = np.random.default_rng(p)
    model = small_network(
        rng,
        n=20,
        p=p,
        n_observed=0,
        direct_prior=FIXED_EFFECT_VARIANCE,
        residual_prior=FIXED_RESIDUAL,
        missing_y=3,
        weighted=weighted,
    )
    sampler = sampler_with(model, BlockedSweep) if sweep else sampler_of(model)
    (update,) = sampler.snp_updates
    draws = sample(
        sampler, lambda c: update.snp_effects(Parts(c).direct, rng)[:, 0].copy(), 6000, rng
    )
    mean, covariance = ridge_posterior(centred(model.genotypes), model.y, model.y_weight)
    assert_same_moments(draws, mean, covariance, ess_factor=0.3 if sweep else 0.8)


@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_fits_outside_the_likelihood_follow_the_posterior(weighted):
    """x'b of rows without y, which the spectral draw completes without forming b."""
    rng = np.random.default_rng(3)
    model = small_network(
        rng,
        n=20,
        p=40,
        n_observed=0,
        direct_prior=FIXED_EFFECT_VARIANCE,
        residual_prior=FIXED_RESIDUAL,
        missing_y=4,
        uninformative=0,
        weighted=weighted,
    )
    sampler = sampler_of(model)
    (update,) = sampler.snp_updates
    fits = sample(
        sampler, lambda c: update.fit_everywhere(Parts(c).direct, rng)[:, 0].copy(), 6000, rng
    )
    X = centred(model.genotypes)
    mean, covariance = ridge_posterior(X, model.y, model.y_weight)
    some = [0, 5, 16, 17, 18, 19]  # two rows with y, four without
    assert_same_moments(
        fits[:, some], X[some] @ mean, X[some] @ covariance @ X[some].T, ess_factor=0.8
    )


def test_intercept_and_covariates_are_least_squares():
    """With negligible SNP effects, flat fixed effects have the distribution of least squares."""
    rng = np.random.default_rng(1)
    model = small_network(
        rng,
        n=25,
        n_observed=0,
        n_covariates=2,
        direct_prior=RRBLUP(scale=1e-12, estimate_variance=False),
        residual_prior=FIXED_RESIDUAL,
    )
    draws = sample(sampler_of(model), lambda c: Parts(c).fixed.coefficients[:, 0].copy(), 4000, rng)
    rows = model.y_observed
    design = np.column_stack([np.ones(rows.sum()), model.covariates[rows]])
    covariance = S2 * np.linalg.inv(design.T @ design)
    mean = np.linalg.lstsq(design, model.y[rows], rcond=None)[0]
    assert_same_moments(draws, mean, covariance, ess_factor=1)


def test_collinear_covariates_fit_as_without_the_copy():
    """The fits of y and of an omic have the distribution of least squares on what is left.

    SNP effects and weights are negligible.
    """
    rng = np.random.default_rng(1)
    negligible = RRBLUP(scale=1e-12, estimate_variance=False)
    model = small_network(
        rng,
        n=25,
        n_observed=1,
        n_covariates=2,
        missing=0,
        snp_prior=negligible,
        direct_prior=negligible,
        weight_prior=negligible,
        residual_prior=FIXED_RESIDUAL,
    )
    design = np.column_stack([np.ones(25), model.covariates])
    copied = np.column_stack([model.covariates, model.covariates[:, 0]])
    some = [0, 3, 7]  # rows; their fits can vary freely, for there are three coefficients

    def fits(chain):
        parts = Parts(chain)
        coefficients = np.column_stack([parts.omics_fixed.coefficients, parts.fixed.coefficients])
        return coefficients[0] + copied[some] @ coefficients[1:]

    draws = sample(sampler_of(replace(model, covariates=copied)), fits, 4000, rng)
    records = ((model.informative, model.omics[:, 0]), (model.y_observed, model.y))
    for drawn, (rows, record) in zip(np.moveaxis(draws, 2, 0), records, strict=True):
        hat = design[some] @ np.linalg.pinv(design[rows])
        assert_same_moments(drawn, hat @ record[rows], S2 * hat @ hat.T, ess_factor=1)


def test_each_layer_has_its_own_covariates():
    """The fits of y and of an omic are those of least squares on the covariates of their layer."""
    rng = np.random.default_rng(1)
    negligible = RRBLUP(scale=1e-12, estimate_variance=False)
    model = small_network(
        rng,
        n=25,
        n_observed=1,
        n_covariates=2,
        missing=0,
        snp_prior=negligible,
        direct_prior=negligible,
        weight_prior=negligible,
        residual_prior=FIXED_RESIDUAL,
    )
    of_omics = rng.standard_normal((25, 1))
    model = replace(model, omics_covariates=of_omics - of_omics.mean())

    def coefficients(chain):
        parts = Parts(chain)
        return np.append(parts.omics_fixed.coefficients[:, 0], parts.fixed.coefficients[:, 0])

    draws = sample(sampler_of(model), coefficients, 4000, rng)
    for drawn, covariates, rows, record in (
        (draws[:, :2], model.omics_covariates, model.informative, model.omics[:, 0]),
        (draws[:, 2:], model.covariates, model.y_observed, model.y),
    ):
        design = np.column_stack([np.ones(rows.sum()), covariates[rows]])
        mean = np.linalg.lstsq(design, record[rows], rcond=None)[0]
        assert_same_moments(drawn, mean, S2 * np.linalg.inv(design.T @ design), ess_factor=1)


def test_covariate_not_estimable_for_an_omic_has_no_effect_on_it():
    """An omic measured in one sex only says nothing of sex; a flat prior would be improper."""
    rng = np.random.default_rng(0)
    model = small_network(rng, n=30, n_observed=2, n_covariates=2, missing=0.1)
    sex = np.where(np.arange(30) < 12, -1.0, 1.0)
    model.covariates[:, 0] = sex - sex.mean()
    model.omics[12:, 0] = np.nan
    sampler = sampler_of(model)
    draws = sample(sampler, lambda c: Parts(c).omics_fixed.coefficients.copy(), 300, rng)
    assert_allclose(draws[:, 1, 0], 0, atol=1e-12)
    assert draws[:, 1, 1].std() > 0.05
    assert np.abs(draws).max() < 10


SELECTING = {
    "BayesC": BayesC(pi=0.7, estimate_pi=False, scale=0.5, estimate_variance=False),
    "BayesB": BayesB(pi=0.6, estimate_pi=False, scale=0.4, estimate_variance=False),
    "BayesR": BayesR(components=(0, 0.1, 1), estimate_pi=False, scale=0.8, estimate_variance=False),
}


ORDINARY = [("BayesR", "direct", 3), ("BayesB", "weights", 3)]
OTHERS = {*product(SELECTING, ["direct", "weights"], [3]), *product(SELECTING, ["direct"], [2])}


@pytest.mark.parametrize(
    ("method", "effects", "n_effects"),
    [
        *ORDINARY,
        *(pytest.param(*case, marks=pytest.mark.slow) for case in sorted(OTHERS - {*ORDINARY})),
    ],
)
def test_inclusion_probabilities_equal_the_sum_over_models(method, effects, n_effects):
    """Two or three SNPs, or omics, one with a clear effect, against the sum over all models."""
    rng = np.random.default_rng(2)
    prior = SELECTING[method]
    nodes = effects == "weights"
    model = small_network(
        rng,
        n=30,
        p=n_effects,
        n_observed=n_effects if nodes else 0,
        missing=0,
        uninformative=0,
        direct_prior=None if nodes else prior,
        weight_prior=prior,
        residual_prior=FIXED_RESIDUAL,
    )
    predictors = model.omics if nodes else centred(model.genotypes)
    rows = model.y_observed
    model.y[rows] += 0.6 * predictors[rows, 1]
    used, y = predictors[rows], model.y[rows]
    hyper = prior.start(np.array([1.0]), DenseLayout(n_effects, 1))
    prior_weights, variance = hyper.weights[:, 0], prior.scale
    flat = 1e6  # variance that stands for a flat intercept
    total, included = 0, np.zeros(n_effects)
    for components in product(range(len(prior_weights)), repeat=n_effects):
        variances = np.array(prior.multipliers)[list(components)] * variance
        covariance = S2 * np.eye(len(y)) + flat + (used * variances) @ used.T
        density = stats.multivariate_normal(np.zeros(len(y)), covariance).logpdf(y)
        probability = np.prod(prior_weights[list(components)]) * np.exp(density + len(y))
        total += probability
        included += probability * (variances > 0)
    exact = included / total
    drawn = sample(
        sampler_of(model), lambda c: getattr(Parts(c), effects).effects[:, 0] != 0, 3_000, rng
    )
    error = np.sqrt(exact * (1 - exact) / (3_000 * 0.2))
    assert np.abs(drawn.mean(axis=0) - exact).max() < 4 * error.max()
    assert exact.min() > 0.05  # the case is not trivial
    assert np.ptp(exact) > 0.15


@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_weights_of_correlated_omics_are_drawn_jointly(weighted):
    """Mean and covariance as of ridge regression, and independent draws."""
    rng = np.random.default_rng(4)
    model = small_network(
        rng,
        n=25,
        n_observed=3,
        missing=0,
        uninformative=0,
        weight_prior=FIXED_EFFECT_VARIANCE,
        residual_prior=FIXED_RESIDUAL,
        weighted=weighted,
    )
    model.omics[:, 1] = model.omics[:, 0] + 0.01 * model.omics[:, 1]
    draws = sample(sampler_of(model), lambda c: Parts(c).weights.effects[:, 0].copy(), 3000, rng)
    assert_same_moments(draws, *ridge_posterior(model.omics, model.y, model.y_weight), ess_factor=1)
