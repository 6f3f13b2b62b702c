"""BayesL, the Bayesian LASSO: Laplace effects as normals with exponential variances."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sknnmm.common.typing import Auto
from sknnmm.priors._base import GENETIC_SHARE, Hyperparameters, Prior
from sknnmm.priors._layout import Layout


@dataclass
class LassoHyperparameters(Hyperparameters):
    """Hyperparameters of the Bayesian LASSO; `variance` holds tau^2, `scale` is unused."""

    squared_penalty: np.ndarray  # (C,), lambda^2
    rate: np.ndarray  # (C,), of its Gamma prior


class BayesL(Prior[LassoHyperparameters]):
    """Bayesian LASSO: Laplace prior scaled by the residual standard deviation.

    ``b_j ~ N(0, s2 tau_j^2)`` with s2 the residual variance of the column,
    ``tau_j^2 ~ Exp(rate lambda^2 / 2)``, ``lambda^2 ~ Gamma(shape, rate)``.

    Parameters
    ----------
    shape : float, default=1.1
        Shape of the Gamma prior of lambda^2, 1e-8 to 1e8 (> 1 with rate="auto").
    rate : float or "auto", default="auto"
        Its rate, 1e-20 to 1e20; "auto" puts the prior mode of lambda^2 where the effects have
        their expected share of variance.

    References
    ----------
    Park & Casella (2008), doi 10.1198/016214508000000337; de los Campos et al. (2009),
    doi 10.1534/genetics.109.101501.

    Examples
    --------
    >>> from sknnmm.priors import BayesL
    >>> BayesL(shape=2.0)
    BayesL(shape=2.0)
    """

    _parameter_constraints = {
        "shape": [Interval(Real, 1e-8, 1e8, closed="both")],
        "rate": [StrOptions({"auto"}), Interval(Real, 1e-20, 1e20, closed="both")],
    }
    multipliers = (1.0,)
    relative_to_residual = True
    keeps = ("squared_penalty",)  # lambda^2

    def __init__(self, shape: float = 1.1, rate: Auto = "auto") -> None:
        self.shape = shape
        self.rate = rate

    def check(self) -> None:
        """Raise a ValueError naming a bad hyperparameter."""
        super().check()
        if self.rate == "auto" and self.shape <= 1:
            raise ValueError(
                "The 'shape' parameter of BayesL must be > 1 with rate='auto', which places the "
                f"mode of the prior. Got {self.shape!r} instead."
            )

    def start(
        self,
        expected_variance: np.ndarray,
        layout: Layout,
        residual_variance: float = 1 - GENETIC_SHARE,
    ) -> LassoHyperparameters:
        """Return starting Hyperparameters (see Prior)."""
        # E[s2 tau^2] = expected_variance at the expected s2 and lambda^2 at its mode.
        mode = 2 * residual_variance / np.asarray(expected_variance, float)
        rate = (self.shape - 1) / mode if self.rate == "auto" else np.full_like(mode, self.rate)
        squared_penalty = mode if self.rate == "auto" else self.shape / rate
        starting = layout.spread(2 / squared_penalty)
        return LassoHyperparameters(
            layout=layout,
            scale=np.full_like(mode, np.nan),
            variance=np.broadcast_to(starting, layout.shape).copy(),
            weights=np.ones((1, len(mode))),
            squared_penalty=squared_penalty.copy(),
            rate=rate,
        )

    def density_of_scale(
        self, hyper: LassoHyperparameters
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return that of lambda^2, in proportion to 1 / t^2 (see Prior)."""
        none = np.zeros_like(hyper.rate)
        return none - 2 * self.shape, none, hyper.rate * hyper.squared_penalty

    def rescale(self, hyper: LassoHyperparameters, factor: np.ndarray) -> None:
        """Divide lambda^2, multiply tau^2 (see Prior)."""
        hyper.squared_penalty /= factor**2
        hyper.variance *= hyper.layout.spread(factor**2)

    def update(
        self,
        hyper: LassoHyperparameters,
        effects: np.ndarray,
        component: np.ndarray,
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw tau^2 of every effect, then lambda^2 (see Prior)."""
        layout, in_model = hyper.layout, component >= 0
        penalty = layout.spread(hyper.squared_penalty)
        magnitude = np.abs(effects) / np.sqrt(penalty * layout.spread(residual_variance))
        hyper.variance[:] = _reciprocal_inverse_gaussian(magnitude, penalty, rng)
        total = layout.sum(np.where(in_model, hyper.variance, 0))
        n_effects = layout.sum(in_model)
        hyper.squared_penalty[:] = rng.standard_gamma(self.shape + n_effects) / (
            hyper.rate + 0.5 * total
        )


def _reciprocal_inverse_gaussian(
    inverse_mean: np.ndarray, shape: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw 1 / x for x inverse Gaussian with mean 1 / inverse_mean (0 is allowed).

    The roots of Michael, Schucany & Haas (1976, doi 10.1080/00031305.1976.10479147), written
    without the cancellation that the usual form suffers for large means.
    """
    half = rng.standard_normal(inverse_mean.shape) ** 2 / (2 * shape)
    larger = inverse_mean + half + np.sqrt(half * (2 * inverse_mean + half))
    take_larger = rng.random(larger.shape) * (larger + inverse_mean) < larger
    return np.where(take_larger, larger, inverse_mean**2 / larger)
