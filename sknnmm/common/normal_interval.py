"""The standard normal distribution between two bounds."""

import numpy as np
from scipy.special import log_ndtr


def log_probability(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return the log probability of an interval, far out in the tail too."""
    flipped = lower > 0
    log_below = log_ndtr(np.where(flipped, -upper, lower))
    log_above = log_ndtr(np.where(flipped, -lower, upper))
    with np.errstate(divide="ignore"):  # of an interval too narrow to tell its ends apart
        return log_above + np.log(-np.expm1(log_below - log_above))
