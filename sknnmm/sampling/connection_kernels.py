"""Compiled Gibbs sweep over single connections of SNPs and nodes.

The residuals of one node stay in the nearest cache while its SNPs pass by as they are stored, four
at a time: one pass takes the changes of the last four off and multiplies with the next four.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from sknnmm.genotype_kernels import TILE, gather, gathered, is_observed, new_tile
from sknnmm.sampling.sweep_kernels import draw_effect

GROUP = 4  # SNPs in one pass
REORDER = {"reassoc", "nsz", "contract"}  # lets sums be vectorised


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_connections(
    dosages, any_missing, mean, per_allele, grams, row_weight, indptr, snps, residual, effects,
    component, multipliers, weights, variance, residual_variance, rng,
):  # fmt: skip
    """Draw the effects of all connections once.

    Parameters
    ----------
    dosages : (n, p); any_missing : None if no dosage is missing
    mean, per_allele : (p,), what a scaled SNP is per allele (1 = unscaled)
    grams : (n_groups, 4, 4), X'WX of each group of scaled SNPs
    row_weight : (n,)
    indptr, snps : the connections, node after node
    residual : (K, n), target - X b for all rows; updated in place
    effects, component : (m,), updated in place; component -1 = not in the model
    multipliers : (M,); weights : (M, K), of the mixture components
    variance : (1, K), or (m,) of every effect; residual_variance : (K,)
    """
    log_odds = np.empty(multipliers.size)
    ratios = np.empty((multipliers.size, 1))
    log_weights = np.empty((multipliers.size, 1))
    tile = new_tile(dosages)
    change = np.zeros(GROUP)
    group = 0
    for c in range(indptr.size - 1):
        normals = rng.standard_normal(indptr[c + 1] - indptr[c])
        uniforms = rng.random(indptr[c + 1] - indptr[c])
        log_weights[:, 0] = np.log(weights[:, c])
        ratios[:, 0] = residual_variance[c] / (multipliers * variance_at(variance, indptr[c], c))
        for tile_first in range(indptr[c], indptr[c + 1], TILE):
            own = snps[tile_first : min(tile_first + TILE, indptr[c + 1])]
            gather(dosages, own, tile)
            before = four_snps(dosages, own, 0, tile, mean)
            change[:] = 0
            for first in range(0, own.size, GROUP):
                now = four_snps(dosages, own, first, tile, mean)
                products = multiply(now, before, change, residual[c], row_weight, any_missing)
                change[:] = 0
                for k in range(min(GROUP, own.size - first)):
                    entry = tile_first + first + k
                    if component[entry] < 0:
                        continue
                    if effect_variances(variance):
                        ratios[:, 0] = residual_variance[c] / (
                            multipliers * variance_at(variance, entry, c)
                        )
                    scale = per_allele[own[first + k]]
                    gram = grams[group, k]
                    old = effects[entry]
                    xr = scale * products[k] + gram[k] * old
                    for t in range(k):
                        xr -= gram[t] * change[t] / per_allele[own[first + t]]
                    component[entry], effects[entry] = draw_effect(
                        gram[k], xr, residual_variance[c], ratios, log_weights, 0,
                        uniforms[entry - indptr[c]], normals[entry - indptr[c]], log_odds,
                    )  # fmt: skip
                    change[k] = (effects[entry] - old) * scale
                before = now
                group += 1
            subtract(before, change, residual[c], any_missing)


@njit(nogil=True, cache=True)
def group_grams(dosages, mean, per_allele, row_weight, indptr, snps):
    """Return X'WX of every group of scaled SNPs, (n_groups, 4, 4)."""
    tile = new_tile(dosages)
    n_groups = 0
    for c in range(indptr.size - 1):
        n_groups += -(-(indptr[c + 1] - indptr[c]) // GROUP)
    grams = np.zeros((n_groups, GROUP, GROUP))
    group = 0
    for c in range(indptr.size - 1):
        for tile_first in range(indptr[c], indptr[c + 1], TILE):
            own = snps[tile_first : min(tile_first + TILE, indptr[c + 1])]
            gather(dosages, own, tile)
            for first in range(0, own.size, GROUP):
                for k in range(min(GROUP, own.size - first)):
                    j = own[first + k]
                    for t in range(k + 1):
                        other = own[first + t]
                        grams[group, k, t] = grams[group, t, k] = (
                            per_allele[j] * per_allele[other] * centred_cross_product(
                                gathered(dosages, j, tile, first + k), mean[j],
                                gathered(dosages, other, tile, first + t), mean[other], row_weight,
                            )
                        )  # fmt: skip
                group += 1
    return grams


@njit(nogil=True, cache=True)
def add_connections(dosages, any_missing, mean, indptr, snps, effects, fit):
    """Add genotypes times the effects per allele of the connections to `fit` (K, n)."""
    tile = new_tile(dosages)
    change = np.zeros(GROUP)
    for c in range(indptr.size - 1):
        nonzero = np.flatnonzero(effects[indptr[c] : indptr[c + 1]]) + indptr[c]
        for tile_first in range(0, nonzero.size, TILE):
            entries = nonzero[tile_first : tile_first + TILE]
            own = snps[entries]
            gather(dosages, own, tile)
            for first in range(0, own.size, GROUP):
                change[:] = 0
                for k in range(min(GROUP, own.size - first)):
                    change[k] = -effects[entries[first + k]]
                subtract(four_snps(dosages, own, first, tile, mean), change, fit[c], any_missing)


@njit(nogil=True, cache=True)
def connection_products(dosages, any_missing, mean, indptr, snps, rows):
    """Return x'row of every connection (m,), x centred, rows (K, n) those of its node."""
    tile = new_tile(dosages)
    products = np.empty(snps.size, rows.dtype)
    change, ones = np.zeros(GROUP), np.ones(rows.shape[1], rows.dtype)
    for c in range(indptr.size - 1):
        for tile_first in range(indptr[c], indptr[c + 1], TILE):
            own = snps[tile_first : min(tile_first + TILE, indptr[c + 1])]
            gather(dosages, own, tile)
            for first in range(0, own.size, GROUP):
                four = four_snps(dosages, own, first, tile, mean)
                of_four = multiply(four, four, change, rows[c], ones, any_missing)
                for k in range(min(GROUP, own.size - first)):
                    products[tile_first + first + k] = of_four[k]
    return products


# Passes over the individuals --------------------------------------------------------------------
#
# Their sums may be reordered, so two compilations may round differently. They are inlined: a call
# would go to whichever compiled copy this process happens to have loaded first.


@njit(nogil=True, cache=True)
def four_snps(dosages, snps, first, tile, mean):
    """Return SNPs first to first + 3 of `snps` as stored, and their means; the last fills up."""
    last = snps.size - 1
    a, b, c, d = first, min(first + 1, last), min(first + 2, last), min(first + 3, last)
    return (
        (
            gathered(dosages, snps[a], tile, a),
            gathered(dosages, snps[b], tile, b),
            gathered(dosages, snps[c], tile, c),
            gathered(dosages, snps[d], tile, d),
        ),
        (mean[snps[a]], mean[snps[b]], mean[snps[c]], mean[snps[d]]),
    )


@njit(nogil=True, cache=True, forceinline=True)
def multiply(now, before, change, residual, row_weight, any_missing):
    """Take `change` of the four SNPs `before` off the residual; return X'W residual of four others.

    SNPs are centred, missing dosages at the mean; `change` is per allele.
    """
    if change.any():
        total, products = subtract_and_multiply(
            now[0], now[1], before[0], before[1], change, residual, row_weight, any_missing
        )
    else:
        total, products = only_multiply(now[0], now[1], residual, row_weight, any_missing)
    a, b, c, d = products
    e, f, g, h = now[1]
    return (
        float(a) - float(e) * total, float(b) - float(f) * total,
        float(c) - float(g) * total, float(d) - float(h) * total,
    )  # fmt: skip


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def subtract_and_multiply(now, mean, before, mean_before, change, residual, row_weight, missing):
    """Return the sum of the weighted new residuals, and that times each of four SNPs as stored."""
    (xa, xb, xc, xd), (ma, mb, mc, md) = now, mean
    (ya, yb, yc, yd), (na, nb, nc, nd) = before, mean_before
    number = residual.dtype.type
    da, db, dc, dd = number(change[0]), number(change[1]), number(change[2]), number(change[3])
    constant = da * na + db * nb + dc * nc + dd * nd
    total = a = b = c = d = number(0)
    for i in range(residual.size):
        r = residual[i] + constant - (
            da * filled(ya[i], na, missing) + db * filled(yb[i], nb, missing)
            + dc * filled(yc[i], nc, missing) + dd * filled(yd[i], nd, missing)
        )  # fmt: skip
        residual[i] = r
        r *= row_weight[i]
        total += r
        a += r * filled(xa[i], ma, missing)
        b += r * filled(xb[i], mb, missing)
        c += r * filled(xc[i], mc, missing)
        d += r * filled(xd[i], md, missing)
    return total, (a, b, c, d)


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def only_multiply(now, mean, residual, row_weight, missing):
    """Return the sum of the weighted residuals, and that times each of four SNPs as stored."""
    (xa, xb, xc, xd), (ma, mb, mc, md) = now, mean
    total = a = b = c = d = residual.dtype.type(0)
    for i in range(residual.size):
        r = residual[i] * row_weight[i]
        total += r
        a += r * filled(xa[i], ma, missing)
        b += r * filled(xb[i], mb, missing)
        c += r * filled(xc[i], mc, missing)
        d += r * filled(xd[i], md, missing)
    return total, (a, b, c, d)


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def subtract(four, change, residual, missing):
    """Take `change` (per allele) of four centred SNPs off the residual."""
    (ya, yb, yc, yd), (na, nb, nc, nd) = four
    number = residual.dtype.type
    da, db, dc, dd = number(change[0]), number(change[1]), number(change[2]), number(change[3])
    if change.any():
        constant = da * na + db * nb + dc * nc + dd * nd
        for i in range(residual.size):
            residual[i] += constant - (
                da * filled(ya[i], na, missing) + db * filled(yb[i], nb, missing)
                + dc * filled(yc[i], nc, missing) + dd * filled(yd[i], nd, missing)
            )  # fmt: skip


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def subtract_one(stored, mean, change, residual, missing):
    """Take `change` (per allele) of one centred SNP off the residual."""
    factor = residual.dtype.type(change)
    constant = factor * mean
    for i in range(residual.size):
        residual[i] += constant - factor * filled(stored[i], mean, missing)


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def centred_cross_product(first, first_mean, second, second_mean, row_weight):
    """Return the weighted product of two centred SNPs as stored, missing as their means."""
    total = 0.0
    for i in range(first.size):
        x = float(first[i]) - first_mean if is_observed(first[i]) else 0.0
        y = float(second[i]) - second_mean if is_observed(second[i]) else 0.0
        total += row_weight[i] * x * y
    return total


def filled(x, mean, any_missing):
    """Return a stored dosage in the precision of `mean`; where missing, the mean."""


@overload(filled)
def _filled(x, mean, any_missing):
    number = np.float32 if mean.bitwidth == 32 else np.float64
    if isinstance(any_missing, types.NoneType):
        return lambda x, mean, any_missing: number(x)
    return lambda x, mean, any_missing: number(x) if is_observed(x) else mean


# Layout of the variances: chosen when compiled ---------------------------------------------------


def effect_variances(variance):
    """Return whether there is one variance per effect."""


@overload(effect_variances)
def _effect_variances(variance):
    per_effect = variance.ndim == 1
    return lambda variance: per_effect


def variance_at(variance, entry, column):
    """Return the variance of an effect."""


@overload(variance_at)
def _variance_at(variance, entry, column):
    if variance.ndim == 1:
        return lambda variance, entry, column: variance[entry]
    return lambda variance, entry, column: variance[0, column]
