"""The sampler: what is computed once per fit, and one iteration of the chain."""

from functools import partial

from sknnmm.sampling.bounded import BoundedResponses
from sknnmm.sampling.missing.choose import latent_moves, missing_draws
from sknnmm.sampling.residual import (
    RowResidual,
    SummedResidual,
    Target,
)
from sknnmm.sampling.residual_variances import ResidualVariances
from sknnmm.sampling.snp.choose import choose_updates
from sknnmm.sampling.snp.interweaving import Interweaving

REFRESH_EVERY = 50  # iterations between recomputations of the maintained fits


class Sampler:
    """The updates of a network with their precomputed matrices; shared by all chains.

    Nothing here changes while a chain runs: all that does is in its ChainState.

    Parameters
    ----------
    network : Network
    updates : list of SNPUpdate, optional
        One for every term of SNPs; those that `choose_updates` chooses if not given.
    n_moves : int, optional
        Moves of the hyperparameters of SNP effects in an iteration; as many as it can afford if not
        given. 0: none, to compare.

    Attributes
    ----------
    snp_updates : list of SNPUpdate
    collapsed : set of str
        Layers whose residual variances are drawn with the SNP effects, these integrated out.
    residuals, variances, draws, bounded, moves, missing : dict
        By the name of a layer: its residual, its ResidualVariances, the draws of its terms, joint
        moves of its latent nodes, and the draw of its missing responses, if it has any.
    """

    def __init__(self, network, updates=None, n_moves=None):
        self.network = network
        self.layers = network.layers
        self.snp_updates = choose_updates(network) if updates is None else updates
        n_terms = sum(
            any(prior.quantile_map is not None for prior in term.prior.parts)
            for update in self.snp_updates
            for term in update.terms
            if not update.sweep_moves
        )
        self._interweaving = None if n_moves == 0 else Interweaving(n_moves, n_terms)
        self._update_of = {term: update for update in self.snp_updates for term in update.terms}
        self.collapsed = {
            term.layer for term, update in self._update_of.items() if update.draws_variances
        }
        self.residuals = {layer.name: self._residual(layer) for layer in self.layers}
        self.variances = {layer.name: ResidualVariances(layer) for layer in self.layers}
        self.draws = {layer.name: self._draws(layer) for layer in self.layers}
        self.moves = latent_moves(network, self.residuals, self.variances)
        self.bounded = {
            layer.name: BoundedResponses(layer) for layer in self.layers if layer.bounded.any()
        }
        self.missing = missing_draws(network, self.residuals)

    def iterate(self, chain, rng, tuning):
        """Move `chain` by one iteration; `tuning` during burn-in."""
        for layer in self.layers:
            for draw in self.draws[layer.name]:  # of its terms
                draw(chain, rng, tuning)
            if layer.name not in self.collapsed:
                state, residual = chain.layers[layer.name], self.residuals[layer.name]
                self.variances[layer.name].draw(state, residual, rng)
        for layer in reversed(self.layers):
            if layer.name in self.bounded:
                self.bounded[layer.name].draw(chain, rng)
            for move in self.moves[layer.name]:
                move.draw(chain, rng)
            if layer.name in self.missing:
                self.missing[layer.name].draw(chain, rng, tuning)

    def _draws(self, layer):
        """Return functions of (chain, rng, tuning) that draw the terms of a layer, in their order.

        SNP effects of several layers may be drawn together: with the first of these layers.
        """
        draws = []
        for term in layer.terms:
            update = self._update_of.get(term)
            if update is None:
                draws.append(partial(self._draw_term, term))
            elif update.terms[0] is term:
                draws.append(partial(self._draw_snps, update))
        return draws

    def _draw_term(self, term, chain, rng, tuning):
        state = chain.layers[term.layer]
        target = Target(self.residuals[term.layer], state, term)
        term.draw(state.terms[term.name], target, state.residual_variance, rng)

    def _draw_snps(self, update, chain, rng, tuning):
        update.draw(chain, self.residuals, rng, self._interweaving, tuning)

    def update_of(self, term):
        """Return the SNPUpdate that draws a term of SNPs."""
        return self._update_of[term]

    def _residual(self, layer):
        """Return the residual of a layer in the form that its SNPs are drawn from."""
        for term in layer.terms:
            if term.acts_by_snps:
                update = self._update_of[term]
                if not update.keeps_fit:
                    return SummedResidual(layer, update)
        return RowResidual(layer)

    def refresh(self, chain):
        """Recompute the maintained fits, which rounding errors have moved."""
        for update in self.snp_updates:
            update.refresh([term.of(chain) for term in update.terms])

    def measure(self, chain):
        """Take note of responses that have been exchanged under a chain, as in no fit."""
        for layer in self.layers:
            for term in layer.terms:
                if term.source:
                    term.measure(term.of(chain), chain.layers[term.source].response)
            self.residuals[layer.name].measure(chain.layers[layer.name])
            if layer.name in self.bounded:
                self.bounded[layer.name].measure()
        for update in self.snp_updates:
            update.measure(chain)
