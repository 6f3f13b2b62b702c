"""Checks of y."""

import numpy as np
from sklearn.exceptions import DataConversionWarning

from sknnmm.common.constant import varies
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.alignment import check_n_values
from sknnmm.inputs.tables import column_of_doubles, plain_column, refuse_infinite


def check_records(y, n_samples, weight=None):
    """Return y (n,) in double precision, NaN = missing; also where the weight is 0."""
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: pass a phenotype, NaN = missing."
        )
    plain = plain_column(y)
    if plain.ndim == 2 and plain.shape[1] == 1:
        warn(
            "A column-vector y was passed when a 1d array was expected. Please change its shape "
            "to (n_samples,), for example using ravel().",
            DataConversionWarning,
        )
    y = column_of_doubles(y, "y")
    check_n_values(y, "y", n_samples)
    refuse_infinite(y, "y")
    if weight is not None:
        y = np.where(weight == 0, np.nan, y)
    if np.isnan(y).all():
        raise ValueError("y has no observed value: all are missing (NaN).")
    return y


def check_phenotype(y, n_samples, weight=None):
    """Return y as `check_records` does, if it varies."""
    y = check_records(y, n_samples, weight)
    observed = y[~np.isnan(y)]
    if n_samples == 1:
        raise ValueError("n_samples = 1: X and y need at least two samples to estimate variances.")
    if not varies(observed):
        raise ValueError(
            f"y has no variance over its {observed.size} observed values; it must vary to be "
            "predicted."
        )
    return y
