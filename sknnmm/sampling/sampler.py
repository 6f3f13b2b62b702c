"""The sampler: what is computed once per fit, and one iteration of the chain."""

from sknnmm.sampling.fixed_effects import FixedEffects
from sknnmm.sampling.latent_nodes import LatentScale, ResidualExchange
from sknnmm.sampling.missing_omics import LATENT_SAMPLERS, choose_latent_sampler
from sknnmm.sampling.omics_weights import WeightsSweep
from sknnmm.sampling.paths import DirectPath, NodePath
from sknnmm.sampling.snp_connections import ConnectionSweep
from sknnmm.sampling.snp_spectral import SpectralDraw
from sknnmm.sampling.snp_sweep import BlockedSweep
from sknnmm.sampling.variances import ResidualVariances

REFRESH_EVERY = 50  # iterations between recomputations of the maintained fits


class Sampler:
    """The updates of a model with their precomputed matrices; shared by all chains.

    Nothing here changes while a chain runs: all that does is in its ChainState.
    """

    def __init__(self, model):
        self.model = model
        self.y = model.y_column
        self.node_path = NodePath(model) if model.n_nodes else None
        self.direct_path = DirectPath(model) if model.direct_prior else None
        self.paths = [path for path in (self.node_path, self.direct_path) if path]
        self.snp_updates = _snp_updates(model, self.paths)

        rest = (model.covariates, model.informative, model.omics_observed)
        self.omics_fixed = FixedEffects(*rest, model.intercept_variance, model.dtype)
        rest = (model.covariates, model.y_weight, model.y_observed[:, None])
        self.fixed = FixedEffects(*rest, model.intercept_variance, model.dtype)

        prior, expected = model.residual_prior, model.expected_residual_variance
        self.omics_variances = ResidualVariances(prior, expected, model.informative)
        self.variance = ResidualVariances(prior, expected, model.y_weight)

        self.latent_moves = []  # the exchange comes last: it needs the draw that follows
        self.has_weights = model.n_nodes > 0 and not model.activation.is_network
        if model.n_nodes:
            self.weights = WeightsSweep(model, self.fixed) if self.has_weights else None
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
            self.omics_fixed.draw(
                chain.omics - chain.snp.fit, chain.omics_residual_variance, chain.omics_fixed, rng
            )
        for update in self.snp_updates:
            update.draw(chain, rng)
        for path in self.paths:
            state = path.state(chain)
            s2 = path.residual_variance(chain)
            path.prior.update(state.hyper, state.effects, state.component, s2, rng)
        if has_nodes:
            self.omics_variances.draw(
                chain.omics - chain.omics_mean(),
                chain.omics_residual_variance,
                self.effects_on_nodes(chain),
                rng,
            )
            if self.has_weights:
                self.weights.draw(chain, rng)
        # Right after the weights, which were drawn with the fixed effects integrated out.
        self.fixed.draw(self.y_without_fixed(chain), chain.residual_variance, chain.fixed, rng)
        self.variance.draw(
            self.y_without_fixed(chain) - chain.fixed.fit,
            chain.residual_variance,
            self.effects_on_y(chain),
            rng,
        )
        for move in self.latent_moves:
            move.draw(chain, rng)
        if has_nodes:
            self.missing.draw(chain, rng, tuning)

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


def _snp_updates(model, paths):
    """Return the updates of the SNP effects.

    Connections one by one where they are few, spectral where the prior allows, one blocked sweep
    of all the rest.
    """
    updates, swept = [], []
    for path in paths:
        masked = path.connections is not None
        # The blocked sweep knows unscaled genotypes only.
        if masked and (path.connections.few or path.prior.scales_genotypes):
            updates.append(ConnectionSweep(model, path))
        elif path.prior.jointly_normal and not masked:
            updates.append(SpectralDraw(model, path))
        else:
            swept.append(path)
    return updates + ([BlockedSweep(model, swept)] if swept else [])
