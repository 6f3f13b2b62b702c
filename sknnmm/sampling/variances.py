"""Residual variances of the nodes and of y."""

import numpy as np

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
        self._rows = None if informative.all() else np.flatnonzero(informative)
        self.starting = float(prior.starting_variance(expected))

    def draw(self, residual, variances, rng):
        """Draw `variances` (C,), in place, given `residual` (n, C)."""
        if not self._prior.estimate_variance:
            return
        if self._rows is not None:
            residual = residual[self._rows]
        # Sums of squares in double: single precision would lose digits over many rows.
        squares = np.einsum("ic,ic->c", residual, residual, dtype=float)
        variances[:] = draw_scaled_inverse_chi2(self._df, self._sum_of_squares + squares, rng)
