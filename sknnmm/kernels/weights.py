"""Draws of the weights of a block of nodes, in one compiled call."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.kernels.draws import pick


@njit(nogil=True, cache=True, error_model="numpy")
def draw_weights(
    gram, products, multipliers, mixture, variance, s2, effects, component, c, rng
):  # fmt: skip
    """Draw the weights of a block of nodes on response c.

    Mixture components one by one, nonzero weights jointly. In one compiled call, for calls from
    Python would take longer than their arithmetic.

    Parameters
    ----------
    gram : (b, b), X'WX; products : (b,), X'W residual
    multipliers : (M,), of the mixture; mixture : (M, b, C) or (M, 1, C), weights of its components
    variance : (b, C) or (1, C), prior variances
    s2 : residual variance of the response
    effects, component : (b, C), updated in place; component -1: not in the model, effect 0
    """
    n = products.size
    left = products.copy()
    if multipliers.size > 1:
        sweep_weights(gram, left, multipliers, mixture, variance, s2, effects, component, c, rng)
    of_weight = np.empty(n)
    for j in range(n):
        if component[j, c] < 0:  # not in the model
            of_weight[j] = 0
        else:
            of_weight[j] = multipliers[component[j, c]] * variance[min(j, len(variance) - 1), c]
        for i in range(n):  # all are drawn anew: none is part of what explains y
            left[i] += gram[i, j] * effects[j, c]
    draw_jointly(gram, left, of_weight, s2, effects[:, c], rng)


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_weights(gram, left, multipliers, mixture, variance, s2, effects, component, c, rng):
    """Draw weights on one response one by one, given X'W residual `left`; see `draw_weights`."""
    for j in range(left.size):
        if component[j, c] < 0:
            continue
        old = effects[j, c]
        v, xr = variance[min(j, len(variance) - 1), c], left[j] + gram[j, j] * old
        own = mixture[:, min(j, mixture.shape[1] - 1), c]
        component[j, c], effects[j, c] = draw_weight(gram[j, j], xr, s2, v, multipliers, own, rng)
        change = effects[j, c] - old
        if change != 0:
            for i in range(left.size):
                left[i] -= change * gram[i, j]


@inlined(error_model="numpy")
def draw_weight(xx, xr, s2, variance, multipliers, mixture, rng):
    """Return mixture component and value of one weight given x'W(residual without it)."""
    score, shrinkage = np.zeros((multipliers.size, 1, 1)), np.zeros((multipliers.size, 1, 1))
    for m in range(multipliers.size):
        # What `prepare` makes for many effects: the score holds a Gumbel variate.
        score[m, 0, 0] = np.log(mixture[m]) - np.log(rng.standard_exponential())
        if multipliers[m] > 0:
            ratio = s2 / (multipliers[m] * variance)
            shrinkage[m, 0, 0] = 1 / (xx + ratio)
            score[m, 0, 0] += 0.5 * np.log(ratio * shrinkage[m, 0, 0])
    return pick(xr, s2, 0.5 / s2, score, shrinkage, 0, 0, rng)


@inlined(error_model="numpy")
def draw_jointly(gram, products, variance, s2, effects, rng):
    """Draw the effects (b,) whose prior variance is not zero, given X'(y without the block).

    The posterior precision is LL' / s2; with z standard normal, L'b = L^-1 products + sqrt(s2) z.
    """
    nonzero = np.flatnonzero(variance)
    if nonzero.size == 0:
        return
    precision = np.empty((nonzero.size, nonzero.size))
    for i in range(nonzero.size):
        for j in range(nonzero.size):
            precision[i, j] = gram[nonzero[i], nonzero[j]]
        precision[i, i] += s2 / variance[nonzero[i]]
    root = np.linalg.cholesky(precision)
    drawn = np.empty(nonzero.size)
    for i in range(nonzero.size):
        drawn[i] = (products[nonzero[i]] - np.dot(root[i, :i], drawn[:i])) / root[i, i]
    for i in range(nonzero.size):
        drawn[i] += np.sqrt(s2) * rng.standard_normal()
    for i in range(nonzero.size - 1, -1, -1):
        for j in range(i + 1, nonzero.size):
            drawn[i] -= root[j, i] * drawn[j]
        drawn[i] /= root[i, i]
        effects[nonzero[i]] = drawn[i]
