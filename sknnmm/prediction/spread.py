"""Spread of predictions over the posterior, from the draws whose SNP effects are held."""

import numpy as np

from sknnmm.prediction.fitted_network import DRAWS_AT_ONCE, columns_by_draw, plain_products
from sknnmm.prediction.missing_genotypes import MissingGenotypes

NETWORK_DRAWS = 64  # to integrate a network function with, per posterior draw


def predictive_sd(network, dosages, omics, covariates):
    """Return the posterior predictive standard deviation of y, (n,).

    By the law of total variance over the held draws: the mean of the variance of y given the
    parameters (omics that are not given, residual) and the variance of its mean.

    Parameters
    ----------
    network : FittedNetwork
    dosages : ndarray of shape (n, p)
    omics : ndarray of shape (n, n_omics)
        NaN where not given.
    covariates : ndarray of shape (n, q)
    """
    means, variances = [], []
    missing = MissingGenotypes(network, dosages, ~np.isnan(_standardised(network, omics)))
    for batch, rest, laws in _held_draws(network, dosages, covariates):
        mean, variance = _node_part(network, batch, laws, omics)
        means.append(rest + mean)
        variances.append(variance + missing.variance(batch) + network.record_variance(batch))
    means, variances = np.hstack(means), np.hstack(variances)
    return np.sqrt(variances.mean(axis=1) + means.var(axis=1))


def genetic_sd(network, dosages):
    """Return the posterior standard deviation of the genetic values, (n,).

    The variance is that of the genetic value over the draws, missing genotypes at their mean, and
    what `MissingGenotypes` says of these; together at most the genetic variance, unless the first
    part is more by itself.
    """
    normals = np.random.default_rng(0).standard_normal((NETWORK_DRAWS, network.n_nodes))
    n = len(dosages)
    no_covariates = np.tile(network.scales.covariates_mean, (n, 1))
    nothing_given = np.full((n, network.n_nodes), np.nan)
    posterior, values, unknown = network.posterior, [], []
    missing = MissingGenotypes(network, dosages, np.zeros((n, network.n_nodes), bool))
    for batch, rest, laws in _held_draws(network, dosages, no_covariates):
        mean, _ = _node_part(network, batch, laws, nothing_given, normals)
        other = posterior.at_stored("centred_intercept") + posterior.at_stored("genetic_mean")
        values.append(rest + mean - other[batch])
        unknown.append(missing.variance(batch))
    known = np.hstack(values).var(axis=1)
    unknown = np.hstack(unknown).mean(axis=1)
    genetic = posterior.at_stored("genetic_variance").mean()
    return np.sqrt(np.maximum(known, np.minimum(known + unknown, genetic)))


def sample_phenotypes(network, dosages, omics, covariates, n_draws, rng):
    """Return draws of y from its posterior predictive law, (n, n_draws)."""
    posterior, activation = network.posterior, network.activation
    n, n_held = len(dosages), len(posterior.at_stored("residual_variance"))
    # Every held draw equally often, but for the last round.
    rounds = [rng.permutation(n_held) for _ in range(-(-n_draws // n_held))]
    chosen = np.concatenate(rounds)[:n_draws]
    given = _standardised(network, omics)
    missing = MissingGenotypes(network, dosages, ~np.isnan(given))
    sample = np.empty((n, n_draws))
    for batch, rest, laws in _held_draws(network, dosages, covariates):
        columns = np.flatnonzero((chosen >= batch.start) & (chosen < batch.stop))
        unknown = missing.variance(batch) if columns.size else None
        for column in columns:
            draw = chosen[column] - batch.start
            y = rest[:, draw].copy()
            if laws is not None:
                mean, variance = (law[..., draw, :] for law in laws)
                nodes = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
                values = activation.value(np.where(np.isnan(given), nodes, given))
                y += _times_weights(network, values, chosen[column])
            sd = np.sqrt(network.record_variance(batch)[draw] + unknown[:, draw])
            sample[:, column] = y + sd * rng.standard_normal(n)
    return sample


def _held_draws(network, dosages, covariates):
    """Yield (slice of held draws, y without the nodes (n, draws), node laws), in y units.

    Node laws are (means (n, draws, K), variances (draws, K)), standardised; None without nodes.
    """
    posterior, n = network.posterior, len(dosages)
    centred = covariates - network.scales.covariates_mean
    intercepts = posterior.at_stored("centred_intercept")
    covariate_effects = posterior.at_stored("covariate_effects")
    direct = posterior.draws.get("direct_effects")
    if direct is not None:
        direct = columns_by_draw(direct.reshape(*direct.shape, 1))
    if network.n_nodes:
        batches = network.node_laws(dosages, centred)
    else:
        starts = range(0, len(intercepts), DRAWS_AT_ONCE)
        batches = ((slice(s, min(s + DRAWS_AT_ONCE, len(intercepts))), None, None) for s in starts)
    for batch, mean, variance in batches:
        rest = intercepts[batch] + plain_products(centred, covariate_effects[batch].T)
        if direct is not None:
            rest = rest + network.times(dosages, direct[:, batch])
        yield batch, rest.reshape(n, -1), None if mean is None else (mean, variance)


def _node_part(network, batch, laws, omics, normals=None):
    """Return mean and variance of the nodes' part of y for every row and held draw, (n, draws).

    A network function is integrated over `normals` (repeats, K), by default those of the draw.
    """
    if laws is None:
        return np.zeros((2, len(omics), 1))
    mean, variance = laws
    given = _standardised(network, omics)
    if network.activation.is_network:
        of_draws = network.normals[batch] if normals is None else [normals] * mean.shape[1]
        return _network_part(network, mean, variance, given, of_draws)
    first, second = network.activation.normal_moments(mean, np.broadcast_to(variance, mean.shape))
    known = ~np.isnan(given)
    value = network.activation.value(np.where(known, given, 0))[:, None, :]
    spread = np.where(known[:, None, :], 0, np.maximum(second - first * first, 0))
    first = np.where(known[:, None, :], value, first)
    weights = network.posterior.at_stored("omics_weights")[batch]
    return (first * weights).sum(axis=2), (spread * weights**2).sum(axis=2)


def _network_part(network, mean, variance, given, normals_of_draws):
    means, variances = [], []
    for draw, normals in enumerate(normals_of_draws):
        nodes = mean[:, draw] + np.sqrt(variance[draw]) * normals[:, None, :]
        nodes = np.where(np.isnan(given), nodes, given)
        values = np.stack([network.activation.value(z)[:, 0] for z in nodes], axis=1)
        values *= network.scales.y_scale
        means.append(values.mean(axis=1))
        variances.append(values.var(axis=1))
    return np.stack(means, axis=1), np.stack(variances, axis=1)


def _times_weights(network, values, draw):
    if network.activation.is_network:
        return values[:, 0] * network.scales.y_scale
    return values @ network.posterior.at_stored("omics_weights")[draw]


def _standardised(network, omics):
    """Return the omics given, standardised, (n, K); NaN for latent nodes and where not given."""
    given = np.full((len(omics), network.n_nodes), np.nan)
    given[:, : omics.shape[1]] = omics
    return (given - network.scales.omics_mean) / network.scales.omics_scale
