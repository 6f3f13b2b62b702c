"""Starting values close to the posterior."""

import numpy as np

from sknnmm.priors._layout import DenseColumns
from sknnmm.sampling.snp.cross_products import CrossProductSweep
from sknnmm.sampling.state import ChainState, EffectsState

LATENT_CORRELATION = 0.7  # of a latent node's starting values with what it is to explain


def starting_state(sampler, rng):
    """Return the ChainState from which a chain starts.

    SNP effects start at zero: the first sweeps find them. Missing omics start at their mean. The
    weights start at their ridge solution. Latent nodes start as noisy copies of the part of y
    that the observed omics leave: from zero weight, node and weight would see nothing but each
    other's noise.
    """
    model = sampler.model
    omics = np.nan_to_num(model.omics)
    if model.n_latent:
        omics[:, model.n_observed_nodes :] = _latent_start(sampler, omics, rng)
    omics = omics.astype(model.dtype)
    activated = model.activation.value(omics)
    snp_states = {
        path: _no_effects(update, path, model)
        for update in sampler.snp_updates
        for path in update.paths
    }
    return ChainState(
        omics=omics,
        activated=activated,
        snp=snp_states.get(sampler.node_path),
        direct=snp_states.get(sampler.direct_path),
        weights=_starting_weights(sampler, activated) if model.n_nodes else None,
        omics_fixed=sampler.omics_fixed.start(),
        fixed=sampler.fixed.start(),
        omics_residual_variance=np.full(model.n_nodes, sampler.omics_variances.starting),
        residual_variance=np.full(1, sampler.variance.starting),
    )


def _no_effects(update, path, model):
    columns = update.columns(path)
    component = np.zeros(columns.shape, np.int8)
    component[~np.broadcast_to(update.in_model(path), columns.shape)] = -1
    from_gram = isinstance(update, CrossProductSweep)
    return EffectsState(
        effects=np.zeros(columns.shape, model.dtype),
        component=component,
        hyper=path.prior.start(path.expected_variance, columns),
        fit=np.zeros((model.n_samples, path.n_columns), model.dtype) if update.keeps_fit else None,
        fit_squares=None if update.keeps_fit else np.zeros(path.n_columns),
        fit_products=np.zeros(columns.shape[::-1], model.dtype) if from_gram else None,
    )


def _starting_weights(sampler, activated):
    model = sampler.model
    if not sampler.has_weights:  # a network function enters y as it is
        return EffectsState(np.ones((1, 1), model.dtype), None, None, None)
    weights = _ridge(sampler, activated.astype(float), model.expected_weight_variance)
    included = len(model.weight_prior.multipliers) - 1
    component = np.full((model.n_nodes, 1), included, np.int8)
    if model.idle is not None:
        component[model.idle] = -1
        weights[model.idle] = 0
    return EffectsState(
        effects=weights.astype(model.dtype)[:, None],
        component=component,
        hyper=model.weight_prior.start(
            model.expected_weight_variance, DenseColumns(model.n_nodes, 1)
        ),
        fit=None,
    )


def _ridge(sampler, predictors, prior_variance):
    """Return the ridge solution (C,) of y on centred predictors (n, C), rows with y."""
    rows = sampler.model.y_observed
    centred = predictors[rows] - predictors[rows].mean(axis=0)
    ratio = sampler.model.expected_residual_variance / prior_variance
    gram = centred.T @ centred + ratio * np.eye(centred.shape[1])
    return np.linalg.solve(gram, centred.T @ sampler.y[rows, 0].astype(float))


def _latent_start(sampler, omics, rng):
    """Return starting values of the latent nodes, variance about 1, (n, n_latent)."""
    model = sampler.model
    unexplained = sampler.y[:, 0].astype(float)
    if model.n_observed_nodes and sampler.has_weights:
        observed = model.activation.value(omics)[:, : model.n_observed_nodes]
        weights = _ridge(sampler, observed, model.expected_weight_variance)
        unexplained = unexplained - observed @ weights
    unexplained -= unexplained[model.y_observed].mean()
    unexplained /= unexplained[model.y_observed].std()
    unexplained[~model.y_observed] = 0
    noise = rng.standard_normal((model.n_samples, model.n_latent))
    rho = LATENT_CORRELATION
    return rho * unexplained[:, None] + np.sqrt(1 - rho**2) * noise
