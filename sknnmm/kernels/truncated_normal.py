"""Exact draws from truncated normal distributions, in the bulk and far out in the tails.

By rejection: from the normal or the uniform distribution where the interval contains 0, and from an
exponential distribution in a tail (Robert 1995, doi 10.1007/BF00143942), itself truncated where the
interval ends. Nothing is computed from the normal CDF, which is 0 or 1 in the tails. Whatever the
bounds, at least 49 % of the proposals are accepted.
"""

import math

import numpy as np

from sknnmm.common.compiled import njit

WIDE = math.sqrt(2 * math.pi)  # intervals around 0 for which normal proposals beat uniform ones


@njit(nogil=True, cache=True)
def truncated_standard_normal(rng, lower, upper):
    """Return a draw of N(0, 1) in [lower, upper]; either bound may be infinite.

    Parameters
    ----------
    rng : Generator
    lower, upper : float
        The draw is `lower` if both are the same, and NaN if they are in the wrong order or NaN.
    """
    if not lower < upper:
        return lower if lower == upper else np.nan
    if lower > 0:
        return _draw_tail(rng, lower, upper)
    if upper < 0:
        return -_draw_tail(rng, -upper, -lower)
    if upper - lower > WIDE:
        draw = rng.standard_normal()
        while not lower <= draw <= upper:
            draw = rng.standard_normal()
        return draw
    draw = rng.uniform(lower, upper)
    while 0.5 * draw * draw > rng.standard_exponential():
        draw = rng.uniform(lower, upper)
    return draw


@njit(nogil=True, cache=True, error_model="numpy")
def _draw_tail(rng, lower, upper):
    """Return a draw of N(0, 1) in [lower, upper], lower > 0.

    The excess t over the lower bound has a density in proportion to exp(-lower t - t^2 / 2), with
    rate - lower = 1 / rate in proportion to exp(-rate t) exp(-(t - 1 / rate)^2 / 2).
    """
    rate = 0.5 * (lower + math.sqrt(lower * lower + 4))
    width = upper - lower
    nearest = min(width, 1 / rate) - 1 / rate  # of t - 1/rate to 0
    while True:
        if width == np.inf:
            excess = rng.standard_exponential() / rate
        else:
            excess = -math.log1p(rng.random() * math.expm1(-rate * width)) / rate
        distance = excess - 1 / rate
        if 0.5 * (distance * distance - nearest * nearest) <= rng.standard_exponential():
            return min(lower + excess, upper)


@njit(nogil=True, cache=True, error_model="numpy")
def fill_truncated_normal(rng, mean, sd, lower, upper, out):
    """Write draws of N(mean, sd^2) in [lower, upper] to `out`; all are arrays (m,).

    Computed in double precision. Rounded to the precision of `out`, no draw leaves its interval.
    """
    for i in range(out.size):
        centre, unit = float(mean[i]), float(sd[i])
        draw = truncated_standard_normal(
            rng, (lower[i] - centre) / unit, (upper[i] - centre) / unit
        )
        # min and max would not pass NaN on.
        rounded = out.dtype.type(centre + unit * draw)
        if rounded < lower[i]:
            rounded = lower[i]
        elif rounded > upper[i]:
            rounded = upper[i]
        out[i] = rounded
