"""Points and bands of predictions."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from scipy.stats import norm
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknnmm import NNMMClassifier
from sknnmm.plotting import PredictionDisplay
from sknnmm.plotting._style import BLUE, VERMILION
from tests.helpers.association import small_data


def test_bands_are_predictive_intervals(model_of):
    model, (X, y, omics) = model_of["selecting"], small_data()
    y = pd.Series(y, name="HDL, mg/dl")
    y[5] = np.nan
    display = PredictionDisplay.from_estimator(model, X, y, omics=omics, interval=0.5)
    mean, std = model.predict(X, omics=omics, return_std=True)
    seen = np.arange(len(y)) != 5
    drawn = np.asarray(display.points_.get_offsets())
    np.testing.assert_allclose(drawn, np.column_stack([mean, y])[seen])
    bands = np.array(display.bands_.get_segments())
    np.testing.assert_allclose(bands[:, 0, 0], mean[seen])
    half = norm.ppf(0.75) * std[seen]
    np.testing.assert_allclose(
        bands[:, :, 1], np.column_stack([mean[seen] - half, mean[seen] + half])
    )
    assert display.coverage_ == pytest.approx((np.abs(y - mean)[seen] <= half).mean())
    assert display.correlation_ == pytest.approx(np.corrcoef(y[seen], mean[seen])[0, 1])
    assert display.ax_.get_xlabel() == "predicted HDL, mg/dl"
    assert display.ax_.get_ylabel() == "observed HDL, mg/dl"


def test_records_outside_their_interval_stand_out():
    display = PredictionDisplay([0, 1, 9], [0, 1, 2], [1, 1, 1]).plot()
    colours = display.points_.get_facecolors()
    np.testing.assert_allclose(colours, [to_rgba(c) for c in (BLUE, BLUE, VERMILION)])
    assert display.ax_.get_title(loc="left").endswith("67 % in their 90 % interval")


def test_nothing_observed_is_refused():
    with pytest.raises(ValueError, match="y has no observed value"):
        PredictionDisplay([np.nan], [0], [1]).plot()
    with pytest.raises(ValueError, match="y must be numeric, but holds text"):
        PredictionDisplay(["low", "high"], [0, 1], [1, 1]).plot()
    with pytest.raises(ValueError, match="interval == 90, must be < 1"):
        PredictionDisplay([1, 2], [0, 1], [1, 1], interval=90).plot()


def test_missing_records_of_any_kind_are_not_drawn():
    y = pd.Series([0, None, 9], dtype="Int64")
    display = PredictionDisplay(y, [0, 1, 2], [1, 1, 1]).plot()
    np.testing.assert_array_equal(display.points_.get_offsets(), [[0, 0], [2, 9]])


def test_classes_are_refused():
    X, y, _ = small_data()
    with pytest.raises(TypeError, match="RocCurveDisplay"):
        PredictionDisplay.from_estimator(NNMMClassifier(), X, y)


def test_other_estimators_are_drawn_if_they_predict_standard_deviations():
    X, y, _ = small_data()
    bayes = make_pipeline(StandardScaler(), BayesianRidge()).fit(X, y)
    display = PredictionDisplay.from_estimator(bayes, X, y)
    mean, std = bayes.predict(X, return_std=True)
    half = norm.ppf(0.95) * std
    assert display.coverage_ == (np.abs(y - mean) <= half).mean()
    np.testing.assert_allclose(np.asarray(display.points_.get_offsets())[:, 0], mean)
    for model in (Ridge(), make_pipeline(StandardScaler(), Ridge())):
        with pytest.raises(TypeError, match=r"Ridge has no predict\(X, return_std=True\)"):
            PredictionDisplay.from_estimator(model.fit(X, y), X, y)


def test_a_title_has_room_over_narrow_axes():
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
    display = PredictionDisplay([0, 1, 9], [0, 1, 2], [1, 1, 1]).plot(axes[2])
    figure.draw_without_rendering()
    title = display.ax_.get_title(loc="left")
    assert title.endswith("interval")
    assert "\n" in title
