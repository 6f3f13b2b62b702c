"""Residual variances of the responses of a layer."""

import numpy as np


class ResidualVariances:
    """Draws of the residual variances given the residuals of the informed rows.

    Parameters
    ----------
    layer : Layer
    """

    def __init__(self, layer):
        prior = layer.residual_prior
        expected = layer.family.expected_residual_variance
        self.are_drawn = prior.estimate_variance and not layer.family.residual_variance_is_fixed
        self._n_responses = layer.n_responses
        self._n_rows = np.count_nonzero(layer.informed)
        # Degrees of freedom and sum of squares of the prior.
        self.own_terms = float(prior.df), float(prior.df * prior.numeric_scale(expected))
        self._informing = tuple(term for term in layer.terms if term.informs_residual_variance)
        self._starting = float(prior.starting_variance(expected))
        if layer.family.residual_variance_is_fixed:
            self._starting = expected

    def start(self):
        """Return the variances to start from, (C,)."""
        return np.full(self._n_responses, self._starting)

    def draw(self, state, residual, rng):
        """Draw the variances of a LayerState, in place."""
        if not self.are_drawn:
            return
        df, sum_of_squares = self.prior_terms(state)
        sum_of_squares = sum_of_squares + residual.squares(state)
        df = df + self._n_rows
        if self._informing:
            # With an array of degrees of freedom NumPy takes ten times as long to begin.
            alike = (df == df[0]).all()
            drawn = rng.chisquare(df[0], self._n_responses) if alike else rng.chisquare(df)
        else:
            drawn = rng.chisquare(df, self._n_responses)
        np.divide(sum_of_squares, drawn, out=state.residual_variance)

    def prior_terms(self, state):
        """Return degrees of freedom and sums of squares but for those of the residuals.

        One number each for all responses, or (C,).
        """
        df, sum_of_squares = self.own_terms
        for term in self._informing:
            of_term = term.prior_terms(state.terms[term.name])
            df, sum_of_squares = df + of_term[0], sum_of_squares + of_term[1]
        return df, sum_of_squares
