"""A sparse symmetric positive definite matrix as the product of sparse triangular factors."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from sknnmm.relationship._kernels import solve_transposed_factor

COLUMNS_AT_ONCE = 64


class NotPositiveDefinite(ValueError):
    """The matrix has no such factors."""


class SparseFactor:
    """M = P' L D L' P, with P a permutation that keeps L sparse.

    Parameters
    ----------
    matrix : sparse array of shape (n, n)
        Symmetric.

    Raises
    ------
    NotPositiveDefinite
    """

    def __init__(self, matrix):
        try:
            self._factor = splu(
                sparse.csc_matrix(matrix),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,  # pivots stay on the diagonal: U = D L'
                options={"SymmetricMode": True},
            )
        except RuntimeError as error:  # a pivot is exactly 0
            raise NotPositiveDefinite from error
        self._pivots = self._factor.U.diagonal()
        on_diagonal = np.array_equal(self._factor.perm_r, self._factor.perm_c)
        if not (on_diagonal and (self._pivots > 0).all()):
            raise NotPositiveDefinite

    @property
    def log_determinant(self):
        """Return the logarithm of the determinant of M."""
        return float(np.log(self._pivots).sum())

    def solve(self, values):
        """Return M^-1 values, for (n,) or (n, C)."""
        return self._factor.solve(values)

    def half_product(self, vectors):
        """Return H z for z (n, C), with H H' = M."""
        return (self._factor.L @ (np.sqrt(self._pivots)[:, None] * vectors))[self._factor.perm_r]

    def half_solve(self, vectors):
        """Return H z for z (n, C), with H H' = M^-1."""
        lower = self._factor.L
        values = np.ascontiguousarray(vectors / np.sqrt(self._pivots)[:, None])
        solve_transposed_factor(lower.indptr, lower.indices, lower.data, values)
        return values[self._factor.perm_r]

    def inverse_columns(self):
        """Yield (slice of columns, these columns of M^-1 (n, m)), some at a time."""
        n = len(self._pivots)
        for start in range(0, n, COLUMNS_AT_ONCE):
            columns = slice(start, min(start + COLUMNS_AT_ONCE, n))
            unit = np.zeros((n, columns.stop - start))
            unit[np.arange(start, columns.stop), np.arange(columns.stop - start)] = 1
            yield columns, self.solve(unit)
