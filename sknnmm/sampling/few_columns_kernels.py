"""Compiled Gibbs sweep over all SNPs and a few columns.

Four SNPs at a time are widened to floats, which stay in the nearest cache while they meet the
residuals of four columns in one pass: sixteen products from eight numbers. Of few columns a matrix
product would make less.
"""

import numpy as np
from numba import njit

from sknnmm.genotype_kernels import TILE, gather, new_tile
from sknnmm.sampling.connection_kernels import GROUP, REORDER, filled, four_snps
from sknnmm.sampling.prepared_draws import pick
from sknnmm.sampling.sweep_kernels import subtract_multiple


@njit(nogil=True, cache=True)
def sweep_few_columns(
    dosages, any_missing, mean, grams, set_of, row_weights, is_one, first, residual, effects,
    component, residual_variance, score, shrinkage, normal,
):  # fmt: skip
    """Draw the effects of some SNPs on all C columns once.

    Parameters
    ----------
    dosages : (n, p); any_missing : None if no dosage is missing
    mean : (p,)
    grams : (n_groups, G, 4, 4), X'W_g X of every four SNPs
    set_of : (C,), ascending, the row weights of each column: row_weights (G, n)
    is_one : (G,), whether they are all 1
    first : int, a multiple of four; the SNPs are first, first + 1, ...
    residual : (C, n), target - X b for all rows; updated in place; C a multiple of four
    effects, component : (s, C), of these SNPs, updated in place; component -1 = not in the model
    residual_variance : (C,)
    score, shrinkage : (M, s, C) and normal (s, C), of `prepare`
    """
    n_snps, n_columns = effects.shape
    tile = new_tile(dosages)
    x = np.empty((GROUP, residual.shape[1]), residual.dtype)
    weighted = np.empty_like(x)
    products, change = np.empty((n_columns, GROUP)), np.empty((n_columns, GROUP), residual.dtype)
    for tile_first in range(0, n_snps, TILE):
        tile_last = min(tile_first + TILE, n_snps)
        own = np.arange(first + tile_first, first + tile_last)
        gather(dosages, own, tile)
        for j0 in range(tile_first, tile_last, GROUP):
            stored, centre = four_snps(dosages, own, j0 - tile_first, tile, mean)
            for k in range(GROUP):
                widen(stored[k], centre[k], any_missing, x[k])
            for c in range(0, n_columns, GROUP):
                if is_one[set_of[c]] and is_one[set_of[c + GROUP - 1]]:
                    multiply(x, residual, c, products, c)
                else:
                    for q in range(GROUP):
                        weigh(residual[c + q], row_weights[set_of[c + q]], weighted[q])
                    multiply(x, weighted, 0, products, c)
            for c in range(n_columns):
                gram = grams[(first + j0) // GROUP, set_of[c]]
                for k in range(GROUP):
                    j = j0 + k
                    change[c, k] = 0
                    if j >= tile_last or component[j, c] < 0:
                        continue
                    old = effects[j, c]
                    xr = products[c, k] + gram[k, k] * old
                    for t in range(k):
                        xr -= gram[k, t] * change[c, t]
                    component[j, c], effects[j, c] = pick(
                        xr, residual_variance[c], score, shrinkage, normal, j, c
                    )
                    change[c, k] = effects[j, c] - old
            for c in range(0, n_columns, 2):
                take_changes(residual, c, change, x)


# Passes over the individuals; why they are inlined: see `connection_kernels`.


@njit(nogil=True, cache=True, forceinline=True)
def widen(stored, centre, any_missing, x):
    """Write a centred SNP to x (n,)."""
    for i in range(x.size):
        x[i] = filled(stored[i], centre, any_missing) - centre


@njit(nogil=True, cache=True, forceinline=True)
def take_changes(residual, c, change, x):
    """Take the changes (C, 4) of the effects of four SNPs x (4, n) off two columns, c and c + 1."""
    many = False
    for q in range(c, c + 2):
        n_changed = 0
        for k in range(GROUP):
            n_changed += change[q, k] != 0
        many |= n_changed > 1
    if many:
        take_eight(residual[c], residual[c + 1], change[c], change[c + 1], x)
        return
    for q in range(c, c + 2):
        for k in range(GROUP):
            if change[q, k] != 0:
                subtract_multiple(residual[q], change[q, k], x[k])


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def take_eight(r0, r1, of_0, of_1, x):
    """Take four changes off each of two columns."""
    xa, xb, xc, xd = x[0], x[1], x[2], x[3]
    a0, b0, c0, d0 = of_0[0], of_0[1], of_0[2], of_0[3]
    a1, b1, c1, d1 = of_1[0], of_1[1], of_1[2], of_1[3]
    for i in range(r0.size):
        from_0 = (a0 * xa[i] + b0 * xb[i]) + (c0 * xc[i] + d0 * xd[i])
        from_1 = (a1 * xa[i] + b1 * xb[i]) + (c1 * xc[i] + d1 * xd[i])
        r0[i] -= from_0
        r1[i] -= from_1


@njit(nogil=True, cache=True, forceinline=True)
def weigh(residual, weights, out):
    """Write the residuals of a column times their row weights."""
    for i in range(residual.size):
        out[i] = residual[i] * weights[i]


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def multiply(x, residual, first, products, c):
    """Write the products of four SNPs x (4, n) with four columns of the residuals, from `first`.

    They are rows c to c + 3 of `products` (C, 4).
    """
    xa, xb, xc, xd = x[0], x[1], x[2], x[3]
    r0, r1, r2, r3 = residual[first], residual[first + 1], residual[first + 2], residual[first + 3]
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = xa.dtype.type(0)
    c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = xa.dtype.type(0)
    for i in range(r0.size):
        a0 += xa[i] * r0[i]
        a1 += xa[i] * r1[i]
        a2 += xa[i] * r2[i]
        a3 += xa[i] * r3[i]
        b0 += xb[i] * r0[i]
        b1 += xb[i] * r1[i]
        b2 += xb[i] * r2[i]
        b3 += xb[i] * r3[i]
        c0 += xc[i] * r0[i]
        c1 += xc[i] * r1[i]
        c2 += xc[i] * r2[i]
        c3 += xc[i] * r3[i]
        d0 += xd[i] * r0[i]
        d1 += xd[i] * r1[i]
        d2 += xd[i] * r2[i]
        d3 += xd[i] * r3[i]
    for k, of_snp in enumerate(
        ((a0, a1, a2, a3), (b0, b1, b2, b3), (c0, c1, c2, c3), (d0, d1, d2, d3))
    ):
        for q in range(GROUP):
            products[c + q, k] = of_snp[q]
