"""Draws of SNP effects, prepared for many effects at once.

All that can be known of a draw before x'residual is computed with NumPy, whose logarithms take a
nanosecond: the compiled sweeps are left with a few multiplications per effect.
"""

import numpy as np
from numba import njit


def prepare(squares, multipliers, weights, variance, residual_variance, rng):
    """Return all that the draws of effects need besides xr = x'(residual without the effect).

    The mixture component is the one with the largest score + shrinkage * xr^2 / (2 s2), for the
    scores hold Gumbel variates; the effect is shrinkage * xr + sqrt(s2 * shrinkage) * normal.

    Parameters
    ----------
    squares : x'Wx of every effect; it broadcasts to the shape of the effects, as do
    weights : (M, ...), of the mixture components, and variance, residual_variance
    multipliers : (M,)

    Returns
    -------
    score, shrinkage : ndarrays of shape (M, *shape of the effects)
    normal : ndarray, shaped like the effects
    """
    shape = np.broadcast_shapes(*map(np.shape, (squares, variance, residual_variance)))
    score, shrinkage = np.empty((2, len(multipliers), *shape))
    with np.errstate(divide="ignore"):  # a weight of exactly zero
        score[:] = np.log(weights)
        if len(multipliers) == 2:  # the difference of two Gumbel variates is logistic
            uniform = rng.random(shape)
            score[1] += np.log(uniform / (1 - uniform))
        elif len(multipliers) > 2:
            score -= np.log(rng.standard_exponential(score.shape))
    for m, multiplier in enumerate(multipliers):
        if multiplier == 0:
            shrinkage[m] = 0
            continue
        ratio = residual_variance / (multiplier * variance)
        np.divide(1, squares + ratio, out=shrinkage[m])
        ratio = ratio * shrinkage[m]
        score[m] += 0.5 * np.log(ratio, out=ratio)
    return score, shrinkage, rng.standard_normal(shape)


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
