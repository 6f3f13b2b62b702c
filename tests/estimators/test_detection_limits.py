"""Fits and predictions with omics below their detection limit, as users see them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sknnmm.effects import Random

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["omic_0", "omic_1", "omic_2"]


@pytest.fixture(scope="module")
def below(data):
    """Return the data with a third of one omic and a tenth of another below their limits."""
    limits = np.array([np.quantile(data.omics[:, 0], 0.33), np.quantile(data.omics[:, 1], 0.1)])
    is_below = np.column_stack([data.omics[:, :2] < limits, np.zeros(80, bool)])
    omics = np.where(is_below, -np.inf, data.gappy)
    return SimpleNamespace(
        X=data.X, y=data.y, omics=omics, limits={"omic_0": limits[0], "omic_1": limits[1]},
        array=np.append(limits, np.nan), is_below=is_below,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["linear", "tanh", "network function"])
def fitted(request, below, short):
    activation = request.param
    if activation == "network function":
        activation = product
    model = short(activation=activation, detection_limits=below.limits, n_iter=140)
    return model.fit(below.X, below.y, omics=below.omics)


def product(z):
    """Return a network function."""
    return 30 + z[:, 0] * (1 + 0.1 * z[:, 1])


def test_imputed_values_lie_below_their_limits(below, fitted):
    imputed, sd = fitted.omics_imputed_, fitted.omics_imputed_std_
    limits = np.broadcast_to(below.array, imputed.shape)
    assert (imputed < limits)[below.is_below].all()
    assert (sd[below.is_below] > 0).all()
    measured = np.isfinite(below.omics)
    assert_array_equal(imputed[measured], below.omics[measured])
    assert_array_equal(sd[measured], 0)


def test_omics_are_standardised_by_what_was_detected(below, fitted):
    detected = np.where(np.isfinite(below.omics), below.omics, np.nan)
    assert_allclose(fitted.omics_mean_, np.nanmean(detected, axis=0))
    assert_allclose(fitted.omics_scale_, np.nanstd(detected, axis=0))


@pytest.mark.parametrize("fitted", ["linear", "tanh"], indirect=True)  # those with weights
def test_predictions_integrate_over_the_distribution_below_the_limit(below, fitted):
    """Against a sum over the posterior draws, quantile by quantile."""
    X, draws = below.X[4:8], fitted.posterior_.draws
    omics = np.column_stack([np.full(4, -np.inf), np.full((4, 2), [6.0, -20.0])])
    at_zero = omics.copy()
    at_zero[:, 0] = fitted.omics_mean_[0]  # where g is 0
    centred = X - np.where(below.X < 0, np.nan, below.X).astype(float).mean(
        axis=0, where=below.X >= 0
    )
    effects = (
        draws["snp_effects"].todense()
        if hasattr(draws["snp_effects"], "todense")
        else draws["snp_effects"]
    )
    eta = draws["omics_centred_intercept"][0, :, 0] + centred @ effects[0, :, :, 0].T  # (4, draws)
    sd = np.sqrt(draws["omics_residual_variance"][0, :, 0])
    probability = (np.arange(2000) + 0.5) / 2000
    share = stats.norm.cdf((below.limits["omic_0"] - eta) / sd)
    z = eta[..., None] + sd[:, None] * stats.norm.ppf(probability * share[..., None])
    z = (z - fitted.omics_mean_[0]) / fitted.omics_scale_[0]
    value = np.tanh(z) if fitted.activation == "tanh" else z
    expected = (value.mean(axis=-1) * draws["omics_weights"][0, :, 0]).mean(axis=-1)
    found = fitted.predict(X, omics=omics) - fitted.predict(X, omics=at_zero)
    assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_samples_have_the_predicted_mean_and_sd(below, fitted):
    X, omics = below.X[:12], below.omics[:12]
    mean, sd = fitted.predict(X, omics=omics, return_std=True)
    n = 4000
    sample = fitted.sample_posterior_predictive(X, n, omics=omics, random_state=1)
    slack = 0.15 if fitted.activation is product else 0  # integrated by a few hundred draws
    bound = stats.norm.isf(1e-5 / 24)
    assert (np.abs(sample.mean(axis=1) - mean) < (bound / np.sqrt(n) + slack) * sd).all()
    kurtosis = stats.kurtosis(sample, axis=1, fisher=False)
    error = np.sqrt((np.maximum(kurtosis, 3) - 1) / (4 * n))
    assert (np.abs(sample.std(axis=1) / sd - 1) < bound * error + slack).all()


def test_a_prediction_does_not_depend_on_the_rows_beside_it(below, fitted):
    together = fitted.predict(below.X[:12], omics=below.omics[:12])
    alone = [fitted.predict(below.X[i : i + 1], omics=below.omics[i : i + 1])[0] for i in range(12)]
    assert_array_equal(together, alone)


@pytest.mark.parametrize("form", ["array", "columns of X", "positions"])
def test_forms_of_limits_and_omics_give_the_same_fit(below, short, form):
    frame = pd.DataFrame(below.omics, columns=NAMES)
    expected = short(detection_limits=below.limits).fit(below.X, below.y, omics=frame)
    if form == "columns of X":
        X = pd.DataFrame(below.X).add_prefix("snp_")
        both = pd.concat([X, frame], axis=1)
        model = short(detection_limits=below.limits, omics_features=NAMES).fit(both, below.y)
        found = model.predict(both)
    else:
        limits = below.array if form == "array" else {0: below.array[0], 1: below.array[1]}
        model = short(detection_limits=limits).fit(below.X, below.y, omics=frame)
        found = model.predict(below.X, omics=frame)
    assert_allclose(found, expected.predict(below.X, omics=frame), rtol=1e-4)


def test_units_of_omics_make_no_difference(below, short):
    options = {"precision": "double", "n_iter": 60}
    expected = short(detection_limits=below.array, **options)
    expected.fit(below.X, below.y, omics=below.omics)
    model = short(detection_limits=1000 * below.array + 7, **options)
    model.fit(below.X, below.y, omics=1000 * below.omics + 7)
    assert_allclose(model.omics_imputed_, 1000 * expected.omics_imputed_ + 7, rtol=1e-6)
    new = below.X[:5], below.omics[:5]
    assert_allclose(
        model.predict(new[0], omics=1000 * new[1] + 7), expected.predict(*new), rtol=1e-6
    )


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_a_continued_fit_is_one_long_fit(below, short, activation, tmp_path):
    options = {"activation": activation, "detection_limits": below.limits, "n_chains": 2}
    whole = short(**options, n_iter=60).fit(below.X, below.y, omics=below.omics)
    model = short(**options, n_iter=40, warm_start=True, checkpoint=tmp_path / "chains")
    model.fit(below.X, below.y, omics=below.omics)
    with parallel_config("threading"):
        model.set_params(n_iter=60, n_jobs=2).fit(below.X, below.y, omics=below.omics)
    assert_array_equal(model.omics_imputed_, whole.omics_imputed_)
    assert_array_equal(
        model.predict(below.X, omics=below.omics), whole.predict(below.X, omics=below.omics)
    )


@pytest.mark.filterwarnings("ignore:omics .* below the limits")
def test_a_checkpoint_with_other_limits_is_refused(below, short, tmp_path):
    options = {"checkpoint": tmp_path, "n_iter": 40}
    short(detection_limits=below.array, **options).fit(below.X, below.y, omics=below.omics)
    with pytest.raises(ValueError, match="detection_limits"):
        short(detection_limits=below.array + 1, **options).fit(below.X, below.y, omics=below.omics)


def test_limits_with_masks_latent_nodes_weights_and_random_effects(below, short):
    covariates = pd.DataFrame({"herd": np.repeat(list("abcdefgh"), 10)})
    model = short(
        activation="tanh",
        detection_limits=below.limits,
        n_latent=1,
        direct_effects=False,
        mask={name: slice(8 * k, 8 * k + 8) for k, name in enumerate(NAMES)},
        effects=[Random("herd")],
    )
    weight = np.linspace(0.5, 2, 80)
    model.fit(below.X, below.y, below.omics, covariates, sample_weight=weight)
    limits = np.broadcast_to(below.array, below.omics.shape)[below.is_below]
    assert (model.omics_imputed_[below.is_below] < limits).all()
    new = pd.DataFrame({"herd": ["a", "new", None]})
    mean, sd = model.predict(below.X[:3], below.omics[:3], new, return_std=True)
    assert np.isfinite(mean).all()
    assert (sd > 0).all()


def test_a_row_that_informs_nothing_is_imputed_below_its_limit(below, short):
    y, covariates = below.y.copy(), np.random.default_rng(0).standard_normal((80, 1))
    row = np.flatnonzero(below.is_below[:, 0])[0]
    y[row] = covariates[row] = np.nan
    model = short(detection_limits=below.limits)
    model.fit(below.X, y, omics=below.omics, covariates=covariates)
    assert model.omics_imputed_[row, 0] < below.array[0]
    assert model.omics_imputed_std_[row, 0] > 0


def test_an_omic_that_is_never_detected_has_no_weight(below, short):
    omics = below.omics.copy()
    omics[:, 2] = -np.inf
    model = short(detection_limits={**below.limits, "omic_2": 3.0})
    with pytest.warns(UserWarning, match="without variance"):
        model.fit(below.X, below.y, omics=omics)
    assert model.omics_weights_[2] == 0
    assert np.isfinite(model.predict(below.X[:3], omics=omics[:3])).all()
