"""Predictions beside what was observed."""

from inspect import signature
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.stats import norm
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_scalar

from sknnmm.common.fitted import pass_what_is_inside
from sknnmm.common.typing import Column, Table
from sknnmm.inputs.tables import column_of_doubles
from sknnmm.plotting._style import (
    BLUE,
    VERMILION,
    axes_of,
    room_along,
    text_of,
    without_frame,
    wrapped,
)

if TYPE_CHECKING:
    from sknnmm.estimators.regressor import NNMMRegressor


class PredictionDisplay:
    """Observed phenotypes against their predictions, with the predictive interval of each.

    Parameters
    ----------
    y : array-like of shape (n,)
        Observed; NaN are not drawn.
    mean, std : array-like of shape (n,)
        Predictive mean and standard deviation, as `NNMMRegressor.predict` returns them.
    interval : float, default=0.9
        Probability of the intervals, which are those of a normal distribution.
    y_name : str, default="y"
        What y is called, with its unit.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    points_ : PathCollection
        The individuals with a record; those outside their interval are red.
    bands_ : LineCollection
        Their intervals.
    correlation_ : float
        Of records and predictions.
    coverage_ : float
        Share of the records in their interval, which is to be about `interval`.

    Examples
    --------
    >>> from sknnmm.plotting import PredictionDisplay
    >>> display = PredictionDisplay([1.0, 2.0, 6.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]).plot()
    >>> round(display.coverage_, 3)
    0.667
    """

    def __init__(
        self, y: Column, mean: Column, std: Column, *, interval: float = 0.9, y_name: str = "y"
    ) -> None:
        self.y, self.mean, self.std = y, mean, std
        self.interval, self.y_name = interval, y_name

    @classmethod
    def from_estimator(
        cls,
        model: "NNMMRegressor",
        X: Table,
        y: Column,
        *,
        omics: Table | None = None,
        covariates: Table | None = None,
        interval: float = 0.9,
        y_name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Predict individuals and draw them beside their records.

        Parameters
        ----------
        model : NNMMRegressor, or another regressor whose predict has return_std
            Fitted, on other individuals than these. Also a Pipeline that ends in one.
        X : array-like of shape (n, p)
        y : array-like of shape (n,)
            Observed phenotypes; NaN are not drawn.
        omics, covariates
            As in `NNMMRegressor.predict`.
        interval : float, default=0.9
            Probability of the intervals.
        y_name : str or None, default=None
            What y is called, with its unit. None: the name of a Series, or "y".
        ax : Axes or None, default=None
            None: of a new figure.

        Returns
        -------
        PredictionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If the model predicts classes, or no standard deviations.
        ValueError
            As `predict` does.
        """
        if is_classifier(model):
            raise TypeError(
                f"PredictionDisplay is for measured phenotypes, {type(model).__name__} predicts "
                "classes: use CalibrationDisplay or RocCurveDisplay of scikit-learn."
            )
        if not _predicts_std(model):
            raise TypeError(
                f"{type(_last_step(model)).__name__} has no predict(X, return_std=True), of which "
                "the intervals are made."
                + (
                    pass_what_is_inside(model, _predicts_std)
                    or " Draw its predictions with PredictionErrorDisplay of scikit-learn."
                )
            )
        given = {"omics": omics, "covariates": covariates}
        given = {name: table for name, table in given.items() if table is not None}
        mean, std = model.predict(X, **given, return_std=True)
        if y_name is None:
            name = getattr(y, "name", None)
            y_name = "y" if name is None else text_of(name)
        return cls(y, mean, std, interval=interval, y_name=y_name).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the individuals.

        Parameters
        ----------
        ax : Axes or None, default=None
            None: of a new figure.

        Returns
        -------
        PredictionDisplay
        """
        check_scalar(
            self.interval, "interval", Real, min_val=0, max_val=1, include_boundaries="neither"
        )
        check_consistent_length(self.y, self.mean, self.std)
        y = column_of_doubles(self.y, "y")
        mean, std = np.asarray(self.mean, float), np.asarray(self.std, float)
        seen = ~np.isnan(y)
        if not seen.any():
            raise ValueError("y has no observed value, so there is nothing to compare with.")
        y, mean, std = y[seen], mean[seen], std[seen]
        half = norm.ppf((1 + self.interval) / 2) * std
        inside = np.abs(y - mean) <= half
        varies = np.ptp(y) > 0 and np.ptp(mean) > 0
        self.correlation_ = float(np.corrcoef(y, mean)[0, 1]) if varies else np.nan
        self.coverage_ = float(inside.mean())

        ax = axes_of(ax, (1, 1), (5, 4.6))[0, 0]
        self.bands_ = ax.vlines(mean, mean - half, mean + half, color=BLUE, lw=0.8, alpha=0.2)
        ends = mean.min(), mean.max()
        ax.plot(ends, ends, color="0.3", lw=1)
        self.points_ = ax.scatter(
            mean, y, s=12, c=np.where(inside, BLUE, VERMILION), linewidths=0, zorder=3
        )
        ax.set_xlabel(f"predicted {self.y_name}")
        ax.set_ylabel(f"observed {self.y_name}")
        title = (
            f"correlation {self.correlation_:.2f}, {100 * self.coverage_:.0f} % in their "
            f"{100 * self.interval:g} % interval"
        )
        ax.set_title(wrapped(title, max(20, room_along(ax))), loc="left", fontsize="medium")
        without_frame(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _last_step(model):
    while isinstance(model, Pipeline):
        model = model[-1]
    return model


def _predicts_std(model):
    predict = getattr(_last_step(model), "predict", None)
    return predict is not None and "return_std" in signature(predict).parameters
