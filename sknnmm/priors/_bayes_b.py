"""BayesB: effects are zero with probability pi, else normal with a variance of their own."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknnmm.common.typing import Auto
from sknnmm.priors._own_variances import OwnVariancePrior
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS


class BayesB(OwnVariancePrior):
    """Spike at zero and a slab with one variance per effect.

    ``b_j = 0`` with probability pi, else ``N(0, v_j)``, ``v_j ~ chi^-2(df, scale)``,
    ``pi ~ Beta(1, 1)``. Scales refer to standardised y and omics and to centred allele dosages.

    Parameters
    ----------
    pi : float, default=0.5
        Probability of NO effect, 0 <= pi < 1; the starting value if it is estimated. It also
        enters the automatic scale.
    estimate_pi : bool, default=True
        If False, pi stays at its value.
    df : float, default=5
        Degrees of freedom of the prior of each variance, >= 0.1.
    scale : float or "auto", default="auto"
        "auto" puts the prior mode of v_j at the expected share of variance per nonzero effect.
    estimate_variance : bool, default=True
        If False, every v_j stays at `scale` ("auto": at the expected share).
    estimate_scale : bool, default=True
        If True, scale ~ Gamma(1.1, rate 0.1 / scale0), with mode at its automatic or given value
        scale0. If False, it stays there: the v_j then average 7/3 of their mode (df=5), and
        predictions spread too widely.

    References
    ----------
    Meuwissen, Hayes & Goddard (2001), doi 10.1093/genetics/157.4.1819.

    Examples
    --------
    >>> from sknnmm.priors import BayesB
    >>> BayesB(pi=0.9)
    BayesB(pi=0.9)
    """

    _parameter_constraints = {
        **VARIANCE_CONSTRAINTS,
        "pi": [Interval(Real, 0, 1, closed="left")],
        "estimate_pi": ["boolean"],
        "estimate_scale": ["boolean"],
    }
    multipliers = (0.0, 1.0)

    def __init__(
        self,
        pi: float = 0.5,
        estimate_pi: bool = True,
        df: float = 5,
        scale: Auto = "auto",
        estimate_variance: bool = True,
        estimate_scale: bool = True,
    ) -> None:
        self.pi = pi
        self.estimate_pi = estimate_pi
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance
        self.estimate_scale = estimate_scale

    @property
    def starting_weights(self) -> np.ndarray:
        """Return pi and 1 - pi."""
        return np.array([self.pi, 1 - self.pi], dtype=float)
