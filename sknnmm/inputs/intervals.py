"""Phenotypes that are known to lie in an interval: left, right and interval censored."""

import numpy as np
from scipy.optimize import minimize

from sknnmm.common.normal_interval import log_probability
from sknnmm.inputs.record import Record

NARROW = 1e-6  # a width that is rounding, as a part of the spread of the intervals
FAR = 1e6  # SDs from the mean, beyond which a finite end stands for infinity
LARGEST = np.sqrt(np.finfo(float).max)  # whose square is finite
STARTS = 10.0 ** np.arange(-1, 17)  # SDs, in units of the spread
GRADIENT = 1e-8  # of the mean log likelihood where the search ends
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
    for name, end, infinity in (("y", lower, "-inf"), ("y_upper", upper, "inf")):
        _refuse(
            np.isfinite(end) & (abs(end) > LARGEST),
            f"{name} has values too large to compute with: use {infinity} for an end that is "
            "not known, or rescale.",
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


def narrow_as_exact(lower, upper):
    """Return intervals (n,), NaN = missing, with the middle as both ends of the narrow ones."""
    width = upper - lower
    narrow = width <= NARROW * (np.nanmax(lower) - np.nanmin(upper))
    middle = lower[narrow] + width[narrow] / 2
    lower, upper = lower.copy(), upper.copy()
    lower[narrow] = upper[narrow] = middle
    return lower, upper


def record_of_intervals(lower, upper):
    """Return the Record of intervals (n,), some of which are no points; NaN = missing.

    It is standardised by the normal distribution that fits all records best. Ends too far from
    its mean to matter become infinite.
    """
    observed = ~np.isnan(lower)
    _refuse_without_best_fit(lower[observed], upper[observed])
    mean, sd = normal_of_intervals(lower[observed], upper[observed])
    # The sampler starts in the middle of an interval, which would overflow single precision.
    lower = np.where(lower < mean - FAR * sd, -np.inf, lower)
    upper = np.where(upper > mean + FAR * sd, np.inf, upper)
    return Record(lower, mean, sd, upper=upper)


def _refuse_without_best_fit(lower, upper):
    """Raise if the likelihood has its supremum where the SD is 0 or infinite.

    It is log-concave in 1 / SD and mean / SD. Hence the SD is infinite only if all intervals are
    one-sided and, from an infinite SD on, the likelihood does not increase with 1 / SD. There its
    slope is proportional to the difference of the mean upper and the mean lower end.
    """
    first, last = lower.max(), upper.min()
    if first <= last:
        raise ValueError(
            f"y has no variance: every value between {first:g} and {last:g} lies in all intervals "
            "[y, y_upper]. Some must not overlap, or y be known exactly."
        )
    has_lower, has_upper = np.isfinite(lower), np.isfinite(upper)
    if not (has_lower & has_upper).any() and upper[has_upper].mean() <= lower[has_lower].mean():
        raise ValueError(
            "Nothing in y and y_upper tells the unit of y: no y is known exactly or within two "
            "finite ends, and the normal distribution that fits best has an infinite variance. "
            "Use NNMMClassifier for the two classes, low and high."
        )


def normal_of_intervals(lower, upper):
    """Return mean and SD of the normal distribution that fits intervals (n,) best.

    The likelihood has one maximum, see `_refuse_without_best_fit`.
    """
    # The greatest lower and the least upper end never stand for infinity, as others may.
    low, high = upper.min(), lower.max()
    centre, spread = low + (high - low) / 2, high - low
    ends = (lower - centre) / spread, (upper - centre) / spread
    sd = min(STARTS, key=lambda sd: _misfit((-np.log(sd), 0.0), *ends)[0])
    best = minimize(_misfit, (-np.log(sd), 0.0), ends, "BFGS", jac=True, options={"gtol": GRADIENT})
    log_precision, ratio = best.x
    sd = spread * np.exp(-log_precision)
    return centre + ratio * sd, sd


def _misfit(parameters, lower, upper):
    """Return minus the mean log likelihood, and its gradient, at -log SD and mean / SD."""
    log_precision, ratio = parameters
    exact = lower == upper
    precision = np.exp(log_precision)
    with np.errstate(over="ignore"):
        first = precision * lower - ratio
        second = first**2
        value = log_precision - LOG_ROOT_2PI - 0.5 * second
        value[~exact], first[~exact], second[~exact] = truncated_normal(
            first[~exact], precision * upper[~exact] - ratio
        )
    change = first.mean()
    return -value.mean(), np.array([second.mean() + ratio * change - 1, -change])


def truncated_normal(lower, upper):
    """Return the log mass of a standard normal variate within bounds (n,), and its moments.

    These are the first two within the bounds.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mass = log_probability(lower, upper)
        at_lower, at_upper = (
            np.exp(-0.5 * edge**2 - LOG_ROOT_2PI - mass) for edge in (lower, upper)
        )
        first = at_lower - at_upper
        second = 1 + _times(lower, at_lower) - _times(upper, at_upper)
    return mass, first, second


def _times(edge, density):
    """Return products that are 0 at infinite edges."""
    return np.where(np.isfinite(edge), edge, 0) * np.nan_to_num(density)
