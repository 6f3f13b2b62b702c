"""Priors of effects and variances; ``METHODS`` maps the name of a prior to its class.

To add a prior: write one `Prior` subclass in a module here and add one line to ``METHODS``.
"""

from sknnmm.priors._base import Hyperparameters, Prior
from sknnmm.priors._bayes_c import BayesC
from sknnmm.priors._rr_blup import RRBLUP
from sknnmm.priors._variance import ScaledInverseChi2

METHODS = {"RR-BLUP": RRBLUP, "BayesC": BayesC}


def as_prior(method):
    """Return the prior that a name stands for (a Prior stands for itself)."""
    if not isinstance(method, str):
        return method
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known are {', '.join(METHODS)}.")
    return METHODS[method]()


__all__ = [
    "METHODS",
    "RRBLUP",
    "BayesC",
    "Hyperparameters",
    "Prior",
    "ScaledInverseChi2",
    "as_prior",
]
