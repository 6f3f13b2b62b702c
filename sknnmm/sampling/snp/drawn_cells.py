"""X'target where responses are drawn: what stays once, and the cells that do not in every draw."""

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays, StoredArray
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.kernels.cross_products import add_cells

STRIP = 2**19  # bytes of genotypes: half of the second cache of most processors


class DrawnCells(ReadOnlyArrays):
    """X'W target of the SNPs of a layer of which some cells are drawn.

    Parameters
    ----------
    network : Network
    term : SNPs
        Its layer weighs rows 0 or 1; the other terms have predictors.
    update : CrossProductSweep
    """

    def __init__(self, network, term, update):
        layer = network.layer(term.layer)
        drawn = layer.drawn
        self._kept, self._update = layer.informed[:, None] & ~drawn, update
        self._layer = layer.name
        self._others = tuple(other for other in layer.terms if other is not term)
        dosages = individual_major(network.genotypes)
        self._dosages = StoredArray(dosages)
        self._any_missing = network.genotypes.any_missing or None  # None: a kernel without checks
        self._mean = network.genotypes.mean.astype(network.dtype)
        # The drawn cells of strips of individuals that stay in a near cache, node after node.
        n_rows = max(1, STRIP // dosages[:1].nbytes)
        strips = [drawn[first : first + n_rows] for first in range(0, len(drawn), n_rows)]
        counts = np.array([strip.sum(axis=0) for strip in strips])
        last = np.cumsum(counts).reshape(counts.shape)
        self._indptr = np.column_stack([last[:, 0] - counts[:, 0], last])
        self._rows = np.concatenate(
            [n_rows * s + np.nonzero(strip.T)[1] for s, strip in enumerate(strips)]
        )
        self._measure(layer.starting_response)
        self.freeze()

    @staticmethod
    def applies(layer):
        """Return whether all that changes of a layer but the SNP effects is in drawn cells."""
        others = (term for term in layer.terms if not term.acts_by_snps)
        is_plain = np.isin(layer.row_weight, (0, 1)).all()
        return is_plain and all(term.predictors is not None for term in others)

    def measure(self, chain):
        """Take the sums of data that have been exchanged, as in no fit."""
        self._measure(chain.layers[self._layer].response)

    def _measure(self, response):
        observed = np.where(self._kept, response, 0)
        self._of_others = [self._update.table(other.predictors).T for other in self._others]
        self._of_observed = np.ascontiguousarray(self._update.table(observed).T)

    def products(self, state):
        """Return X'W target (C, p), given the LayerState."""
        of_columns = self._of_observed
        for other, of_predictors in zip(self._others, self._of_others, strict=True):
            coefficients = other.coefficients(state.terms[other.name])
            of_columns = of_columns - coefficients.T @ of_predictors
        of_columns = of_columns.astype(state.response.dtype)
        add_cells(
            self._dosages.values,
            self._any_missing,
            self._mean,
            self._indptr,
            self._rows,
            state.response,
            of_columns,
        )
        return of_columns


def individual_major(genotypes):
    """Return the dosages (n, p) in memory, individual after individual."""
    dosages = genotypes.dosages
    if isinstance(dosages, PackedGenotypes):
        dosages = dosages.snps(np.arange(dosages.shape[1]))
    return np.ascontiguousarray(dosages)
