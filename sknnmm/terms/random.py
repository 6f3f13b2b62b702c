"""Random effects: of levels that are a sample of many, alike a priori or related."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.kernels.levels import spread_levels, sums_by_level
from sknnmm.model.variables import Variable
from sknnmm.priors import ScaledInverseChi2
from sknnmm.terms.base import DrawnTerm, Term
from sknnmm.terms.fixed import Fixed
from sknnmm.terms.level_draws import (
    MANY_LEVELS,
    Alike,
    IndependentCoordinates,
    RandomState,
    SingleLevels,
)
from sknnmm.terms.levels import Levels

if TYPE_CHECKING:
    from sknnmm.model.network import Layer
    from sknnmm.sampling.residual import Target

Products = tuple[np.ndarray, list[np.ndarray]]


class Random(DrawnTerm[RandomState]):
    """Effects u ~ N(0, s2_u R) of levels on the responses of a layer.

    The fixed effects of the layer are integrated out; they are to be drawn next.

    Parameters
    ----------
    name, layer : str
    levels : Levels
    prior : ScaledInverseChi2
        Of the variance.
    share : float
        Of the variance of a response, expected of this term.
    row_weight : ndarray of shape (n,)
        Of the layer.
    n_responses : int
    fixed : Fixed
        The fixed effects of the layer.
    dtype : floating type
    """

    def __init__(
        self,
        name: str,
        layer: str,
        levels: Levels,
        prior: ScaledInverseChi2,
        share: float,
        row_weight: np.ndarray,
        n_responses: int,
        fixed: Fixed,
        dtype: type[np.floating],
    ) -> None:
        super().__init__(name, layer)
        self.levels, self.prior = levels, prior
        self.n_responses = n_responses
        self._fixed, self._dtype = fixed, dtype
        self._codes, self._factors = levels.codes, levels.factors
        self._weighted = row_weight * self._factors
        # Where no informed row has a level, only the prior says anything.
        self.expected_variance = share / (levels.mean_multiple(row_weight) or 1.0)
        squared = self._sums((self._factors)[:, None])[:, 0]
        scale = float(prior.numeric_scale(self.expected_variance))
        many = levels.inverse is not None and levels.n_levels > MANY_LEVELS
        kind = SingleLevels if many else IndependentCoordinates
        self._draws = kind(levels, squared, prior, scale)
        self._scale_terms = 0.5 * prior.df, 0.5 * prior.df * scale
        self._groups = list(self._alike(row_weight))

    def _alike(self, row_weight: np.ndarray) -> Iterator[Alike]:
        """Yield an Alike for every group of responses of the fixed effects, and for the rest."""
        rest = np.ones(self.n_responses, bool)
        informed = row_weight > 0
        is_constant = self.levels.covariate is None and (self._codes[informed] >= 0).all()
        for responses, basis, _ in self._fixed.groups:
            of_levels = self._sums(basis.astype(float), np.ones(len(basis)))
            # The weighted constant, in the weighted orthonormal basis.
            constant = basis[informed].sum(axis=0) if is_constant and self._fixed.is_flat else None
            rounded = basis[informed].astype(float)
            gram = (rounded / row_weight[informed, None]).T @ rounded
            yield Alike(responses, self._draws.of_levels(of_levels), gram, constant)
            rest[responses] = False
        if rest.any():
            none = np.zeros((self._draws.n_coordinates, 0))
            yield Alike(np.flatnonzero(rest), none, np.zeros((0, 0)), None)

    def _sums(self, rows: np.ndarray, row_weight: np.ndarray | None = None) -> np.ndarray:
        """Return the sums by level of rows times weights; their own, if not given."""
        factors = self._weighted if row_weight is None else row_weight * self._factors
        return sums_by_level(rows, self._codes, factors, self.levels.n_levels)

    @property
    def fixes_scale(self) -> bool:
        """Return whether the variances are held (see Term)."""
        return not self.prior.estimate_variance

    @property
    def not_subtracted(self) -> tuple[Term, ...]:
        """Return itself and the fixed effects, which are integrated out (see Term)."""
        return (self, self._fixed)

    def start(
        self, layer: "Layer", responses: dict[str, np.ndarray], keeps_rows: bool
    ) -> RandomState:
        """Return effects of zero (see DrawnTerm)."""
        effects = np.zeros((self.levels.n_levels, self.n_responses))
        coordinates = effects
        if self._draws.back is not None:
            coordinates = np.zeros((self._draws.n_coordinates, self.n_responses))
        variance = np.full(self.n_responses, self.prior.starting_variance(self.expected_variance))
        fit = np.zeros((len(self._codes), self.n_responses), self._dtype)
        return RandomState(effects, coordinates, variance, fit)

    def draw(
        self,
        state: RandomState,
        target: "Target",
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw variances and effects (see DrawnTerm)."""
        products, of_fixed = target.products()
        for i, alike in enumerate(self._groups):
            own = alike.responses
            of_own = products[:, own]
            in_basis = of_fixed[i] if i < len(of_fixed) else np.zeros((0, of_own.shape[1]))
            self._draws.draw(
                state,
                alike,
                self._fixed,
                of_own,
                in_basis,
                residual_variance[own].astype(float),
                rng,
            )
        spread_levels(state.effects, self._codes, self._factors, state.fit)

    def products_of_rows(self, rows: np.ndarray) -> Products:
        """Return sums by level (L, C), and products with the fixed effects (see DrawnTerm)."""
        return self._sums(rows), self._fixed.products_of_rows(rows)

    def coefficients(self, state: RandomState) -> np.ndarray:
        """Return the effects of the levels (see DrawnTerm)."""
        return state.effects

    def contribution(self, state: RandomState) -> np.ndarray:
        """Return the effect of the level of each row (see Term)."""
        return state.fit

    def rescale(self, state: RandomState, response: int, factor: float) -> None:
        """Multiply the effects on one response and their SD (see Term)."""
        state.effects[:, response] *= factor
        if state.coordinates is not state.effects:
            state.coordinates[:, response] *= factor
        state.variance[response] *= factor**2
        state.fit[:, response] *= factor

    def scale_terms(self, state: RandomState, response: int) -> tuple[float, float]:
        """Return what the prior of the variance says of its scale (see Term)."""
        power, of_scale = self._scale_terms
        return power, of_scale / state.variance[response]

    def scale_density(
        self, state: RandomState, residual_variance: np.ndarray
    ) -> tuple[float, float, float]:
        """Return that of the variance, which moves with the effects (see Term)."""
        shape, rate = self.scale_terms(state, 0)
        return -2 * shape, 0.0, rate

    def multiply(self, state: RandomState, factor: float) -> None:
        """Multiply the effects and their SD (see Term)."""
        self.rescale(state, 0, factor)

    def variables(self, layer: "Layer") -> list[Variable]:
        """Return the variances, and the effects, kept in moments (see Term)."""
        shown = {"is_target": True, "is_diagnosed": True}
        variance = Variable(
            f"{layer.prefix}{self.name}_variance",
            layer.name,
            f"variance of the random effects of {self.name}",
            layer.dims(),
            power=2,
            **shown,
        )
        effects = Variable(
            f"{layer.prefix}{self.name}_effects",
            layer.name,
            f"random effects of {self.name}",
            layer.dims(f"{self.name}_level"),
            power=1,
            every=False,
        )
        return [variance, effects]

    def values(self, state: RandomState) -> list[np.ndarray]:
        """Return the variances (see Term)."""
        return [state.variance]
