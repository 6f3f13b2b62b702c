"""The part of a prediction that random effects make."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.ids import MISSING
from sknnmm.prediction.parts import Part, at_held


@dataclass(eq=False)
class RandomPart(Part):
    """Effects of the levels of new rows; 0 of a level that is missing or new.

    The effect of a new level varies as those of the training levels do on average. Rows of which
    nothing but genotypes are known have neither.
    """

    name: str  # of the term
    effects_name: str  # names of variables
    variance_name: str
    effects: np.ndarray  # (L, C) posterior mean over all draws
    weighted_effects: np.ndarray  # E[weight times effect in training SDs], (R, L, C)
    mean_diagonal: float  # of the relationship matrix

    def mean(self, rows):
        """Return the posterior mean, (n, C)."""
        return self._spread(rows, self.effects)

    def of_draws(self, rows, batch):
        """Return the contribution in each draw (n, draws, C), and its variance where it is new."""
        n_levels = len(self.effects)
        draws = self.posterior.draws[self.effects_name]
        effects = draws.reshape(-1, n_levels, self.n_responses)[batch].astype(float)
        mean = self._spread(rows, effects.transpose(1, 0, 2))
        variance = at_held(self.posterior, self.variance_name, self.n_responses)[batch]
        codes, factors = rows.levels.get(self.name, (None, None))
        if codes is None:
            return mean, 0.0
        unknown = np.where(codes < 0, factors**2, 0.0) * self.mean_diagonal
        return mean, unknown[:, None, None] * variance

    def sampler(self, rows, batch):
        """Return a function of a draw of the batch and a Generator to values (n, C).

        Rows of the same new level share its effect.
        """
        mean, _ = self.of_draws(rows, batch)
        codes, factors = rows.levels.get(self.name, (np.zeros(len(rows), int), None))
        new = np.flatnonzero(codes < 0)
        if not new.size:
            return lambda draw, rng: mean[:, draw]
        # Missing levels are all different.
        labels = np.where(codes[new] == MISSING, -1 - new - len(codes), codes[new])
        labels, level = np.unique(labels, return_inverse=True)
        variance = at_held(self.posterior, self.variance_name, self.n_responses)[batch]
        sd = np.sqrt(self.mean_diagonal * variance)  # (draws, C)

        def sample(draw, rng):
            values = mean[:, draw].copy()
            effects = sd[draw] * rng.standard_normal((len(labels), self.n_responses))
            values[new] += factors[new, None] * effects[level]
            return values

        return sample

    def weighted_mean(self, rows, weights):
        """Return E[weight times the contribution in training SDs], (n, C, R), over all draws."""
        return self._spread(rows, self.weighted_effects.transpose(1, 2, 0))

    def _spread(self, rows, effects):
        """Return factor times the effects (L, ...) of the level of each row."""
        codes, factors = rows.levels.get(self.name, (None, None))
        if codes is None:
            return np.zeros((len(rows), *effects.shape[1:]))
        factors = np.where(codes >= 0, factors, 0.0)
        known = effects[np.maximum(codes, 0)]
        return factors.reshape(-1, *(1,) * (effects.ndim - 1)) * known
