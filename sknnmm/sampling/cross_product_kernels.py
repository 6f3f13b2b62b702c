"""Compiled Gibbs sweeps over SNP effects given cross-products: no pass over the individuals."""

import numpy as np
from numba import njit

from sknnmm.sampling.prepared_draws import pick
from sknnmm.sampling.sweep_kernels import subtract_multiple


@njit(nogil=True, cache=True)
def sweep_own_pairs(
    grams, indptr, products, effects, component, residual_variance, score, shrinkage, rng
):  # fmt: skip
    """Draw the effects of all connections once; return b'X'WXb of every node.

    Parameters
    ----------
    grams : flat, X'WX of the SNPs of each node, node after node
    indptr : (K + 1,); node c owns connections indptr[c] to indptr[c + 1]
    products : (m,), X'W target; overwritten
    effects, component : (m,), updated in place; component -1 = not in the model
    residual_variance : (K,)
    score, shrinkage : (M, m), of `prepare`
    """
    squares = np.empty(indptr.size - 1)
    at = 0
    for c in range(squares.size):
        own = slice(indptr[c], indptr[c + 1])
        size = indptr[c + 1] - indptr[c]
        squares[c] = sweep_all_pairs(
            grams[at : at + size * size].reshape(size, size),
            products[own].reshape(1, size),
            effects[own].reshape(size, 1),
            component[own].reshape(size, 1),
            residual_variance[c : c + 1],
            score[:, own].copy().reshape(-1, size, 1),
            shrinkage[:, own].copy().reshape(-1, size, 1),
            rng,
        )[0]
        at += size * size
    return squares


@njit(nogil=True, cache=True)
def sweep_all_pairs(
    gram, products, effects, component, residual_variance, score, shrinkage, rng
):  # fmt: skip
    """Draw the effects of p SNPs on C columns once; return b'X'WXb of every column.

    Parameters
    ----------
    gram : (p, p), X'WX
    products : (C, p), X'W target; overwritten
    effects, component : (p, C), updated in place; component -1 = not in the model
    residual_variance : (C,)
    score, shrinkage : (M, p, C), of `prepare`
    """
    n_snps, n_columns = effects.shape
    of_target = products.copy()
    for j in range(n_snps):
        for c in range(n_columns):
            if effects[j, c] != 0:
                subtract_multiple(products[c], effects[j, c], gram[j])
    # All columns of a SNP side by side: its row of the cross-products is read once.
    for j in range(n_snps):
        xx = float(gram[j, j])
        for c in range(n_columns):
            if component[j, c] < 0:
                continue
            old, s2 = effects[j, c], residual_variance[c]
            xr = float(products[c, j]) + xx * float(old)
            component[j, c], effects[j, c] = pick(xr, s2, score, shrinkage, j, c, rng)
            if effects[j, c] != old:
                subtract_multiple(products[c], effects[j, c] - old, gram[j])
    squares = np.zeros(n_columns)  # X'W(target - X b) is at hand for the new effects
    for j in range(n_snps):
        for c in range(n_columns):
            if effects[j, c] != 0:
                squares[c] += float(effects[j, c]) * float(of_target[c, j] - products[c, j])
    return squares
