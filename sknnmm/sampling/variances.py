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

    def draw(self, residual, variances, effects, rng):
        """Draw `variances` (C,), in place, given `residual` (n, C) and the effects behind it.

        `effects` are pairs of Prior and EffectsState; those whose prior variance is in units of
        the residual variance inform it too.
        """
        if not self._prior.estimate_variance:
            return
        df = self._df
        sum_of_squares = self._sum_of_squares + _sums_of_squares(residual, self._rows)
        for prior, state in effects:
            if state is not None and prior.relative_to_residual:
                df = df + np.count_nonzero(state.component >= 0, axis=0)
                squares = np.square(state.effects, dtype=float)
                sum_of_squares += (squares / state.hyper.variance).sum(axis=0)
        variances[:] = draw_scaled_inverse_chi2(df, sum_of_squares, rng)


@njit(nogil=True, cache=True)
def _sums_of_squares(residual, rows):
    """Return sums over `rows` in double: single precision would lose digits over many rows."""
    squares = np.zeros(residual.shape[1])
    for i in rows:
        for c in range(residual.shape[1]):
            squares[c] += float(residual[i, c]) ** 2
    return squares
