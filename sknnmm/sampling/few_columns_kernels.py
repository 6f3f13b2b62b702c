"""Compiled Gibbs sweep over all SNPs and a few columns, from dosages as they are stored.

Four SNPs meet the residuals of four columns in one pass: sixteen products from eight numbers. With
few columns this beats matrix products, which first need the SNPs as floats.
"""

import numpy as np
from numba import njit

from sknnmm.sampling.connection_kernels import (
    GROUP,
    REORDER,
    TILE,
    filled,
    four_snps,
    gather,
    new_tile,
    subtract,
    subtract_one,
)
from sknnmm.sampling.prepared_draws import pick


@njit(nogil=True, cache=True)
def sweep_few_columns(
    dosages, any_missing, mean, grams, set_of, row_weights, first, residual, effects,
    component, residual_variance, score, shrinkage, normal,
):  # fmt: skip
    """Draw the effects of some SNPs on all C columns once.

    Parameters
    ----------
    dosages : (n, p); any_missing : None if no dosage is missing
    mean : (p,)
    grams : (n_groups, G, 4, 4), X'W_g X of every four SNPs
    set_of : (C,), the row weights of each column: row_weights (G, n)
    first : int, a multiple of four; the SNPs are first, first + 1, ...
    residual : (C, n), target - X b for all rows; updated in place; C a multiple of four
    effects, component : (b, C), of these SNPs, updated in place; component -1 = not in the model
    residual_variance : (C,)
    score, shrinkage : (M, b, C) and normal (b, C), of `prepare`
    """
    n_snps, n_columns = effects.shape
    tile = new_tile(dosages)
    change = np.zeros((GROUP, GROUP))  # column, SNP
    for tile_first in range(0, n_snps, TILE):  # all columns go over it while it is in cache
        tile_last = min(tile_first + TILE, n_snps)
        own = np.arange(first + tile_first, first + tile_last)
        gather(dosages, own, tile)
        for columns in range(0, n_columns, GROUP):
            r = (
                residual[columns], residual[columns + 1],
                residual[columns + 2], residual[columns + 3],
            )  # fmt: skip
            w = (
                row_weights[set_of[columns]], row_weights[set_of[columns + 1]],
                row_weights[set_of[columns + 2]], row_weights[set_of[columns + 3]],
            )  # fmt: skip
            for j0 in range(tile_first, tile_last, GROUP):
                stored, centre = four_snps(dosages, own, j0 - tile_first, tile, mean)
                products = multiply_four_columns(stored, centre, r, w, any_missing)
                for q in range(GROUP):
                    c = columns + q
                    gram = grams[(first + j0) // GROUP, set_of[c]]
                    n_changed, last_changed = 0, 0
                    for k in range(min(GROUP, tile_last - j0)):
                        j = j0 + k
                        change[q, k] = 0
                        if component[j, c] < 0:
                            continue
                        old = effects[j, c]
                        xr = products[q][k] - centre[k] * products[q][GROUP] + gram[k, k] * old
                        for t in range(k):
                            xr -= gram[k, t] * change[q, t]
                        component[j, c], effects[j, c] = pick(
                            xr, residual_variance[c], score, shrinkage, normal, j, c
                        )
                        change[q, k] = effects[j, c] - old
                        if change[q, k] != 0:
                            n_changed += 1
                            last_changed = k
                    if n_changed == 1:
                        subtract_one(
                            stored[last_changed], centre[last_changed], change[q, last_changed],
                            residual[c], any_missing,
                        )  # fmt: skip
                    elif n_changed > 1:
                        for k in range(tile_last - j0, GROUP):
                            change[q, k] = 0
                        subtract((stored, centre), change[q], residual[c], any_missing)


@njit(nogil=True, cache=True, fastmath=REORDER, forceinline=True)
def multiply_four_columns(stored, mean, residual, row_weight, missing):
    """Return, for four columns, X'W residual of four SNPs as stored, and the sum of W residual."""
    (xa, xb, xc, xd), (ma, mb, mc, md) = stored, mean
    r0, r1, r2, r3 = residual
    w0, w1, w2, w3 = row_weight
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = r0.dtype.type(0)
    c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = s0 = s1 = s2 = s3 = r0.dtype.type(0)
    for i in range(r0.size):
        e0, e1, e2, e3 = r0[i] * w0[i], r1[i] * w1[i], r2[i] * w2[i], r3[i] * w3[i]
        s0 += e0
        s1 += e1
        s2 += e2
        s3 += e3
        x = filled(xa[i], ma, missing)
        a0 += x * e0
        a1 += x * e1
        a2 += x * e2
        a3 += x * e3
        x = filled(xb[i], mb, missing)
        b0 += x * e0
        b1 += x * e1
        b2 += x * e2
        b3 += x * e3
        x = filled(xc[i], mc, missing)
        c0 += x * e0
        c1 += x * e1
        c2 += x * e2
        c3 += x * e3
        x = filled(xd[i], md, missing)
        d0 += x * e0
        d1 += x * e1
        d2 += x * e2
        d3 += x * e3
    return (
        (float(a0), float(b0), float(c0), float(d0), float(s0)),
        (float(a1), float(b1), float(c1), float(d1), float(s1)),
        (float(a2), float(b2), float(c2), float(d2), float(s2)),
        (float(a3), float(b3), float(c3), float(d3), float(s3)),
    )
