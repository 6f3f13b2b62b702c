"""SNP effects, one at a time given the others, four SNPs and four columns to a pass."""

import numpy as np

from sknnmm.memory_map import ReadOnlyArrays
from sknnmm.sampling.connection_kernels import group_grams
from sknnmm.sampling.few_columns_kernels import GROUP, sweep_few_columns
from sknnmm.sampling.snp_sweep import DenseSweep

MAX_COLUMNS = 16  # with more, matrix products of widened blocks are as fast


class FewColumnsSweep(ReadOnlyArrays, DenseSweep):
    """Gibbs sweep over the SNP effects of one or both paths, for any mixture prior.

    Parameters
    ----------
    model : NetworkModel
    paths : list of NodePath, DirectPath
    """

    def __init__(self, model, paths):
        super().__init__(model, paths, align=GROUP, block=GROUP)
        self._any_missing = model.genotypes.any_missing or None  # None: a kernel without checks
        self._row_weights = np.stack([p.row_weight for p in paths]).astype(model.dtype)
        self._is_one = (self._row_weights == 1).all(axis=1)
        self._set_of = np.full(self._n_columns, len(paths) - 1)
        for g, own in enumerate(self._slices):
            self._set_of[own] = g
        self._grams = np.stack([_grams(model.genotypes, p.row_weight) for p in paths], axis=1)
        n_snps = model.genotypes.shape[1]
        squares = np.diagonal(self._grams, axis1=2, axis2=3)  # (n_groups, G, 4)
        self._squares = squares.transpose(0, 2, 1).reshape(-1, len(paths))[:n_snps]
        self.freeze()

    @staticmethod
    def pays(model, paths):
        """Return whether columns are few, and genotypes int8.

        Not where they lie in memory: that must not change the draws, but for rounding.
        """
        n_columns = sum(path.n_columns for path in paths)
        return 1 < n_columns <= MAX_COLUMNS and model.genotypes.dosages.dtype == np.int8

    def _sweep(self, first, residual, effects, component, s2, *tables):
        sweep_few_columns(
            self.genotypes.dosages,
            self._any_missing,
            self._mean,
            self._grams,
            self._set_of,
            self._row_weights,
            self._is_one,
            first,
            residual,
            effects,
            component,
            s2,
            *tables,
        )


def _grams(genotypes, row_weight):
    """Return X'WX of every four neighbouring SNPs, (n_groups, 4, 4)."""
    n_snps = genotypes.shape[1]
    return group_grams(
        genotypes.dosages,
        genotypes.mean,
        np.ones(n_snps),
        row_weight,
        np.array([0, n_snps]),
        np.arange(n_snps, dtype=np.int32),
    )
