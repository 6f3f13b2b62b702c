"""Compiled Gibbs sweep over single connections of SNPs and nodes.

The residuals of one node stay in the nearest cache while its SNPs pass by as they are stored: a
block of them is multiplied, eight at a time, drawn given the cross-products of its SNPs, and the
effects that changed are subtracted.
"""

import numpy as np
from numba import types
from numba.extending import overload

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.kernels import TILE, fetch, gather, gathered, is_observed, new_tile, prefetch
from sknnmm.kernels.draws import draw_own_block
from sknnmm.kernels.simd import NARROW, WIDE, load, splat, store, where_greater

GROUP = 32  # SNPs in a block; it divides TILE
PASS = 8  # SNPs in one pass over the individuals that multiplies
FETCHED = 6  # SNPs asked for in a pass that multiplies; the others when changes are subtracted
REORDER = {"reassoc", "nsz", "contract"}  # lets sums be vectorised


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_connections(
    dosages, any_missing, mean, per_allele, grams, row_weight, indptr, snps, residual, effects,
    component, residual_variance, score, shrinkage, normal,
):  # fmt: skip
    """Draw the effects of all connections once.

    Parameters
    ----------
    dosages : (n, p); any_missing : None if no dosage is missing
    mean, per_allele : (p,), what a scaled SNP is per allele (1 = unscaled)
    grams : (n_groups, GROUP, GROUP), X'WX of each group of scaled SNPs
    row_weight : (n,)
    indptr, snps : the connections, node after node
    residual : (K, n), target - X b for all rows; updated in place
    effects, component : (m,), updated in place; component -1 = not in the model
    residual_variance : (K,)
    score, shrinkage : (M, m), of `prepare`; normal : (m,), standard normal variates
    """
    s2 = residual_variance.astype(residual.dtype)
    tile = new_tile(dosages)
    weighted = np.empty_like(residual[0])
    products, change = np.empty(GROUP, residual.dtype), np.empty(GROUP, residual.dtype)
    group = 0
    for c in range(indptr.size - 1):
        for tile_first in range(indptr[c], indptr[c + 1], TILE):
            own = snps[tile_first : min(tile_first + TILE, indptr[c + 1])].copy()
            gather(dosages, own, tile)
            for first in range(0, own.size, GROUP):
                last = min(first + GROUP, own.size)
                # The next block comes from memory while this one is drawn.
                ahead = tile_first + last
                total = weigh(residual[c], row_weight, weighted)
                for k in range(first, last, PASS):
                    fetch(dosages, snps, ahead, ahead + FETCHED)
                    ahead += FETCHED
                    multiply(
                        dosages, own, k, last, tile, mean, weighted, total, any_missing,
                        products[k - first : k - first + PASS],
                    )  # fmt: skip
                for k in range(first, last):
                    products[k - first] *= per_allele[own[k]]
                draw_own_block(
                    products, grams[group], tile_first + first, last - first, effects, component,
                    s2[c], score, shrinkage, normal, change,
                )  # fmt: skip
                for k in range(first, last):
                    change[k - first] *= per_allele[own[k]]
                fetch(dosages, snps, ahead, tile_first + last + GROUP)
                subtract(
                    dosages, own[first:last], tile[first:], mean, change, residual[c], any_missing
                )
                group += 1


@njit(nogil=True, cache=True)
def group_grams(dosages, mean, per_allele, row_weight, indptr, snps, grams, squares):
    """Write X'WX of every group of scaled SNPs to `grams` (n_groups, GROUP, GROUP).

    And its diagonal to `squares`, of every connection.
    """
    tile = new_tile(dosages)
    x = np.empty((GROUP, dosages.shape[0]))
    weighted = np.empty_like(x)
    group = 0
    for c in range(indptr.size - 1):
        for tile_first in range(indptr[c], indptr[c + 1], TILE):
            own = snps[tile_first : min(tile_first + TILE, indptr[c + 1])]
            gather(dosages, own, tile)
            for first in range(0, own.size, GROUP):
                width = min(GROUP, own.size - first)
                for k in range(width):
                    j = own[first + k]
                    stored = gathered(dosages, j, tile, first + k)
                    centre, factor = mean[j], per_allele[j]
                    for i in range(stored.size):
                        deviation = stored[i] - centre if is_observed(stored[i]) else 0.0
                        x[k, i] = factor * deviation
                        weighted[k, i] = row_weight[i] * x[k, i]
                gram = np.dot(x[:width], weighted[:width].T)
                grams[group] = 0
                for k in range(width):
                    for m in range(width):
                        grams[group, k, m] = gram[k, m]
                    squares[tile_first + first + k] = grams[group, k, k]
                group += 1


@njit(nogil=True, cache=True)
def add_connections(dosages, any_missing, mean, indptr, snps, effects, fit):
    """Add genotypes times the effects per allele of the connections to `fit` (K, n)."""
    tile = new_tile(dosages)
    change = np.empty(TILE, fit.dtype)
    for c in range(indptr.size - 1):
        nonzero = np.flatnonzero(effects[indptr[c] : indptr[c + 1]]) + indptr[c]
        for tile_first in range(0, nonzero.size, TILE):
            entries = nonzero[tile_first : tile_first + TILE]
            own = snps[entries]
            gather(dosages, own, tile)
            change[:] = 0
            for k in range(own.size):
                change[k] = -effects[entries[k]]
            subtract(dosages, own, tile, mean, change, fit[c], any_missing)


@njit(nogil=True, cache=True)
def connection_products(dosages, any_missing, mean, indptr, snps, rows):
    """Return x'row of every connection (m,), x centred, rows (K, n) those of its node."""
    tile = new_tile(dosages)
    products, of_pass = np.empty(snps.size, rows.dtype), np.empty(PASS, rows.dtype)
    for c in range(indptr.size - 1):
        total = rows[c].sum()
        for tile_first in range(indptr[c], indptr[c + 1], TILE):
            own = snps[tile_first : min(tile_first + TILE, indptr[c + 1])].copy()
            gather(dosages, own, tile)
            for k in range(0, own.size, PASS):
                multiply(
                    dosages, own, k, own.size, tile, mean, rows[c], total, any_missing, of_pass
                )
                for t in range(min(PASS, own.size - k)):
                    products[tile_first + k + t] = of_pass[t]
    return products


# Passes over the individuals --------------------------------------------------------------------
#
# Their sums may be reordered, so two compilations may round differently. They are inlined: a call
# would go to whichever compiled copy this process happens to have loaded first. The SNPs that they
# get are copies, which are writable: of read-only ones, all would be compiled twice.


@inlined(fastmath=REORDER)
def weigh(residual, weights, weighted):
    """Write the residuals times their row weights to `weighted`; return their sum."""
    total = residual.dtype.type(0)
    for i in range(residual.size):
        weighted[i] = residual[i] * weights[i]
        total += weighted[i]
    return total


@inlined()
def four_snps(dosages, snps, tile, mean, a, b, c, d):
    """Return SNPs snps[a], snps[b], ... as stored, and their means."""
    return (
        (
            gathered(dosages, snps[a], tile, a),
            gathered(dosages, snps[b], tile, b),
            gathered(dosages, snps[c], tile, c),
            gathered(dosages, snps[d], tile, d),
        ),
        (mean[snps[a]], mean[snps[b]], mean[snps[c]], mean[snps[d]]),
    )


@inlined()
def multiply(dosages, snps, k, last, tile, mean, weighted, total, any_missing, products):
    """Write to `products` (8,) those of SNPs k to k + 7, but before `last`, with `weighted`.

    SNPs are centred, missing dosages at the mean; `total` is the sum of `weighted`.
    """
    end = last - 1  # what lies beyond is filled up with the last SNP
    a, b, c, d = k, min(k + 1, end), min(k + 2, end), min(k + 3, end)
    e, f, g, h = min(k + 4, end), min(k + 5, end), min(k + 6, end), min(k + 7, end)
    eight = multiply_eight(
        four_snps(dosages, snps, tile, mean, a, b, c, d),
        four_snps(dosages, snps, tile, mean, e, f, g, h),
        weighted,
        any_missing,
    )
    for t in range(PASS):
        j = snps[min(k + t, end)]
        products[t] = float(eight[t]) - float(mean[j]) * float(total)


@inlined(fastmath=REORDER)
def multiply_eight(first, second, row, missing):
    """Return the products of twice four SNPs as stored with a row."""
    (xa, xb, xc, xd), (ma, mb, mc, md) = first
    (xe, xf, xg, xh), (me, mf, mg, mh) = second
    a = b = c = d = e = f = g = h = row.dtype.type(0)
    for i in range(row.size):
        r = row[i]
        a += r * filled(xa[i], ma, missing)
        b += r * filled(xb[i], mb, missing)
        c += r * filled(xc[i], mc, missing)
        d += r * filled(xd[i], md, missing)
        e += r * filled(xe[i], me, missing)
        f += r * filled(xf[i], mf, missing)
        g += r * filled(xg[i], mg, missing)
        h += r * filled(xh[i], mh, missing)
    return a, b, c, d, e, f, g, h


@inlined()
def subtract(dosages, snps, tile, mean, change, residual, any_missing):
    """Take `change` (per allele) of centred SNPs off the residual.

    Some residuals stay in registers while the SNPs that have changed pass by.
    """
    changed, count = np.empty(snps.size + 1, np.int64), 0
    constant = residual.dtype.type(0)
    for k in range(snps.size):  # without a branch, which no processor could predict
        changed[count] = k
        count += change[k] != 0
        constant += change[k] * mean[snps[k]]
    taken = dosages, snps, tile, mean, change, changed[:count], constant, any_missing
    n, lanes = residual.size, len(WIDE)
    # Ranges, not a counter from 0: numba would compile every call for the literal 0 too.
    by_eight, by_one = n - n % (8 * lanes), n - n % lanes
    for row in range(0, by_eight, 8 * lanes):
        subtract_eight(taken, residual, row)
    for row in range(by_eight, by_one, lanes):
        subtract_one(taken, residual, row, WIDE)
    by_narrow = n - n % len(NARROW)
    for row in range(by_one, by_narrow, len(NARROW)):
        subtract_one(taken, residual, row, NARROW)
    for row in range(by_narrow, n):
        subtract_one(taken, residual, row, ())


@inlined()
def subtract_eight(taken, residual, row):
    """Take changes off eight vectors of residuals, from `row` on; `constant` centres the SNPs."""
    dosages, snps, tile, mean, change, changed, constant, any_missing = taken
    lanes, back = len(WIDE), splat(constant, WIDE)
    a, b = load(residual, row, back) + back, load(residual, row + lanes, back) + back
    c = load(residual, row + 2 * lanes, back) + back
    d = load(residual, row + 3 * lanes, back) + back
    e = load(residual, row + 4 * lanes, back) + back
    f = load(residual, row + 5 * lanes, back) + back
    g = load(residual, row + 6 * lanes, back) + back
    h = load(residual, row + 7 * lanes, back) + back
    for k in changed:
        x, centre = gathered(dosages, snps[k], tile, k), mean[snps[k]]
        prefetch(x, row + 8 * lanes)  # of the next eight vectors
        prefetch(x, row + 12 * lanes)
        amount = splat(change[k], WIDE)
        a = a - amount * dosages_at(x, row, centre, any_missing, WIDE)
        b = b - amount * dosages_at(x, row + lanes, centre, any_missing, WIDE)
        c = c - amount * dosages_at(x, row + 2 * lanes, centre, any_missing, WIDE)
        d = d - amount * dosages_at(x, row + 3 * lanes, centre, any_missing, WIDE)
        e = e - amount * dosages_at(x, row + 4 * lanes, centre, any_missing, WIDE)
        f = f - amount * dosages_at(x, row + 5 * lanes, centre, any_missing, WIDE)
        g = g - amount * dosages_at(x, row + 6 * lanes, centre, any_missing, WIDE)
        h = h - amount * dosages_at(x, row + 7 * lanes, centre, any_missing, WIDE)
    for t, vector in enumerate((a, b, c, d, e, f, g, h)):
        store(residual, row + t * lanes, vector)


@inlined()
def subtract_one(taken, residual, row, lanes):
    """Take changes off one vector of residuals, or, without lanes, a single one."""
    dosages, snps, tile, mean, change, changed, constant, any_missing = taken
    back = splat(constant, lanes)
    left = load(residual, row, back) + back
    for k in changed:
        x = gathered(dosages, snps[k], tile, k)
        values = dosages_at(x, row, mean[snps[k]], any_missing, lanes)
        left = left - splat(change[k], lanes) * values
    store(residual, row, left)


def lowest_limit(kind, working):
    """Return what observed dosages of a numba type exceed, in the working precision.

    As `is_observed`: integers below 0 are missing, and NaN, which is greater than nothing.
    """
    number = np.float32 if working.bitwidth == 32 else np.float64
    return number(-0.5 if isinstance(kind, types.Integer) else -np.inf)


def dosages_at(stored, row, mean, any_missing, lanes):
    """Return dosages from `row` on in the precision of `mean`; where missing, the mean."""


@overload(dosages_at)
def _dosages_at(stored, row, mean, any_missing, lanes):
    if isinstance(any_missing, types.NoneType):
        return lambda stored, row, mean, any_missing, lanes: load(stored, row, splat(mean, lanes))
    limit = lowest_limit(stored.dtype, mean)

    def filled_in(stored, row, mean, any_missing, lanes):
        centre = splat(mean, lanes)
        values = load(stored, row, centre)
        return where_greater(values, splat(limit, lanes), values, centre)

    return filled_in


def filled(x, mean, any_missing):
    """Return a stored dosage in the precision of `mean`; where missing, the mean."""


@overload(filled)
def _filled(x, mean, any_missing):
    number = np.float32 if mean.bitwidth == 32 else np.float64
    if isinstance(any_missing, types.NoneType):
        return lambda x, mean, any_missing: number(x)
    return lambda x, mean, any_missing: number(x) if is_observed(x) else mean
