"""Compiled Gibbs sweeps over SNP effects given cross-products: no pass over the individuals."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.kernels.draws import pick
from sknnmm.kernels.passes import PASS, REORDER

BLOCK = 128  # SNPs whose changes are subtracted together
FEW = PASS // 2


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
    at = 0
    for c in range(squares.size):
        own = slice(indptr[c], indptr[c + 1])
        size = indptr[c + 1] - indptr[c]
        gram = grams[at : at + size * size].reshape(size, size)
        of_node, fit_products = effects[own], np.zeros((1, size), products.dtype)
        for j in range(size):
            if of_node[j] != 0:
                subtract_multiple(fit_products[0], -of_node[j], gram[j])
        sweep_all_pairs(
            gram,
            products[own].reshape(1, size),
            (fit_products,),
            (of_node.reshape(size, 1),),
            (component[own].reshape(size, 1),),
            residual_variance[c : c + 1],
            score[:, own].copy().reshape(-1, 1, size),
            shrinkage[:, own].copy().reshape(-1, 1, size),
            rng,
        )
        for j in range(size):
            squares[c] += float(of_node[j]) * float(fit_products[0, j])
        at += size * size
    return squares


# Inlined, as all that holds sums which may be reordered: see kernels/passes.py.
@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def sweep_all_pairs(
    gram, target, fit_products, effects, component, residual_variance, score, shrinkage, rng
):  # fmt: skip
    """Draw the effects of p SNPs on the C columns of some paths once.

    Parameters
    ----------
    gram : (p, p), X'WX
    target : (C, p), X'W target
    fit_products : tuple, of each path (c, p), X'WXb; updated in place, as are
    effects, component : tuples, of each path (p, c); component -1 = not in the model
    residual_variance : (C,)
    score, shrinkage : (M, C, p), of `prepare`
    """
    n_snps = gram.shape[0]
    left = np.empty_like(target)
    at = 0
    for of_path in fit_products:
        for c in range(len(of_path)):
            take_off(target[at], of_path[c], left[at])
            at += 1
    room = np.empty(2 * BLOCK, left.dtype), np.empty(BLOCK, np.int64)
    # All columns of a block side by side: its rows of the cross-products are read once.
    for first in range(0, n_snps, BLOCK):
        last = min(first + BLOCK, n_snps)
        at = np.int64(0)  # not 0: numba would compile `draw_block` for this literal too
        for g in range(len(effects)):
            for c in range(effects[g].shape[1]):
                selects = score.shape[0] == 2 and shrinkage[0, at, 0] == 0  # paths may differ
                draw_block(
                    gram, first, last, left[at], effects[g][:, c], component[g][:, c],
                    residual_variance[at], score, shrinkage, at, selects, room, rng,
                )  # fmt: skip
                at += 1
    at = 0
    for of_path in fit_products:
        for c in range(len(of_path)):
            take_off(target[at], left[at], of_path[c])
            at += 1


@inlined()
def take_off(first, second, out):
    """Write first - second to `out`."""
    for j in range(out.size):
        out[j] = first[j] - second[j]


@inlined(error_model="numpy")
def draw_block(
    gram, first, last, left, effects, component, s2, score, shrinkage, c, selects, room, rng
):  # fmt: skip
    """Draw the effects of SNPs `first` to `last` on column c, whose arrays are (p,).

    `selects`: component 0, of two, is no effect. Changes are subtracted from `left` at the end,
    several rows of cross-products at a time.
    """
    products, amounts, snps = room[0][:BLOCK], room[0][BLOCK:], room[1]
    gain = left.dtype.type(0.5 / s2)
    last_score, last_shrinkage = score[-1, c], shrinkage[-1, c]
    of_block = left[first:last]
    for t in range(of_block.size):
        products[t] = of_block[t]
    n_changed = 0
    for j in range(first, last):
        xr, old = products[j - first], effects[j]
        # Most effects are zero and stay so.
        advantage = last_score[j] + (last_shrinkage[j] * xr) * (xr * gain)
        if component[j] < 0 or (selects and old == 0 and advantage <= 0):
            continue
        full = float(xr) + float(gram[j, j]) * float(old)
        component[j], effects[j] = pick(full, s2, 0.5 / s2, score, shrinkage, c, j, rng)
        if effects[j] != old:
            snps[n_changed], amounts[n_changed] = j, effects[j] - old
            of_snp, amount = gram[j, first:last], amounts[n_changed]
            for t in range(of_snp.size):  # those before j too: short loops make no whole vectors
                products[t] -= amount * of_snp[t]
            n_changed += 1
    while n_changed % FEW != 0:  # fill up with nothing
        snps[n_changed], amounts[n_changed] = snps[0], 0
        n_changed += 1
    for t in range(0, n_changed - FEW, PASS):
        take_eight(left, gram, snps, amounts, t)
    if n_changed % PASS == FEW:
        take_four(left, gram, snps, amounts, n_changed - FEW)


@inlined(fastmath=REORDER)
def take_eight(left, gram, snps, amounts, t):
    """Take changes t to t + 7 of a column off what is `left` (p,)."""
    xa, xb, xc, xd = gram[snps[t]], gram[snps[t + 1]], gram[snps[t + 2]], gram[snps[t + 3]]
    xe, xf, xg, xh = gram[snps[t + 4]], gram[snps[t + 5]], gram[snps[t + 6]], gram[snps[t + 7]]
    a, b, c, d = amounts[t], amounts[t + 1], amounts[t + 2], amounts[t + 3]
    e, f, g, h = amounts[t + 4], amounts[t + 5], amounts[t + 6], amounts[t + 7]
    for j in range(left.size):
        left[j] -= ((a * xa[j] + b * xb[j]) + (c * xc[j] + d * xd[j])) + (
            (e * xe[j] + f * xf[j]) + (g * xg[j] + h * xh[j])
        )


@inlined(fastmath=REORDER)
def take_four(left, gram, snps, amounts, t):
    """Take changes t to t + 3 of a column off what is `left` (p,)."""
    xa, xb, xc, xd = gram[snps[t]], gram[snps[t + 1]], gram[snps[t + 2]], gram[snps[t + 3]]
    a, b, c, d = amounts[t], amounts[t + 1], amounts[t + 2], amounts[t + 3]
    for j in range(left.size):
        left[j] -= (a * xa[j] + b * xb[j]) + (c * xc[j] + d * xd[j])


@inlined(error_model="numpy")
def subtract_multiple(target, factor, values):
    """Subtract factor * values from `target`."""
    for i in range(target.size):
        target[i] -= factor * values[i]


@inlined()
def add_rows(gram, snps, amounts, out):
    """Add some rows of the cross-products times amounts to `out` (p,), several at a time."""
    own = np.zeros(PASS, snps.dtype)
    negative = np.zeros(PASS, amounts.dtype)
    for first in range(0, snps.size, PASS):
        own[:], negative[:] = snps[first], 0
        for t in range(min(PASS, snps.size - first)):
            own[t], negative[t] = snps[first + t], -amounts[first + t]
        take_eight(out, gram, own, negative, 0)


@njit(nogil=True, cache=True)
def add_changes(gram, indptr, snps, amounts, out):
    """Add rows of the cross-products times amounts to `out` (C, p): column c from indptr[c] on."""
    for c in range(len(out)):
        own = slice(indptr[c], indptr[c + 1])
        add_rows(gram, snps[own], amounts[own], out[c])
