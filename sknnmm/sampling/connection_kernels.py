"""Compiled Gibbs sweep over single connections of SNPs and nodes.

The residuals of one node stay in the nearest cache while its SNPs pass by as they are stored.
"""

import numpy as np
from numba import njit
from numba.extending import overload

from sknnmm.genotype_kernels import is_observed
from sknnmm.sampling.sweep_kernels import draw_effect

TILE = 64  # SNPs gathered at a time where a SNP is not contiguous in memory
REORDER = {"reassoc", "nsz", "contract"}  # lets sums be vectorised


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_connections(
    dosages, mean, per_allele, squares, unused, indptr, snps, residual, effects, component,
    multipliers, weights, variance, residual_variance, rng,
):  # fmt: skip
    """Draw the effects of all connections once.

    Parameters
    ----------
    dosages : (n, p); mean, per_allele : (p,), what a scaled SNP is per allele (1 = unscaled)
    squares : (p,), x'x of the scaled SNPs over the rows in use
    unused : rows that do not inform the effects
    indptr, snps : the connections, node after node
    residual : (K, n), target - X b for all rows; updated in place
    effects, component : (m,), updated in place; component -1 = not in the model
    multipliers : (M,); weights : (M, K), of the mixture components
    variance : (1, K), or (m,) of every effect; residual_variance : (K,)
    """
    n_nodes = indptr.size - 1
    log_odds = np.empty(multipliers.size)
    ratios = np.empty((multipliers.size, 1))
    log_weights = np.empty((multipliers.size, 1))
    tile = new_tile(dosages)
    left_out = np.empty(unused.size, residual.dtype)
    for c in range(n_nodes):
        node_residual = residual[c]
        for i in range(unused.size):
            left_out[i] = node_residual[unused[i]]
            node_residual[unused[i]] = 0
        normals = rng.standard_normal(indptr[c + 1] - indptr[c])
        uniforms = rng.random(indptr[c + 1] - indptr[c])
        log_weights[:, 0] = np.log(weights[:, c])
        for entry in range(indptr[c], indptr[c + 1]):
            offset = entry - indptr[c]
            if offset % TILE == 0:
                gather(dosages, snps[entry : min(entry + TILE, indptr[c + 1])], tile)
            if component[entry] < 0:
                continue
            if offset == 0 or effect_variances(variance):
                for m in range(multipliers.size):
                    ratios[m, 0] = residual_variance[c] / (
                        multipliers[m] * variance_at(variance, entry, c)
                    )
            j = snps[entry]
            stored = gathered(dosages, j, tile, offset % TILE)
            old = effects[entry]
            product = per_allele[j] * centred_product(stored, mean[j], node_residual)
            component[entry], effects[entry] = draw_effect(
                squares[j], product + squares[j] * old, residual_variance[c], ratios, log_weights,
                0, uniforms[offset], normals[offset], log_odds,
            )  # fmt: skip
            change = effects[entry] - old
            if change != 0:
                subtract_centred(node_residual, change * per_allele[j], stored, mean[j])
                for i in range(unused.size):
                    left_out[i] += node_residual[unused[i]]
                    node_residual[unused[i]] = 0
        for i in range(unused.size):
            node_residual[unused[i]] = left_out[i]


@njit(nogil=True, cache=True)
def add_connections(dosages, mean, indptr, snps, effects, fit):
    """Add genotypes times the effects per allele of the connections to `fit` (K, n)."""
    tile = new_tile(dosages)
    for c in range(indptr.size - 1):
        for entry in range(indptr[c], indptr[c + 1]):
            offset = (entry - indptr[c]) % TILE
            if offset == 0:
                gather(dosages, snps[entry : min(entry + TILE, indptr[c + 1])], tile)
            if effects[entry] != 0:
                stored = gathered(dosages, snps[entry], tile, offset)
                subtract_centred(fit[c], -effects[entry], stored, mean[snps[entry]])


@njit(nogil=True, cache=True, fastmath=REORDER)
def centred_product(stored, centre, residual):
    """Return x'residual for one SNP as stored, missing as its mean."""
    zero = residual.dtype.type(0)
    total = zero
    for i in range(stored.size):
        x = stored[i]
        total += (residual.dtype.type(x) - centre if is_observed(x) else zero) * residual[i]
    return total


@njit(nogil=True, cache=True)
def subtract_centred(residual, factor, stored, centre):
    """Subtract factor * x from `residual`, x one SNP as stored, missing as its mean."""
    zero = residual.dtype.type(0)
    for i in range(stored.size):
        x = stored[i]
        residual[i] -= factor * (residual.dtype.type(x) - centre if is_observed(x) else zero)


def new_tile(dosages):
    """Return room for the gathered SNPs, (TILE, n); none if SNPs are contiguous as stored."""


@overload(new_tile)
def _new_tile(dosages):
    if dosages.layout == "F":
        return lambda dosages: np.empty((0, 0), dosages.dtype)
    return lambda dosages: np.empty((TILE, dosages.shape[0]), dosages.dtype)


def gather(dosages, snps, tile):
    """Copy SNPs to the rows of `tile`, if they are not contiguous as stored."""


@overload(gather)
def _gather(dosages, snps, tile):
    if dosages.layout == "F":
        return lambda dosages, snps, tile: None

    def row_by_row(dosages, snps, tile):
        for i in range(dosages.shape[0]):
            for t in range(snps.size):
                tile[t, i] = dosages[i, snps[t]]

    return row_by_row


def gathered(dosages, snp, tile, position):
    """Return one SNP as stored, contiguous."""


@overload(gathered)
def _gathered(dosages, snp, tile, position):
    if dosages.layout == "F":
        return lambda dosages, snp, tile, position: dosages[:, snp]
    return lambda dosages, snp, tile, position: tile[position]


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
