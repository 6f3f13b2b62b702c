"""Priors whose effects each have a variance of their own, about a common scale."""

from dataclasses import dataclass

import numpy as np

from sknnmm.priors._base import GENETIC_SHARE, Hyperparameters, Prior
from sknnmm.priors._layout import Layout
from sknnmm.priors._mixture_weights import update_mixture_weights
from sknnmm.priors._quantile_map import QuantileMap

SCALE_SHAPE, SCALE_RATE = 1.1, 0.1  # scale ~ Gamma(1.1, rate 0.1 / scale0), mode at scale0


@dataclass
class OwnVariances(Hyperparameters):
    """Hyperparameters where every effect has its own variance."""

    expected_scale: np.ndarray  # (C,), scale0


class OwnVariancePrior(Prior[OwnVariances]):
    """Base class of the priors with one variance per effect."""

    estimate_pi = False
    keeps = ("scale",)

    def start(
        self,
        expected_variance: np.ndarray,
        layout: Layout,
        residual_variance: float = 1 - GENETIC_SHARE,
    ) -> OwnVariances:
        """Return starting OwnVariances (see Prior)."""
        expected = expected_variance / self.expected_multiple()
        scale = self.numeric_scale(expected)
        starting = layout.spread(self.starting_variance(expected))
        return OwnVariances(
            layout=layout,
            scale=scale,
            variance=np.broadcast_to(starting, layout.shape).copy(),
            weights=np.repeat(self.starting_weights[:, None], len(expected), axis=1),
            expected_scale=scale.copy(),
        )

    @property
    def quantile_map(self) -> QuantileMap | None:
        """Return that of a mixture with estimated weights (see Prior)."""
        return QuantileMap(self.multipliers) if self.estimate_pi else None

    def density_of_scale(
        self, hyper: OwnVariances
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return that of an estimated scale, in proportion to t^2 (see Prior)."""
        if not (self.estimate_variance and self.estimate_scale):
            return None
        none = np.zeros_like(hyper.scale)
        return none + 2 * SCALE_SHAPE, SCALE_RATE / hyper.expected_scale * hyper.scale, none

    def rescale(self, hyper: OwnVariances, factor: np.ndarray) -> None:
        """Multiply scales and variances (see Prior)."""
        hyper.scale *= factor**2
        hyper.variance *= hyper.layout.spread(factor**2)

    def update(
        self,
        hyper: OwnVariances,
        effects: np.ndarray,
        component: np.ndarray,
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw pi, the variances and their scale (see Prior).

        First the variances of nonzero effects, then the scale given these, then the other
        variances, whose full conditional is their prior; the scale is drawn with these integrated
        out.
        """
        if self.estimate_pi:
            update_mixture_weights(effects, component, hyper.layout.indptr, hyper.weights, rng)
        if not self.estimate_variance:
            return
        layout = hyper.layout
        nonzero = component == len(self.multipliers) - 1
        gammas = rng.standard_gamma(0.5 * (self.df + nonzero))
        squares = np.square(effects, dtype=float)
        drawn = 0.5 * (self.df * layout.spread(hyper.scale) + squares) / gammas
        if self.estimate_scale:
            precisions = layout.sum(np.where(nonzero, 1 / drawn, 0))
            shape = SCALE_SHAPE + 0.5 * self.df * layout.sum(nonzero)
            rate = SCALE_RATE / hyper.expected_scale + 0.5 * self.df * precisions
            hyper.scale[:] = rng.standard_gamma(shape) / rate
            of_zeros = 0.5 * self.df * layout.spread(hyper.scale) / gammas
            drawn = np.where(nonzero, drawn, of_zeros)
        hyper.variance[:] = drawn
