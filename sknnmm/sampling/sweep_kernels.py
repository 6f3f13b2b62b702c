"""Compiled Gibbs sweep over the effects of a linear predictor: every mixture prior, one kernel.

`sweep_blocks` runs over blocks of neighbouring SNPs and all columns (omics, direct path)
together: one product with the residuals, a single-site pass inside the block by its Gram matrix,
one product back (Breen et al. 2022, doi 10.1038/s42003-022-03624-1).
"""

import numpy as np
from numba import njit

from sknnmm.genotype_kernels import centred_block
from sknnmm.sampling.connection_kernels import REORDER
from sknnmm.sampling.prepared_draws import draw_row

STRIP = 128  # columns drawn side by side, so that a block of them stays in the near caches


@njit(nogil=True, cache=True)
def few_changes(n_columns):
    """Return the share of changed effects up to which they are taken off the residuals singly.

    A product of matrices does all n b C multiplications whatever the change, but faster, above
    all with many columns. Measured at n = 3,534 for 1 to 100 columns.
    """
    return min(0.6, 0.15 + 5 / n_columns)


@njit(nogil=True, cache=True)
def sweep_block(
    products, grams, columns, first, effects, component, residual_variance, score, shrinkage,
    change, rng,
):  # fmt: skip
    """Draw the effects of one block given `products` = X_b' residual (b, C), all columns.

    grams[g] is X_b' W_g X_b, with row weights g holding for columns[g] to columns[g + 1]. The
    block is the rows from `first` of effects, component (updated in place) and of the tables of
    `prepare`. Writes `change` = new - old (b, C) and returns how many effects changed.
    """
    n_changed = 0
    for left in range(0, columns[-1], STRIP):
        n_changed += sweep_strip(
            products, grams, columns, left, min(left + STRIP, columns[-1]), first, effects,
            component, residual_variance, score, shrinkage, change, rng,
        )  # fmt: skip
    return n_changed


@njit(nogil=True, cache=True)
def sweep_strip(
    products, grams, columns, left, right, first, effects, component, residual_variance, score,
    shrinkage, change, rng,
):  # fmt: skip
    """Draw the effects of one block on columns `left` to `right`; see `sweep_block`."""
    number, strip = products.dtype.type, slice(left, right)
    s2 = residual_variance[strip].astype(number)
    xr, xx = np.empty_like(s2), np.empty_like(s2)
    gain, room = number(0.5) / s2, np.zeros(5 * s2.size, number)
    changed = np.empty(len(products), np.int64)  # the SNPs that did, so far
    positions = np.empty(s2.size + 1, np.int64)
    n_changed, n_effects = 0, 0
    for j in range(len(products)):
        for g in range(columns.size - 1):
            own = slice(max(columns[g] - left, 0), max(min(columns[g + 1], right) - left, 0))
            xx[own] = grams[g, j, j]
        old, of_snp = effects[first + j][strip], change[j][strip]
        xr[:] = products[j][strip]
        for c in range(xr.size):
            xr[c] += xx[c] * old[c]
        take_changes(xr, grams, columns, left, j, changed[:n_changed], change)
        draw_row(
            xr, s2, gain, score, shrinkage, first + j, left, old, component[first + j][strip],
            of_snp, room, positions, rng,
        )  # fmt: skip
        n_of_snp = 0
        for c in range(xr.size):
            n_of_snp += of_snp[c] != 0
        if n_of_snp > 0:
            changed[n_changed] = j
            n_changed += 1
            n_effects += n_of_snp
    return n_effects


@njit(nogil=True, cache=True)
def take_changes(xr, grams, columns, first_column, j, changed, change):
    """Take what the changes of earlier SNPs of the block contribute off x_j' residual, (C,).

    Its columns are those from `first_column`.
    """
    for g in range(columns.size - 1):
        start, stop = max(columns[g], first_column), min(columns[g + 1], first_column + xr.size)
        if start >= stop:
            continue
        left, pairs = xr[start - first_column : stop - first_column], grams[g, j]
        last = 0
        for first in range(0, changed.size - 3, 4):  # one pass over x_j' residual for four of them
            last = first + 4
            p, q, r, s = changed[first], changed[first + 1], changed[first + 2], changed[first + 3]
            of_p, of_q = change[p][start:stop], change[q][start:stop]
            of_r, of_s = change[r][start:stop], change[s][start:stop]
            to_p, to_q, to_r, to_s = pairs[p], pairs[q], pairs[r], pairs[s]
            for c in range(left.size):
                left[c] -= (to_p * of_p[c] + to_q * of_q[c]) + (to_r * of_r[c] + to_s * of_s[c])
        for t in changed[last:]:
            subtract_multiple(left, pairs[t], change[t][start:stop])


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_blocks(
    dosages, mean, grams, columns, reweighted, first, residual, effects, component,
    residual_variance, score, shrinkage, rng,
):  # fmt: skip
    """Draw the effects of some SNPs on all C columns once, block by block.

    Parameters
    ----------
    dosages : (n, p); mean : (p,)
    grams : (n_blocks, G, b, b), X_b' W_g X_b
    columns : (G + 1,) first column of each set of row weights, then C
    reweighted : (first, rows, weights), the rows whose weight is not 1: set g owns entries
        first[g] to first[g + 1]
    first : int, a multiple of b; the SNPs are first, first + 1, ...
    residual : (C, n), target - X b for all rows, whatever their weight; updated in place
    effects, component : (s, C), of these SNPs, updated in place; component -1 = not in the model
    residual_variance : (C,)
    score, shrinkage : (M, s, C), of `prepare`
    """
    n_columns, n = residual.shape
    block_size = grams.shape[2]
    buffer = np.empty(n * block_size, residual.dtype)
    shift = np.empty_like(residual)
    flat_residual, flat_shift = residual.reshape(-1), shift.reshape(-1)
    for start in range(0, effects.shape[0], block_size):
        width = min(block_size, effects.shape[0] - start)
        block = centred_block(dosages, first + start, mean, buffer, width)
        products = weighted_products(block, residual, columns, reweighted)
        change = np.empty((width, n_columns), residual.dtype)
        n_changed = sweep_block(
            products, grams[(first + start) // block_size], columns, start, effects, component,
            residual_variance, score, shrinkage, change, rng,
        )  # fmt: skip
        if n_changed > few_changes(n_columns) * change.size:
            np.dot(change.T, block.T, shift)
            for i in range(flat_residual.size):
                flat_residual[i] -= flat_shift[i]
        elif n_changed > 0:
            for j in range(width):
                for c in range(n_columns):
                    if change[j, c] != 0:
                        subtract_multiple(residual[c], change[j, c], block[:, j])


@njit(nogil=True, cache=True, error_model="numpy")
def subtract_multiple(target, factor, values):
    """Subtract factor * values from `target`."""
    for i in range(target.size):
        target[i] -= factor * values[i]


@njit(nogil=True, cache=True, error_model="numpy")
def weighted_products(block, residual, columns, reweighted):
    """Return X_b' W residual', (b, C); `residual` is as it was at the end."""
    first, rows, weights = reweighted
    n_columns = residual.shape[0]
    kept = np.empty((rows.size, n_columns), residual.dtype)
    for g in range(columns.size - 1):
        for entry in range(first[g], first[g + 1]):
            for c in range(columns[g], columns[g + 1]):
                kept[entry, c] = residual[c, rows[entry]]
                residual[c, rows[entry]] *= weights[entry]
    products = np.dot(block.T, residual.T)
    for g in range(columns.size - 1):
        for entry in range(first[g], first[g + 1]):
            for c in range(columns[g], columns[g + 1]):
                residual[c, rows[entry]] = kept[entry, c]
    return products


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def take_eight(r, x, row, snps, amounts, t):
    """Take changes t to t + 7 of a column off some of its residuals, from `row` on."""
    rows = slice(row, row + r.size)
    xa, xb = x[snps[t]][rows], x[snps[t + 1]][rows]
    xc, xd = x[snps[t + 2]][rows], x[snps[t + 3]][rows]
    xe, xf = x[snps[t + 4]][rows], x[snps[t + 5]][rows]
    xg, xh = x[snps[t + 6]][rows], x[snps[t + 7]][rows]
    a, b, c, d = amounts[t], amounts[t + 1], amounts[t + 2], amounts[t + 3]
    e, f, g, h = amounts[t + 4], amounts[t + 5], amounts[t + 6], amounts[t + 7]
    for i in range(r.size):
        r[i] -= ((a * xa[i] + b * xb[i]) + (c * xc[i] + d * xd[i])) + (
            (e * xe[i] + f * xf[i]) + (g * xg[i] + h * xh[i])
        )


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def take_four(r, x, row, snps, amounts, t):
    """Take changes t to t + 3 of a column off some of its residuals, from `row` on."""
    rows = slice(row, row + r.size)
    xa, xb = x[snps[t]][rows], x[snps[t + 1]][rows]
    xc, xd = x[snps[t + 2]][rows], x[snps[t + 3]][rows]
    a, b, c, d = amounts[t], amounts[t + 1], amounts[t + 2], amounts[t + 3]
    for i in range(r.size):
        r[i] -= (a * xa[i] + b * xb[i]) + (c * xc[i] + d * xd[i])
