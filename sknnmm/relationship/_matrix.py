"""Relationships given as a matrix or as its inverse."""

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, sparse

from sknnmm.common.cached import cached
from sknnmm.common.ids import coded_ids, unique_ids
from sknnmm.common.typing import Column
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.memory_map import read_only
from sknnmm.inputs.tables import as_pandas, table_of_doubles
from sknnmm.model.relatedness import BaseRelationship
from sknnmm.relationship._sparse_factor import NotPositiveDefinite, SparseFactor

SINGULAR = 1e-8  # eigenvalues up to this, relative to the mean of the diagonal, count as 0
ROUNDED = 1e-3  # relative as well; eigenvalues as far below 0 are due to rounded values
SYMMETRIC = 1e-8  # largest difference of the triangles, relative to the largest value
BLEND = "add a small number to its diagonal, or blend it: 0.95 * G + 0.05 * A"


class Relationship(BaseRelationship):
    """A relationship matrix R of the levels of a random effect, u ~ N(0, s2 R).

    Parameters
    ----------
    matrix : array-like, DataFrame or sparse array of shape (n, n)
        R, symmetric and positive semidefinite, or with `inverse` its inverse, positive definite.
        A sparse one must be positive definite.
    ids : array-like of shape (n,)
        The levels in the order of rows and columns: unique, text or whole numbers, compared as
        text.
    inverse : bool, default=False
        Whether `matrix` is the inverse of R.

    Attributes
    ----------
    matrix : ndarray or csc_array of shape (n, n)
        The matrix, in double precision.
    ids : Index of shape (n,)
        The levels as text.
    inverse : bool

    Raises
    ------
    TypeError
        If `matrix` or `ids` has values of another kind.
    ValueError
        If `matrix` is not square, finite, symmetric and positive (semi)definite, has zeros only, or
        is a DataFrame with other labels than `ids`; if `ids` has another number, or is not unique.

    Warns
    -----
    UserWarning
        If a dense R has eigenvalues below 0, but no more than a thousandth of the mean of its
        diagonal: rounding, as in files of text or single precision, makes such. They count as 0.

    See Also
    --------
    Pedigree : Additive relationships by pedigree, without their matrix.
    genomic_relationship : Relationships by SNPs.

    Notes
    -----
    Genomic relationships of centred genotypes are singular. Effects with a singular dense R can be
    drawn, in its eigenbasis; only `relationship_inverse` needs all eigenvalues above zero. The
    eigenbasis takes time in proportion to n^3, and is computed at first use.

    A sparse matrix is factorised, to see whether it is positive definite. For the inverse of A of
    more than some 10,000 individuals that takes long; a Pedigree needs no factors.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.relationship import Relationship
    >>> sibs = Relationship([[1.0, 0.5], [0.5, 1.0]], ids=["a", "b"])
    >>> sibs
    Relationship(2 levels, dense)
    >>> sibs.relationship_inverse.round(3)
    array([[ 1.333, -0.667],
           [-0.667,  1.333]])
    >>> sibs.levels(["b", "a", "c"])
    array([ 1,  0, -1])
    """

    _saved = ("matrix", "inverse")

    def __init__(
        self,
        matrix: npt.ArrayLike | pd.DataFrame | sparse.sparray | sparse.spmatrix,
        ids: Column,
        inverse: bool = False,
    ) -> None:
        self.inverse = bool(inverse)
        self.ids = unique_ids(ids, "ids")
        matrix = as_pandas(matrix)
        _check_labels(matrix, self.ids)
        if sparse.issparse(matrix):
            self.matrix = sparse.csc_array(matrix, dtype=np.float64, copy=True)
            self.matrix.sum_duplicates()
            _check_values(self.matrix, self.matrix.data, self.ids)
            _ = self._factor  # there must be one
        else:
            self.matrix = read_only(np.array(table_of_doubles(matrix, "matrix")))
            _check_values(self.matrix, self.matrix, self.ids)
            _check_definite(self.matrix, self.inverse)

    @classmethod
    def of_definite_inverse(cls, inverse: sparse.csc_array, ids: Column) -> Self:
        """Return a Relationship by a sparse inverse that is known to be positive definite.

        Nothing is checked: for many individuals the factors would take long.

        Parameters
        ----------
        inverse : csc_array of shape (n, n)
        ids : array-like of shape (n,)
            As in the constructor.

        Returns
        -------
        Relationship
        """
        relationship = cls.__new__(cls)
        relationship.matrix, relationship.ids = inverse, unique_ids(ids, "ids")
        relationship.inverse = True
        return relationship

    @cached
    def relationship_inverse(self) -> sparse.csc_array | np.ndarray:
        """Return the inverse of R, (n, n), in the order of `ids`; sparse if `matrix` is.

        Raises
        ------
        ValueError
            If R is singular.
        """
        if self.inverse:
            return self.matrix
        if sparse.issparse(self.matrix):  # columns stay within connected blocks
            columns = [sparse.csc_array(c) for _, c in self._factor.inverse_columns()]
            return sparse.csc_array(sparse.hstack(columns))
        values, vectors = self._definite_eigen()
        return read_only((vectors / values) @ vectors.T)

    @cached
    def eigen(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return ascending eigenvalues (n,) and eigenvectors (n, n) of a dense R, else None."""
        if sparse.issparse(self.matrix):
            return None
        values, vectors = linalg.eigh(self.matrix)
        if self.inverse:
            values, vectors = 1 / values[::-1], vectors[:, ::-1]
        else:
            values = np.where(values > SINGULAR * self.matrix.diagonal().mean(), values, 0)
        return read_only(values), read_only(vectors)

    @cached
    def diagonal(self) -> np.ndarray:
        """Return the diagonal of R, (n,)."""
        if not self.inverse:
            return self.matrix.diagonal()
        if self.eigen is not None:
            values, vectors = self.eigen
            return vectors**2 @ values
        diagonal = np.empty(len(self))
        for columns, part in self._factor.inverse_columns():
            diagonal[columns] = part[columns].diagonal()
        return diagonal

    @property
    def has_quick_diagonal(self) -> bool:
        """Return whether the diagonal takes no factors of a sparse matrix."""
        return not (self.inverse and sparse.issparse(self.matrix))

    @property
    def log_determinant(self) -> float:
        """Return the logarithm of the determinant of R; a ValueError if R is singular."""
        if sparse.issparse(self.matrix):
            return (-1 if self.inverse else 1) * self._factor.log_determinant
        return float(np.log(self._definite_eigen()[0]).sum())

    def factor_product(self, vectors: np.ndarray) -> np.ndarray:
        """Return L z for z (n,) or (n, C), with L L' = R."""
        vectors = np.asarray(vectors, float)
        columns = vectors.reshape(len(self), -1)
        if self.eigen is not None:
            values, basis = self.eigen
            product = basis @ (np.sqrt(values)[:, None] * columns)
        elif self.inverse:
            product = self._factor.half_solve(columns)
        else:
            product = self._factor.half_product(columns)
        return product.reshape(vectors.shape)

    @cached
    def _factor(self):
        try:
            return SparseFactor(self.matrix)
        except NotPositiveDefinite:
            raise ValueError(
                "matrix is sparse and not positive definite: pass a dense one if it is singular, "
                f"or {BLEND}."
            ) from None

    def _definite_eigen(self):
        values, vectors = self.eigen
        if (values == 0).any():
            raise ValueError(
                f"matrix is singular ({(values == 0).sum()} of {len(values)} eigenvalues are 0), "
                f"so it has no inverse: {BLEND}."
            )
        return values, vectors

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Relationship) or self.inverse != other.inverse:
            return False
        if not self.ids.equals(other.ids):
            return False
        if sparse.issparse(self.matrix) or sparse.issparse(other.matrix):
            both = sparse.issparse(self.matrix) and sparse.issparse(other.matrix)
            return both and (self.matrix != other.matrix).nnz == 0
        return np.array_equal(self.matrix, other.matrix)

    def __repr__(self) -> str:
        storage = "sparse" if sparse.issparse(self.matrix) else "dense"
        return f"Relationship({len(self)} levels, {storage}{', inverse' if self.inverse else ''})"


def _check_labels(matrix, ids):
    """Raise if the labels of a DataFrame are not the IDs in their order."""
    if not isinstance(matrix, pd.DataFrame):
        return
    for axis, labels in {"index": matrix.index, "columns": matrix.columns}.items():
        if isinstance(labels, pd.RangeIndex):
            continue
        codes, texts = coded_ids(labels, f"The {axis} of matrix")
        if len(labels) == len(ids) and (np.append(texts, None)[codes] != ids).any():
            raise ValueError(
                f"The {axis} of matrix and ids differ: bring rows and columns into the order of "
                "ids, matrix.loc[ids, ids]."
            )


def _check_values(matrix, values, ids):
    """Raise unless a matrix with these values is square, finite and symmetric."""
    if matrix.shape != (len(ids), len(ids)):
        raise ValueError(
            f"matrix must have a row and a column for each of the {len(ids)} ids; its shape is "
            f"{matrix.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError("matrix has missing or infinite values.")
    if not np.any(values):
        raise ValueError(
            "matrix has zeros only: such effects have no variance. Levels that are not related "
            "have the identity matrix, which needs no relationship: relationship=None."
        )
    difference = abs(matrix - matrix.T)
    if difference.max() > SYMMETRIC * abs(matrix).max():
        row, column = np.unravel_index(difference.argmax(), matrix.shape)
        raise ValueError(
            f"matrix must be symmetric, but has {matrix[row, column]:g} in row {ids[row]}, column "
            f"{ids[column]} and {matrix[column, row]:g} in row {ids[column]}, column {ids[row]}."
        )


def _check_definite(matrix, inverse):
    """Raise unless a dense matrix is positive semidefinite, an inverse positive definite."""
    margin = SINGULAR * matrix.diagonal().mean()
    shifted = np.array(matrix)
    shifted[np.diag_indices(len(matrix))] += -margin if inverse else margin
    try:
        linalg.cholesky(shifted, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError:
        lowest = linalg.eigh(matrix, eigvals_only=True, subset_by_index=[0, 0])[0]
        if not inverse and lowest >= -ROUNDED * matrix.diagonal().mean():
            warn(
                f"matrix has eigenvalues down to {lowest:.3g}, as of rounded values: those below 0 "
                "count as 0."
            )
            return
        wanted = "an inverse must be positive definite" if inverse else "R may have none below 0"
        raise ValueError(
            f"matrix has an eigenvalue of {lowest:.3g}, but {wanted}. If rounding or gaps in the "
            f"data have caused it, {BLEND}."
        ) from None
