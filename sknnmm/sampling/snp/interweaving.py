"""Moves of the hyperparameters of SNP effects, and of the effects with them.

Given thousands of effects their hyperparameters hardly move, though the data would let them. So,
between draws given the effects, they move given the quantiles of the effects (Yu & Meng 2011, doi
10.1198/jcgs.2011.203main): the effects follow (`priors/_quantile_map.py`), and the data decide, by
a Metropolis step for every column. Its proposals are tuned in burn-in (Vihola 2012, doi
10.1007/s11222-011-9269-5).
"""

from dataclasses import dataclass

import numpy as np

from sknnmm.kernels.scales import draw_scales, propose_scales
from sknnmm.terms.snps import SNPState

ACCEPTANCE = 0.3  # of proposals, aimed at
FIRST_STEP = 0.2
MEMORY = 0.02  # weight of the last move in the mean cost
PERSISTENCE = 0.9  # of the direction of proposals
SHARE = 0.5  # of the time of an iteration that moves may take, by estimates that are too high
MANY_SNPS, MOST_TIMES = 1000, 3  # from where on it grows with the SNPs of a column, and how far
MAX_MOVES = 4  # in an iteration


@dataclass
class Steps:
    """The proposals of one term."""

    root: np.ndarray  # (C, d, d), lower: roots of their covariances
    direction: np.ndarray  # (C, d), standard normal
    cost: float = 0.0  # mean cost of tuned moves over that of an iteration
    due: float = 0.0  # moves, of which whole ones are made
    n_tuned: int = 0

    @classmethod
    def start(cls, prior, hyper, with_scale=False):
        """Return the Steps to start from, None if a prior does not say how effects follow.

        `with_scale`: they include the scale, if it is estimated.
        """
        if prior.quantile_map is None:
            return None
        n_columns, d = hyper.n_columns, len(prior.multipliers) - 1
        d += with_scale and prior.density_of_scale(hyper) is not None
        return cls(
            root=np.tile(FIRST_STEP * np.eye(d), (n_columns, 1, 1)),
            direction=np.zeros((n_columns, d)),
        )

    def affordable(self, share, n_snps):
        """Return how many moves take a share of the time of an iteration.

        A larger one for many SNPs: the more effects, the less do draws given these move pi.
        """
        share *= min(max(n_snps / MANY_SNPS, 1), MOST_TIMES)
        return min(share / self.cost, MAX_MOVES) if self.n_tuned else 1

    def turn(self, rng):
        """Turn the directions a little; return them."""
        self.direction *= PERSISTENCE
        fresh = np.sqrt(1 - PERSISTENCE**2) * rng.standard_normal(self.direction.shape)
        self.direction += fresh
        return self.direction

    def tune(self, normal, excess, cost=0.0):
        """Stretch the proposals (C, d) along those that were made, or shorten them.

        `excess` (C,) is the acceptance beyond that aimed at. Take note of the cost of a move.
        """
        self.n_tuned += 1
        self.cost += max(1 / self.n_tuned, MEMORY) * (cost - self.cost)
        d = normal.shape[1]
        gain = min(1, d * self.n_tuned**-0.6) * excess
        along = normal / np.sqrt((normal**2).sum(axis=1, keepdims=True))
        stretched = np.eye(d) + gain[:, None, None] * along[:, :, None] * along[:, None, :]
        self.root[:] = self.root @ np.linalg.cholesky(stretched)


@dataclass
class GroupSteps:
    """The proposals of a term with groups of effects, which move in turn: one per iteration."""

    of_groups: dict[str, Steps]  # of the groups that have any
    turn: int = 0

    @classmethod
    def start(cls, prior, hyper, with_scale=False):
        """Return the GroupSteps to start from (see Steps); they leave the scale out."""
        steps = {group.name: Steps.start(group.prior, group.hyper) for group in prior.each(hyper)}
        return cls({name: of_group for name, of_group in steps.items() if of_group is not None})


class Interweaving:
    """The moves of all terms of SNPs.

    Parameters
    ----------
    n_moves : int or None
        In an iteration; None: as many as it can afford.
    n_terms : int
        That share the time.
    """

    def __init__(self, n_moves, n_terms=1):
        self._n_moves, self._share = n_moves, SHARE / max(n_terms, 1)

    def draw(self, prior, part, unexplained, rng, tuning, sweep_moves=False):
        """Move the hyperparameters of one term, or of one of its groups.

        Parameters
        ----------
        prior : Prior
        part : Part
        unexplained : Unexplained
        rng : numpy.random.Generator
        tuning : bool
        sweep_moves : bool
            Whether the sweep has moved the mixture weights: then only the scale moves.
        """
        if prior.groups:
            self._draw_group(prior, part, unexplained, rng, tuning)
        else:
            self._draw(prior, part, unexplained, rng, tuning, sweep_moves)

    def _draw_group(self, prior, part, unexplained, rng, tuning):
        """Move the group whose turn it is: what the others leave to it takes a pass over it."""
        state, steps = part.state, part.state.steps
        group = prior.group(steps.turn % len(prior.groups), state.hyper)
        steps.turn += 1
        own = SNPState(
            *group.take(state.effects, state.component),
            group.hyper,
            fit=None,
            steps=steps.of_groups.get(group.name),
        )
        own_part = part._replace(state=own)
        self._draw(group.prior, own_part, unexplained.of_group(own), rng, tuning)
        group.put((own.effects, own.component), state.effects, state.component)

    def _draw(self, prior, part, unexplained, rng, tuning, sweep_moves=False):
        if prior.quantile_map is None or sweep_moves:
            self._rescale(prior, part, unexplained, rng)
            return
        steps = part.state.steps
        n_snps = part.state.effects.size / part.state.hyper.n_columns
        steps.due += self._n_moves or steps.affordable(self._share, n_snps)
        while steps.due >= 1:
            steps.due -= 1
            self._move(prior, part, unexplained, rng, tuning)

    def _rescale(self, prior, part, unexplained, rng):
        """Draw the scale of the effects and of their standard deviations together."""
        state, s2 = part.state, part.residual_variance
        of_prior = prior.density_of_scale(state.hyper)
        if of_prior is None:
            return
        linear, quadratic = unexplained.weigh_scale()
        factor = draw_scales(linear / s2, quadratic / s2, *of_prior, rng)
        self._scale(prior, state, unexplained, factor)

    def _move(self, prior, part, unexplained, rng, tuning):
        """Move the mixture weights, and the scale of the effects, which adapts to them.

        The scale is proposed from the normal approximation of its conditional distribution.
        """
        state, s2, quantiles = part.state, part.residual_variance, prior.quantile_map
        of_effects = state.hyper, state.effects, state.component
        present = quantiles.coordinates(state.hyper)
        normal = state.steps.turn(rng)
        proposed = present + (state.steps.root @ normal[:, :, None])[:, :, 0]
        change = quantiles.follow(*of_effects, proposed, rng)
        gain, *of_scales = unexplained.weigh(change)
        log_ratio = gain / s2 + quantiles.log_density(proposed) - quantiles.log_density(present)
        of_prior = prior.density_of_scale(state.hyper)
        if of_prior is not None:
            factor, gain = propose_scales(*(values / s2 for values in of_scales), *of_prior, rng)
            log_ratio += gain
        acceptance = np.exp(np.fmin(log_ratio, 0))
        acceptance[np.isnan(log_ratio)] = 0  # an effect too far out
        accepted = rng.random(len(acceptance)) < acceptance
        if accepted.any():
            unexplained.take(accepted)
            quantiles.put(*of_effects, proposed, change, accepted, rng)
            if of_prior is not None:
                self._scale(prior, state, unexplained, np.where(accepted, factor, 1.0))
        normal[~accepted] *= -1
        if tuning:
            state.steps.tune(normal, acceptance - ACCEPTANCE, unexplained.cost(change))

    def _scale(self, prior, state, unexplained, factor):
        """Multiply the effects of every column and their standard deviations."""
        unexplained.scale(factor)
        state.effects *= state.hyper.layout.spread(factor).astype(state.effects.dtype)
        prior.rescale(state.hyper, factor)
