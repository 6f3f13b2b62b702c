"""Compiled contributions to the responses of a layer."""

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.genotypes.kernels import TILE, gather, new_tile
from sknnmm.kernels.passes import subtract


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


@njit(nogil=True, cache=True)
def repeat_row(row, out):
    """Write a row (1, C) to every row of `out` (n, C); NumPy takes many times as long."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] = row[0, c]
