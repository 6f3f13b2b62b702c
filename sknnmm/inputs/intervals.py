"""Phenotypes that are known to lie in an interval: left, right and interval censored."""

import numpy as np
from scipy.special import log_ndtr

from sknnmm.common.constant import mean_and_sd
from sknnmm.inputs.record import Record

MAX_ITERATIONS, TOLERANCE = 200, 1e-4  # of EM; the latter in SDs
LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


def check_intervals(lower, upper):
    """Return both ends of the intervals (n,), equal where y is not censored.

    Parameters
    ----------
    lower : ndarray of shape (n,)
        NaN = missing.
    upper : ndarray of shape (n,)
        NaN = not censored. What may lie anywhere is missing.
    """
    is_exact = np.isnan(upper)
    _refuse(
        np.isnan(lower) & ~is_exact,
        "y is missing (NaN) where y_upper is not: use -inf for a y of which only the upper end is "
        "known, or NaN in both if nothing is.",
    )
    upper = np.where(is_exact, lower, upper)
    _refuse(
        np.isneginf(lower) & is_exact,
        "y is -inf without an upper end in y_upper: give it one, or use NaN for a missing y.",
    )
    _refuse(
        np.isposinf(lower) | np.isneginf(upper),
        "y is inf, or y_upper is -inf: no value lies in such an interval.",
    )
    _refuse(lower > upper, "y is greater than y_upper: no value lies in such an interval.")
    anywhere = np.isneginf(lower) & np.isposinf(upper)
    return np.where(anywhere, np.nan, lower), np.where(anywhere, np.nan, upper)


def _refuse(wrong, message):
    if wrong.any():
        n, first = np.count_nonzero(wrong), np.flatnonzero(wrong)[0]
        raise ValueError(f"{message} Rows: {n}, the first is {first}.")


def record_of_intervals(lower, upper):
    """Return the Record of intervals (n,), some of which are no points; NaN = missing.

    It is standardised by the normal distribution that fits all records best.
    """
    observed = ~np.isnan(lower)
    first, last = lower[observed].max(), upper[observed].min()
    if first <= last:
        raise ValueError(
            f"y has no variance: every value between {first:g} and {last:g} lies in all intervals "
            "[y, y_upper]. Some must not overlap, or y be known exactly."
        )
    return Record(lower, *normal_of_intervals(lower[observed], upper[observed]), upper=upper)


def normal_of_intervals(lower, upper):
    """Return mean and SD of the normal distribution that fits intervals (n,) best, by EM."""
    wide = lower < upper
    first = np.where(np.isfinite(lower), lower, upper)  # a value of each to start from
    both = wide & np.isfinite(lower) & np.isfinite(upper)
    first[both] += (upper - lower)[both] / 2
    (mean,), (sd,) = mean_and_sd(first[:, None])
    for _ in range(MAX_ITERATIONS):
        first = (lower - mean) / sd
        second = first**2
        first[wide], second[wide] = truncated_moments(first[wide], (upper[wide] - mean) / sd)
        change = first.mean()
        factor = np.sqrt(second.mean() - change**2)
        mean, sd = mean + sd * change, sd * factor
        if max(abs(change), abs(factor - 1)) < TOLERANCE:
            break
    return mean, sd


def truncated_moments(lower, upper):
    """Return the first two moments of a standard normal variate within bounds (n,)."""
    flipped = lower > 0
    below = np.where(flipped, -upper, lower)
    above = np.where(flipped, -lower, upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = log_ndtr(above)
        mass = mass + np.log1p(-np.exp(log_ndtr(below) - mass))
        at_below, at_above = (
            np.exp(-0.5 * edge**2 - LOG_ROOT_2PI - mass) for edge in (below, above)
        )
        first = at_below - at_above
        second = 1 + _times(below, at_below) - _times(above, at_above)
    return np.where(flipped, -first, first), second


def _times(edge, density):
    """Return products that are 0 at infinite edges."""
    return np.where(np.isfinite(edge), edge, 0) * np.nan_to_num(density)
