"""The standard normal distribution below a bound: its quantiles, and its moments.

Exact to rounding far out in the tail: nothing is divided by a probability that may be 0.
"""

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri_exp


def below(normal: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Return the quantiles below a bound at the probabilities that N(0, 1) has below `normal`.

    Of a standard normal variate it makes one of the normal distribution below the bound.
    """
    return np.minimum(ndtri_exp(log_ndtr(bound) + log_ndtr(normal)), bound)


def normal_of(value: np.ndarray, bound: np.ndarray, resolution: float) -> np.ndarray:
    """Return the inverse of `below`.

    `resolution` is the share of the probability below the bound that cannot be told apart: a value
    that rounding has moved onto the bound itself would be infinite.
    """
    log_share = log_ndtr(value) - log_ndtr(bound)
    return ndtri_exp(np.minimum(log_share, -resolution))


def slope_below(normal: np.ndarray, value: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Return the derivative of value = below(normal, bound) by `normal`."""
    return np.exp(log_ndtr(bound) + 0.5 * (value * value - normal * normal))


def hazard(bound: np.ndarray) -> np.ndarray:
    """Return density over probability below the bound; minus it is the mean below the bound."""
    with np.errstate(over="ignore"):  # far above 0 the density vanishes
        return np.sqrt(2 / np.pi) / erfcx(-np.asarray(bound, float) / np.sqrt(2))


def moments_below(
    mean: np.ndarray, variance: np.ndarray, upper: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of N(mean, variance) below `upper`."""
    sd = np.sqrt(variance)
    bound = (upper - mean) / sd
    ratio = hazard(bound)
    of_bounded = np.maximum(1 - ratio * (ratio + bound), 0)
    return np.minimum(mean - sd * ratio, upper), variance * of_bounded
