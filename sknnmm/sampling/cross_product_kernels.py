"""Compiled Gibbs sweeps over SNP effects given cross-products: no pass over the individuals."""

import numpy as np
from numba import njit

from sknnmm.sampling.connection_kernels import PASS
from sknnmm.sampling.prepared_draws import pick
from sknnmm.sampling.sweep_kernels import subtract_multiple, take_eight

BLOCK = 64  # SNPs whose changes are taken off together


@njit(nogil=True, cache=True)
def sweep_own_pairs(
    grams, indptr, products, effects, component, residual_variance, score, shrinkage, rng
):  # fmt: skip
    """Draw the effects of all connections once; return b'X'WXb of every node.

    Parameters
    ----------
    grams : flat, X'WX of the SNPs of each node, node after node
    indptr : (K + 1,); node c owns connections indptr[c] to indptr[c + 1]
    products : (m,), X'W target
    effects, component : (m,), updated in place; component -1 = not in the model
    residual_variance : (K,)
    score, shrinkage : (M, m), of `prepare`
    """
    squares = np.zeros(indptr.size - 1)
    left = products.copy()
    at = 0
    for c in range(squares.size):
        own = slice(indptr[c], indptr[c + 1])
        size = indptr[c + 1] - indptr[c]
        gram = grams[at : at + size * size].reshape(size, size)
        of_node = left[own]
        for j in range(size):
            if effects[indptr[c] + j] != 0:
                subtract_multiple(of_node, effects[indptr[c] + j], gram[j])
        sweep_all_pairs(
            gram,
            of_node.reshape(1, size),
            effects[own].reshape(1, size),
            component[own].reshape(1, size),
            residual_variance[c : c + 1],
            score[:, own].copy().reshape(-1, 1, size),
            shrinkage[:, own].copy().reshape(-1, 1, size),
            rng,
        )
        for j in range(indptr[c], indptr[c + 1]):
            squares[c] += float(effects[j]) * float(products[j] - left[j])
        at += size * size
    return squares


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_all_pairs(gram, left, effects, component, residual_variance, score, shrinkage, rng):
    """Draw the effects of p SNPs on C columns once.

    Parameters
    ----------
    gram : (p, p), X'WX
    left : (C, p), X'W(target - X b), updated in place, as are
    effects, component : (C, p); component -1 = not in the model
    residual_variance : (C,)
    score, shrinkage : (M, C, p), of `prepare`
    """
    selects = score.shape[0] == 2 and shrinkage[0, 0, 0] == 0
    room = np.empty(2 * BLOCK, left.dtype), np.empty(BLOCK, np.int64)
    # All columns of a block side by side: its rows of the cross-products are read once.
    for first in range(0, left.shape[1], BLOCK):
        last = min(first + BLOCK, left.shape[1])
        for c in range(len(left)):
            draw_block(
                gram, first, last, left[c], effects[c], component[c], residual_variance[c], score,
                shrinkage, c, selects, room, rng,
            )  # fmt: skip


@njit(nogil=True, cache=True, error_model="numpy")
def draw_block(
    gram, first, last, left, effects, component, s2, score, shrinkage, c, selects, room, rng
):  # fmt: skip
    """Draw the effects of SNPs `first` to `last` on one column, arrays (p,).

    `selects`: component 0, of two, is no effect. Changes are taken off `left` at the end, several
    rows of cross-products at a time.
    """
    products, amounts, snps = room[0][:BLOCK], room[0][BLOCK:], room[1]
    gain = left.dtype.type(0.5 / s2)
    last_score, last_shrinkage = score[-1, c], shrinkage[-1, c]
    products[: last - first] = left[first:last]
    n_changed = 0
    for j in range(first, last):
        xr, old = products[j - first], effects[j]
        # Most effects are zero and stay so.
        advantage = last_score[j] + (last_shrinkage[j] * xr) * (xr * gain)
        if component[j] < 0 or (selects and old == 0 and advantage <= 0):
            continue
        full = float(xr) + float(gram[j, j]) * float(old)
        component[j], effects[j] = pick(full, s2, score, shrinkage, c, j, rng)
        if effects[j] != old:
            snps[n_changed], amounts[n_changed] = j, effects[j] - old
            of_snp, amount = gram[j], amounts[n_changed]
            for t in range(j + 1, last):
                products[t - first] -= amount * of_snp[t]
            n_changed += 1
    while n_changed % PASS != 0:  # fill up with nothing
        snps[n_changed], amounts[n_changed] = snps[0], 0
        n_changed += 1
    for t in range(0, n_changed, PASS):
        take_eight(left, gram, 0, snps, amounts, t)
