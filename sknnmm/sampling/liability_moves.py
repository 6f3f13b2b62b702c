"""Joint moves of all that a liability is made of, with the liability integrated out.

Given the liability, its mean and its scale hardly move: what a class does not tell of the liability
holds them in place, the more the rarer a class is and the more the terms explain. The record alone
tells them better.
"""

import numpy as np

from sknnmm.sampling.missing.latent_moves import slice_draw
from sknnmm.terms import Fixed, Random

BRACKET = 8.0  # width of the first slice, in standard errors of the mean of as many liabilities


class LiabilityMoves:
    """Shifts the intercept, and multiplies terms and thresholds by one factor.

    The second along the orbit of a group (Liu & Sabatti 2000, doi 10.1093/biomet/87.2.353), with
    the hyperparameters of the terms, wherever these have a scale of their own. Valid only where the
    liability is drawn next.

    Parameters
    ----------
    layer : Layer
        Of one response, whose record has no scale.
    """

    def __init__(self, layer):
        self._layer, self._family = layer, layer.family
        (self._fixed,) = (term for term in layer.terms if isinstance(term, Fixed))
        self._bracket = BRACKET / np.sqrt(np.count_nonzero(layer.bounded))
        self._can_scale = not any(
            (term.source is not None and not term.has_weights)
            or (isinstance(term, Random) and term.fixes_scale)
            for term in layer.terms
        )

    def draw(self, own, record, mean, sd, rng):
        """Move a LayerState; `mean` (m,) of the bounded responses is changed in place."""
        amount = self._draw_shift(own, record, mean, sd, rng)
        self._fixed.shift(own.terms["fixed"], amount)
        mean += mean.dtype.type(amount)
        if self._can_scale:
            factor = self._draw_factor(own, record, mean, sd, rng)
            for term in self._layer.terms:
                term.multiply(own.terms[term.name], factor)
            self._family.rescale(own.family, factor)
            mean *= mean.dtype.type(factor)

    def _draw_shift(self, own, record, mean, sd, rng):
        likelihood, fixed = self._family.log_likelihood, own.terms["fixed"]

        def log_density(shift):
            of_record = likelihood(own.family, record, mean, sd, shift=shift)
            return of_record + self._fixed.log_prior(fixed, shift)

        return self._slice_from(log_density, rng)

    def _draw_factor(self, own, record, mean, sd, rng):
        likelihood = self._family.log_likelihood
        densities = [
            term.scale_density(own.terms[term.name], own.residual_variance)
            for term in self._layer.terms
        ]
        a, b, c = np.sum(densities, axis=0)
        a += self._family.n_scaled(own.family)

        def log_density(log_factor):
            factor = np.exp(log_factor)
            prior = a * log_factor - b * factor**2 - c / factor**2
            return prior + likelihood(own.family, record, mean, sd, factor=factor)

        return np.exp(self._slice_from(log_density, rng))

    def _slice_from(self, log_density, rng):
        low = -self._bracket * rng.random()
        return slice_draw(log_density, low, low + self._bracket, rng)
