"""Compiled contributions to the responses of a layer."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.kernels import TILE, fetch_part, gather, new_tile
from sknnmm.kernels.codes import GROUP, RAISED, in_codes, raised_dosages
from sknnmm.kernels.passes import subtract
from sknnmm.kernels.simd import WIDE, splat, store


@njit(nogil=True, cache=True)
def add_fits(dosages, any_missing, mean, effects, fit):
    """Add genotypes times effects per allele (C, p), many of them zero, to `fit` (C, n).

    Block of SNPs after block: they come from memory once for all columns.
    """
    n_columns, n_snps = effects.shape
    tile, change = new_tile(dosages), np.empty(TILE, fit.dtype)
    for first in range(0, n_snps, TILE):
        own = np.arange(first, min(first + TILE, n_snps)).astype(np.int32)
        gather(dosages, own, tile)
        for c in range(n_columns):
            any_effect = False
            for k in range(own.size):
                change[k] = -effects[c, first + k]
                any_effect |= change[k] != 0
            if any_effect:
                subtract(dosages, own, tile, mean, change, fit[c], any_missing)


def in_blocks(dosages):
    """Return dosages (n, p) that have codes block after block of individuals, for `coded_fits`.

    They are (blocks, p, words): the codes of GROUP individuals, SNP after SNP.
    """
    n, p = dosages.shape
    blocks = []
    for first in range(0, n, GROUP):
        block = np.zeros((p, GROUP), dosages.dtype)
        own = dosages[first : first + GROUP].T
        block[:, : own.shape[1]] = own
        blocks.append(in_codes(block))
    return np.array(blocks)


@njit(nogil=True, cache=True)
def coded_fits(blocks, any_missing, mean, effects, fit):
    """Write genotypes, those of `in_blocks`, times effects per allele (p, C) to `fit` (n, C).

    Many effects are zero. All columns read a block from the nearest cache.
    """
    n_snps, n_columns = effects.shape
    raised = mean + mean.dtype.type(RAISED)
    indptr = np.zeros(n_columns + 1, np.int64)
    snps, values = np.empty(effects.size + 1, np.int32), np.empty(effects.size + 1, fit.dtype)
    constant = np.zeros(n_columns, fit.dtype)
    for c in range(n_columns):
        count = indptr[c]
        for j in range(n_snps):
            snps[count], values[count] = j, effects[j, c]
            constant[c] -= effects[j, c] * raised[j]
            count += effects[j, c] != 0
        indptr[c + 1] = count
    products = np.empty((n_columns, GROUP), fit.dtype)
    flat, size = blocks.reshape(-1), blocks[0].size
    ahead, share = size, size // n_columns + 1
    for b in range(len(blocks)):
        for c in range(n_columns):
            # The next block comes from memory while this one is multiplied.
            fetch_part(flat, ahead + c * share, ahead + (c + 1) * share)
            own = slice(indptr[c], indptr[c + 1])
            multiply_block(
                blocks[b], any_missing, raised, snps[own], values[own], constant[c], products[c]
            )
        for i in range(min(GROUP, len(fit) - GROUP * b)):
            for c in range(n_columns):
                fit[GROUP * b + i, c] = products[c, i]
        ahead += size


@inlined()
def multiply_block(block, any_missing, mean, snps, effects, constant, out):
    """Write a constant plus the dosages of some SNPs times their effects to `out` (GROUP,).

    Dosages are raised, as the mean is.
    """
    lanes = len(WIDE)
    a = b = c = d = e = f = g = h = splat(constant, WIDE)
    for t in range(snps.size):
        j, effect = snps[t], splat(effects[t], WIDE)
        x, centre = block[j], splat(mean[j], WIDE)
        a = a + effect * raised_dosages(x, 0, centre, any_missing)
        b = b + effect * raised_dosages(x, lanes, centre, any_missing)
        c = c + effect * raised_dosages(x, 2 * lanes, centre, any_missing)
        d = d + effect * raised_dosages(x, 3 * lanes, centre, any_missing)
        e = e + effect * raised_dosages(x, 4 * lanes, centre, any_missing)
        f = f + effect * raised_dosages(x, 5 * lanes, centre, any_missing)
        g = g + effect * raised_dosages(x, 6 * lanes, centre, any_missing)
        h = h + effect * raised_dosages(x, 7 * lanes, centre, any_missing)
    for t, vector in enumerate((a, b, c, d, e, f, g, h)):
        store(out, t * lanes, vector)


@njit(nogil=True, cache=True)
def repeat_row(row, out):
    """Write a row (1, C) to every row of `out` (n, C); NumPy takes many times as long."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] = row[0, c]
