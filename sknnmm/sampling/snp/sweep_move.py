"""Moves of the hyperparameters of SNP effects by the sweeps that draw the effects.

Mixture weights, and with them the scale of the effects, go half of the proposed way and the effects
are drawn at these, from the first SNP to the last; then they go the other half and the effects are
drawn from the last SNP to the first. All this is one Metropolis step, for every column. Its reverse
draws the effects in the same two orders, and each of them there and back given the same others. So
all that is left of the ratio of densities is the prior of the hyperparameters and, for every
effect, the ratio of its likelihoods integrated over its two priors.

Given the effects, thousands of them, the weights hardly move; given their quantiles
(`interweaving.py`) they change the fit. Here the other effects make up for each that changes.
(One sweep would not do: columns share its order, so their refusals would depend on each other.)
"""

import numpy as np

from sknnmm.kernels.marginal_likelihoods import log_likelihood_ratios

ACCEPTANCE = 0.6  # of moves, aimed at: what is refused is drawn in vain
RATE = 0.75  # of moves per iteration: a refused one draws all effects in vain


def move_is_due(parts):
    """Return whether sweeps are to move the hyperparameters in this iteration; count it."""
    due = False
    for part in parts:
        steps = part.state.steps
        if steps is not None:
            steps.due += RATE
            due = steps.due >= 1  # of all terms in the same iteration
            steps.due -= due
    return due


def move_by_sweeps(update, parts, rng, tuning):
    """Draw the effects of all terms twice, and move the hyperparameters.

    Parameters
    ----------
    update : SNPUpdate
    parts : list of Part
    rng : numpy.random.Generator
    tuning : bool
        Whether the proposals are tuned.

    Returns
    -------
    list of Unexplained
    """
    moves = [
        None if part.state.steps is None else SweepMove(term.prior, part, rng)
        for term, part in zip(update.terms, parts, strict=True)
    ]
    made = [move for move in moves if move is not None]
    for move in made:
        move.go_half()
    for of_term in update.sweep(parts, rng, moves):
        of_term.settle()
    for move in made:
        move.go_half()
    unexplained = update.sweep(parts, rng, moves, backward=True)
    for move, of_term in zip(moves, unexplained, strict=True):
        if move is not None:
            move.decide(of_term, rng, tuning)
    return unexplained


class SweepMove:
    """A move of the hyperparameters of one term.

    Parameters
    ----------
    prior : Prior
        With a quantile map.
    part : Part
    rng : numpy.random.Generator
    """

    def __init__(self, prior, part, rng):
        self._prior, self._part, self._s2 = prior, part, part.residual_variance
        self._before = [values.copy() for values in self._movable()]
        steps, weights = part.state.steps, prior.quantile_map
        self._normal = steps.turn(rng)
        self._half = 0.5 * (steps.root @ self._normal[:, :, None])[:, :, 0]
        self._log_ratio = -weights.log_density(weights.coordinates(part.state.hyper))

    @property
    def _hyper(self):
        return self._part.state.hyper

    def go_half(self):
        """Change the hyperparameters by half of the proposed change.

        That of the scale is relative to one that keeps the expected variance of an effect.
        """
        weights, multipliers = self._prior.quantile_map, np.array(self._prior.multipliers)
        of_weights, of_scale = np.split(self._half, [len(multipliers) - 1], axis=1)
        self._weights, self._variance = self._hyper.weights.copy(), self._hyper.variance.copy()
        multiple = self._hyper.weights.T @ multipliers
        weights.put_weights(self._hyper, weights.coordinates(self._hyper) + of_weights)
        multiple /= self._hyper.weights.T @ multipliers
        of_prior = self._prior.density_of_scale(self._hyper)
        if of_prior is not None:
            multiple *= np.exp(of_scale[:, 0])
            power, growing, shrinking = of_prior
            self._log_ratio += 0.5 * power * np.log(multiple)
            self._log_ratio -= growing * (multiple - 1) + shrinking * (1 / multiple - 1)
            self._prior.rescale(self._hyper, np.sqrt(multiple))

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
        own = snps if len(self._variance) > 1 else slice(None)
        self._log_ratio += log_likelihood_ratios(
            np.ascontiguousarray(seen),  # one layout for the compiler
            squares.copy(),
            self._part.state.component[snps],
            np.array(self._prior.multipliers, float),
            self._weights,
            self._variance[own],
            self._hyper.weights,
            self._hyper.variance[own],
            self._s2,
        )

    def decide(self, unexplained, rng, tuning):
        """Refuse the move in some columns."""
        weights = self._prior.quantile_map
        self._log_ratio += weights.log_density(weights.coordinates(self._hyper))
        acceptance = np.exp(np.fmin(self._log_ratio, 0))
        acceptance[np.isnan(self._log_ratio)] = 0
        refused = rng.random(len(acceptance)) >= acceptance
        for values, before in zip(self._movable(), self._before, strict=True):
            values[..., refused] = before[..., refused]
        unexplained.take_back(refused)
        self._normal[refused] *= -1
        if tuning:
            self._part.state.steps.tune(self._normal, acceptance - ACCEPTANCE)

    def _movable(self):
        """Return views of all that sweeps may change, (..., C)."""
        state, hyper = self._part.state, self._part.state.hyper
        of_prior = hyper.weights, hyper.variance, hyper.scale
        return [state.effects, state.component, state.fit, *of_prior]
