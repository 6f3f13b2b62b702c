"""Checks of a y of numbers."""

import numpy as np
from sklearn.exceptions import DataConversionWarning

from sknnmm.common.constant import mean_and_sd, varies
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.alignment import check_n_values
from sknnmm.inputs.intervals import check_intervals, narrow_as_exact, record_of_intervals
from sknnmm.inputs.record import Record
from sknnmm.inputs.tables import as_pandas, column_of_doubles, plain_column

FEW = 5  # different whole numbers, which are probably classes


class Phenotype:
    """A y of numbers as passed, maybe with the upper ends of intervals.

    Parameters
    ----------
    y, y_upper : column, or None
        As passed.
    """

    def __init__(self, y, y_upper=None):
        self.passed = {"y": y, "y_upper": y_upper}

    def check(self, n_samples, weight):
        """Return the Record; missing also where the weight is 0."""
        y, upper = self.values(n_samples, weight)
        refuse_one_sample(n_samples)
        if upper is not None:
            y, upper = narrow_as_exact(y, upper)
            if (y < upper).any():
                return record_of_intervals(y, upper)
        refuse_constant(y)
        _warn_of_classes(y)
        (mean,), (sd,) = mean_and_sd(y[:, None])
        return Record(y, mean, sd)

    def values(self, n_samples, weight):
        """Return y (n,), NaN = missing, and the upper ends, None where none are passed."""
        y, y_upper = self.passed.values()
        if y_upper is None:
            return check_records(y, n_samples, weight), None
        lower = column_of_y(y, n_samples)
        upper = column_of_doubles(_refuse_flags(y_upper), "y_upper")
        check_n_values(upper, "y_upper", n_samples)
        lower, upper = check_intervals(lower, upper)
        lower = without_weightless(lower, weight)
        return lower, np.where(np.isnan(lower), np.nan, upper)


def check_records(y, n_samples, weight=None):
    """Return y (n,) in double precision, NaN = missing; also where the weight is 0."""
    y = column_of_y(y, n_samples)
    if np.isinf(y).any():
        raise ValueError(
            "y contains infinity; use NaN for missing values. Of censored values pass both ends to "
            "fit, y and y_upper."
        )
    return without_weightless(y, weight)


def check_phenotype(y, n_samples, weight=None):
    """Return y as `check_records` does, if it varies."""
    y = check_records(y, n_samples, weight)
    refuse_one_sample(n_samples)
    refuse_constant(y)
    return y


def refuse_constant(y):
    """Raise if all values (n,), NaN = missing, are the same."""
    observed = y[~np.isnan(y)]
    if not varies(observed):
        raise ValueError(
            f"y has no variance over its {observed.size} observed values; it must vary to be "
            "predicted."
        )


def _refuse_flags(y_upper):
    """Return y_upper as passed; raise if it says whether records are censored."""
    if plain_column(as_pandas(y_upper)).dtype == bool:
        raise TypeError(
            "y_upper is boolean, but it holds the upper ends of intervals, in the unit of y: pass "
            "inf where y is right censored and NaN where it is exact."
        )
    return y_upper


def refuse_missing_argument(y):
    """Raise if there is no y at all."""
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: pass a phenotype, NaN = missing."
        )


def warn_of_column(y):
    """Warn if y, as pandas or NumPy hold it, is a table of one column."""
    if y.ndim == 2 and y.shape[1] == 1:
        warn(
            "A column-vector y was passed when a 1d array was expected. Please change its shape "
            "to (n_samples,), for example using ravel().",
            DataConversionWarning,
        )


def column_of_y(y, n_samples):
    """Return y (n,) in double precision."""
    refuse_missing_argument(y)
    warn_of_column(plain_column(y))
    y = column_of_doubles(y, "y")
    check_n_values(y, "y", n_samples)
    return y


def without_weightless(y, weight):
    """Return y (n,) with NaN also where the weight is 0; some values must be left."""
    if weight is not None:
        y = np.where(weight == 0, np.nan, y)
    if np.isnan(y).all():
        raise ValueError("y has no observed value: all are missing (NaN).")
    return y


def refuse_one_sample(n_samples):
    """Raise if there is one sample only."""
    if n_samples == 1:
        raise ValueError("n_samples = 1: X and y need at least two samples to estimate variances.")


def _warn_of_classes(y):
    """Warn if values (n,), NaN = missing, are probably those of classes."""
    values = np.unique(y[~np.isnan(y)])
    shown = ", ".join(f"{value:g}" for value in values[:FEW])
    if len(values) == 2:
        warn(
            f"y has two values, {shown}, which NNMMRegressor takes for measurements with normal "
            "residuals. If they are classes, as healthy and diseased, use NNMMClassifier."
        )
    elif len(values) <= FEW and (values == np.round(values)).all():
        warn(
            f"y has {len(values)} whole values, {shown}, which NNMMRegressor takes for "
            "measurements with normal residuals. If they are ordered classes, as scores, use "
            "NNMMClassifier(ordered=True)."
        )
