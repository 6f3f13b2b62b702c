"""When numbers count as constant: one rule for phenotypes, omics, covariates, SNPs and metrics."""

import numpy as np

RELATIVE_SPREAD = 1e-12  # rounding gives equal numbers an SD too


def is_constant(spread, largest):
    """Return whether values with this spread differ by rounding alone.

    Parameters
    ----------
    spread : float or ndarray
        Their SD or range.
    largest : float or ndarray
        The largest absolute value.
    """
    return spread <= RELATIVE_SPREAD * largest


def varies(values):
    """Return whether values (n,), none of them missing, differ by more than rounding."""
    _, (sd,) = mean_and_sd(values[:, None])
    return bool(sd > 0)


def mean_and_sd(values):
    """Return means and population SDs of the columns over the values that are not NaN.

    Sums and squares are taken in a unit (a power of two, so nothing is rounded) of the size of the
    largest value: none overflows or vanishes. The SD of a constant column, or of one without
    values, is exactly 0.
    """
    if not values.size:
        return np.zeros((2, values.shape[1]))
    values = np.where(np.isnan(values).all(axis=0), 0, values)  # no value: mean and SD 0
    exponent = np.frexp(np.nanmax(np.abs(values), axis=0))[1]
    scaled = np.ldexp(values, -exponent)
    mean, sd = np.nanmean(scaled, axis=0), np.nanstd(scaled, axis=0)
    sd = np.where(is_constant(sd, np.nanmax(np.abs(scaled), axis=0)), 0, sd)
    return np.ldexp(mean, exponent), np.ldexp(sd, exponent)
