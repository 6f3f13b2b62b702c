"""Likelihoods of single effects, each integrated out over its mixture prior."""

import math

import numpy as np

from sknnmm.common.compiled import njit

LARGEST = 600.0  # exponent, beyond which all of a SNP are lowered
RANGE = 1e100  # of a product of ratios, beyond which its logarithm is taken


@njit(nogil=True, cache=True, error_model="numpy")
def log_likelihood_ratios(
    seen, squares, component, multipliers, weights, variance, new_weights, new_variance, s2
):  # fmt: skip
    """Return the sums over the SNPs of log(Z' / Z), (C,).

    Z is the likelihood of an effect, integrated over its prior, and relative to that of no effect;
    Z' that under the new weights and variances.

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
    sums, product = np.zeros(n_columns), np.ones(n_columns)
    for j in range(n_snps):
        of_snp = min(j, variance.shape[0] - 1)
        for c in range(n_columns):
            if component[j, c] < 0:
                continue
            gain = 0.5 * float(seen[j, c]) ** 2 / s2[c]
            before = after = 0.0
            lowered, largest = 0.0, gain / squares[j]
            if largest > LARGEST:
                lowered = largest - LARGEST
            for m in range(multipliers.size):
                if multipliers[m] == 0:
                    none = math.exp(-lowered)
                    before += weights[m, c] * none
                    after += new_weights[m, c] * none
                    continue
                per_variance = s2[c] / multipliers[m]
                of_prior = variance[of_snp, c], new_variance[of_snp, c]
                before += weights[m, c] * bayes_factor(
                    gain, squares[j], per_variance / of_prior[0], lowered
                )
                after += new_weights[m, c] * bayes_factor(
                    gain, squares[j], per_variance / of_prior[1], lowered
                )
            product[c] *= after / before
            if not 1 / RANGE < product[c] < RANGE:
                sums[c] += math.log(product[c])
                product[c] = 1
    return sums + np.log(product)


@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def bayes_factor(gain, square, ratio, lowered):
    """Return the likelihood of an effect over that of none, times exp(-lowered).

    `gain` is (x'residual)^2 / (2 s2), `ratio` that of residual and prior variance.
    """
    shrunk = 1 / (square + ratio)
    return math.sqrt(ratio * shrunk) * math.exp(gain * shrunk - lowered)
