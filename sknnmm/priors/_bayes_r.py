"""BayesR: a mixture of normals from no effect to large effects."""

from collections.abc import Sequence
from numbers import Real

import numpy as np

from sknnmm.common.typing import Auto
from sknnmm.priors._common_variance import CommonVariancePrior
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS

SMALLEST, LARGEST = 1e-12, 1e12  # multiples: variances of effects stay in single precision


class BayesR(CommonVariancePrior):
    """Mixture of normals whose variances are given multiples of a common one.

    ``b_j ~ N(0, c_m v)`` with probability pi_m, ``v ~ chi^-2(df, scale)``,
    ``pi ~ Dirichlet(1, ..., 1)``. Scales refer to standardised y and omics and to centred allele
    dosages.

    Parameters
    ----------
    components : tuple of float, default=(0, 0.01, 0.1, 1)
        The multiples c_m: increasing, not negative, the last one positive; 0 or from 1e-12 to
        1e12.
    estimate_pi : bool, default=True
        If False, the mixture weights stay equal.
    df : float, default=5
        Degrees of freedom of the prior of v, >= 0.1.
    scale : float or "auto", default="auto"
        "auto" puts the prior mode of v at the expected share of variance per effect over the mean
        of c_m.
    estimate_variance : bool, default=True
        If False, v stays at `scale` ("auto": at the expected share).

    References
    ----------
    Erbe et al. (2012), doi 10.3168/jds.2011-5019; Moser et al. (2015),
    doi 10.1371/journal.pgen.1004969.

    Examples
    --------
    >>> from sknnmm.priors import BayesR
    >>> BayesR(components=(0, 0.1, 1))
    BayesR(components=(0, 0.1, 1))
    """

    _parameter_constraints = {
        **VARIANCE_CONSTRAINTS,
        "components": [tuple, list, np.ndarray],
        "estimate_pi": ["boolean"],
    }

    def __init__(
        self,
        components: Sequence[float] | np.ndarray = (0, 0.01, 0.1, 1),
        estimate_pi: bool = True,
        df: float = 5,
        scale: Auto = "auto",
        estimate_variance: bool = True,
    ) -> None:
        self.components = components
        self.estimate_pi = estimate_pi
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance

    @property
    def multipliers(self) -> tuple[float, ...]:
        """Return the components as a tuple of floats."""
        return tuple(float(c) for c in self.components)

    def check(self) -> None:
        """Raise a ValueError naming a bad hyperparameter."""
        super().check()
        numeric = all(isinstance(c, Real) and np.isfinite(float(c)) for c in self.components)
        c = np.asarray(self.components, float) if numeric else np.empty(0)
        positive = c[c > 0]
        if (
            c.size < 1
            or c[0] < 0
            or positive.size == 0
            or (np.diff(c) <= 0).any()
            or positive[0] < SMALLEST
            or positive[-1] > LARGEST
        ):
            raise ValueError(
                "The 'components' parameter of BayesR must be increasing numbers, not negative, "
                f"the last one positive; those that are not 0 lie between {SMALLEST:g} and "
                f"{LARGEST:g}. Got {self.components!r} instead."
            )

    @property
    def starting_weights(self) -> np.ndarray:
        """Return equal weights."""
        return np.full(len(self.components), 1 / len(self.components))
