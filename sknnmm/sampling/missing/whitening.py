"""Cells as functions of independent standard normals, their prior."""

import numpy as np

from sknnmm.common.normal_below import below, normal_of, slope_below


class Whitening:
    """Maps standard normals u to cells of a given prior mean and SD, and back.

    A cell without a bound is mean + sd u. One that has a bound is the quantile of the normal
    distribution below it at the probability of u: the prior of u is N(0, 1) there too, so what
    moves u need not know of bounds.

    Parameters
    ----------
    mean, sd : ndarray of shape (cells,)
    upper : ndarray of shape (cells,), or None
        Infinite where a cell has no bound; None: none has.
    """

    def __init__(self, mean, sd, upper=None):
        self.mean, self.sd, self._upper = mean, sd, upper
        self._bounded = np.empty(0, int) if upper is None else np.flatnonzero(np.isfinite(upper))
        if self._bounded.size:
            own = self._bounded
            self._bound = (upper[own].astype(float) - mean[own]) / sd[own]

    def take(self, chosen):
        """Return the map of some cells."""
        upper = None if self._upper is None else self._upper[chosen]
        return Whitening(self.mean[chosen], self.sd[chosen], upper)

    def cells(self, u):
        """Return the cells at u."""
        return self._placed(u, self._standardised(u))

    def cells_and_slopes(self, u):
        """Return the cells at u and their derivatives by u."""
        own = self._bounded
        if not own.size:
            return self.mean + self.sd * u, self.sd
        standardised, slopes = self._standardised(u), self.sd.copy()
        slopes[own] *= slope_below(u[own].astype(float), standardised, self._bound)
        return self._placed(u, standardised), slopes

    def whitened(self, cells):
        """Return u."""
        u = (cells - self.mean) / self.sd
        own = self._bounded
        if own.size:
            standardised = (cells[own].astype(float) - self.mean[own]) / self.sd[own]
            u[own] = normal_of(standardised, self._bound, np.finfo(u.dtype).eps)
        return u

    def _standardised(self, u):
        """Return the bounded cells at u in prior SDs from their prior mean."""
        own = self._bounded
        return below(u[own].astype(float), self._bound) if own.size else None

    def _placed(self, u, standardised):
        cells = self.mean + self.sd * u
        own = self._bounded
        if own.size:
            bounded = self.mean[own] + self.sd[own] * standardised
            cells[own] = np.minimum(bounded, self._upper[own])
        return cells
