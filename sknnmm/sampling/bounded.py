"""Responses that their record bounds but does not tell: liabilities, censored values."""

import numpy as np

from sknnmm.kernels.truncated_normal import fill_truncated_normal
from sknnmm.sampling.liability_moves import LiabilityMoves
from sknnmm.sampling.missing.base import Cells


class BoundedResponses:
    """Draws of the parameters of a family, then of the responses within their bounds.

    Parameters
    ----------
    layer : Layer
        That no other layer reads.
    """

    def __init__(self, layer):
        self._layer, self._family = layer, layer.family
        self._cells = Cells(layer, layer.bounded)
        has_no_scale = layer.family.residual_variance_is_fixed
        self._moves = LiabilityMoves(layer) if has_no_scale else None
        self.measure()

    def measure(self):
        """Take the record, which may have been exchanged, as in no fit."""
        self._record = self._cells.of(self._layer.record)
        upper = self._layer.upper
        self._upper = None if upper is None else self._cells.of(upper)

    def draw(self, chain, rng):
        """Draw every bounded response once."""
        own = chain.layers[self._layer.name]
        mean, sd = self._cells.prior(own)
        self._family.draw_parameters(own.family, self._record, mean, sd, rng)
        if self._moves:
            self._moves.draw(own, self._record, mean, sd, rng)
        bounds = self._family.bounds(self._record, self._upper, own.family)
        draws = np.empty_like(mean)
        fill_truncated_normal(rng, mean, sd, *bounds, draws)
        np.put(own.response, self._cells.flat, draws)
