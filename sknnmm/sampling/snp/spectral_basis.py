"""Thin singular value decomposition of the genotypes, held on their smaller side.

With W^(1/2) X = U S V' in the rows that inform the columns, effects b have the coordinates V'b.
Where the prior variance of b is v, its other directions have independent coordinates N(0, v). Those
among them that other rows see, or that are few, follow V'b in the coordinates of all rows.
"""

from abc import ABC, abstractmethod

import numpy as np

from sknnmm.kernels.variates import standard_normals

HELD_ROWS = 2**27  # bytes that the rows of XV may take where they could be streamed


class Basis(ABC):
    """What both sides have in common.

    Attributes
    ----------
    squared : ndarray of shape (r,)
        S^2.
    n_outside : int
        Number of coordinates of all rows that follow those in the basis.
    """

    squared: np.ndarray
    n_outside: int

    def complete(self, coordinates, variance, rng):
        """Return the coordinates of all rows, (r + n_outside, C), given those in the basis."""
        shape = (self.n_outside, len(variance))
        outside = np.sqrt(variance) * standard_normals(shape, rng, coordinates.dtype)
        return np.concatenate([coordinates, outside.astype(coordinates.dtype)])

    @abstractmethod
    def project(self, target):
        """Return V'X'W target, (r, C)."""

    @abstractmethod
    def fit(self, coordinates):
        """Return XV coordinates, (n, C): X b of the rows that inform the columns."""

    @abstractmethod
    def fit_everywhere(self, fit, coordinates):
        """Return X b of all rows, (n, C), given `fit` and the coordinates of all rows."""

    @abstractmethod
    def effects(self, coordinates):
        """Return the mean of b (p, C) given its coordinates, of all rows or in the basis."""

    @abstractmethod
    def outside(self, variance, rng, dtype):
        """Return a draw of what the coordinates of all rows do not tell of b, (p, C)."""


class WideBasis(Basis):
    """At most as many rows as SNPs: holds the rows of XV (n, r); V = X'WXV / S^2."""

    def __init__(self, genotypes, row_weight, dtype):
        self._genotypes = genotypes
        self._row_weight = row_weight.astype(dtype)[:, None]
        used, self._unused = np.flatnonzero(row_weight), np.flatnonzero(row_weight == 0)
        gram = genotypes.row_gram()
        root = np.sqrt(row_weight[used])[:, None]
        weighted = root * gram[np.ix_(used, used)] * root.T
        self.squared, vectors = _positive_eigenpairs(weighted, np.finfo(float).eps)
        vectors = _oriented(vectors, _reference(len(used)))
        rows = np.empty((len(gram), len(self.squared)))
        rows[used] = vectors * np.sqrt(self.squared) / root
        rows[self._unused] = gram[np.ix_(self._unused, used)] @ (root * vectors)
        rows[self._unused] /= np.sqrt(self.squared)
        self._rows = rows.astype(dtype)
        # Of the other rows, what lies outside the basis, but for rounding errors.
        self._across = rows[self._unused]
        among = gram[np.ix_(self._unused, self._unused)]
        size = np.diagonal(among).max(initial=0)
        values, vectors = _positive_eigenpairs(
            among - self._across @ self._across.T, np.finfo(dtype).eps, size
        )
        self.n_outside = len(values)
        self._outside_root = (vectors * np.sqrt(values)).astype(dtype)
        self._outside_back = (vectors / np.sqrt(values)).astype(dtype)
        self._across = self._across.astype(dtype)

    def project(self, target):
        """Return V'X'W target (see Basis)."""
        return self._rows.T @ (self._row_weight * target)

    def fit(self, coordinates):
        """Return XV coordinates (see Basis)."""
        return self._rows @ coordinates

    def fit_everywhere(self, fit, coordinates):
        """Return X b of all rows (see Basis)."""
        if self.n_outside == 0:
            return fit
        fit = fit.copy()
        fit[self._unused] += self._outside_root @ coordinates[len(self.squared) :]
        return fit

    def effects(self, coordinates):
        """Return the mean of b given its coordinates (see Basis)."""
        return self._genotypes.transpose_dot(self._by_row(coordinates))

    def outside(self, variance, rng, dtype):
        """Return a draw of the rest of b (see Basis)."""
        shape = (self._genotypes.shape[1], len(variance))
        rest = standard_normals(shape, rng, dtype)
        rest *= np.sqrt(variance).astype(dtype)
        rest[~self._genotypes.polymorphic] = 0
        rest -= self.effects(self._coordinates(self._genotypes.dot(rest)))
        return rest

    def _by_row(self, coordinates):
        """Return what X' turns into the mean of b, (n, C)."""
        rank = len(self.squared)
        inside, others = coordinates[:rank], coordinates[rank:]
        of_unused = self._outside_back @ others if len(others) else None
        if of_unused is not None:
            inside = inside - self._across.T @ of_unused
        by_row = self._row_weight * (self._rows @ (inside / self._squared_of(inside)))
        if of_unused is not None:
            by_row[self._unused] = of_unused
        return by_row

    def _coordinates(self, fit):
        """Return the coordinates of all rows given X b of all rows, (r + n_outside, C)."""
        inside = self.project(fit)
        inside /= self._squared_of(inside)
        rest = fit[self._unused] - self._across @ inside
        return np.concatenate([inside, self._outside_back.T @ rest])

    def _squared_of(self, values):
        return self.squared.astype(values.dtype)[:, None]


class LongBasis(Basis):
    """More rows than SNPs: holds V and all directions outside it, and the rows of XV if small."""

    def __init__(self, genotypes, row_weight, dtype):
        self._genotypes = genotypes
        self._row_weight = row_weight.astype(dtype)[:, None]
        gram = genotypes.column_gram(row_weight)
        self.squared, vectors = _positive_eigenpairs(gram, np.finfo(float).eps)
        by_snp = genotypes.transpose_dot(_reference(len(row_weight))[:, None] * row_weight[:, None])
        vectors = _oriented(vectors, by_snp[:, 0])
        within = np.flatnonzero(genotypes.polymorphic)
        outside = np.zeros((len(gram), len(within) - len(self.squared)))
        outside[within] = _complement(vectors[within])
        self.n_outside = outside.shape[1]
        self._outside_is_seen = self.n_outside > 0 and (row_weight == 0).any()
        self._vectors = np.hstack([vectors, outside]).astype(dtype)
        self._rows = None  # else of XV
        if len(row_weight) * len(self.squared) * np.dtype(dtype).itemsize <= HELD_ROWS:
            self._rows = genotypes.dot(vectors).astype(dtype)

    def project(self, target):
        """Return V'X'W target (see Basis)."""
        weighted = self._row_weight * target
        if self._rows is not None:
            return self._rows.T @ weighted
        return self._right.T @ self._genotypes.transpose_dot(weighted)

    def fit(self, coordinates):
        """Return XV coordinates (see Basis)."""
        if self._rows is not None:
            return self._rows @ coordinates
        return self._genotypes.dot(self._right @ coordinates)

    @property
    def _right(self):
        return self._vectors[:, : len(self.squared)]

    def fit_everywhere(self, fit, coordinates):
        """Return X b of all rows (see Basis)."""
        return self._genotypes.dot(self.effects(coordinates)) if self._outside_is_seen else fit

    def effects(self, coordinates):
        """Return the mean of b given its coordinates (see Basis)."""
        return self._vectors[:, : len(coordinates)] @ coordinates

    def outside(self, variance, rng, dtype):
        """Return that nothing is left (see Basis)."""
        return 0


def _reference(n_rows):
    """Return values of the rows that tell in which direction singular vectors are taken."""
    return np.cos(np.arange(n_rows))


def _oriented(vectors, reference):
    """Return singular vectors with positive products with `reference`.

    Their signs are arbitrary. So they are the same, in the rows, whichever alleles are counted, and
    with them the draws of all that is not an effect of an allele.
    """
    return vectors * np.where(reference @ vectors < 0, -1, 1)


def _positive_eigenpairs(gram, precision, size=0.0):
    """Return the eigenvalues above rounding error, and their vectors as columns.

    `size` is that of the numbers that `gram` was computed from, if they are larger.
    """
    values, vectors = np.linalg.eigh(gram)
    keep = values > max(values.max(initial=0), size) * len(gram) * precision
    return values[keep], vectors[:, keep]


def _complement(vectors):
    """Return orthonormal vectors (m, m - r) orthogonal to orthonormal ones (m, r)."""
    return np.linalg.qr(vectors, mode="complete")[0][:, vectors.shape[1] :]
