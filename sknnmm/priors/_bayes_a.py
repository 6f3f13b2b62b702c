"""BayesA: normal effects, each with a variance of its own."""

from sknnmm.common.typing import Auto
from sknnmm.priors._own_variances import OwnVariancePrior
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS


class BayesA(OwnVariancePrior):
    """Normal prior with one variance per effect: a scaled t prior of the effects.

    ``b_j ~ N(0, v_j)``, ``v_j ~ chi^-2(df, scale)``. Scales refer to standardised y and omics and
    to centred allele dosages.

    Parameters
    ----------
    df : float, default=5
        Degrees of freedom of the prior of each variance, >= 0.1.
    scale : float or "auto", default="auto"
        "auto" puts the prior mode of each v_j at the expected share of variance per effect.
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
    >>> from sknnmm.priors import BayesA
    >>> BayesA(df=4, estimate_scale=False)
    BayesA(df=4, estimate_scale=False)
    """

    _parameter_constraints = {**VARIANCE_CONSTRAINTS, "estimate_scale": ["boolean"]}
    multipliers = (1.0,)

    def __init__(
        self,
        df: float = 5,
        scale: Auto = "auto",
        estimate_variance: bool = True,
        estimate_scale: bool = True,
    ) -> None:
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance
        self.estimate_scale = estimate_scale
