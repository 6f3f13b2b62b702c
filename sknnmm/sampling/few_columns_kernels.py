"""Compiled Gibbs sweep over all SNPs and a few columns.

A block of SNPs is widened to floats, which stay in the second cache while they meet the residuals:
four SNPs and four columns to a pass, sixteen products from eight numbers. Within the block the
cross-products of its SNPs stand in for the residuals. Of few columns matrix products make less.
"""

import numpy as np
from numba import njit

from sknnmm.genotype_kernels import TILE, fetch, gather, gathered, new_tile
from sknnmm.sampling.connection_kernels import PASS, REORDER, filled
from sknnmm.sampling.prepared_draws import draw_narrow_block
from sknnmm.sampling.sweep_kernels import take_eight

GROUP = 4  # SNPs and columns in a pass that multiplies
ROWS = 512  # individuals whose widened genotypes, of one pass, stay in the nearest cache


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_few_columns(
    dosages, any_missing, mean, grams, columns, row_weights, is_one, first, residual, x, effects,
    component, residual_variance, score, shrinkage, rng,
):  # fmt: skip
    """Draw the effects of some SNPs on a few columns once; the last of L columns may be idle.

    Parameters
    ----------
    dosages : (n, p); any_missing : None if no dosage is missing
    mean : (p,)
    grams : (n_blocks, G, b, b), X'W_g X of every b SNPs; b divides TILE
    columns : (G + 1,), first column of each set of row weights, then the number of columns
    row_weights : (G, n); is_one : (G,), whether they are all 1
    first : int, a multiple of b; the SNPs are first, first + 1, ...
    residual : (L, N), target - X b for all rows, then N - n zeros; updated in place
    x : (b, N), room for widened SNPs, zero
    effects, component : (s, L), of these SNPs, updated in place; component -1 = not in the model
    residual_variance : (L,)
    score, shrinkage : (M, s, L), of `prepare`
    """
    n_snps, n_lanes = effects.shape
    block_size = grams.shape[2]
    number = residual.dtype.type
    tile = new_tile(dosages)
    weighted = np.zeros((GROUP, residual.shape[1]), residual.dtype)
    products = np.zeros((block_size, n_lanes), residual.dtype)
    change = np.zeros((block_size, n_lanes), residual.dtype)
    room = np.zeros(5 * n_lanes, number)
    s2 = residual_variance.astype(number)
    gain = number(0.5) / s2
    split = n_lanes if columns.size == 2 else columns[1]
    snps = np.zeros((n_lanes, block_size + 1), np.int64)
    amounts = np.zeros((n_lanes, block_size + 1), number)
    # The next block comes from memory while this one is multiplied: some SNPs of it every pass.
    order = np.arange(first, min(first + n_snps + block_size, dosages.shape[1]))
    n_groups = -(-columns[-1] // GROUP)
    fetched = -(-GROUP // n_groups)
    for tile_first in range(0, n_snps, TILE):
        tile_last = min(tile_first + TILE, n_snps)
        gather(dosages, order[tile_first:tile_last], tile)
        for start in range(tile_first, tile_last, block_size):
            width = min(block_size, tile_last - start)
            ahead = start + width
            for k in range(width):
                stored = gathered(dosages, first + start + k, tile, start - tile_first + k)
                widen(stored, mean[first + start + k], any_missing, x[k])
            x[width:] = 0
            for c in range(0, columns[-1], GROUP):
                g, h = 1 if c >= split else 0, 1 if c + GROUP > split else 0
                if is_one[g] and is_one[h]:
                    for k in range(0, width, GROUP):
                        fetch(dosages, order, ahead, ahead + fetched)
                        ahead += fetched
                        multiply(x, k, residual, c, products, c)
                else:
                    for q in range(GROUP):
                        of_column = row_weights[1 if c + q >= split else 0]
                        weigh(residual[c + q], of_column, weighted[q])
                    for k in range(0, width, GROUP):
                        fetch(dosages, order, ahead, ahead + fetched)
                        ahead += fetched
                        multiply(x, k, weighted, 0, products, c)
            draw_narrow_block(
                products, grams[(first + start) // block_size], split, start, width, effects,
                component, s2, gain, score, shrinkage, change, room, rng,
            )  # fmt: skip
            take_changes(residual, change[:width], x, columns[-1], snps, amounts)


@njit(nogil=True, cache=True, forceinline=True)
def take_changes(residual, change, x, n_columns, snps, amounts):
    """Take the changes (b, L) of the effects of SNPs x (b, N) off the residuals (L, N).

    `snps` and `amounts`, (L, b + 1), are room for the changes of every column.
    """
    most = 0
    counts = np.zeros(n_columns, np.int64)
    for c in range(n_columns):
        count = 0
        for k in range(change.shape[0]):  # without a branch, which none could foresee
            snps[c, count], amounts[c, count] = k, change[k, c]
            count += change[k, c] != 0
        counts[c] = count
        most = max(most, count)
        while count % PASS != 0:  # fill up with nothing
            snps[c, count], amounts[c, count] = snps[c, 0], 0
            count += 1
    for row in range(0, x.shape[1], ROWS):
        for t in range(0, most, PASS):
            for c in range(n_columns):
                if t < counts[c]:
                    take_eight(residual[c][row : row + ROWS], x, row, snps[c], amounts[c], t)


# Passes over the individuals; why they are inlined: see `connection_kernels`.


@njit(nogil=True, cache=True, forceinline=True)
def widen(stored, centre, any_missing, x):
    """Write a centred SNP to x (n, or longer)."""
    for i in range(stored.size):
        x[i] = filled(stored[i], centre, any_missing) - centre


@njit(nogil=True, cache=True, forceinline=True)
def weigh(residual, weights, out):
    """Write the residuals of a column times their row weights."""
    for i in range(weights.size):
        out[i] = residual[i] * weights[i]


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def multiply(x, k, residual, first, products, c):
    """Write the products of SNPs k to k + 3 of x (b, n) with four columns, from `first`.

    They go to rows k to k + 3, columns c to c + 3, of `products` (b, L).
    """
    xa, xb, xc, xd = x[k], x[k + 1], x[k + 2], x[k + 3]
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
    for t, of_snp in enumerate(
        ((a0, a1, a2, a3), (b0, b1, b2, b3), (c0, c1, c2, c3), (d0, d1, d2, d3))
    ):
        for q in range(GROUP):
            products[k + t, c + q] = of_snp[q]
