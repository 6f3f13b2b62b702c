"""Accuracy, bias and dispersion of predictions, and scorers that pass omics to predict."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import ndtri
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknnmm.metrics import (
    PredictionScorer,
    liability_heritability,
    neg_absolute_bias_scorer,
    neg_absolute_dispersion_error_scorer,
    observed_heritability,
    prediction_bias,
    prediction_dispersion,
    predictive_correlation,
    predictive_correlation_scorer,
)

METRICS = [predictive_correlation, prediction_bias, prediction_dispersion]
SCORERS = [
    predictive_correlation_scorer,
    neg_absolute_bias_scorer,
    neg_absolute_dispersion_error_scorer,
]
NAN = np.nan

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class OmicsSum(RegressorMixin, BaseEstimator):
    """Predicts the first column of X plus the first of omics and covariates, if they are given."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y, omics=None, sample_weight=None):
        self.is_fitted_ = True
        return self

    def predict(self, X, omics=None, covariates=None):
        tables = [table for table in (X, omics, covariates) if table is not None]
        return self.scale * sum(np.asarray(table)[:, 0] for table in tables)


@pytest.fixture
def made(rng):
    X, omics = rng.normal(size=(2, 60, 2))
    y = X[:, 0] + omics[:, 0] + rng.normal(size=60)
    y[::7] = NAN
    return X, y, omics


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def expected(metric, model, X, y, **tables):
    observed = ~np.isnan(y)
    return metric(y[observed], model.predict(X, **tables)[observed])


# Metrics


def test_values(rng):
    y_pred = rng.normal(size=50)
    y_true = 3 + 0.5 * y_pred + rng.normal(size=50)
    assert_allclose(predictive_correlation(y_true, y_pred), np.corrcoef(y_true, y_pred)[0, 1])
    assert_allclose(prediction_dispersion(y_true, y_pred), np.polyfit(y_pred, y_true, 1)[0])
    assert_allclose(prediction_dispersion(2 * y_pred - 7, y_pred), 2)
    assert_allclose(prediction_bias(y_true, y_pred), y_pred.mean() - y_true.mean())
    assert_allclose(prediction_bias(y_pred - 7, y_pred), 7)
    for metric in METRICS:
        assert isinstance(metric(y_true, y_pred), float)


def test_correlation_is_at_most_one(rng):
    for y in rng.normal(size=(100, 7)):
        assert 1 - 1e-12 < predictive_correlation(y, 0.3 * y) <= 1


@pytest.mark.parametrize("metric", METRICS)
def test_missing_rows_are_ignored(metric, rng):
    y_true, y_pred = rng.normal(size=(2, 20))
    y_true[[2, 9]] = NAN
    observed = ~np.isnan(y_true)
    wanted = metric(y_true[observed], y_pred[observed])
    assert metric(y_true, y_pred) == wanted
    assert metric(pd.Series(y_true, dtype="Float64"), y_pred[:, None].tolist()) == wanted


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([1, 2, 3], [1, 2], "y_true has 3 values but y_pred has 2"),
        ([1, NAN, NAN], [1, 2, 3], "y_true has 1 observed values; at least two"),
        ([], [], "y_true has 0 observed values"),
        ([1, 2], [1, NAN], "y_pred contains NaN"),
        ([NAN, 2, 3], [np.inf, 1, 2], "y_pred contains infinity"),
        ([1, np.inf], [1, 2], "y_true contains infinity"),
        ([1, 2], [[1, 2], [3, 4]], r"y_pred must have one dimension.*\(2, 2\)"),
        (3.0, [1, 2], "y_true must have one dimension"),
    ],
)
def test_invalid(metric, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_pred)


@pytest.mark.parametrize("metric", [predictive_correlation, prediction_dispersion])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "which"),
    [
        ([1, 2, 3, NAN], [0.1, 0.1, 0.1, 5], ": y_pred constant"),
        ([0.1, 0.1, 0.1, NAN], [1, 2, 3, 4], ": y_true constant"),
        ([1, 1, 1, 1], [0, 0, 0, 0], ": y_true and y_pred constant"),
    ],
)
def test_constant_is_undefined(metric, y_true, y_pred, which):
    with pytest.warns(UndefinedMetricWarning, match=metric.__name__ + ".*" + which) as record:
        assert np.isnan(metric(y_true, y_pred))
    assert len(record) == 1
    assert record[0].filename == __file__


def test_bias_of_constants_is_defined():
    assert prediction_bias([1, 1, NAN], [3, 3, 5]) == 2


# Scorers


def test_greater_scores_are_better():
    X = np.arange(6.0)[:, None]  # predicted as they are

    def scores(y):
        return [scorer(OmicsSum(), X, y) for scorer in SCORERS]

    assert_allclose(scores(X[:, 0]), [1, 0, 0])
    assert_allclose(scores(X[:, 0] + 3), [1, -3, 0])  # predicted too low
    assert_allclose(scores(X[:, 0] - 3), [1, -3, 0])  # too high
    assert_allclose(scores(1.5 * X[:, 0] - 1.25), [1, 0, -0.5])  # deflated
    assert_allclose(scores(0.5 * X[:, 0] + 1.25), [1, 0, -0.5])  # inflated


def test_searches_choose_by_bias_or_dispersion(made):
    X, _, _ = made
    grid = {"scale": [0.5, 1.0, 2.0]}
    y = 2 + X[:, 0]
    search = GridSearchCV(OmicsSum(), grid, cv=3, scoring=neg_absolute_dispersion_error_scorer)
    assert search.fit(X, y).best_params_ == {"scale": 1.0}
    search = GridSearchCV(OmicsSum(), grid, cv=3, scoring=neg_absolute_bias_scorer)
    assert search.fit(X + 3, 2 * X[:, 0] + 6).best_params_ == {"scale": 2.0}


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("enabled", [False, True])
def test_call(scorer, enabled, made):
    X, y, omics = made
    model = OmicsSum().fit(X, y)
    with sklearn.config_context(enable_metadata_routing=enabled):
        plain = scorer(model, X, y)
        with_omics = scorer(model, X, y, omics=omics, covariates=None)
        with_both = scorer(model, X, y, omics=omics, covariates=X)
    assert plain == expected(scorer._metric, model, X, y)
    assert with_omics == expected(scorer._metric, model, X, y, omics=omics)
    assert with_both == expected(scorer._metric, model, X, y, omics=omics, covariates=X)
    assert plain != with_omics != with_both


def test_any_metric_sees_observed_rows_only(made):
    X, y, _ = made
    assert PredictionScorer(r2_score)(OmicsSum(), X, y) == expected(r2_score, OmicsSum(), X, y)


@pytest.mark.usefixtures("routing")
def test_requests_make_a_copy():
    asked = predictive_correlation_scorer.set_score_request(omics=True, covariates="sex")
    assert repr(predictive_correlation_scorer) == "PredictionScorer(predictive_correlation)"
    assert repr(asked) == (
        "PredictionScorer(predictive_correlation).set_score_request(omics=True, covariates='sex')"
    )
    assert repr(asked.set_score_request(covariates=None)).endswith("(omics=True)")
    with pytest.raises(ValueError, match="alias"):
        asked.set_score_request(omics=3)


def test_request_without_routing_raises():
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        predictive_correlation_scorer.set_score_request(omics=True)


@pytest.mark.usefixtures("routing")
def test_pickle_and_clone(made):
    X, y, omics = made
    asked = predictive_correlation_scorer.set_score_request(omics=True)
    search = clone(GridSearchCV(OmicsSum(), {"scale": [1]}, scoring=asked))
    wanted = asked(OmicsSum(), X, y, omics=omics)
    for copied in (pickle.loads(pickle.dumps(asked)), clone(asked, safe=False), search.scoring):
        assert repr(copied) == repr(asked)
        assert copied(OmicsSum(), X, y, omics=omics) == wanted


def test_cross_validation_without_routing(made):
    X, y, _ = made
    folds = KFold(3)
    scoring = {metric.__name__: PredictionScorer(metric) for metric in METRICS}
    result = cross_validate(OmicsSum(), X, y, cv=folds, scoring=scoring)
    single = cross_val_score(OmicsSum(), X, y, cv=folds, scoring=neg_absolute_bias_scorer)
    for k, (_, test) in enumerate(folds.split(X)):
        for name, metric in zip(scoring, METRICS, strict=True):
            wanted = expected(metric, OmicsSum(), X[test], y[test])
            assert result[f"test_{name}"][k] == wanted
        assert single[k] == -abs(result["test_prediction_bias"][k])
    search = GridSearchCV(
        OmicsSum(), {"scale": [1.0, -1.0]}, cv=folds, scoring=predictive_correlation_scorer
    ).fit(X, y)
    assert search.best_params_ == {"scale": 1.0}


@pytest.mark.filterwarnings("ignore:The scoring.*does not support sample_weight:UserWarning")
@pytest.mark.parametrize("several", [False, True])
def test_weights_of_a_search_do_not_reach_the_scorer(made, several):
    X, y, _ = made
    scoring = {"r": predictive_correlation_scorer} if several else predictive_correlation_scorer
    refit = "r" if several else True
    search = GridSearchCV(OmicsSum(), {"scale": [1.0]}, scoring=scoring, refit=refit)
    search.fit(X, y, sample_weight=np.ones(len(y)))
    assert np.isfinite(search.best_score_)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize("as_frame", [False, True])
def test_omics_are_routed_to_predict(made, in_pipeline, as_frame):
    X, y, omics = made
    if as_frame:
        X, omics = pd.DataFrame(X), pd.DataFrame(omics)
    model = OmicsSum().set_fit_request(omics=True)
    if in_pipeline:
        model = make_pipeline(
            FunctionTransformer(), model.set_predict_request(omics=True, covariates=False)
        )
    folds = KFold(3)
    scorer = predictive_correlation_scorer
    result = cross_validate(
        model,
        X,
        y,
        cv=folds,
        params={"omics": omics},
        scoring={
            "without": scorer.set_score_request(omics=False),
            "with": scorer.set_score_request(omics=True),
        },
        error_score="raise",
    )
    for k, (_, test) in enumerate(folds.split(X)):
        x, z = np.asarray(X)[test], np.asarray(omics)[test]
        alone = expected(predictive_correlation, OmicsSum(), x, y[test])
        together = expected(predictive_correlation, OmicsSum(), x, y[test], omics=z)
        assert alone != together
        assert result["test_without"][k] == alone
        assert result["test_with"][k] == together


@pytest.mark.usefixtures("routing")
def test_undecided_request_raises(made):
    X, y, omics = made
    model = OmicsSum().set_fit_request(omics=True)
    with pytest.raises(ValueError, match=r"omics.*set_score_request"):
        cross_val_score(model, X, y, params={"omics": omics}, scoring=predictive_correlation_scorer)


@pytest.mark.usefixtures("routing")
def test_alias(made):
    X, y, omics = made
    asked = predictive_correlation_scorer.set_score_request(omics="measured_later")
    scores = cross_val_score(
        OmicsSum(), X, y, cv=KFold(2), params={"measured_later": omics}, scoring=asked
    )
    wanted = expected(predictive_correlation, OmicsSum(), X[:30], y[:30], omics=omics[:30])
    assert scores[0] == wanted


@pytest.mark.usefixtures("routing")
def test_network_with_omics_in_a_search(data, short):
    y = data.y.copy()
    y[::9] = NAN
    scorer = predictive_correlation_scorer.set_score_request(omics=True)
    model = short().set_fit_request(omics=True)
    search = GridSearchCV(
        model, {"method": ["RR-BLUP", "BayesC"]}, cv=2, scoring=scorer, error_score="raise"
    )
    search.fit(data.X, y, omics=data.omics)
    best = search.best_estimator_
    assert search.score(data.X, y, omics=data.omics) == expected(
        predictive_correlation, best, data.X, y, omics=data.omics
    )
    assert search.score(data.X, y) == expected(predictive_correlation, best, data.X, y)
    omitted = cross_val_score(
        model,
        data.X,
        y,
        cv=2,
        params={"omics": data.omics},
        scoring=scorer.set_score_request(omics=False),
    )
    assert search.best_score_ > omitted.mean() + 0.1  # omics of the fold reach predict


@pytest.mark.usefixtures("routing")
def test_network_in_a_pipeline_with_covariates(data, short):
    tables = {"omics": data.omics, "covariates": data.covariates}
    requests = dict.fromkeys(tables, True)
    model = make_pipeline(
        FunctionTransformer(),
        short().set_fit_request(**requests).set_predict_request(**requests),
    )
    scores = cross_val_score(
        model,
        data.X,
        data.y,
        cv=2,
        params=tables,
        scoring=neg_absolute_dispersion_error_scorer.set_score_request(**requests),
        error_score="raise",
    )
    assert (scores > -0.5).all()


def test_estimators_of_others():
    X = np.arange(10.0)[:, None]
    dispersion = PredictionScorer(prediction_dispersion)
    assert_allclose(
        cross_val_score(LinearRegression(), X, 3 * X[:, 0], cv=2, scoring=dispersion), 1
    )


def test_heritability_of_classes_between_scales():
    """The parent-offspring covariance of 0 and 1 tells the heritability on the observed scale."""
    prevalence, heritability = 0.1, 0.5
    threshold = stats.norm.isf(prevalence)
    covariance = [[1, heritability / 2], [heritability / 2, 1]]
    both = stats.multivariate_normal(cov=covariance).cdf([-threshold, -threshold])
    slope = (both - prevalence**2) / (prevalence * (1 - prevalence))
    observed = observed_heritability(heritability, prevalence)
    assert 0.8 * 2 * slope < observed < 2 * slope  # linear, where relatives are more alike
    little = stats.multivariate_normal(cov=[[1, 1e-4], [1e-4, 1]]).cdf([-threshold, -threshold])
    slope = (little - prevalence**2) / (prevalence * (1 - prevalence))
    assert observed_heritability(2e-4, prevalence) == pytest.approx(2 * slope, rel=1e-3)
    assert liability_heritability(observed, prevalence) == pytest.approx(heritability)
    # Lee et al. (2011): K^2 (1 - K)^2 / (z^2 P (1 - P)).
    z = stats.norm.pdf(threshold)
    expected = 0.2 * (0.1 * 0.9) ** 2 / (z**2 * 0.25)
    assert liability_heritability(0.2, 0.1, 0.5) == pytest.approx(expected)
    assert liability_heritability(0.2, 0.1, 0.1) == pytest.approx(liability_heritability(0.2, 0.1))
    rare = 1e-300  # z^2 is 0 in double precision
    mean_liability = np.exp(stats.norm.logpdf(ndtri(rare)) - np.log(rare))
    assert liability_heritability(0.5, rare) == pytest.approx(0.5 / (rare * mean_liability**2))
    draws = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert_allclose(observed_heritability(draws, 0.1)[1, 0], observed_heritability(0.3, 0.1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 0.0), "prevalence must lie between 0 and 1, but is 0.0"),
        ((0.5, [0.1, 0.2]), r"prevalence must be one number, a share, but is \[0.1"),
        ((0.5, 0.1, 1.0), "sample_prevalence must lie between"),
        ((1.5, 0.1), "heritability must lie from 0 to 1"),
        (([0.2, float("nan")], 0.1), "heritability must lie from 0 to 1"),
    ],
)
def test_shares_out_of_range(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        liability_heritability(*arguments)
