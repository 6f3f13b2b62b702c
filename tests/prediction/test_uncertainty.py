"""Predictive standard deviations and samples: agreement with each other, and coverage."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MODELS = {
    "no nodes": {"omics": False},
    "RR-BLUP": {"method": "RR-BLUP"},
    "BayesC": {},
    "BayesC masked": {"mask": np.arange(24)[:, None] // 8 == np.arange(3)},
    "tanh": {"activation": "tanh"},
    "latent": {"n_latent": 1, "direct_effects": False},
    "network function": {"activation": lambda z: np.abs(z[:, 0]) * 3 + z[:, 1] * 0.5},
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name in ("RR-BLUP", "BayesC masked") else [])
        for name in MODELS
    ],
)
def fitted(request, data, short):
    parameters = dict(MODELS[request.param])
    with_omics = parameters.pop("omics", True)
    model = short(n_iter=220, n_chains=2, **parameters)
    omics = data.gappy if with_omics else None
    return model.fit(data.X, data.y, omics=omics, covariates=data.covariates), with_omics


@pytest.mark.parametrize("given", [False, True])
def test_samples_have_the_predicted_mean_and_sd(data, fitted, given):
    model, with_omics = fitted
    X, covariates = data.X[:15], data.covariates[:15]
    omics = data.gappy[:15] if given and with_omics else None
    mean, sd = model.predict(X, omics=omics, covariates=covariates, return_std=True)
    assert_array_equal(mean, model.predict(X, omics=omics, covariates=covariates))
    n = 3000
    sample = model.sample_posterior_predictive(
        X, n, omics=omics, covariates=covariates, random_state=1
    )
    assert sample.shape == (15, n)
    bound = stats.norm.isf(1e-5 / 30)
    # A network function is integrated by a few hundred fixed draws.
    of_mean = 0.15 * sd if model.activation not in ("linear", "tanh") else 0
    assert (np.abs(sample.mean(axis=1) - mean) < bound * sd / np.sqrt(n) + of_mean).all()
    kurtosis = stats.kurtosis(sample, axis=1, fisher=False)
    error = sd * np.sqrt((np.maximum(kurtosis, 3) - 1) / (4 * n))
    of_sd = 0.1 * sd if model.activation not in ("linear", "tanh") else 0
    assert (np.abs(sample.std(axis=1) - sd) < bound * error + of_sd).all()
    again = model.sample_posterior_predictive(
        X, 50, omics=omics, covariates=covariates, random_state=1
    )
    other = model.sample_posterior_predictive(
        X, 50, omics=omics, covariates=covariates, random_state=1
    )
    assert_array_equal(again, other)


def test_sd_of_genetic_values_is_that_over_the_draws(data, short):
    """Linear, all draws held: the genetic value of every draw by definition."""
    model = short(n_chains=2).fit(data.X, data.y, omics=data.gappy)
    value, sd = model.breeding_value(data.X[:20], return_std=True)
    assert_array_equal(value, model.breeding_value(data.X[:20]))
    draws = model.posterior_.draws
    effects = draws["snp_effects"].toarray() / model.omics_scale_
    total = (effects * draws["omics_weights"][:, :, None]).sum(axis=3)
    total += draws["direct_effects"].toarray()
    X = np.where(data.X < 0, np.nan, data.X.astype(float))
    X -= np.nanmean(X, axis=0)
    every = np.nan_to_num(X) @ total.reshape(-1, 24).T
    every -= every.mean(axis=0)
    complete = (data.X[:20] >= 0).all(axis=1)  # a missing genotype adds to the SD
    assert complete.sum() == 19
    assert_allclose(sd[complete], every[:20].std(axis=1)[complete], rtol=1e-4)
    assert_allclose(value, every[:20].mean(axis=1), atol=1e-4 * sd.max())


def test_given_omics_and_more_data_narrow_the_predictions(data, short):
    model = short(n_iter=220).fit(data.X, data.y, omics=data.omics)
    _, without = model.predict(data.X, return_std=True)
    _, given = model.predict(data.X, omics=data.omics, return_std=True)
    assert (given < without).all()
    assert (given**2 > model.residual_variance_).all()


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_intervals_cover(activation):
    """50 % and 90 % intervals of held-out phenotypes and true genetic values.

    Genetic values share the error of the effects: a data set counts as one observation.
    """
    inside = {("y", 0.5): [], ("y", 0.9): [], ("value", 0.5): [], ("value", 0.9): []}
    for seed in range(24):
        data = make_omics_network(
            n_samples=250,
            n_snps=40,
            n_omics=3,
            missing_omics=0.3,
            activation=activation,
            random_state=seed,
        )
        train, new = slice(150), slice(150, None)
        model = NNMMRegressor(
            activation=activation, n_iter=300, burn_in=100, n_chains=1, random_state=seed
        )
        model.fit(data.X[train], data.y[train], omics=data.omics[train])
        mean, sd = model.predict(data.X[new], omics=data.omics[new], return_std=True)
        value, value_sd = model.breeding_value(data.X[new], return_std=True)
        true = data.genetic_value[new] - data.genetic_value[train].mean()
        for level in (0.5, 0.9):
            z = stats.norm.isf((1 - level) / 2)
            inside["y", level].append(np.mean(np.abs(data.y[new] - mean) < z * sd))
            inside["value", level].append(np.mean(np.abs(true - value) < z * value_sd))
    for (quantity, level), shares in inside.items():
        error = stats.sem(shares)
        assert error < 0.025  # of genetic values; the bound is then 0.09 at most
        bound = stats.t.isf(0.0005, len(shares) - 1) * error
        assert abs(np.mean(shares) - level) < bound, (quantity, level, np.mean(shares))


def test_n_draws_is_checked(data, short):
    model = short().fit(data.X, data.y)
    with pytest.raises(ValueError, match="n_draws"):
        model.sample_posterior_predictive(data.X, 0)
