"""Weights of phenotype records: inverse residual variances."""

from itertools import product

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_validate

from sknnmm import NNMMRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ["linear", "tanh", lambda z: np.sin(z)]


def draws(model):
    return model.posterior_.draws["omics_weights"], model.posterior_.draws["residual_variance"]


@pytest.mark.parametrize(
    ("activation", "method"),
    [
        *product(ACTIVATIONS, ["BayesC"]),
        (ACTIVATIONS[0], "RR-BLUP"),
        *(pytest.param(a, "RR-BLUP", marks=pytest.mark.slow) for a in ACTIVATIONS[1:]),
    ],
)
def test_weight_one_is_no_weight_and_weight_zero_a_missing_y(data, short, activation, method):
    weight = np.ones(80)
    model = short(activation=activation, method=method)
    plain = draws(model.fit(data.X, data.y, omics=data.gappy))
    ones = draws(model.fit(data.X, data.y, omics=data.gappy, sample_weight=weight))
    weight[[2, 50]] = 0
    y = np.where(weight == 0, np.nan, data.y)
    zero = draws(model.fit(data.X, data.y, omics=data.gappy, sample_weight=weight))
    missing = draws(model.fit(data.X, y, omics=data.gappy))
    for k in range(2):
        assert_array_equal(ones[k], plain[k])
        assert_array_equal(zero[k], missing[k])
        assert (zero[k] != plain[k]).any()


@pytest.mark.parametrize("method", ["BayesC", pytest.param("RR-BLUP", marks=pytest.mark.slow)])
def test_weights_recover_the_variance_of_a_record_of_weight_one(method):
    rng = np.random.default_rng(1)
    n = 600
    X = rng.integers(0, 3, (n, 30)).astype(np.int8)
    omics = X[:, :2] + rng.normal(size=(n, 2))
    weight = 4 ** rng.uniform(-1.5, 1.5, n)
    s2 = 2.0
    y = omics @ [1.0, -1.0] + rng.normal(size=n) * np.sqrt(s2 / weight)
    model = NNMMRegressor(method, n_iter=300, burn_in=100, random_state=0)
    ignored = model.fit(X, y, omics=omics).residual_variance_
    weighted = model.fit(X, y, omics=omics, sample_weight=weight)
    error = s2 * np.sqrt(2 / n)
    assert abs(weighted.residual_variance_ - s2) < 4 * error
    assert abs(ignored - s2) > 4 * error  # it is s2 times the mean of 1 / weight
    of_sds = omics.std(axis=0) * [1, -1]
    assert (np.abs(weighted.omics_weights_ - of_sds) < 4 * weighted.omics_weights_std_).all()


WEIGHT = np.where(np.arange(80) == 5, 0, np.linspace(0.3, 4, 80))


@pytest.fixture(
    scope="module",
    params=[
        *product(ACTIVATIONS, ["BayesC"]),
        (ACTIVATIONS[0], "RR-BLUP"),
        *(pytest.param((a, "RR-BLUP"), marks=pytest.mark.slow) for a in ACTIVATIONS[1:]),
    ],
    ids=lambda p: f"{getattr(p[0], '__name__', p[0])}, {p[1]}",
)
def weighted(request, data, short):
    activation, method = request.param
    model = short(activation=activation, method=method, n_latent=1)
    return model.fit(data.X, data.y, omics=data.gappy, sample_weight=WEIGHT)


@pytest.mark.parametrize(
    "factor",
    [1e200, *(pytest.param(f, marks=pytest.mark.slow) for f in (3.7, 1e-30, 1 / 500**2))],
)
def test_a_common_factor_changes_nothing_but_its_unit(weighted, data, factor):
    first = weighted
    second = clone(first).fit(data.X, data.y, omics=data.gappy, sample_weight=factor * WEIGHT)
    assert_allclose(second.residual_variance_, factor * first.residual_variance_, rtol=1e-12)
    for name in ("heritability_", "genetic_variance_", "omics_weights_", "coef_"):
        if hasattr(first, name):
            assert_allclose(getattr(second, name), getattr(first, name), rtol=1e-12)
    for a, b in zip(
        (*first.predict(data.X, return_std=True), *first.breeding_value(data.X, return_std=True)),
        (*second.predict(data.X, return_std=True), *second.breeding_value(data.X, return_std=True)),
        strict=True,
    ):
        assert_allclose(b, a, rtol=1e-9)
    samples = [m.sample_posterior_predictive(data.X, 20, random_state=0) for m in (first, second)]
    assert_allclose(*samples, rtol=1e-9)


def test_equal_weights_are_no_weights(data, short):
    plain = short().fit(data.X, data.y, omics=data.gappy)
    model = short().fit(data.X, data.y, omics=data.gappy, sample_weight=np.full(80, 1 / 500**2))
    assert_array_equal(model.predict(data.X), plain.predict(data.X))
    sd, plain_sd = (m.predict(data.X, return_std=True)[1] for m in (model, plain))
    assert_allclose(sd, plain_sd, rtol=1e-12)
    assert model.heritability_ == plain.heritability_
    assert model.residual_variance_ == pytest.approx(plain.residual_variance_ / 500**2)


def test_unweighted_variance_is_that_of_an_average_record():
    """Intervals cover records like those of training, whatever the unit of their weights."""
    rng = np.random.default_rng(2)
    n, p = 1200, 30
    X = rng.integers(0, 3, (n, p)).astype(np.int8)
    variance = 500**2 * 4 ** rng.uniform(-1, 1, n)
    genetic = 200 * (X @ rng.normal(size=p))
    y = genetic + rng.normal(size=n) * np.sqrt(variance)
    train, test = slice(0, 600), slice(600, None)
    model = NNMMRegressor("RR-BLUP", n_iter=500, burn_in=100, random_state=0)
    model.fit(X[train], y[train], sample_weight=1 / variance[train])
    assert abs(model.residual_variance_ - 1) < 4 * np.sqrt(2 / 600)
    share = genetic[train].var() / (genetic[train].var() + variance[train].mean())
    assert abs(model.heritability_ - share) < 4 * model.posterior_.draws["heritability"].std()
    predicted, sd = model.predict(X[test], return_std=True)
    # Squares of 600 errors with variances that differ by up to 16: their mean has a standard
    # error of sqrt(2 mean(v^2) / mean(v)^2 / 600)
    relative = variance[test] / variance[train].mean()
    error = np.sqrt(2 * np.mean(relative**2) / 600)
    ratio = np.mean(((y[test] - predicted) / sd) ** 2)
    assert abs(ratio - relative.mean()) < 4 * error
    sample = model.sample_posterior_predictive(X[test], 400, random_state=1)
    # The SD of 400 draws has an SE of 3.5 %; rows share draws of the effects, not the residuals.
    assert abs(sample.std(axis=1).mean() / sd.mean() - 1) < 4 * 0.035 / np.sqrt(600)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(79), "79 values"),
        (np.full(80, -1.0), "not negative"),
        (np.zeros(80), "zero for every sample"),
        (np.full(80, np.nan), "finite"),
        (np.full(80, np.inf), "finite"),
    ],
)
def test_wrong_weights_are_refused(data, short, weight, message):
    with pytest.raises(ValueError, match=f"sample_weight.*{message}"):
        short().fit(data.X, data.y, sample_weight=weight)


def test_score_weighs_the_errors(data, short):
    model = short().fit(data.X, data.y, omics=data.omics)
    weight = np.zeros(80)
    weight[:30] = 1
    expected = model.score(data.X[:30], data.y[:30], omics=data.omics[:30])
    score = model.score(data.X, data.y, omics=data.omics, sample_weight=weight)
    assert score == pytest.approx(expected, rel=1e-12)


def test_weights_are_routed_through_folds(data, short):
    with sklearn.config_context(enable_metadata_routing=True):
        model = short().set_fit_request(sample_weight=True, omics=True)
        model.set_score_request(sample_weight=False, omics=True)
        results = [
            cross_validate(
                model,
                data.X,
                data.y,
                cv=2,
                params={"omics": data.gappy, "sample_weight": weight},
            )["test_score"]
            for weight in (np.ones(80), np.linspace(0.1, 3, 80))
        ]
    assert (results[0] != results[1]).all()
