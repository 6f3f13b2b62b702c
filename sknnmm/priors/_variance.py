"""Scaled inverse chi-square distribution: the prior of every variance."""

from numbers import Real

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from sknnmm.common.typing import Auto

LEAST_DF = 0.1  # with fewer, draws of variances overflow
VARIANCE_CONSTRAINTS: dict[str, list] = {
    "df": [Interval(Real, LEAST_DF, None, closed="left")],
    "scale": [StrOptions({"auto"}), Interval(Real, 1e-30, 1e30, closed="both")],
    "estimate_variance": ["boolean"],
}


class Distribution(BaseEstimator):
    """Named hyperparameters with validation, a readable repr and equality by value."""

    def check(self) -> None:
        """Raise InvalidParameterError (a ValueError) naming a bad hyperparameter."""
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(deep=False), type(self).__name__
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_params() == other.get_params()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))


class VarianceSettings(Distribution):
    """What every prior of a variance shares: ``df``, ``scale`` and ``estimate_variance``."""

    def starting_variance(self, expected: npt.ArrayLike) -> np.ndarray:
        """Return the variance to start from (or to keep): `expected` unless a scale was given."""
        expected = np.asarray(expected, dtype=float)
        return expected.copy() if self.scale == "auto" else np.full_like(expected, self.scale)

    def numeric_scale(self, expected: npt.ArrayLike) -> np.ndarray:
        """Return the scale whose prior mode is `expected`, or the scale that was given."""
        mode_to_scale = (self.df + 2) / self.df
        expected = np.asarray(expected, dtype=float)
        return (
            expected * mode_to_scale if self.scale == "auto" else np.full_like(expected, self.scale)
        )


class ScaledInverseChi2(VarianceSettings):
    """Scaled inverse chi-square prior of a residual variance.

    That of ``df * scale / X`` with ``X ~ chi2(df)``: mean ``df * scale / (df - 2)``, mode
    ``df * scale / (df + 2)``. Scales refer to the standardised data (variance 1).

    Parameters
    ----------
    df : float, default=5
        Degrees of freedom, >= 0.1.
    scale : float or "auto", default="auto"
        "auto" puts the mode at the share of variance expected to be residual, 0.5.
    estimate_variance : bool, default=True
        If False the variance stays at `scale` ("auto": at the expected share).

    References
    ----------
    Perez & de los Campos (2014), doi 10.1534/genetics.114.164442.

    Examples
    --------
    >>> from sknnmm.priors import ScaledInverseChi2
    >>> ScaledInverseChi2(df=10)
    ScaledInverseChi2(df=10)
    """

    _parameter_constraints = VARIANCE_CONSTRAINTS

    def __init__(self, df: float = 5, scale: Auto = "auto", estimate_variance: bool = True) -> None:
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance
