"""RR-BLUP: normal effects with one common variance."""

from sknnmm.common.typing import Auto
from sknnmm.priors._common_variance import CommonVariancePrior
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS


class RRBLUP(CommonVariancePrior):
    """Normal prior with a common variance (random-regression BLUP, Bayesian ridge).

    ``b_j ~ N(0, v)``, ``v ~ chi^-2(df, scale)``. Scales refer to standardised y and omics and to
    centred allele dosages.

    Parameters
    ----------
    df : float, default=5
        Degrees of freedom of the prior of the variance, >= 0.1.
    scale : float or "auto", default="auto"
        "auto" puts the prior mode of v at the expected share of variance per effect.
    estimate_variance : bool, default=True
        If False, v stays at `scale` ("auto": at the expected share).

    References
    ----------
    Meuwissen, Hayes & Goddard (2001), doi 10.1093/genetics/157.4.1819.

    Examples
    --------
    >>> from sknnmm.priors import RRBLUP
    >>> RRBLUP(scale=0.01, estimate_variance=False)
    RRBLUP(estimate_variance=False, scale=0.01)
    """

    _parameter_constraints = VARIANCE_CONSTRAINTS
    multipliers = (1.0,)
    jointly_normal = True

    def __init__(self, df: float = 5, scale: Auto = "auto", estimate_variance: bool = True) -> None:
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance
