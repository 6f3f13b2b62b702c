"""How effects are laid out in memory: which entries of their arrays belong to which column.

A column is a node of the middle layer (or y); its entries are the effects on it.
"""

import numpy as np

from sknnmm.common.compiled import njit

NONE = np.empty(0, np.int64)


class DenseLayout:
    """Every predictor acts on every column: arrays (m, C)."""

    indptr = NONE  # what compiled code gets in place of that of ConnectionLayout

    def __init__(self, n_effects: int, n_columns: int, members: np.ndarray | None = None) -> None:
        self.shape = (n_effects, n_columns)
        # Of a part: along the first axis of the effects of all.
        self.members = NONE if members is None else members

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return sums over the effects of each column, (C,)."""
        return values.sum(axis=0)

    def dot(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return sums of products over the effects of each column, (C,), in double precision."""
        return _dot(first, second)

    def spread(self, per_column: np.ndarray) -> np.ndarray:
        """Return values (..., C) so that they broadcast against arrays of effects."""
        return per_column[..., None, :]

    def of_predictors(self, per_predictor: np.ndarray) -> np.ndarray:
        """Return values (m,) of the predictors along the first axis of the effects."""
        return per_predictor

    def part(self, chosen: np.ndarray) -> "DenseLayout":
        """Return the layout of the effects chosen along the first axis."""
        return DenseLayout(len(chosen), self.shape[1], chosen)

    def place(self, entries: np.ndarray) -> np.ndarray:
        """Return where flat entries of a part are among the flattened effects of all."""
        row, column = np.divmod(entries, self.shape[1])
        return self.members[row] * self.shape[1] + column

    def nonzero(self, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where each column begins among its nonzero effects, and their flat entries."""
        column, row = np.nonzero(effects.T)
        starts = np.searchsorted(column, np.arange(self.shape[1] + 1))
        return starts, row * self.shape[1] + column

    def entries(self, column: int) -> tuple[slice, int]:
        """Return the index of the effects of one column."""
        return slice(None), column

    def places(self) -> tuple[np.ndarray, int, np.ndarray]:
        """Return where each column begins in flattened effects, their distance, their numbers."""
        n_effects, n_columns = self.shape
        return np.arange(n_columns), n_columns, np.full(n_columns, n_effects)

    def inner(self, table: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """Return sums over the predictors of each column, table (m, r) times effects, (r, C)."""
        return table.T @ effects

    def outer(self, table: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return table (m, r) times coefficients (r, C), laid out as effects are."""
        return (coefficients.T @ table.T).T  # each column contiguous


@njit(nogil=True, cache=True)
def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return sums over rows of products of two matrices; NumPy would convert both to double."""
    sums = np.zeros(first.shape[1])
    for j in range(first.shape[0]):
        for c in range(sums.size):
            sums[c] += float(first[j, c]) * float(second[j, c])
    return sums


class ConnectionLayout:
    """Each column has predictors of its own: arrays (m,), column after column.

    Parameters
    ----------
    indptr : ndarray of shape (C + 1,)
        Column c owns entries indptr[c] to indptr[c + 1].
    predictors : ndarray of shape (m,), optional
        Of every entry.
    members : ndarray of shape (m,), optional
        Of a part: its entries among those of all.
    """

    def __init__(
        self,
        indptr: np.ndarray,
        predictors: np.ndarray | None = None,
        members: np.ndarray | None = None,
    ) -> None:
        self.indptr = np.asarray(indptr, np.int64)
        self.shape = (int(indptr[-1]),)
        sizes = np.diff(indptr)
        self.column_of = np.repeat(np.arange(len(sizes)), sizes)
        self._predictors = NONE if predictors is None else predictors
        self.members = NONE if members is None else members
        self._filled = None if sizes.all() else sizes > 0  # columns with entries; None: all

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return sums over the effects of each column, (C,)."""
        dtype = np.int64 if values.dtype == bool else values.dtype
        if self._filled is None:
            return np.add.reduceat(values, self.indptr[:-1], dtype=dtype)
        sums = np.zeros(len(self._filled), dtype)
        if self._filled.any():
            sums[self._filled] = np.add.reduceat(values, self.indptr[:-1][self._filled])
        return sums

    def dot(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return sums of products over the effects of each column, (C,), in double precision."""
        return self.sum(np.multiply(first, second, dtype=float))

    def spread(self, per_column: np.ndarray) -> np.ndarray:
        """Return values (..., C) repeated for every effect, (..., m)."""
        return per_column[..., self.column_of]

    def of_predictors(self, per_predictor: np.ndarray) -> np.ndarray:
        """Return values (p,) of the predictors of every effect, (m,)."""
        return per_predictor[self._predictors]

    def part(self, chosen: np.ndarray) -> "ConnectionLayout":
        """Return the layout of some of the effects, in their order."""
        sizes = np.bincount(self.column_of[chosen], minlength=len(self.indptr) - 1)
        return ConnectionLayout(np.concatenate([[0], np.cumsum(sizes)]), members=chosen)

    def place(self, entries: np.ndarray) -> np.ndarray:
        """Return where entries of a part are among the effects of all."""
        return self.members[entries]

    def nonzero(self, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where each column begins among its nonzero effects, and their entries."""
        entries = np.flatnonzero(effects)
        return np.searchsorted(entries, self.indptr), entries

    def entries(self, column: int) -> slice:
        """Return the index of the effects of one column."""
        return slice(self.indptr[column], self.indptr[column + 1])

    def places(self) -> tuple[np.ndarray, int, np.ndarray]:
        """Return where each column begins in flattened effects, their distance, their numbers."""
        return self.indptr[:-1], 1, np.diff(self.indptr)

    def inner(self, table: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """Return sums over the entries of each column, table (m, r) times effects, (r, C)."""
        return np.add.reduceat(table * effects[:, None], self.indptr[:-1]).T

    def outer(self, table: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return table (m, r) times coefficients (r, C), laid out as effects are."""
        return (table * coefficients.T[self.column_of]).sum(axis=1)


Layout = DenseLayout | ConnectionLayout
