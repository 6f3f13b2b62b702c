"""Likelihoods of single effects, each integrated out over its mixture prior."""

import math

import numpy as np

from sknnmm.common.compiled import njit

LARGEST = 600.0  # exponent; what is larger is lowered to it
RANGE = 1e100  # of a product of ratios, beyond which its logarithm is taken


@njit(nogil=True, cache=True, error_model="numpy")
def log_likelihood_ratios(
    seen, squares, component, multipliers, weights, variance, new_weights, new_variance, s2
):  # fmt: skip
    """Return the sums over the SNPs of log(Z' / Z), (C,).

    Z is the likelihood of an effect integrated over its prior, relative to that of no effect; Z'
    that under the new weights and variances.

    Parameters
    ----------
    seen : (s, C), x'residual without the effect
    squares : (s,), x'Wx
    component : (s, C); -1 = not in the model
    multipliers : (M,)
    weights, new_weights : (M, C)
    variance, new_variance : (1, C) or (s, C)
    s2 : (C,)
    """
    n_snps, n_columns = seen.shape
    ratio, new_ratio = s2 / variance, s2 / new_variance
    precision = 0.5 / s2
    sums, product = np.zeros(n_columns), np.ones(n_columns)
    for j in range(n_snps):
        of_snp = min(j, variance.shape[0] - 1)
        for c in range(n_columns):
            if component[j, c] < 0:
                continue
            gain = precision[c] * float(seen[j, c]) ** 2
            lowered = 0.0
            if gain > LARGEST * squares[j]:
                least = min(ratio[of_snp, c], new_ratio[of_snp, c]) / multipliers.max()
                lowered = max(gain / (squares[j] + least) - LARGEST, 0.0)
            given = squares[j], gain, lowered, multipliers
            before = likelihood(*given, weights[:, c], ratio[of_snp, c])
            after = likelihood(*given, new_weights[:, c], new_ratio[of_snp, c])
            product[c] *= after / before
            if not 1 / RANGE < product[c] < RANGE:
                sums[c] += math.log(product[c])
                product[c] = 1
    return sums + np.log(product)


@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def likelihood(square, gain, lowered, multipliers, weights, ratio):
    """Return Z times exp(-lowered).

    `gain` is (x'residual)^2 / (2 s2), `ratio` that of residual and prior variance.
    """
    total = 0.0
    for m in range(multipliers.size):
        if multipliers[m] == 0:
            total += weights[m] if lowered == 0 else weights[m] * math.exp(-lowered)
        else:
            of_component = ratio if multipliers[m] == 1 else ratio / multipliers[m]
            shrunk = 1 / (square + of_component)
            factor = math.sqrt(of_component * shrunk) * math.exp(gain * shrunk - lowered)
            total += weights[m] * factor
    return total
