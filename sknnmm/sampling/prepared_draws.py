"""Draws of SNP effects, prepared for many effects at once.

All that can be known of a draw before x'residual is computed with NumPy, whose logarithms take a
nanosecond: the compiled sweeps are left with a few multiplications per effect.
"""

import numpy as np
from numba import njit

LARGEST = 1e30  # residual over prior variance: what single precision can hold


def prepare(squares, multipliers, weights, variance, residual_variance, rng, dtype=float):
    """Return all that the draws of effects need besides xr = x'(residual without the effect).

    The mixture component is the one with the largest score + shrinkage * xr^2 / (2 s2), for the
    scores hold Gumbel variates; the effect is shrinkage * xr + sqrt(s2 * shrinkage) * normal.

    In single precision the uniforms are multiples of 2^-24: no probability is off by more.

    Parameters
    ----------
    squares : x'Wx of every effect; it broadcasts to the shape of the effects, as do
    weights : (M, ...), of the mixture components, and variance, residual_variance
    multipliers : (M,)
    dtype : of the results

    Returns
    -------
    score, shrinkage : ndarrays of shape (M, *shape of the effects)
    normal : ndarray, shaped like the effects
    """
    shape = np.broadcast_shapes(*map(np.shape, (squares, variance, residual_variance)))
    score, shrinkage = np.empty((2, len(multipliers), *shape), dtype)
    squares = np.asarray(squares, dtype)
    with np.errstate(divide="ignore"):  # a weight of exactly zero, a uniform of exactly zero
        score[:] = np.log(weights)
        if len(multipliers) == 2:  # the difference of two Gumbel variates is logistic
            score[1] += _logistic(rng.random(shape, dtype))
        elif len(multipliers) > 2:
            exponential = rng.standard_exponential(score.shape)  # in single precision some are 0
            score -= np.log(exponential, out=exponential)
    room = np.empty(shape, dtype)
    for m, multiplier in enumerate(multipliers):
        if multiplier == 0:
            shrinkage[m] = 0
            continue
        ratio = np.minimum(residual_variance / (multiplier * variance), LARGEST).astype(dtype)
        np.add(squares, ratio, out=shrinkage[m])
        np.reciprocal(shrinkage[m], out=shrinkage[m])
        if len(multipliers) > 1:
            np.multiply(ratio, shrinkage[m], out=room)
            np.log(room, out=room)
            room *= 0.5
            score[m] += room
    return score, shrinkage, rng.standard_normal(shape, dtype)


def _logistic(uniform):
    """Return log(u / (1 - u)), in place."""
    rest = 1 - uniform
    np.divide(uniform, rest, out=uniform)
    return np.log(uniform, out=uniform)


@njit(nogil=True, cache=True)
def pick(xr, s2, score, shrinkage, normal, j, c):
    """Return mixture component and value of effect (j, c) given xr, as `prepare` has it."""
    gain = xr * xr / (2 * s2)
    chosen = 0
    highest = score[0, j, c] + shrinkage[0, j, c] * gain
    for m in range(1, score.shape[0]):
        this = score[m, j, c] + shrinkage[m, j, c] * gain
        if this > highest:
            chosen, highest = m, this
    shrunk = shrinkage[chosen, j, c]
    if shrunk == 0:
        return chosen, 0.0
    return chosen, shrunk * xr + np.sqrt(s2 * shrunk) * normal[j, c]


@njit(nogil=True, cache=True)
def draw_row(
    xr, xx, s2, gain, score, shrinkage, normal, row, effects, component, change, room
):  # fmt: skip
    """Draw the effects of one SNP on all columns, each as `pick` does; for a dozen and more.

    The compiler vectorises the loops, which few columns do not repay.

    Parameters
    ----------
    xr : (C,), x'W residual of all effects; overwritten
    xx : (C,), x'Wx; s2 : (C,), residual variances; gain : (C,), 1 / (2 s2)
    score, shrinkage, normal : of `prepare`, of which the SNP has row `row`
    effects, component : (C,), updated in place; component -1 = not in the model
    change : (C,), of the effects; written
    room : (3, C)
    """
    highest, chosen, shrunk = room[0], room[1], room[2]
    number = xr.dtype.type
    score_0, shrinkage_0, normals = score[0, row], shrinkage[0, row], normal[row]
    for c in range(xr.size):
        xr[c] += xx[c] * effects[c]
        highest[c] = score_0[c] + (shrinkage_0[c] * xr[c]) * (xr[c] * gain[c])
        shrunk[c] = shrinkage_0[c]
        chosen[c] = number(0)
    for m in range(1, score.shape[0]):
        score_m, shrinkage_m = score[m, row], shrinkage[m, row]
        for c in range(xr.size):
            this = score_m[c] + (shrinkage_m[c] * xr[c]) * (xr[c] * gain[c])
            better = this > highest[c]
            highest[c] = this if better else highest[c]
            shrunk[c] = shrinkage_m[c] if better else shrunk[c]
            chosen[c] = number(m) if better else chosen[c]
    for c in range(xr.size):
        old = effects[c]
        drawn = shrunk[c] * xr[c] + np.sqrt(s2[c] * shrunk[c]) * normals[c]
        drawn = drawn if shrunk[c] > 0 else number(0)  # not -0
        effects[c] = old if component[c] < 0 else drawn
        change[c] = effects[c] - old
    for c in range(xr.size):
        component[c] = component[c] if component[c] < 0 else np.int8(chosen[c])
