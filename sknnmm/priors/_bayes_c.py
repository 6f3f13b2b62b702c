"""BayesC: effects are zero with probability pi, else normal with one common variance."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sknnmm.common.typing import Auto
from sknnmm.priors._common_variance import CommonVariancePrior
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS


class BayesC(CommonVariancePrior):
    """Spike at zero and a normal slab with a common variance (BayesC, BayesC-pi).

    ``b_j = 0`` with probability pi, else ``N(0, v)``, ``v ~ chi^-2(df, scale)``,
    ``pi ~ Beta(1, 1)``. Scales refer to standardised y and omics and centred allele dosages.

    Parameters
    ----------
    pi : float, default=0.5
        Probability of NO effect, 0 <= pi < 1; the starting value if it is estimated. It also
        enters the automatic scale.
    estimate_pi : bool, default=True
        If False, pi stays at its value.
    df : float, default=5
        Degrees of freedom of the prior of the variance, >= 0.1.
    scale : float or "auto", default="auto"
        "auto" puts the prior mode of v at the expected share of variance per nonzero effect.
    estimate_variance : bool, default=True
        If False, v stays at `scale` ("auto": at the expected share).

    References
    ----------
    Habier, Fernando, Kizilkaya & Garrick (2011), doi 10.1186/1471-2105-12-186.

    Examples
    --------
    >>> from sknnmm.priors import BayesC
    >>> BayesC(pi=0.95, estimate_pi=False)
    BayesC(estimate_pi=False, pi=0.95)
    """

    _parameter_constraints = {
        **VARIANCE_CONSTRAINTS,
        "pi": [Interval(Real, 0, 1, closed="left")],
        "estimate_pi": ["boolean"],
    }
    multipliers = (0.0, 1.0)

    def __init__(
        self,
        pi: float = 0.5,
        estimate_pi: bool = True,
        df: float = 5,
        scale: Auto = "auto",
        estimate_variance: bool = True,
    ) -> None:
        self.pi = pi
        self.estimate_pi = estimate_pi
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance

    @property
    def starting_weights(self) -> np.ndarray:
        """Return pi and 1 - pi."""
        return np.array([self.pi, 1 - self.pi], dtype=float)
