"""Priors of effects and variances; ``METHODS`` maps the name of a prior to its class.

To add a prior: write one `Prior` subclass in a module here and add one line to ``METHODS``.
"""

from sknnmm.priors._base import GENETIC_SHARE, Hyperparameters, Prior
from sknnmm.priors._bayes_a import BayesA
from sknnmm.priors._bayes_b import BayesB
from sknnmm.priors._bayes_c import BayesC
from sknnmm.priors._bayes_l import BayesL
from sknnmm.priors._bayes_r import BayesR
from sknnmm.priors._gblup import GBLUP
from sknnmm.priors._groups import GroupedPrior
from sknnmm.priors._layout import ConnectionLayout, DenseLayout
from sknnmm.priors._quantile_map import Change
from sknnmm.priors._rr_blup import RRBLUP
from sknnmm.priors._variance import ScaledInverseChi2

METHODS: dict[str, type[Prior]] = {
    "RR-BLUP": RRBLUP,
    "GBLUP": GBLUP,
    "BayesA": BayesA,
    "BayesB": BayesB,
    "BayesC": BayesC,
    "BayesL": BayesL,
    "BayesR": BayesR,
}


def as_prior(method: str | Prior) -> Prior:
    """Return the prior that a name stands for (a Prior stands for itself)."""
    if not isinstance(method, str):
        return method
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known are {', '.join(METHODS)}.")
    return METHODS[method]()


__all__ = [
    "GBLUP",
    "GENETIC_SHARE",
    "METHODS",
    "RRBLUP",
    "BayesA",
    "BayesB",
    "BayesC",
    "BayesL",
    "BayesR",
    "Change",
    "ConnectionLayout",
    "DenseLayout",
    "GroupedPrior",
    "Hyperparameters",
    "Prior",
    "ScaledInverseChi2",
    "as_prior",
]
