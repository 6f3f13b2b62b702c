"""Priors whose effects share one variance per column."""

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.priors._base import GENETIC_SHARE, Hyperparameters, Prior
from sknnmm.priors._layout import Layout
from sknnmm.priors._mixture_weights import component_totals, draw_dirichlet
from sknnmm.priors._quantile_map import QuantileMap


class CommonVariancePrior(Prior[Hyperparameters]):
    """Base class of the priors with one variance per column: they share one compiled update."""

    estimate_pi = False

    def start(
        self,
        expected_variance: np.ndarray,
        layout: Layout,
        residual_variance: float = 1 - GENETIC_SHARE,
    ) -> Hyperparameters:
        """Return starting Hyperparameters (see Prior)."""
        expected = expected_variance / self.expected_multiple()
        return Hyperparameters(
            layout=layout,
            scale=self.numeric_scale(expected),
            variance=self.starting_variance(expected)[None],
            weights=np.repeat(self.starting_weights[:, None], len(expected), axis=1),
        )

    @property
    def quantile_map(self) -> QuantileMap | None:
        """Return that of a mixture with estimated weights (see Prior)."""
        is_mixture = self.estimate_pi and len(self.multipliers) > 1
        return QuantileMap(self.multipliers) if is_mixture else None

    def density_of_scale(
        self, hyper: Hyperparameters
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return that of an estimated variance, in proportion to t^2 (see Prior)."""
        if not self.estimate_variance:
            return None
        none = np.zeros_like(hyper.scale)
        return none - self.df, none, 0.5 * self.df * hyper.scale / hyper.variance[0]

    def rescale(self, hyper: Hyperparameters, factor: np.ndarray) -> None:
        """Multiply the variances (see Prior)."""
        hyper.variance *= factor**2

    def update(
        self,
        hyper: Hyperparameters,
        effects: np.ndarray,
        component: np.ndarray,
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw mixture weights and the common variance (see Prior)."""
        update_common_variance(
            effects,
            component,
            hyper.layout.indptr,
            np.array(self.multipliers),
            float(self.df),
            hyper.scale,
            bool(self.estimate_pi),
            bool(self.estimate_variance),
            hyper.weights,
            hyper.variance,
            rng,
        )


@njit(nogil=True, cache=True, error_model="numpy")
def update_common_variance(
    effects: np.ndarray,
    component: np.ndarray,
    indptr: np.ndarray,
    multipliers: np.ndarray,
    df: float,
    scale: np.ndarray,
    estimate_pi: bool,
    estimate_variance: bool,
    weights: np.ndarray,
    variance: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw mixture weights (Dirichlet) and common variances (scaled inverse chi-square)."""
    counts, squares = component_totals(effects, component, indptr, multipliers.size)
    for c in range(scale.size):
        if estimate_pi:
            draw_dirichlet(counts[:, c], weights[:, c], rng)
        if estimate_variance:
            total_df, total = df, df * scale[c]
            for m in range(multipliers.size):
                if multipliers[m] > 0:
                    total_df += counts[m, c]
                    total += squares[m, c] / multipliers[m]
            variance[0, c] = total / rng.chisquare(total_df)
