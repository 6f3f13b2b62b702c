"""Draws of the scale of all effects of a column."""

import math

import numpy as np

from sknnmm.common.compiled import njit

BRACKET = 1.0  # width of the slice of the log scale
NEWTON_STEPS = 8
LEAST_CURVATURE = 0.5  # of the log density, where a normal distribution does not fit it


@njit(nogil=True, cache=True, error_model="numpy")
def draw_scales(linear, quadratic, power, growing, shrinking, rng):
    """Draw a factor t for the effects of every column.

    The density of log t is proportional to

        exp((t - 1) linear - (t - 1)^2 quadratic / 2 - growing t^2 - shrinking / t^2) t^power.

    By slice sampling from t = 1 (Neal 2003, doi 10.1214/aos/1056562461).
    """
    factors = np.ones(linear.size)
    for c in range(linear.size):
        terms = linear[c], quadratic[c], power[c], growing[c], shrinking[c]
        level = log_density_of_scale(0.0, *terms) - rng.standard_exponential()
        low = -BRACKET * rng.random()
        high = low + BRACKET
        while high - low > 1e-12:
            point = low + (high - low) * rng.random()
            if log_density_of_scale(point, *terms) >= level:
                factors[c] = math.exp(point)
                break
            if point < 0:
                low = point
            else:
                high = point
    return factors


@njit(nogil=True, cache=True, error_model="numpy")
def log_density_of_scale(log_factor, linear, quadratic, power, growing, shrinking):
    """Return the logarithm of the density of `draw_scales`."""
    more, square = math.expm1(log_factor), math.exp(2 * log_factor)
    of_data = more * (linear - 0.5 * more * quadratic)
    return of_data + power * log_factor - growing * square - shrinking / square


@njit(nogil=True, cache=True, error_model="numpy")
def propose_scales(
    linear, quadratic, new_linear, new_quadratic, power, growing, shrinking, rng
):  # fmt: skip
    """Propose factors t for effects that have changed; return them and what they gain.

    A proposal is drawn from a normal approximation of the density of log t (see `draw_scales`), and
    what it gains is the log ratio of densities and of proposals, there and back: from the changed
    effects times t to those before the change times 1.
    """
    factors, gains = np.ones(linear.size), np.zeros(linear.size)
    for c in range(linear.size):
        of_prior = power[c], growing[c], shrinking[c]
        here, there = (linear[c], quadratic[c]), (new_linear[c], new_quadratic[c])
        mean, sd = approximate_scale(*here, *of_prior)
        z = mean / sd  # of log t = 0
        gains[c] = -log_density_of_scale(0.0, *here, *of_prior) - math.log(sd) - 0.5 * z * z
        mean, sd = approximate_scale(*there, *of_prior)
        z = rng.standard_normal()
        log_factor = mean + sd * z
        factors[c] = math.exp(log_factor)
        gains[c] += log_density_of_scale(log_factor, *there, *of_prior)
        gains[c] += math.log(sd) + 0.5 * z * z
    return factors, gains


@njit(nogil=True, cache=True, error_model="numpy")
def approximate_scale(linear, quadratic, power, growing, shrinking):
    """Return mean and standard deviation of a normal approximation to the density of log t.

    By Newton's method. It begins where the data put t, and takes the same steps whatever the
    effects are that t multiplies: so proposals there and back are told from the same distribution.
    """
    best = 1 + linear / quadratic  # of the data alone
    if quadratic > 0 and best > 0:
        x = math.log(best)
    else:  # of the prior alone, where power - 2 growing t^2 + 2 shrinking / t^2 = 0
        if growing > 0:
            root = power + math.sqrt(power * power + 16 * growing * shrinking)
            x = 0.5 * math.log(root / (4 * growing))
        else:
            x = 0.5 * math.log(-2 * shrinking / power)
    curvature = 1.0
    for step in range(NEWTON_STEPS):
        t, square = math.exp(x), math.exp(2 * x)
        slope = t * (linear - (t - 1) * quadratic)
        curvature = -slope + square * quadratic
        slope += power - 2 * growing * square + 2 * shrinking / square
        curvature += 4 * growing * square + 4 * shrinking / square
        curvature = max(curvature, LEAST_CURVATURE)
        if step < NEWTON_STEPS - 1:
            x += min(max(slope / curvature, -1.0), 1.0)
    return x, 1 / math.sqrt(curvature)
