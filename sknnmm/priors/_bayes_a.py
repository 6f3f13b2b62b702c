"""BayesA: normal effects, each with a variance of its own."""

from dataclasses import dataclass

import numpy as np

from sknnmm.priors._base import Hyperparameters, Prior
from sknnmm.priors._variance import VARIANCE_CONSTRAINTS

SCALE_SHAPE, SCALE_RATE = 1.1, 0.1  # scale ~ Gamma(1.1, rate 0.1 / scale0), mode at scale0


@dataclass
class OwnVariances(Hyperparameters):
    """Hyperparameters where every effect has its own variance."""

    expected_scale: np.ndarray  # (C,), scale0


class BayesA(Prior):
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

    def __init__(self, df=5, scale="auto", estimate_variance=True, estimate_scale=True):
        self.df = df
        self.scale = scale
        self.estimate_variance = estimate_variance
        self.estimate_scale = estimate_scale

    def start(self, expected_variance, columns):
        """Return starting Hyperparameters (see Prior)."""
        weights = np.ones((1, len(expected_variance)))
        return start_own_variances(self, expected_variance, columns, weights)

    def update(self, hyper, effects, component, residual_variance, rng):
        """Draw the variances and their scale (see Prior)."""
        update_own_variances(self, hyper, effects, component, rng)


def start_own_variances(prior, expected_variance, columns, weights):
    """Return OwnVariances at their expected values."""
    scale = prior.numeric_scale(expected_variance)
    starting = columns.spread(prior.starting_variance(expected_variance))
    return OwnVariances(
        columns=columns,
        scale=scale,
        variance=np.broadcast_to(starting, columns.shape).copy(),
        weights=weights,
        expected_scale=scale.copy(),
    )


def update_own_variances(prior, hyper, effects, component, rng):
    """Draw the variances of nonzero effects, the scale given these, then the other variances.

    The variance of an effect that is zero has its prior as full conditional; the scale is drawn
    with those variances integrated out.
    """
    if not prior.estimate_variance:
        return
    columns = hyper.columns
    nonzero = component == len(prior.multipliers) - 1
    gammas = rng.standard_gamma(0.5 * (prior.df + nonzero))
    squares = np.square(effects, dtype=float)
    drawn = 0.5 * (prior.df * columns.spread(hyper.scale) + squares) / gammas
    if prior.estimate_scale:
        precisions = columns.sum(np.where(nonzero, 1 / drawn, 0))
        shape = SCALE_SHAPE + 0.5 * prior.df * columns.sum(nonzero)
        rate = SCALE_RATE / hyper.expected_scale + 0.5 * prior.df * precisions
        hyper.scale[:] = rng.standard_gamma(shape) / rate
        drawn = np.where(nonzero, drawn, 0.5 * prior.df * columns.spread(hyper.scale) / gammas)
    hyper.variance[:] = drawn
