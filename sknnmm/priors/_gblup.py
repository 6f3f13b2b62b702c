"""GBLUP: RR-BLUP on scaled SNPs, a normal breeding value with a genomic relationship matrix."""

from sknnmm.priors._rr_blup import RRBLUP


class GBLUP(RRBLUP):
    """Genomic best linear unbiased prediction.

    The RR-BLUP prior on SNPs divided by sqrt(2 f (1 - f)), f = training mean / 2: the breeding
    value is ``u ~ N(0, p v G)`` with G the second relationship matrix of VanRaden over the p SNPs
    with variance. If any value of X lies outside [0, 2], SNPs are divided by their standard
    deviation instead. Reported SNP effects are per allele.

    Parameters
    ----------
    df : float, default=5
        Degrees of freedom of the prior of v, >= 0.1.
    scale : float or "auto", default="auto"
        Scale of the prior of v per scaled SNP; "auto" puts its mode at the expected share of
        variance.
    estimate_variance : bool, default=True
        If False, v stays at `scale` ("auto": at the expected share).

    References
    ----------
    VanRaden (2008), doi 10.3168/jds.2007-0980.

    Examples
    --------
    >>> from sknnmm.priors import GBLUP
    >>> GBLUP(df=4)
    GBLUP(df=4)
    """

    scales_genotypes = True
