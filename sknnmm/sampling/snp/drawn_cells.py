"""X'W target of SNPs where responses are drawn: sums taken once, and the cells in every draw."""

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays, StoredArray
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.kernels.cells import STRIP, add_cells, in_tiles
from sknnmm.sampling.residual import subtract_outer


class DrawnCells(ReadOnlyArrays):
    """X'W target of the SNPs of a layer of which some cells are drawn, or that reads such a layer.

    Parameters
    ----------
    network : Network
    term : SNPs
        Its layer weighs rows 0 or 1.
    update : CrossProductSweep
    """

    def __init__(self, network, term, update):
        layer = network.layer(term.layer)
        drawn = layer.drawn
        self._kept, self._update = layer.informed[:, None] & ~drawn, update
        self._layer = layer.name
        others = [other for other in layer.terms if other is not term]
        self._readers = tuple(other for other in others if other.predictors is None)
        self._others = tuple(other for other in others if other.predictors is not None)
        self._any_missing = network.genotypes.any_missing or None  # None: a kernel without checks
        self._mean = network.genotypes.mean.astype(network.dtype)
        self._tiles = None
        if drawn.any():
            self._tiles = StoredArray(in_tiles(unpacked(network.genotypes)))
            self._indptr, self._rows = in_strips(drawn)
        self._measure(layer.starting_response)
        self.freeze()

    @staticmethod
    def applies(network, term, served):
        """Return whether all that changes of a layer but the SNP effects is in drawn cells.

        In its own, or in those of layers that are `served` (by name) and that it reads linearly.
        """
        layer = network.layer(term.layer)
        return np.isin(layer.row_weight, (0, 1)).all() and all(
            other.predictors is not None
            or (other.source in served and other.has_weights and other.activation.is_linear)
            for other in layer.terms
            if other is not term
        )

    def measure(self, chain):
        """Take the sums of data that have been exchanged, as in no fit."""
        self._measure(chain.layers[self._layer].response)

    def _measure(self, response):
        kept = np.where(self._kept, response, 0)
        tables = [self._update.table(other.predictors) for other in self._others]
        self._of_others = [np.ascontiguousarray(table.T) for table in tables]
        self._of_kept = np.ascontiguousarray(self._update.table(kept).T)

    def responses(self, state):
        """Return X'W responses (C, p) in double precision, given the LayerState."""
        if self._tiles is None:
            return self._of_kept
        products = self._of_kept.copy()
        add_cells(
            self._tiles.values,
            self._any_missing,
            self._mean,
            self._indptr,
            self._rows,
            state.response,
            products,
        )
        return products

    def products(self, state, of_responses, out):
        """Write X'W target (C, p), given the LayerState and X'W responses by layer."""
        target = of_responses[self._layer]
        for reader in self._readers:
            weights = reader.coefficients(state.terms[reader.name])
            target = target - weights.T @ of_responses[reader.source]
        coefficients = [other.coefficients(state.terms[other.name]) for other in self._others]
        if sum(map(len, coefficients)) == 1:
            subtract_outer(target, coefficients[0][0], self._of_others[0][0], out)
            return
        for of_term, of_predictors in zip(coefficients, self._of_others, strict=True):
            target = target - of_term.T @ of_predictors
        out[:] = target


def in_strips(drawn):
    """Return where the cells of each strip of individuals begin, and their rows (see add_cells)."""
    strips = [drawn[first : first + STRIP] for first in range(0, len(drawn), STRIP)]
    counts = np.array([strip.sum(axis=0) for strip in strips])
    last = np.cumsum(counts).reshape(counts.shape)
    rows = [STRIP * s + np.nonzero(strip.T)[1] for s, strip in enumerate(strips)]
    return np.column_stack([last[:, 0] - counts[:, 0], last]), np.concatenate(rows)


def unpacked(genotypes):
    """Return the dosages (n, p) in an array."""
    dosages = genotypes.dosages
    if isinstance(dosages, PackedGenotypes):
        return dosages.snps(np.arange(dosages.shape[1]))
    return dosages
