"""Predictions are averages over posterior draws, each row on its own."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import r2_score

from sknnmm.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = slice(0, 10)
N_NORMALS = 2000  # for every draw, row and node

MODELS = {
    "linear": {},
    "linear, RR-BLUP": {"method": "RR-BLUP", "omics_method": "RR-BLUP"},
    "tanh": {"activation": "tanh", "n_chains": 2},
    "tanh, RR-BLUP": {"activation": "tanh", "method": "RR-BLUP"},
    "relu": {"activation": "relu"},
    "leaky_relu, no direct": {"activation": "leaky_relu", "direct_effects": False},
    "sigmoid, latent": {"activation": "sigmoid", "n_latent": 1},
}


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request, data, short):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return short(**request.param).fit(data.X, data.y, data.gappy, data.covariates)


def dosages(X):
    return np.where(X < 0, np.nan, X)


def centred(X, training):
    return np.nan_to_num(dosages(X) - np.nanmean(dosages(training), axis=0))


def pooled(model, name):
    """Return all draws of all chains, (draw, ...)."""
    draws = model.posterior_.draws[name]
    draws = draws.todense() if hasattr(draws, "todense") else draws
    return draws.reshape(-1, *draws.shape[2:]).astype(float)


def simulated_values(model, data, omics, covariates):
    """Return the mean of simulated network values of ROWS and its Monte Carlo error.

    Values are those of y without intercept and covariates of y.
    """
    rng = np.random.default_rng(9)
    x, c = centred(data.X[ROWS], data.X), covariates[ROWS] - data.covariates.mean(axis=0)
    variances = pooled(model, "omics_residual_variance")
    gammas = pooled(model, "omics_covariate_effects")
    g = ACTIVATIONS[model.activation].value
    direct = pooled(model, "direct_effects") if model.direct_effects else np.zeros((60, 24))
    given = np.full((len(x), len(model.omics_names_)), np.nan)
    given[:, :3] = omics[ROWS]
    total, error = 0, 0
    for s, weights in enumerate(pooled(model, "omics_weights")):
        mean = pooled_intercepts(model)[s] + x @ pooled(model, "snp_effects")[s] + c @ gammas[s]
        half = rng.standard_normal((N_NORMALS // 2, *mean.shape))
        z = mean + np.sqrt(variances[s]) * np.concatenate([half, -half])
        z = np.where(np.isnan(given), z, given)
        value = g((z - model.omics_mean_) / model.omics_scale_) @ weights + x @ direct[s]
        pairs = value.reshape(2, N_NORMALS // 2, -1).mean(axis=0)
        total = total + pairs.mean(axis=0)
        error = error + pairs.var(axis=0) / len(pairs)
    n_draws = len(variances)
    return total / n_draws, np.sqrt(error) / n_draws


def pooled_intercepts(model):
    return pooled(model, "omics_centred_intercept")


def assert_within_error(values, expected, error, data):
    assert (error < 0.01 * data.y.std()).all()
    assert (np.abs(values - expected) < 5 * error + 1e-5 * data.y.std()).all()


OMICS_GIVEN = {
    "none": lambda d: np.full_like(d.omics, np.nan),
    "some": lambda d: d.gappy,
    "all": lambda d: d.omics,
}


@pytest.mark.parametrize("give", OMICS_GIVEN.values(), ids=OMICS_GIVEN)
def test_predict_is_the_mean_over_draws_and_unobserved_omics(give, model, data):
    omics = give(data)
    values, error = simulated_values(model, data, omics, data.covariates)
    c = data.covariates[ROWS] - data.covariates.mean(axis=0)
    fixed = pooled(model, "centred_intercept") + c @ pooled(model, "covariate_effects").T
    predicted = model.predict(data.X, omics, data.covariates)[ROWS]
    assert_within_error(predicted, values + fixed.mean(axis=1), error, data)


def test_breeding_value_is_the_mean_over_draws(model, data):
    at_mean = np.broadcast_to(data.covariates.mean(axis=0), data.covariates.shape)
    values, error = simulated_values(model, data, OMICS_GIVEN["none"](data), at_mean)
    expected = values - pooled(model, "genetic_mean").mean()
    assert_within_error(model.breeding_value(data.X)[ROWS], expected, error, data)


def test_breeding_value_has_mean_zero_over_the_training_rows(model, data):
    values = model.breeding_value(data.X)
    assert abs(values.mean()) < 1e-5 * values.std()


def test_one_row_alone_gives_the_same_bits(model, data):
    X, rest = data.X, (data.gappy, data.covariates)
    predicted, values, omics = (
        model.predict(X, *rest),
        model.breeding_value(X),
        model.predict_omics(X),
    )
    for rows in (slice(0, 1), slice(3, 4), slice(5, 17), slice(None, None, -1)):
        part = [table[rows] for table in rest]
        assert_array_equal(model.predict(X[rows], *part), predicted[rows])
        assert_array_equal(model.breeding_value(X[rows]), values[rows])
        assert_array_equal(model.predict_omics(X[rows]), omics[rows])


def test_omics_not_given_and_all_missing_are_the_same(model, data):
    nothing = np.full_like(data.omics, np.nan)
    assert_array_equal(
        model.predict(data.X, covariates=data.covariates),
        model.predict(data.X, nothing, data.covariates),
    )


def test_missing_genotypes_count_as_the_training_mean(model, data):
    X = dosages(data.X)
    X[:5, ::2] = np.nan
    X[7] = np.nan
    filled = np.where(np.isnan(X), np.nanmean(dosages(data.X), axis=0), X)
    coded = np.where(np.isnan(X), -1, X).astype(np.int8)
    rest = {"omics": data.gappy, "covariates": data.covariates}
    assert_array_equal(model.predict(coded, **rest), model.predict(X, **rest))
    assert_allclose(model.predict(filled, **rest), model.predict(X, **rest), rtol=1e-12)
    for method in (model.breeding_value, model.predict_omics):
        assert_array_equal(method(coded), method(X))
        assert_allclose(method(filled), method(X), rtol=1e-9, atol=1e-9)
    if model.activation == "linear":
        assert model.breeding_value(X)[7] == 0


def test_covariates_act_as_fitted(model, data):
    C = data.covariates
    shifted = C + np.array([10, 0])
    given = model.predict(data.X, data.omics, shifted) - model.predict(data.X, data.omics, C)
    if not model.n_latent:  # all nodes known: only what acts on y is left
        assert_allclose(given, 10 * model.covariate_effects_[0], rtol=1e-6, atol=1e-9)
    if model.activation == "linear":
        total = model.predict(data.X, covariates=shifted) - model.predict(data.X, covariates=C)
        weighted = (
            pooled(model, "omics_weights")
            * pooled(model, "omics_covariate_effects")[:, 0]
            / model.omics_scale_
        )
        through_omics = weighted.sum(axis=1).mean()
        expected = 10 * (model.covariate_effects_[0] + through_omics)
        assert_allclose(total, expected, rtol=1e-9)


def test_omics_given_as_a_frame_or_an_array(model, data):
    names = list(model.omics_names_[:3])
    frame = pd.DataFrame(data.gappy, columns=names)
    rest = data.covariates
    assert_array_equal(model.predict(data.X, frame, rest), model.predict(data.X, data.gappy, rest))


def test_score_ignores_rows_without_phenotype(model, data):
    y = data.y.copy()
    y[::3] = np.nan
    observed = ~np.isnan(y)
    rest = data.gappy, data.covariates
    expected = r2_score(y[observed], model.predict(data.X, *rest)[observed])
    assert model.score(data.X, y, *rest) == expected
    assert model.score(data.X, y, omics=data.gappy, covariates=data.covariates) == expected


def test_training_is_not_needed_to_predict(model, data):
    """A fitted model survives pickling and predicts the same bits."""
    import pickle

    again = pickle.loads(pickle.dumps(model))
    rest = data.gappy, data.covariates
    assert_array_equal(again.predict(data.X, *rest), model.predict(data.X, *rest))


# --- without covariates or nodes --------------------------------------------------------------


@pytest.mark.parametrize("method", ["BayesC", "RR-BLUP"])
def test_without_nodes_predictions_are_the_direct_effects(method, data, short):
    model = short(method=method).fit(data.X, data.y)
    values = centred(data.X, data.X) @ model.direct_effects_
    assert_allclose(model.breeding_value(data.X), values, rtol=1e-9, atol=1e-9)
    intercept = model.posterior_.draws["centred_intercept"].mean()
    assert_allclose(model.predict(data.X), intercept + values, rtol=1e-9)
    assert_allclose(model.coef_, model.direct_effects_)


@pytest.mark.parametrize("n", [22, 80], ids=["fewer rows than SNPs", "more rows than SNPs"])
@pytest.mark.parametrize("activation", ["linear", "tanh"])
@pytest.mark.parametrize("method", ["BayesC", "RR-BLUP"])
def test_breeding_values_have_mean_zero_with_rows_without_data(method, activation, n, data, short):
    y, omics = data.y[:n].copy(), data.gappy[:n]
    y[:6] = np.nan  # two of them without omics too
    model = short(method=method, activation=activation).fit(data.X[:n], y, omics)
    values = model.breeding_value(data.X[:n])
    assert abs(values.mean()) < 1e-5 * values.std()
