"""How good predictions are: their accuracy, bias and dispersion. Heritability of classes.

The scorers pass omics and covariates to `predict`, which `sklearn.metrics.make_scorer` does not.
"""

from collections.abc import Callable
from numbers import Real

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.metadata_routing import MetadataRequest

from sknnmm.common.constant import mean_and_sd
from sknnmm.common.typing import Column, Table
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.alignment import check_same_index
from sknnmm.inputs.tables import column_of_doubles

__all__ = [
    "PredictionScorer",
    "liability_heritability",
    "neg_absolute_bias_scorer",
    "neg_absolute_dispersion_error_scorer",
    "observed_heritability",
    "prediction_bias",
    "prediction_dispersion",
    "predictive_correlation",
    "predictive_correlation_scorer",
]

Metric = Callable[[np.ndarray, np.ndarray], float]


def predictive_correlation(y_true: Column, y_pred: Column) -> float:
    """Return Pearson's correlation of observed and predicted values (predictive ability).

    Divided by the square root of the heritability it estimates the accuracy of predicted
    breeding values. It is blind to bias and dispersion.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Observed values; rows with a missing one (NaN) are left out.
    y_pred : array-like of shape (n,)
        Predictions, all finite.

    Returns
    -------
    float
        NaN, with an `UndefinedMetricWarning`, if y_true or y_pred is constant over the rows
        whose y_true is observed.

    Raises
    ------
    ValueError
        If the lengths differ, fewer than two values are observed, or a prediction is not finite.

    See Also
    --------
    prediction_bias : Whether predictions are too high or too low on average.
    prediction_dispersion : Whether predictions vary too much or too little.

    References
    ----------
    Daetwyler, H. D., Calus, M. P. L., Pong-Wong, R., de los Campos, G. and Hickey, J. M. (2013).
    Genomic prediction in animals and plants: simulation of data, validation, reporting, and
    benchmarking. Genetics, 193, 347-365, doi 10.1534/genetics.112.147983.

    Examples
    --------
    >>> from sknnmm.metrics import predictive_correlation
    >>> predictive_correlation([1, 2, float("nan"), 3], [10, 30, 20, 20])
    0.5
    """
    true, pred = _deviations("predictive_correlation", y_true, y_pred)
    correlation = true @ pred / np.sqrt((true @ true) * (pred @ pred))
    return float(np.clip(correlation, -1, 1))  # which rounding can exceed


def prediction_bias(y_true: Column, y_pred: Column) -> float:
    """Return the mean of predicted minus observed values, in units of y; 0 is best.

    Above 0 predictions are too high on average, below 0 too low.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Observed values; rows with a missing one (NaN) are left out.
    y_pred : array-like of shape (n,)
        Predictions, all finite.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the lengths differ, fewer than two values are observed, or a prediction is not finite.

    See Also
    --------
    prediction_dispersion : Whether predictions vary too much or too little.
    predictive_correlation : Their correlation.

    References
    ----------
    Legarra, A. and Reverter, A. (2018). Semi-parametric estimates of population accuracy and bias
    of predictions of breeding values and future phenotypes using the LR method. Genetics
    Selection Evolution, 50, 53, doi 10.1186/s12711-018-0426-6.

    Examples
    --------
    >>> from sknnmm.metrics import prediction_bias
    >>> prediction_bias([1, 2, float("nan"), 3], [10, 12, 11, 14])
    10.0
    """
    y_true, y_pred = _observed_pairs(y_true, y_pred)
    return float((y_pred - y_true).mean())


def prediction_dispersion(y_true: Column, y_pred: Column) -> float:
    """Return the slope of the regression of observed on predicted values; 1 is best.

    Below 1 predictions vary too much (inflated: the best are overrated), above 1 too little
    (deflated). Shifting all predictions by a constant does not change it.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Observed values; rows with a missing one (NaN) are left out.
    y_pred : array-like of shape (n,)
        Predictions, all finite.

    Returns
    -------
    float
        NaN, with an `UndefinedMetricWarning`, if y_true or y_pred is constant over the rows
        whose y_true is observed.

    Raises
    ------
    ValueError
        If the lengths differ, fewer than two values are observed, or a prediction is not finite.

    See Also
    --------
    prediction_bias : Whether predictions are too high or too low on average.
    predictive_correlation : Their correlation.

    References
    ----------
    Legarra, A. and Reverter, A. (2018). Semi-parametric estimates of population accuracy and bias
    of predictions of breeding values and future phenotypes using the LR method. Genetics
    Selection Evolution, 50, 53, doi 10.1186/s12711-018-0426-6.

    Examples
    --------
    >>> from sknnmm.metrics import prediction_dispersion
    >>> prediction_dispersion([1, 2, float("nan"), 3], [10, 12, 11, 14])
    0.5
    """
    true, pred = _deviations("prediction_dispersion", y_true, y_pred)
    return float(true @ pred / (pred @ pred))


def _neg_absolute_bias(y_true: Column, y_pred: Column) -> float:
    return -abs(prediction_bias(y_true, y_pred))


def _neg_absolute_dispersion_error(y_true: Column, y_pred: Column) -> float:
    return -abs(prediction_dispersion(y_true, y_pred) - 1)


class PredictionScorer:
    r"""A scorer, for `scoring=`, that passes its metadata (omics, covariates) to `predict`.

    Rows whose y is missing (NaN) are predicted but not scored. The module has three instances. As
    in scikit-learn, greater is better and ``neg_`` marks the opposite of an error:

    - ``predictive_correlation_scorer``,
    - ``neg_absolute_bias_scorer``: -\|bias\|, 0 is best,
    - ``neg_absolute_dispersion_error_scorer``: -\|dispersion - 1\|, 0 is best.

    ``PredictionScorer(prediction_bias)`` and ``PredictionScorer(prediction_dispersion)`` return
    the metrics themselves: for reports (`cross_validate`), not for model selection (`refit`
    of a search), as their best values are 0 and 1, not the greatest.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_pred)``; for model selection greater must be better.

    Notes
    -----
    Metadata of a cross-validation reach a scorer only through scikit-learn's metadata routing.
    Predictions with and without the omics of the validation individuals are both of interest, so
    the scorer requests nothing by default: passing omics raises an error until
    `set_score_request` says which of the two is meant. In a `Pipeline` the last step must request
    them too (``set_predict_request``).

    Examples
    --------
    >>> import sklearn
    >>> from sklearn.model_selection import cross_validate
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.metrics import predictive_correlation_scorer
    >>> data = make_omics_network(n_samples=150, n_snps=40, n_omics=3, random_state=0)
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     model = NNMMRegressor(n_iter=400, burn_in=100, random_state=0)
    ...     scores = cross_validate(
    ...         model.set_fit_request(omics=True),
    ...         data.X,
    ...         data.y,
    ...         cv=2,
    ...         params={"omics": data.omics},
    ...         scoring={
    ...             "genotypes": predictive_correlation_scorer.set_score_request(omics=False),
    ...             "with omics": predictive_correlation_scorer.set_score_request(omics=True),
    ...         },
    ...     )
    >>> bool((scores["test_with omics"] > scores["test_genotypes"]).all())
    True
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._requests: dict[str, bool | str | None] = {"omics": None, "covariates": None}

    def __call__(
        self, estimator: BaseEstimator, X: Table, y: Column, **metadata: Table | None
    ) -> float:
        """Return the metric of the estimator's predictions.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted.
        X : array-like of shape (n, p)
        y : array-like of shape (n,)
            NaN = missing.
        **metadata : omics, covariates, ...
            Passed to ``estimator.predict``, unless None.

        Returns
        -------
        float
        """
        given = {name: value for name, value in metadata.items() if value is not None}
        check_same_index(X=X, y=y, **given)
        y_pred = estimator.predict(X, **given)
        return self._metric(*_observed_pairs(y, y_pred))

    def set_score_request(self, **requests: bool | str | None) -> "PredictionScorer":
        """Return a copy of this scorer that requests metadata; the scorer itself stays as it is.

        Parameters
        ----------
        **requests : bool, None or str
            For each name, such as `omics` and `covariates`: True (pass it to `predict`), False (do
            not), None (raise if it is given) or the name under which it is given.

        Returns
        -------
        PredictionScorer
        """
        if not get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "set_score_request has no effect without metadata routing: enable it with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        if requests.get("sample_weight"):
            raise ValueError("sample_weight cannot be requested: the metric takes no weights.")
        scorer = PredictionScorer(self._metric)
        scorer._requests = self._requests | requests
        scorer.get_metadata_routing()  # refuses invalid requests
        return scorer

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what is requested, for scikit-learn.

        Returns
        -------
        MetadataRequest
        """
        routing = MetadataRequest(owner=self)
        for name, request in self._requests.items():
            routing.score.add_request(param=name, alias=request)
        return routing

    def _accept_sample_weight(self) -> bool:
        # Asked by scikit-learn's searches when routing is off.
        return False

    def __repr__(self) -> str:
        set_requests = [f"{name}={r!r}" for name, r in self._requests.items() if r is not None]
        suffix = f".set_score_request({', '.join(set_requests)})" if set_requests else ""
        metric = getattr(self._metric, "__name__", repr(self._metric))
        return f"PredictionScorer({metric}){suffix}"


predictive_correlation_scorer = PredictionScorer(predictive_correlation)
neg_absolute_bias_scorer = PredictionScorer(_neg_absolute_bias)
neg_absolute_dispersion_error_scorer = PredictionScorer(_neg_absolute_dispersion_error)


def _observed_pairs(y_true: Column, y_pred: Column) -> tuple[np.ndarray, np.ndarray]:
    """Return both in double precision, without the rows whose y_true is missing."""
    check_same_index(y_true=y_true, y_pred=y_pred)
    true = column_of_doubles(y_true, "y_true")
    pred = column_of_doubles(y_pred, "y_pred")
    assert_all_finite(true, allow_nan=True, input_name="y_true")
    assert_all_finite(pred, input_name="y_pred")
    if len(true) != len(pred):
        raise ValueError(
            f"y_true has {len(true)} values but y_pred has {len(pred)}: pass those of the "
            "same individuals."
        )
    observed = ~np.isnan(true)
    if observed.sum() < 2:
        raise ValueError(
            f"y_true has {observed.sum()} observed values; at least two are needed. Use fewer or "
            "other folds if this happens in a cross-validation."
        )
    return true[observed], pred[observed]


def _deviations(metric: str, y_true: Column, y_pred: Column) -> np.ndarray:
    """Return the deviations of both from their means; NaN, with a warning, if one is constant."""
    pairs = np.stack(_observed_pairs(y_true, y_pred))
    mean, sd = mean_and_sd(pairs.T)
    constant = [name for name, s in zip(("y_true", "y_pred"), sd, strict=True) if s == 0]
    if constant:
        warn(
            f"{metric} is undefined (NaN): {' and '.join(constant)} constant over the "
            f"{pairs.shape[1]} observed rows.",
            UndefinedMetricWarning,
        )
        return np.full_like(pairs, np.nan)
    return pairs - mean[:, None]


def observed_heritability(heritability: npt.ArrayLike, prevalence: float) -> float | np.ndarray:
    """Return the heritability of a disease on the scale of 0 and 1, given that of its liability.

    Parameters
    ----------
    heritability : float or array-like
        Of the liability, 0 to 1: `heritability_` of `NNMMClassifier`, or its draws.
    prevalence : float
        Share of the population that is diseased, between 0 and 1.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If a heritability or the prevalence is out of its range.

    See Also
    --------
    liability_heritability : The other way round, also from cases and controls.

    Notes
    -----
    ``heritability * z^2 / (K (1 - K))`` with K the prevalence and z the standard normal density at
    the threshold. It is the share of genetic variance in a linear model of 0 and 1.

    References
    ----------
    Dempster, E. R. and Lerner, I. M. (1950). Heritability of threshold characters. Genetics, 35,
    212-236, doi 10.1093/genetics/35.2.212.

    Examples
    --------
    >>> from sknnmm.metrics import observed_heritability
    >>> round(observed_heritability(0.5, prevalence=0.1), 3)
    0.171
    """
    values = _checked_shares(heritability, "heritability")
    return _as_passed(values * _variance_on_observed_scale(prevalence))


def liability_heritability(
    heritability: npt.ArrayLike, prevalence: float, sample_prevalence: float | None = None
) -> float | np.ndarray:
    """Return the heritability of the liability to a disease, given that on the scale of 0 and 1.

    Parameters
    ----------
    heritability : float or array-like
        Estimated by a linear model of 0 and 1, as `heritability_` of `NNMMRegressor`, or its draws.
    prevalence : float
        Share of the population that is diseased, between 0 and 1.
    sample_prevalence : float, optional
        Share of the sample that is diseased, where cases were chosen more often than others. None:
        that of the population.

    Returns
    -------
    float or ndarray
        Above 1 where the heritability given is more than a liability can explain.

    Raises
    ------
    ValueError
        If a heritability or a prevalence is out of its range.

    See Also
    --------
    observed_heritability : The other way round.

    Notes
    -----
    ``heritability * K (1 - K) / z^2 * K (1 - K) / (P (1 - P))`` with K the prevalence, P that of
    the sample and z the standard normal density at the threshold. The liability of chosen cases and
    controls is not normal: `NNMMClassifier` overestimates its heritability in the population, and
    there is no such formula for it.

    References
    ----------
    Lee, S. H., Wray, N. R., Goddard, M. E. and Visscher, P. M. (2011). Estimating missing
    heritability for disease from genome-wide association studies. American Journal of Human
    Genetics, 88, 294-305, doi 10.1016/j.ajhg.2011.02.002.

    Examples
    --------
    >>> from sknnmm.metrics import liability_heritability
    >>> round(liability_heritability(0.2, prevalence=0.01, sample_prevalence=0.5), 3)
    0.11
    """
    values = _checked_shares(heritability, "heritability")
    chosen = 1.0
    if sample_prevalence is not None:
        _check_prevalence(sample_prevalence, "sample_prevalence")
        _check_prevalence(prevalence, "prevalence")
        chosen = prevalence * (1 - prevalence) / (sample_prevalence * (1 - sample_prevalence))
    return _as_passed(values * chosen / _variance_on_observed_scale(prevalence))


def _variance_on_observed_scale(prevalence: float) -> float:
    """Return the share of the variance of 0 and 1 that the liability explains linearly."""
    _check_prevalence(prevalence, "prevalence")
    # Of a rare disease the square of the density would underflow.
    log_density = -0.5 * (ndtri(prevalence) ** 2 + np.log(2 * np.pi))
    mean_liability = np.exp(log_density - np.log(prevalence))  # of the diseased
    return mean_liability**2 * prevalence / (1 - prevalence)


def _check_prevalence(prevalence: float, argument: str) -> None:
    if not isinstance(prevalence, Real):
        raise TypeError(f"{argument} must be one number, a share, but is {prevalence!r}.")
    if not 0 < prevalence < 1:
        raise ValueError(f"{argument} must lie between 0 and 1, but is {prevalence!r}.")


def _checked_shares(values: npt.ArrayLike, argument: str) -> np.ndarray:
    values = np.asarray(values, float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{argument} must lie from 0 to 1, but holds other values.")
    return values


def _as_passed(values: np.ndarray) -> float | np.ndarray:
    return values if values.ndim else float(values)
