"""How the effects of levels are drawn: in independent coordinates, or one after the other.

Both integrate out the fixed effects of the layer, which are drawn next: an intercept and the mean
of all levels hold each other in place.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sknnmm.kernels.collapsed_variances import draw_coordinates, draw_variances
from sknnmm.kernels.levels import draw_levels
from sknnmm.kernels.scales import draw_scales
from sknnmm.priors import ScaledInverseChi2
from sknnmm.terms.fixed import Fixed, Index
from sknnmm.terms.levels import Levels

ROUNDING = 1e-13  # of inner products of a basis of the fixed effects
MANY_LEVELS = 1500  # from which on a product with a matrix of them all takes more time


@dataclass
class RandomState:
    """Effects of L levels on C responses, and their variances."""

    effects: np.ndarray  # (L, C)
    coordinates: np.ndarray  # independent ones of variance `variance`; or `effects` themselves
    variance: np.ndarray  # (C,)
    fit: np.ndarray  # (n, C)


@dataclass
class Alike:
    """Responses that share a basis of the fixed effects, maybe of none."""

    responses: Index
    of_levels: np.ndarray  # (L, r), sums by level of the basis, in the coordinates that are drawn
    gram: np.ndarray  # (r, r), of the basis as it was rounded, close to I
    constant: np.ndarray | None  # (r,), the constant in the basis, where levels add up to it


class IndependentCoordinates:
    """Exact draws in coordinates a, effects u = U a, that the data and the prior leave independent.

    U diagonalises both R^-1 and Z'WZ, with Z the incidence of the levels: U'R^-1 U = I and
    U'Z'WZ U = D. Independent levels are such coordinates themselves. The variance is drawn with
    the effects integrated out, and the effects jointly with the fixed ones.

    Parameters
    ----------
    levels : Levels
    squared : ndarray of shape (L,)
        Diagonal of Z'WZ.
    prior : ScaledInverseChi2
    scale : float
        Of the prior.
    """

    def __init__(
        self, levels: Levels, squared: np.ndarray, prior: ScaledInverseChi2, scale: float
    ) -> None:
        self._prior = float(prior.df), float(prior.df * scale)
        self._is_drawn = prior.estimate_variance
        self.back = None  # U
        self._squared = squared
        if levels.root is not None or levels.inverse is not None:
            self.back, self._squared = common_basis(levels, squared)
        self._informed = self._squared > 1e-10 * self._squared.max()

    @property
    def n_coordinates(self) -> int:
        """Return their number: that of the levels, or the rank of R."""
        return self._squared.size

    def of_levels(self, values: np.ndarray) -> np.ndarray:
        """Return sums by level (L, C) in the coordinates."""
        return values if self.back is None else self.back.T @ values

    def draw(
        self,
        state: RandomState,
        alike: Alike,
        fixed: Fixed,
        products: np.ndarray,
        of_fixed: np.ndarray,
        s2: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw variances and effects of some responses, in place.

        `products` (L, C) and `of_fixed` (r, C) are those of the target with levels and with the
        basis of the fixed effects.
        """
        own = alike.responses
        products, in_basis = self.of_levels(products), alike.of_levels
        coordinates, variance = state.coordinates[:, own], state.variance[own]
        if self._is_drawn:
            effects = draw_fixed(fixed, of_fixed - in_basis.T @ coordinates, s2, rng)
            self._draw_variance(products - in_basis @ effects, variance, s2, rng)
            state.variance[own] = variance
        if in_basis.shape[1]:
            effects = self._draw_fixed_alone(fixed, products, alike, of_fixed, variance, s2, rng)
            products = products - in_basis @ effects
        products = np.ascontiguousarray(products.T)
        normals = rng.standard_normal(products.shape)
        drawn = np.empty(products.shape)
        draw_coordinates(products, self._squared, variance, s2, normals, drawn)
        state.coordinates[:, own] = drawn.T
        if self.back is not None:
            state.effects[:, own] = self.back @ drawn.T

    def _draw_variance(
        self, products: np.ndarray, variance: np.ndarray, s2: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Draw the variances given the fixed effects, the random ones integrated out."""
        none = np.zeros((2, s2.size))
        prior = none + np.array(self._prior)[:, None]
        informed = self._informed
        products = np.ascontiguousarray(products[informed].T)
        squared, fixed = self._squared[informed], s2.copy()
        draw_variances(products, squared, none[0], 0, prior, none, variance, fixed, rng)

    def _draw_fixed_alone(
        self,
        fixed: Fixed,
        products: np.ndarray,
        alike: Alike,
        of_fixed: np.ndarray,
        variance: np.ndarray,
        s2: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return the fixed effects (r, C), the random ones integrated out."""
        in_basis, rank = alike.of_levels, len(of_fixed)
        shrinkage = 1 / (self._squared[:, None] + s2 / variance)  # (L, C)
        shrunk = shrinkage.T[:, :, None] * in_basis  # (C, L, r)
        # Where a fixed effect is confounded with levels of a large variance, little is left of I.
        precision = alike.gram + ROUNDING * np.eye(rank) - in_basis.T @ shrunk
        of_prior = 1 / (np.ones((rank, s2.size)) * fixed.shrinkage(rank, s2)) - 1
        precision[:, np.arange(rank), np.arange(rank)] += of_prior.T
        linear = of_fixed.T - np.einsum("clr,lc->cr", shrunk, products)
        lower = np.linalg.cholesky(precision)
        noise = np.sqrt(s2)[:, None] * rng.standard_normal(linear.shape)
        drawn = np.linalg.solve(lower, linear[:, :, None])[:, :, 0] + noise
        return np.linalg.solve(np.swapaxes(lower, 1, 2), drawn[:, :, None])[:, :, 0].T


class SingleLevels:
    """Draws of one level after the other, for many levels with a sparse R^-1: a pedigree.

    Parameters
    ----------
    levels : Levels
    squared : ndarray of shape (L,)
        Diagonal of Z'WZ.
    prior : ScaledInverseChi2
    scale : float
        Of the prior.
    """

    back = None

    def __init__(
        self, levels: Levels, squared: np.ndarray, prior: ScaledInverseChi2, scale: float
    ) -> None:
        self._inverse = levels.inverse
        self._of_ones = np.asarray(levels.inverse.sum(axis=1)).ravel()
        self._squared = squared
        self._df, self._scale = float(prior.df), float(scale)
        self._is_drawn = prior.estimate_variance
        self.n_coordinates = squared.size

    def of_levels(self, values: np.ndarray) -> np.ndarray:
        """Return sums by level as they are."""
        return values

    def draw(
        self,
        state: RandomState,
        alike: Alike,
        fixed: Fixed,
        products: np.ndarray,
        of_fixed: np.ndarray,
        s2: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw effects and variances of some responses, in place (see IndependentCoordinates)."""
        own, in_basis = alike.responses, alike.of_levels
        effects, variance = state.effects[:, own].copy(), state.variance[own].copy()
        if in_basis.shape[1]:
            drawn = draw_fixed(fixed, of_fixed - in_basis.T @ effects, s2, rng)
            products = products - in_basis @ drawn
        if alike.constant is not None:
            shift = self._draw_shift(effects, variance, rng)
            effects += shift  # and the intercept is as much less
            products = products + np.outer(in_basis @ alike.constant, shift)
        forms = draw_levels(
            products,
            self._squared,
            self._inverse.indptr,
            self._inverse.indices,
            self._inverse.data,
            variance,
            s2,
            rng,
            effects,
        )
        if self._is_drawn:
            total = self._df * self._scale + forms
            variance = total / rng.chisquare(self._df + len(effects), s2.size)
            factors = self._draw_scales(products, effects, variance, s2, rng)
            effects *= factors
            variance *= factors**2
            state.variance[own] = variance
        state.effects[:, own] = effects

    def _draw_shift(
        self, effects: np.ndarray, variance: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return by how much all levels move, the intercept moving against them, (C,)."""
        total = self._of_ones.sum()
        mean = -(self._of_ones @ effects) / total
        return mean + np.sqrt(variance / total) * rng.standard_normal(len(variance))

    def _draw_scales(
        self,
        products: np.ndarray,
        effects: np.ndarray,
        variance: np.ndarray,
        s2: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return factors of the effects and their SDs, the effects over their SDs being held."""
        squares = (self._squared[:, None] * effects**2).sum(axis=0) / s2
        linear = (effects * products).sum(axis=0) / s2 - squares
        none = np.zeros_like(s2)
        of_prior = 0.5 * self._df * self._scale / variance
        return draw_scales(linear, squares, none - self._df, none, of_prior, rng)


def draw_fixed(
    fixed: Fixed, products: np.ndarray, s2: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return fixed effects given the random ones, (r, C), in their basis."""
    if not len(products):
        return products
    shrinkage = fixed.shrinkage(len(products), s2)
    return shrinkage * products + np.sqrt(s2 * shrinkage) * rng.standard_normal(products.shape)


def common_basis(levels: Levels, squared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return U (L, r) and D (r,) with UU' = R and U'Z'WZ U = D, given the diagonal of Z'WZ."""
    if levels.inverse is not None:
        inverse = levels.inverse.toarray()
        values, basis = linalg.eigh(np.diag(squared), inverse)
        return basis, np.maximum(values, 0)
    values, vectors = linalg.eigh(levels.root.T @ (squared[:, None] * levels.root))
    return levels.root @ vectors, np.maximum(values, 0)
