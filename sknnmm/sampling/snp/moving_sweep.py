"""Moves of the hyperparameters of SNP effects by the sweep that draws the effects.

Mixture weights, and with them the scale of the effects, are proposed before the sweep, which draws
the effects at the proposed values, from the first to the last or from the last to the first, as a
fair coin decides. Sweep and proposal are one Metropolis step. Its reverse draws the effects in the
other order, so each of them is drawn there and back given the same others, and all that is left of
the ratio of densities is the prior of the hyperparameters and, for every effect, the ratio of its
likelihoods integrated over the proposed and the present prior.

Given the effects, thousands of them, their weights hardly move. Given their quantiles
(`interweaving.py`) a change of the weights changes the fit. Here other effects make up for it.
"""

import numpy as np

from sknnmm.kernels.marginal_likelihoods import log_likelihood_ratios

ACCEPTANCE = 0.6  # of sweeps, aimed at: what is refused is drawn in vain


class MovingSweep:
    """A sweep over the effects of one term that moves their hyperparameters.

    When it is made the state has the proposed hyperparameters.

    Parameters
    ----------
    prior : Prior
        With a quantile map.
    part : Part
    rng : numpy.random.Generator
    """

    def __init__(self, prior, part, rng):
        self._prior, self._part = prior, part
        state, hyper, weights = part.state, part.state.hyper, prior.quantile_map
        self._before = [values.copy() for values in self._movable()]
        self._normal = state.steps.turn(rng)
        present = weights.coordinates(hyper)
        proposed = present + (state.steps.root @ self._normal[:, :, None])[:, :, 0]
        self._log_ratio = weights.log_density(proposed) - weights.log_density(present)
        multiple = hyper.weights.T @ np.array(prior.multipliers)
        weights.put_weights(hyper, proposed)
        self._propose_scale(multiple / (hyper.weights.T @ np.array(prior.multipliers)))

    @classmethod
    def of(cls, prior, part, rng):
        """Return the MovingSweep of a term; None before effects were found, or if none moves."""
        steps = part.state.steps
        if steps is None:
            return None
        if not steps.has_effects:
            steps.has_effects = True
            return None
        return cls(prior, part, rng)

    def _propose_scale(self, multiple):
        """Multiply the prior variances, so that the expected variance of an effect stays."""
        hyper = self._part.state.hyper
        of_prior = self._prior.density_of_scale(hyper)
        if of_prior is not None:
            power, growing, shrinking = of_prior
            self._log_ratio += 0.5 * power * np.log(multiple)
            self._log_ratio -= growing * (multiple - 1) + shrinking * (1 / multiple - 1)
            self._prior.rescale(hyper, np.sqrt(multiple))

    def _movable(self):
        """Return views of all that a sweep may change, (..., C)."""
        state = self._part.state
        hyper = state.hyper
        return [state.effects, state.component, hyper.weights, hyper.variance, hyper.scale]

    def weigh(self, snps, seen, squares):
        """Take account of the effects of some SNPs.

        Parameters
        ----------
        snps : slice
        seen : ndarray of shape (s, C)
            What they were drawn given: x'residual without the effect.
        squares : ndarray of shape (s,)
            x'Wx.
        """
        state = self._part.state
        _, component, weights, variance, _ = self._before
        own = snps if len(variance) > 1 else slice(None)
        self._log_ratio += log_likelihood_ratios(
            seen,
            squares,
            component[snps],
            np.array(self._prior.multipliers, float),
            weights,
            variance[own],
            state.hyper.weights,
            state.hyper.variance[own],
            self._part.residual_variance,
        )

    def decide(self, unexplained, rng, tuning):
        """Refuse the sweep in some columns."""
        acceptance = np.exp(np.fmin(self._log_ratio, 0))
        acceptance[np.isnan(self._log_ratio)] = 0
        refused = rng.random(len(acceptance)) >= acceptance
        for values, before in zip(self._movable(), self._before, strict=True):
            values[..., refused] = before[..., refused]
        unexplained.take_back(refused)
        self._normal[refused] *= -1
        if tuning:
            self._part.state.steps.tune(self._normal, acceptance - ACCEPTANCE)
