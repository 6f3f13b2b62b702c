"""Draws of the thresholds between ordered classes given the mean of every liability."""

import math

import numpy as np

from sknnmm.common.compiled import inlined, njit

ROOT_HALF = math.sqrt(0.5)
FAR = 30.0  # SDs from 0, beyond which tails are taken from their expansion
LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
MAX_STEPS = 50  # by which a slice is stepped out


@njit(nogil=True, cache=True)
def draw_thresholds(rng, of_class, mean, sd, thresholds):
    """Draw all thresholds but the first, one at a time given the others, in place.

    Each by slice sampling: a step of a few standard errors, stepped out, then shrunk (Neal 2003,
    doi 10.1214/aos/1056562461). The prior is flat over ordered thresholds.

    Parameters
    ----------
    rng : Generator
    of_class : ndarray of int of shape (m,)
        Class k lies between thresholds k - 1 and k.
    mean, sd : ndarray of shape (m,)
        Of the liabilities.
    thresholds : ndarray of shape (M - 1,)
        Increasing.
    """
    starts = np.zeros(thresholds.size + 2, np.int64)
    for k in of_class:
        starts[k + 1] += 1
    for k in range(1, starts.size):
        starts[k] += starts[k - 1]
    order = np.empty(of_class.size, np.int64)  # records class by class
    filled = starts.copy()
    for i in range(of_class.size):
        order[filled[of_class[i]]] = i
        filled[of_class[i]] += 1
    for j in range(1, thresholds.size):
        last = j + 1 == thresholds.size
        below, above = thresholds[j - 1], np.inf if last else thresholds[j + 1]
        first, middle, stop = starts[j], starts[j + 1], starts[j + 2]
        given = order, first, middle, stop, mean, sd, below, above
        now = thresholds[j]
        level = log_likelihood(now, given) - rng.standard_exponential()
        step = 4 / math.sqrt(max(stop - first, 1))
        left = now - step * rng.random()
        right = left + step
        for _ in range(MAX_STEPS):
            if left <= below or log_likelihood(left, given) < level:
                break
            left -= step
        for _ in range(MAX_STEPS):
            if right >= above or log_likelihood(right, given) < level:
                break
            right += step
        left, right = max(left, below), min(right, above)
        while True:
            proposed = left + (right - left) * rng.random()
            if log_likelihood(proposed, given) >= level:
                thresholds[j] = proposed
                break
            if proposed < now:
                left = proposed
            else:
                right = proposed


@njit(nogil=True, cache=True)
def log_likelihood_of_classes(of_class, mean, sd, thresholds, shift, factor):
    """Return the log probability of all classes.

    With means and thresholds multiplied by a factor, means shifted besides. Parameters are those
    of `draw_thresholds`.
    """
    edges = np.empty(thresholds.size + 2)
    edges[0], edges[edges.size - 1] = -np.inf, np.inf
    for k in range(thresholds.size):
        edges[k + 1] = factor * thresholds[k]
    total = 0.0
    for i in range(of_class.size):
        centre, k = factor * mean[i] + shift, of_class[i]
        total += log_probability((edges[k] - centre) / sd[i], (edges[k + 1] - centre) / sd[i])
    return total


@inlined()
def log_likelihood(threshold, given):
    """Return the log probability of the records on both sides of a threshold."""
    order, first, middle, stop, mean, sd, below, above = given
    total = 0.0
    for e in range(first, middle):
        i = order[e]
        total += log_probability((below - mean[i]) / sd[i], (threshold - mean[i]) / sd[i])
    for e in range(middle, stop):
        i = order[e]
        total += log_probability((threshold - mean[i]) / sd[i], (above - mean[i]) / sd[i])
    return total


@inlined()
def log_probability(lower, upper):
    """Return the log probability that a standard normal variate lies in an interval."""
    if lower > 0:
        lower, upper = -upper, -lower
    if upper > -FAR:
        probability = 0.5 * (math.erfc(-upper * ROOT_HALF) - math.erfc(-lower * ROOT_HALF))
        return math.log(probability) if probability > 0 else -np.inf
    far = log_tail(-upper)
    return far + math.log1p(-math.exp(min(log_tail(-lower) - far, 0.0)))


@inlined()
def log_tail(x):
    """Return the log probability of exceeding x, far out: Mills' ratio to three terms."""
    if x == np.inf:
        return -np.inf
    square = x * x
    return -0.5 * square - math.log(x) - LOG_ROOT_2PI - 1 / square + 2.5 / (square * square)
