"""Thin singular value decomposition of the genotypes, held on their smaller side.

With W^(1/2) X = U S V' in the rows that inform the columns, effects b have the coordinates V'b.
Where the prior variance of b is v, its other directions have independent coordinates N(0, v). Those
among them that other rows see, or that are few, follow V'b in the coordinates of all rows.
"""

from abc import ABC, abstractmethod

import numpy as np

from sknnmm.common.row_blocks import row_blocks
from sknnmm.kernels.variates import standard_normals

ROUNDING = 1e-11  # of squares, relative
HELD_ROWS = 2**27  # bytes that the rows of XV may take where they could be streamed


class Basis(ABC):
    """What both sides have in common.

    Parameters
    ----------
    genotypes : Genotypes
    row_weight : ndarray of shape (n,)
        0: the row does not inform the columns.
    dtype : floating type

    Attributes
    ----------
    squared : ndarray of shape (r,)
        S^2.
    n_outside : int
        Number of coordinates of all rows that follow those in the basis.
    """

    squared: np.ndarray
    n_outside: int

    def __init__(self, genotypes, row_weight, dtype):
        self._genotypes = genotypes
        self._row_weight = row_weight.astype(dtype)[:, None]
        self._is_weighted = bool((row_weight != 1).any())
        self._to_allele = (genotypes.polymorphic * genotypes.per_allele).astype(dtype)[:, None]

    def _weigh(self, rows):
        return self._row_weight * rows if self._is_weighted else rows

    def complete(self, coordinates, variance, rng):
        """Return the coordinates of all rows, (r + n_outside, C), given those in the basis."""
        if self.n_outside == 0:
            return coordinates
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
    def mean_effects(self, coordinates):
        """Return the mean of b (p, C), per allele, given its coordinates in the basis."""

    @abstractmethod
    def draw_effects(self, coordinates, variance, rng):
        """Return a draw of b (p, C), per allele, given its coordinates of all rows."""


class WideBasis(Basis):
    """At most as many rows as SNPs: holds the rows of XV (n, r); V = X'WXV / S^2."""

    def __init__(self, genotypes, row_weight, dtype):
        super().__init__(genotypes, row_weight, dtype)
        used, self._unused = np.flatnonzero(row_weight), np.flatnonzero(row_weight == 0)
        gram = genotypes.row_gram()
        root = np.sqrt(row_weight[used])[:, None]
        weighted = root * gram[np.ix_(used, used)] * root.T
        self.squared, vectors = _positive_eigenpairs(weighted)
        vectors = _oriented(vectors, _reference(len(used)))
        rows = np.empty((len(gram), len(self.squared)))
        rows[used] = vectors * np.sqrt(self.squared) / root
        rows[self._unused] = gram[np.ix_(self._unused, used)] @ (root * vectors)
        rows[self._unused] /= np.sqrt(self.squared)
        self._rows = rows.astype(dtype)
        # What lies outside the basis of the other rows. It is a difference: what rounding errors
        # leave of a row within the basis is none of it.
        across, among = rows[self._unused], gram[np.ix_(self._unused, self._unused)]
        least = len(gram) * max(np.finfo(dtype).eps, ROUNDING) * np.diagonal(among).max(initial=0)
        values, vectors = _above(least, *np.linalg.eigh(among - across @ across.T))
        self._across = across.astype(dtype)
        self.n_outside = len(values)
        self._outside_root = (vectors * np.sqrt(values)).astype(dtype)
        self._outside_back = (vectors / np.sqrt(values)).astype(dtype)

    def project(self, target):
        """Return V'X'W target (see Basis)."""
        return self._rows.T @ self._weigh(target)

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

    def mean_effects(self, coordinates):
        """Return the mean of b given its coordinates (see Basis)."""
        effects = self._genotypes.unscaled.transpose_dot(self._by_row(coordinates))
        effects *= self._to_allele**2
        return effects

    def draw_effects(self, coordinates, variance, rng):
        """Return a draw of b given its coordinates (see Basis)."""
        dtype = coordinates.dtype
        drawn = standard_normals((self._genotypes.shape[1], len(variance)), rng, dtype)
        sd = np.sqrt(variance).astype(dtype)
        for rows in row_blocks(drawn):
            own = drawn[rows]
            own *= sd
            own *= self._to_allele[rows]
        change = coordinates - self._coordinates(self._genotypes.unscaled.dot(drawn))
        drawn += self.mean_effects(change)
        return drawn

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
        super().__init__(genotypes, row_weight, dtype)
        gram = genotypes.column_gram(row_weight)
        self.squared, vectors = _positive_eigenpairs(gram)
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
            self._rows = genotypes.dot(vectors.astype(dtype))

    def project(self, target):
        """Return V'X'W target (see Basis)."""
        weighted = self._weigh(target)
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
        if not self._outside_is_seen:
            return fit
        return self._genotypes.dot(self._vectors @ coordinates)

    def mean_effects(self, coordinates):
        """Return the mean of b given its coordinates (see Basis)."""
        return self._to_allele * (self._right @ coordinates)

    def draw_effects(self, coordinates, variance, rng):
        """Return b, of which the coordinates tell everything (see Basis)."""
        effects = self._vectors @ coordinates
        effects *= self._to_allele
        return effects


def _reference(n_rows):
    """Return values of the rows that tell in which direction singular vectors are taken."""
    return np.cos(np.arange(n_rows))


def _oriented(vectors, reference):
    """Return singular vectors with positive products with `reference`.

    Their signs are arbitrary. So they are the same, in the rows, whichever alleles are counted, and
    with them the draws of all that is not an effect of an allele.
    """
    return vectors * np.where(reference @ vectors < 0, -1, 1)


def _positive_eigenpairs(gram):
    """Return the eigenvalues above rounding error, and their vectors as columns."""
    values, vectors = np.linalg.eigh(gram)
    return _above(values.max(initial=0) * len(gram) * np.finfo(float).eps, values, vectors)


def _above(least, values, vectors):
    """Return the eigenvalues above some value, and their vectors as columns."""
    return values[values > least], vectors[:, values > least]


def _complement(vectors):
    """Return orthonormal vectors (m, m - r) orthogonal to orthonormal ones (m, r)."""
    if vectors.shape[0] == vectors.shape[1]:
        return vectors[:, :0]
    return np.linalg.qr(vectors, mode="complete")[0][:, vectors.shape[1] :]
