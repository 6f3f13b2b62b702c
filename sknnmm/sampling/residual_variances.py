"""Residual variances of the nodes and of y."""

import numpy as np

from sknnmm.common.compiled import njit


class ResidualVariances:
    """Draws of the residual variances given the residuals of the informative rows.

    Parameters
    ----------
    prior : ScaledInverseChi2
    expected : float
        Variance at which "auto" puts the prior mode.
    row_weight : ndarray of shape (n,)
        Row i has the variance divided by its weight; 0: not informative.
    """

    def __init__(self, prior, expected, row_weight):
        self._prior = prior
        self._sum_of_squares = float(prior.df * prior.numeric_scale(expected))
        self._rows = np.flatnonzero(row_weight)
        self._row_weight = np.asarray(row_weight, float)
        self.starting = float(prior.starting_variance(expected))

    def draw(self, residual, variances, effects, rng):
        """Draw `variances` (C,), in place, given `residual` (n, C) and the effects behind it.

        `effects` are pairs of Prior and EffectsState; those whose prior variance is in units of
        the residual variance inform it too.
        """
        if not self._prior.estimate_variance:
            return
        df, sum_of_squares = self.prior_terms(len(variances), effects)
        df += len(self._rows)
        _draw_variances(residual, self._rows, self._row_weight, df, sum_of_squares, variances, rng)

    def draw_given(self, squares, variances, effects, rng):
        """Draw as `draw` does, given the weighted sums of squared residuals (C,)."""
        if not self._prior.estimate_variance:
            return
        df, sum_of_squares = self.prior_terms(len(variances), effects)
        df += len(self._rows)
        # With an array of degrees of freedom NumPy takes ten times as long to begin.
        if (df == df[0]).all():
            variances[:] = (sum_of_squares + squares) / rng.chisquare(df[0], len(df))
        else:
            variances[:] = (sum_of_squares + squares) / rng.chisquare(df)

    def prior_terms(self, n_columns, effects):
        """Return degrees of freedom and sums of squares (C,) but for those of the residuals."""
        df = np.full(n_columns, float(self._prior.df))
        sum_of_squares = np.full(n_columns, self._sum_of_squares)
        for prior, state in effects:
            if state is not None and prior.relative_to_residual:
                columns = state.hyper.columns
                df += columns.sum(state.component >= 0)
                squares = np.square(state.effects, dtype=float)
                sum_of_squares += columns.sum(squares / state.hyper.variance)
        return df, sum_of_squares


@njit(nogil=True, cache=True, error_model="numpy")
def _draw_variances(residual, rows, row_weight, df, sum_of_squares, variances, rng):
    """Add the weighted squared residuals of `rows` to `sum_of_squares` and draw the variances.

    Sums are in double: single precision would lose digits over many rows.
    """
    for i in rows:
        for c in range(residual.shape[1]):
            sum_of_squares[c] += row_weight[i] * float(residual[i, c]) ** 2
    for c in range(variances.size):
        variances[c] = sum_of_squares[c] / rng.chisquare(df[c])
