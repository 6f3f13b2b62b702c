"""Thin singular value decomposition of the genotypes, held on their smaller side.

The larger singular vectors are never stored: genotypes are streamed instead.
"""

import numpy as np


class WideBasis:
    """At most as many rows as SNPs: holds U (n, r); V = X'U / S."""

    def __init__(self, genotypes, row_weight, dtype):
        self._genotypes = genotypes
        used = np.flatnonzero(row_weight)
        self._unused = np.flatnonzero(row_weight == 0)
        self.dtype = dtype
        gram = genotypes.row_gram()
        root = np.sqrt(row_weight[used])[:, None]
        squared, vectors = _positive_eigenpairs(root * gram[np.ix_(used, used)] * root.T)
        vectors = _oriented(vectors, _reference(len(used)))
        self.squared = squared
        self._singular = np.sqrt(squared).astype(dtype)[:, None]
        # W^(1/2) X = U S V': `_left` is U over the roots of the weights, `_weighted` U times them.
        self._left = self._weighted = np.zeros((genotypes.shape[0], len(squared)), dtype)
        self._left[used] = vectors / root
        if (root != 1).any():
            self._weighted = np.zeros_like(self._left)
            self._weighted[used] = vectors * root
        if self._unused.size:
            # Rows outside the likelihood: x'b = x'V (V'b) + what lies outside the basis.
            across = gram[np.ix_(self._unused, used)] @ (root * vectors) / np.sqrt(squared)
            outside = gram[np.ix_(self._unused, self._unused)] - across @ across.T
            values, roots = _positive_eigenpairs(outside)
            self._across = across.astype(dtype)
            self._outside_root = (roots * np.sqrt(values)).astype(dtype)

    @property
    def leaves_rows_out(self):
        """Return whether `fit` is short of some rows."""
        return self._unused.size > 0

    def project(self, target):
        """Return S U'W^(1/2)t = V'X'Wt, (r, C)."""
        return self._singular * (self._weighted.T @ target)

    def fit(self, coordinates):
        """Return X b of the rows that inform the columns, (n, C), zero elsewhere."""
        return self._left @ (self._singular * coordinates)

    def fit_everywhere(self, fit, coordinates, variance, rng):
        """Return X b of all rows, (n, C), completing `fit`."""
        if not self.leaves_rows_out:
            return fit
        outside = rng.standard_normal((self._outside_root.shape[1], fit.shape[1]))
        fit = fit.copy()
        fit[self._unused] = self._across @ coordinates + self._outside_root @ (
            np.sqrt(variance) * outside
        )
        return fit

    def effects(self, coordinates, variance, rng):
        """Return b (p, C): V coordinates, plus a draw outside the basis if there is a variance."""
        if variance is None:
            return self._genotypes.transpose_dot(self._weighted @ (coordinates / self._singular))
        noise = _prior_draw(self._genotypes, variance, rng, coordinates.dtype)
        correction = coordinates / self._singular - (
            self._weighted.T @ self._genotypes.dot(noise) / self._singular**2
        )
        return noise + self._genotypes.transpose_dot(self._weighted @ correction)


class LongBasis:
    """More rows than SNPs: holds V (p, r)."""

    def __init__(self, genotypes, row_weight, dtype):
        self._genotypes = genotypes
        self._rows = row_weight.astype(dtype)[:, None]
        self.dtype = dtype
        self.squared, vectors = _positive_eigenpairs(genotypes.column_gram(row_weight))
        by_snp = genotypes.transpose_dot(_reference(len(row_weight))[:, None] * row_weight[:, None])
        vectors = _oriented(vectors, by_snp[:, 0])
        self._right = vectors.astype(dtype)
        self._spans_all = len(self.squared) == np.count_nonzero(genotypes.polymorphic)

    @property
    def leaves_rows_out(self):
        """Return whether `fit` lacks a part that only rows outside the likelihood see."""
        return not self._spans_all

    def project(self, target):
        """Return V'X't, (r, C)."""
        return self._right.T @ self._genotypes.transpose_dot(target * self._rows)

    def fit(self, coordinates):
        """Return X V coordinates, (n, C): exact for the rows that inform the columns."""
        return self._genotypes.dot(self._right @ coordinates)

    def fit_everywhere(self, fit, coordinates, variance, rng):
        """Return X b of all rows, (n, C), given `fit`."""
        if self._spans_all:
            return fit
        return self._genotypes.dot(self.effects(coordinates, variance, rng))

    def effects(self, coordinates, variance, rng):
        """Return b (p, C): V coordinates, plus a draw outside the basis if there is a variance."""
        effects = self._right @ coordinates
        if variance is None or self._spans_all:
            return effects
        noise = _prior_draw(self._genotypes, variance, rng, coordinates.dtype)
        return effects + noise - self._right @ (self._right.T @ noise)


def _prior_draw(genotypes, variance, rng, dtype):
    """Draw effects from N(0, variance), zero for SNPs without variance, (p, C)."""
    noise = rng.standard_normal((genotypes.shape[1], len(variance)))
    noise *= np.sqrt(variance) * genotypes.polymorphic[:, None]
    return noise.astype(dtype)


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
    keep = values > values.max(initial=0) * len(gram) * np.finfo(float).eps
    return values[keep], vectors[:, keep]
