"""The sampler: what is computed once per fit, and one iteration of the chain."""

import numpy as np

from sknnmm.sampling.missing.latent_moves import LatentScale, ResidualExchange
from sknnmm.sampling.missing.missing_omics import LATENT_SAMPLERS, choose_latent_sampler
from sknnmm.sampling.residual_variances import ResidualVariances
from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep, CrossProductSweep
from sknnmm.sampling.snp.passes import ConnectionSweep, OneColumnSweep
from sknnmm.sampling.snp.spectral import SpectralDraw
from sknnmm.terms.fixed import FixedEffects
from sknnmm.terms.nodes import WeightsSweep
from sknnmm.terms.snps import DirectPath, NodePath

REFRESH_EVERY = 50  # iterations between recomputations of the maintained fits


class Sampler:
    """The updates of a model with their precomputed matrices; shared by all chains.

    Nothing here changes while a chain runs: all that does is in its ChainState.

    Parameters
    ----------
    model : NetworkModel
    by_rows : bool
        Keep to the updates that read the genotypes of every row, even for complete omics: to
        compare with the others.
    """

    def __init__(self, model, by_rows=False):
        self.model = model
        self.y = model.y_column
        rest = (model.covariates, model.informative, model.omics_observed)
        self.omics_fixed = FixedEffects(*rest, model.intercept_variance, model.dtype)
        rest = (model.covariates, model.y_weight, model.y_observed[:, None])
        self.fixed = FixedEffects(*rest, model.intercept_variance, model.dtype)

        self.node_path = NodePath(model, self.omics_fixed) if model.n_nodes else None
        self.direct_path = DirectPath(model, self.fixed) if model.direct_prior else None
        self.paths = [path for path in (self.node_path, self.direct_path) if path]
        self.snp_updates = snp_updates(model, self.paths, by_rows)
        # Targets of updates that need sums over the rows only, or None.
        self.complete_omics = self._summed(self.node_path)
        self.complete_phenotype = self._summed(self.direct_path)
        if self.complete_omics:
            self.omics_fixed.keeps_fit = False
        if self.complete_phenotype:
            self.fixed.keeps_fit = False

        prior, expected = model.residual_prior, model.expected_residual_variance
        self.omics_variances = ResidualVariances(prior, expected, model.informative)
        self.variance = ResidualVariances(prior, expected, model.y_weight)

        self.latent_moves = []  # the exchange comes last: it needs the draw that follows
        self.has_weights = model.n_nodes > 0 and not model.activation.is_network
        if model.n_nodes:
            rest = (self.fixed, self.complete_phenotype)
            self.weights = WeightsSweep(model, *rest) if self.has_weights else None
            name = choose_latent_sampler(model.latent_sampler, model.activation)
            self.missing = LATENT_SAMPLERS[name](model)
            if LatentScale.applies(model):
                self.latent_moves.append(LatentScale(model, self))
            if ResidualExchange.applies(model, name):
                self.latent_moves.append(ResidualExchange(model, self))

    def iterate(self, chain, rng, tuning):
        """Move `chain` by one iteration; `tuning` during burn-in."""
        has_nodes = self.node_path is not None
        if has_nodes:
            self.draw_omics_fixed(chain, rng)
        for update in self.snp_updates:
            update.draw(chain, rng)
        for path in self.paths:
            state = path.state(chain)
            s2 = path.residual_variance(chain)
            path.prior.update(state.hyper, state.effects, state.component, s2, rng)
        if has_nodes:
            self.draw_omics_variances(chain, rng)
            if self.has_weights:
                self.weights.draw(chain, rng)
        # Right after the weights, which were drawn with the fixed effects integrated out.
        self.draw_fixed(chain, rng)
        self.draw_variance(chain, rng)
        for move in self.latent_moves:
            move.draw(chain, rng)
        if has_nodes:
            self.missing.draw(chain, rng, tuning)

    def draw_omics_fixed(self, chain, rng):
        """Draw the intercepts and covariate effects of the nodes."""
        s2, state = chain.omics_residual_variance, chain.omics_fixed
        if self.complete_omics:
            products = self.complete_omics.basis_products(chain)
            self.omics_fixed.draw_given(products, s2, state, rng)
        else:
            self.omics_fixed.draw(chain.omics - chain.snp.fit, s2, state, rng)

    def draw_omics_variances(self, chain, rng):
        """Draw the residual variances of the nodes."""
        rest = (chain.omics_residual_variance, self.effects_on_nodes(chain), rng)
        if self.complete_omics:
            self.omics_variances.draw_given(self.complete_omics.residual_squares(chain), *rest)
        else:
            self.omics_variances.draw(chain.omics - chain.omics_mean(), *rest)

    def draw_fixed(self, chain, rng):
        """Draw the intercept and covariate effects of y."""
        s2, state = chain.residual_variance, chain.fixed
        if self.complete_phenotype:
            self.fixed.draw_given(self.complete_phenotype.basis_products(chain), s2, state, rng)
        else:
            self.fixed.draw(self.y_without_fixed(chain), s2, state, rng)

    def draw_variance(self, chain, rng):
        """Draw the residual variance of y."""
        rest = (chain.residual_variance, self.effects_on_y(chain), rng)
        if self.complete_phenotype:
            self.variance.draw_given(self.complete_phenotype.residual_squares(chain), *rest)
        else:
            self.variance.draw(self.y_without_fixed(chain) - chain.fixed.fit, *rest)

    def _summed(self, path):
        """Return the sums over rows that are all a path's update needs of them, or None."""
        updates = (u for u in self.snp_updates if path in u.paths and not u.keeps_fit)
        return next((update.targets[path] for update in updates), None)

    def effects_on_nodes(self, chain):
        """Return the pairs of Prior and EffectsState that the nodes depend on."""
        return [(self.model.snp_prior, chain.snp)]

    def effects_on_y(self, chain):
        """Return the pairs of Prior and EffectsState that y depends on."""
        effects = [(self.model.direct_prior, chain.direct)]
        if self.has_weights:
            effects.append((self.model.weight_prior, chain.weights))
        return effects

    def y_without_fixed(self, chain):
        """Return y minus the nodes' and the direct part, (n, 1); 0 stands for a missing y."""
        rest = self.y - chain.omics_part()
        return rest if chain.direct is None else rest - chain.direct.fit

    def refresh(self, chain):
        """Recompute the maintained fits, which rounding errors have moved."""
        for update in self.snp_updates:
            update.refresh(chain)


def snp_updates(model, paths, by_rows):
    """Return the updates of the SNP effects, by what suits their priors and the shape of the data.

    Spectral where the prior allows; from cross-products where no omic is missing and they are
    small; connections one by one where they are few; one blocked sweep of all the rest, unless that
    is a single column.
    """
    from_sums = model.omics_complete and not by_rows
    updates, swept, summed = [], [], []
    for path in paths:
        # The blocked sweep knows unscaled genotypes only.
        connections = path.connections
        few = connections is not None and (connections.few or path.prior.scales_genotypes)
        if few and from_sums and ConnectionCrossProductSweep.pays(model, path):
            updates.append(ConnectionCrossProductSweep(model, path))
        elif few:
            updates.append(ConnectionSweep(model, path))
        elif path.prior.jointly_normal and connections is None:
            updates.append(SpectralDraw(model, path, from_sums and isinstance(path, NodePath)))
        elif not by_rows and CrossProductSweep.pays(model):
            summed.append(path)
        else:
            swept.append(path)
    if len(summed) == 2 and not np.array_equal(*(path.row_weight for path in summed)):
        updates += [CrossProductSweep(model, [path]) for path in summed]
    elif summed:
        updates.append(CrossProductSweep(model, summed))
    if OneColumnSweep.pays(model, swept):
        updates.append(OneColumnSweep(model, swept[0]))
    elif swept:
        updates.append(BlockedSweep(model, swept))
    return updates
