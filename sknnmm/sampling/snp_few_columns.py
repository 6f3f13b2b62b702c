"""SNP effects, one at a time given the others, for few columns: four of each to a pass."""

import numpy as np

from sknnmm.memory_map import ReadOnlyArrays
from sknnmm.sampling.few_columns_kernels import sweep_few_columns
from sknnmm.sampling.snp_sweep import DenseSweep

MAX_COLUMNS = 16  # with more, matrix products are as fast
CACHED = 2**19  # bytes of a widened block: half of the second cache of most processors
LINE = 64  # bytes of a cache line, and of the widest vectors


class FewColumnsSweep(ReadOnlyArrays, DenseSweep):
    """Gibbs sweep over the SNP effects of one or both paths, for any mixture prior.

    Parameters
    ----------
    model : NetworkModel
    paths : list of NodePath, DirectPath
    """

    def __init__(self, model, paths):
        block = block_size(model.genotypes.shape[0] * np.dtype(model.dtype).itemsize)
        n_columns = sum(path.n_columns for path in paths)
        super().__init__(model, paths, align=lanes(n_columns), block=block)
        self._any_missing = model.genotypes.any_missing or None  # None: a kernel without checks
        self._row_weights = np.stack(self._row_weights).astype(model.dtype)
        self._is_one = (self._row_weights == 1).all(axis=1)
        self.freeze()

    @staticmethod
    def pays(model, paths):
        """Return whether columns are few, and genotypes int8.

        Not where they lie in memory: that must not change the draws, but for rounding.
        """
        n_columns = sum(path.n_columns for path in paths)
        return 1 < n_columns <= MAX_COLUMNS and model.genotypes.dosages.dtype == np.int8

    def _room(self, n_columns, n):
        """Return zeros (n_columns, N), N >= n; rows begin at cache lines."""
        size = np.dtype(self._dtype).itemsize
        width = -(-n // (LINE // size)) * LINE
        room = np.zeros(n_columns * width + LINE, np.int8)
        start = -room.ctypes.data % LINE
        return room[start : start + n_columns * width].view(self._dtype).reshape(n_columns, -1)

    def _sweep(self, first, residual, effects, component, s2, score, shrinkage, rng):
        sweep_few_columns(
            self.genotypes.dosages,
            self._any_missing,
            self._mean,
            self._grams,
            self._columns,
            self._row_weights,
            self._is_one,
            first,
            residual,
            self._room(self._grams.shape[2], self.genotypes.shape[0]),
            effects,
            component,
            s2,
            score,
            shrinkage,
            rng,
        )


def block_size(snp_bytes):
    """Return how many SNPs are swept together, 8 to 64, given the bytes of one when widened."""
    return next((size for size in (64, 32, 16) if size * snp_bytes <= CACHED), 8)


def lanes(n_columns):
    """Return to how many columns some are filled up: loops of powers of two leave no remainder."""
    return next(size for size in (4, 8, MAX_COLUMNS) if n_columns <= size)
