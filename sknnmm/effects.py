"""Terms on the columns of `covariates`, for the parameter `effects` of an estimator."""

from typing import Any, Literal

from sklearn.utils._param_validation import StrOptions

from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.common.typing import Auto
from sknnmm.model.relatedness import BaseRelationship
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS, Distribution, VarianceSettings

__all__ = ["Fixed", "Random"]

LayerChoice = Literal["both", "omics", "phenotype"] | None
_LAYERS = [StrOptions({"both", OMICS, PHENOTYPE}), None]


class Fixed(Distribution):
    """Fixed effects of covariates, with flat priors.

    Parameters
    ----------
    formula : str
        The right-hand side of a Wilkinson formula on columns of `covariates`, as in R: ``"sex"``,
        ``"sex * age"``, ``"C(litter)"`` (a numeric column as a factor), ``"bs(age, df=4)"`` (a
        B-spline), ``"poly(age, 2)"``, ``"log(age)"``. Column names that are no Python names stand
        in backticks. A name that is the whole formula needs none. Every layer has an intercept, so
        ``0 +`` changes nothing.
    layer : {"both", "omics", "phenotype"} or None, default="both"
        The layer whose responses it acts on: the nodes, the phenotype (given the nodes), or both,
        each with its own coefficients. None: neither, so that its columns are left unused.

    See Also
    --------
    Random : Effects of many levels, drawn towards zero.

    Notes
    -----
    The library formulaic reads the formula. Factors have treatment coding, the first level being
    the reference; ``C(sex, contr.sum)`` has another coding. A numeric function of the columns is
    allowed; any other Python code in a formula is refused.

    References
    ----------
    Wilkinson & Rogers (1973), doi 10.2307/2346786.

    Examples
    --------
    >>> from sknnmm.effects import Fixed
    >>> Fixed("sex * age")
    Fixed(formula='sex * age')
    >>> Fixed("season", layer="phenotype") == Fixed("season")
    False
    """

    _parameter_constraints = {"formula": [str], "layer": _LAYERS}

    def __init__(self, formula: str, layer: LayerChoice = "both") -> None:
        self.formula = formula
        self.layer = layer

    def check(self) -> None:
        """Raise a ValueError or a TypeError that names a bad parameter."""
        super().check()
        if not self.formula.strip():
            raise ValueError('formula="" of Fixed is empty: name columns of covariates.')


class Random(VarianceSettings):
    """Random effects of the levels of a column: u ~ N(0, v R), v ~ chi^-2(df, scale).

    Parameters
    ----------
    column : str
        The column of `covariates` with the level of each record, of any type. A missing value has
        no effect.
    relationship : object with `ids`, or None, default=None
        R, the relationship between levels; None: they are independent.
    slope : str or None, default=None
        A numeric column: the effect is that of one unit of it (a random regression). None: the
        effect is the same for all records of a level.
    layer : {"both", "omics", "phenotype"} or None, default="both"
        The layer whose responses it acts on: the nodes, the phenotype (given the nodes), or both,
        each with its own effects and variances. None: neither, so that its columns are left unused.
    df : float, default=5
        Degrees of freedom of the prior of the variance, >= 0.1.
    scale : float or "auto", default="auto"
        Scale of that prior, on the standardised scale. "auto" puts the mode at the share of
        variance that is expected of this term.
    estimate_variance : bool, default=True
        If False the variance stays at `scale` ("auto": at the expected share).
    name : str or None, default=None
        What the term is called in results; None: the name of the column. To be given where two
        terms have the same column.

    See Also
    --------
    Fixed : Effects of factors and regressions with flat priors.

    Notes
    -----
    A column that a term names, as `slope` too, is not a fixed effect by itself any more: for a
    population mean of the slopes add ``Fixed("age")`` to ``Random("animal", slope="age")``.

    References
    ----------
    Henderson (1984), Applications of Linear Models in Animal Breeding, University of Guelph.

    Examples
    --------
    >>> from sknnmm.effects import Random
    >>> Random("litter")
    Random(column='litter')
    >>> Random("animal", slope="age", layer="phenotype", name="growth")
    Random(column='animal', layer='phenotype', name='growth', slope='age')
    """

    _parameter_constraints = {
        "column": [str],
        "relationship": "no_validation",
        "slope": [str, None],
        "layer": _LAYERS,
        "name": [str, None],
        **VARIANCE_CONSTRAINTS,
    }

    def __init__(
        self,
        column: str,
        relationship: Any = None,
        slope: str | None = None,
        layer: LayerChoice = "both",
        df: float = 5,
        scale: Auto = "auto",
        estimate_variance: bool = True,
        name: str | None = None,
    ) -> None:
        self.column = column
        self.relationship = relationship
        self.slope = slope
        self.layer = layer
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance
        self.name = name

    def check(self) -> None:
        """Raise a ValueError or a TypeError that names a bad parameter."""
        super().check()
        if self.relationship is not None and not isinstance(self.relationship, BaseRelationship):
            raise TypeError(
                f"relationship of Random({self.column!r}) must be None or a relationship with ids "
                f"(sknnmm.relationship), but is of type {type(self.relationship).__name__}."
            )
