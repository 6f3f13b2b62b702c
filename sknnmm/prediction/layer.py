"""A fitted layer: the distribution of its responses for new rows."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.posterior.draws import Posterior
from sknnmm.prediction.parts import Part, at_held

if TYPE_CHECKING:
    from sknnmm.families import Family


@dataclass(eq=False)
class FittedLayer:
    """The parts that add up to the expected responses of a layer, and the residual.

    Parts give deviations from the training means of the responses, in the unit of the responses.
    """

    name: str
    posterior: Posterior
    location: np.ndarray  # (C,) training means
    scale: np.ndarray  # (C,) training SDs
    parts: list[Part]
    residual: str  # name of the variable of residual variances
    heritability: str
    family: "Family"
    mean_inverse_weight: float = 1.0  # of the records: theirs is the residual variance
    limits: np.ndarray | None = None  # (C,) detection limits, standardised, NaN: none

    @property
    def n_responses(self):
        """Return C."""
        return len(self.scale)

    @property
    def nodes(self):
        """Return the part that reads the layer below, or None."""
        return next((part for part in self.parts if part.layer_below is not None), None)

    def mean(self, rows):
        """Return the expected responses, (n, C)."""
        return sum(part.mean(rows) for part in self.parts) + self.location

    def of_draws(self, rows, batch):
        """Return mean (n, draws, C) and variance, without the residual, in each draw.

        The mean is a deviation from the training means; the variance broadcasts to it.
        """
        means, variances = zip(*(part.of_draws(rows, batch) for part in self.parts), strict=True)
        return sum(means[1:], start=means[0]), sum(variances)

    def distribution(self, rows, batch):
        """Return mean (n, draws, C) and variance of standardised responses in each draw.

        The variance broadcasts to the mean.
        """
        mean, variance = self.of_draws(rows, batch)
        return mean / self.scale, (variance + self.residual_variance(batch)) / self.scale**2

    def marginal(self, average, batch):
        """Return mean and SD over the training rows, standardised, in each draw, (draws, C)."""
        means = (part.training_mean_of_draws(average, batch) for part in self.parts)
        heritability = at_held(self.posterior, self.heritability, self.n_responses)[batch]
        sd = np.sqrt(self.residual_variance(batch) / self.scale**2 / (1 - heritability))
        return sum(means) / self.scale, sd

    def residual_variance(self, batch):
        """Return the residual variance of an average record in each draw, (draws, C)."""
        variance = at_held(self.posterior, self.residual, self.n_responses)[batch]
        return variance * self.mean_inverse_weight

    def sampler(self, rows, batch):
        """Return a function of a draw of the batch and a Generator to expected responses (n, C).

        As deviations from the training means, given what it draws for all that is not known.
        """
        samplers = [part.sampler(rows, batch) for part in self.parts]
        return lambda draw, rng: sum(sample(draw, rng) for sample in samplers)

    def comparing_draws(self):
        """Return this layer with the same Monte Carlo error in every draw."""
        return replace(self, parts=[part.comparing_draws() for part in self.parts])
