"""The contract between a prior of effects and the sampler.

Every prior is a mixture: effect j of column c comes from N(0, multipliers[m] * variance[j, c])
with probability weights[m, c]. One compiled kernel draws the component and the effect for all of
them; a prior states its multipliers, its starting hyperparameters, how it updates them, and which
of them a chain keeps.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from sknnmm.priors._layout import Layout
from sknnmm.priors._quantile_map import QuantileMap
from sknnmm.priors._variance import VarianceSettings

GENETIC_SHARE = 0.5  # of the variance of each node and of y, expected a priori


@dataclass
class Hyperparameters:
    """Current hyperparameters of C columns of effects; arrays are updated in place."""

    layout: Layout  # of the effects
    scale: np.ndarray  # (C,) scale of the chi^-2 prior of the variance
    variance: np.ndarray  # (1, C) common to a column, or one per effect, shaped like the effects
    weights: np.ndarray  # (M, C) mixture weights

    @property
    def n_columns(self) -> int:
        """Return C."""
        return len(self.scale)

    def variance_of(self, column: int) -> np.ndarray:
        """Return a view of the variances of one column."""
        entries = self.layout.entries(column) if self.variance.ndim == 1 else np.s_[:, column]
        return self.variance[entries]


H = TypeVar("H", bound=Hyperparameters)  # of a prior, may be a subclass


class Prior(VarianceSettings, Generic[H]):
    """Base class of the priors of SNP effects and omics weights.

    A subclass sets `multipliers` and implements `start` and `update`. Effects that are not in the
    model (SNPs without variance) have component -1 and value 0.
    """

    #: True if the effects are jointly normal given one variance, itself scaled inverse chi-square,
    #: so that the exact joint draw in the basis of the singular value decomposition applies.
    jointly_normal = False

    #: True if hyper.variance is in units of the residual variance of the column.
    relative_to_residual = False

    #: True if the prior is one of effects of SNPs divided by their expected standard deviation.
    scales_genotypes = False

    #: Hyperparameters with one value per column whose draws a chain keeps; pi is kept besides.
    keeps: tuple[str, ...] = ("variance",)

    #: Names of groups of effects, each with hyperparameters of its own; none: all have the same.
    groups: tuple[str, ...] = ()

    @property
    @abstractmethod
    def multipliers(self) -> tuple[float, ...]:
        """Return the component multipliers of the variance, a tuple; 0 is "no effect"."""

    @property
    def parts(self) -> "tuple[Prior, ...]":
        """Return the priors that this one is made of: itself, or those of the groups."""
        return (self,)

    @property
    def starting_weights(self) -> np.ndarray:
        """Return the mixture weights to start from, (M,)."""
        return np.ones(1)

    def expected_multiple(self) -> float:
        """Return the mean multiplier under the starting weights."""
        return float(self.starting_weights @ np.array(self.multipliers))

    @property
    def fixes_scale(self) -> bool:
        """Return whether the prior holds the scale of the effects."""
        return not self.relative_to_residual and not self.estimate_variance

    def expected_variance(
        self,
        share: float,
        variances: np.ndarray,
        sums: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Return what `start` is to be given.

        Parameters
        ----------
        share : float
            Of the variance of a response, expected of all effects together.
        variances : ndarray of shape (m,)
            Of the predictors.
        sums : callable
            Returns sums of values (m,) over the predictors that act on each column, (C,).
        """
        return share / sums(variances)

    def of_predictors(self, expected_variance: np.ndarray) -> np.ndarray:
        """Return what `expected_variance` returned for every predictor, (m, C), or (1, C)."""
        return expected_variance[None]

    def starting_component(self, hyper: H) -> np.ndarray | int:
        """Return a component of effects that are not zero; it broadcasts to all of them."""
        return len(self.multipliers) - 1

    @abstractmethod
    def start(
        self,
        expected_variance: np.ndarray,
        layout: Layout,
        residual_variance: float = 1 - GENETIC_SHARE,
    ) -> H:
        """Return starting Hyperparameters.

        Parameters
        ----------
        expected_variance : ndarray of shape (C,)
            Variance of one effect that gives each column its expected share of variance when
            every effect is in the model.
        layout : DenseLayout or ConnectionLayout
            How the effects lie in memory.
        residual_variance : float
            Of a column, as expected.
        """

    @abstractmethod
    def update(
        self,
        hyper: H,
        effects: np.ndarray,
        component: np.ndarray,
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw `hyper` from its full conditional, in place.

        Parameters
        ----------
        hyper : Hyperparameters
        effects : ndarray
            In the order of hyper.layout.
        component : ndarray, int8
            The mixture component of each effect, -1 where it is not in the model.
        residual_variance : ndarray of shape (C,)
        rng : numpy.random.Generator
        """

    def effect_variances(self, hyper: H, residual_variance: np.ndarray) -> np.ndarray:
        """Return the variances of effects, shaped like hyper.variance, in absolute units."""
        if not self.relative_to_residual:
            return hyper.variance
        return hyper.variance * hyper.layout.spread(residual_variance)

    def effect_weights(self, hyper: H) -> np.ndarray:
        """Return the mixture weights so that they broadcast against M arrays of effects."""
        return hyper.layout.spread(hyper.weights)

    def residual_terms(
        self, hyper: H, effects: np.ndarray, component: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what effects in units of the residual variance say of it.

        Degrees of freedom and sums of squares, (C,).
        """
        layout = hyper.layout
        squares = np.square(effects, dtype=float)
        return layout.sum(component >= 0), layout.sum(squares / hyper.variance)

    def scale_terms(self, hyper: H, column: int) -> tuple[float, float]:
        """Return the `scale_terms` of a Term whose effects have this prior, of one column."""
        if self.relative_to_residual:
            return 0.0, 0.0
        variance = hyper.variance_of(column)
        of_scale = 0.5 * self.df * hyper.scale[column] * (1 / variance).sum()
        return 0.5 * self.df * len(variance), of_scale

    def rescale_column(self, hyper: H, column: int, factor: float) -> None:
        """Multiply the SDs of the effects of one column, those in absolute units, in place."""
        if not self.relative_to_residual:
            hyper.variance_of(column)[:] *= factor**2

    @property
    def quantile_map(self) -> QuantileMap | None:
        """Return how effects follow the mixture weights, or None: these are not moved together."""
        return None

    def density_of_scale(self, hyper: H) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return (a, b, c): the prior density of log t is that of t^a exp(-b t^2 - c / t^2).

        t is a factor of all effects of a column and of their standard deviations, the
        hyperparameters' share in these included; a, b and c are (C,). None: the prior does not
        move so.
        """
        return None

    def rescale(self, hyper: H, factor: np.ndarray) -> None:
        """Change the hyperparameters as effects times factors (C,) demand, in place."""
        raise NotImplementedError

    def kept(self, hyper: H) -> list[np.ndarray]:
        """Return the hyperparameters named in `keeps`, each (C,), or (groups, C)."""
        return [getattr(hyper, name).reshape(-1) for name in self.keeps]

    @property
    def selects(self) -> bool:
        """Return whether an effect can be exactly zero."""
        return 0 in self.multipliers

    def zero_weight(self, hyper: H) -> np.ndarray | None:
        """Return pi, the probability of no effect, or None where the prior has none.

        (C,), or (groups, C).
        """
        return hyper.weights[self.multipliers.index(0)] if self.selects else None
