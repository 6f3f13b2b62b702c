"""Residual variances of the nodes and of y."""

import numpy as np
from numba import njit

from sknnmm.priors._variance import draw_scaled_inverse_chi2


class ResidualVariances:
    """Draws of the residual variances given the residuals of the informative rows.

    Parameters
    ----------
    prior : ScaledInverseChi2
    expected : float
        Variance at which "auto" puts the prior mode.
    informative : ndarray of shape (n,), bool
    """

    def __init__(self, prior, expected, informative):
        self._prior = prior
        self._sum_of_squares = prior.df * prior.numeric_scale(expected)
        self._df = prior.df + np.count_nonzero(informative)
        self._rows = np.flatnonzero(informative)
        self.starting = float(prior.starting_variance(expected))

    def draw(self, residual, variances, rng):
        """Draw `variances` (C,), in place, given `residual` (n, C)."""
        if not self._prior.estimate_variance:
            return
        squares = _sums_of_squares(residual, self._rows)
        variances[:] = draw_scaled_inverse_chi2(self._df, self._sum_of_squares + squares, rng)


@njit(nogil=True, cache=True)
def _sums_of_squares(residual, rows):
    """Return sums over `rows` in double: single precision would lose digits over many rows."""
    squares = np.zeros(residual.shape[1])
    for i in rows:
        for c in range(residual.shape[1]):
            squares[c] += float(residual[i, c]) ** 2
    return squares
