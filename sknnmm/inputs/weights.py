"""Checks of sample_weight."""

import numpy as np

from sknnmm.inputs.alignment import check_n_values
from sknnmm.inputs.tables import as_doubles, plain_column


def check_weights(sample_weight, n_samples):
    """Return weights (n,) in double precision, or None."""
    if sample_weight is None:
        return None
    weight = plain_column(sample_weight)
    if weight.ndim != 1:
        raise ValueError(
            "sample_weight must have one dimension: sample_weight should be a 1d array, one value "
            f"per row of X, but its shape is {weight.shape}."
        )
    weight = as_doubles(weight, "sample_weight")
    check_n_values(weight, "sample_weight", n_samples)
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError(
            "sample_weight must be finite and not negative; weight 0 is a missing phenotype."
        )
    if not weight.any():
        raise ValueError("sample_weight is zero for every sample: no phenotype is left.")
    return weight


def relative_weights(weight, y):
    """Return weights over their mean over the records with y, and that mean; only ratios matter.

    Parameters
    ----------
    weight : ndarray of shape (n,), or None
    y : ndarray of shape (n,)
        NaN = missing.
    """
    if weight is None:
        return None, 1.0
    largest = weight.max()
    mean = (weight[~np.isnan(y)] / largest).mean() * largest
    # Rounded, so that the same weights in other units are the same to the last bit.
    relative = (weight / mean).astype(np.float32).astype(float)
    if ((relative == 0) & (weight > 0)).any() or not np.isfinite(relative).all():
        raise ValueError(
            "sample_weight spans more than 38 orders of magnitude: set negligible weights to 0."
        )
    return relative, float(mean)
