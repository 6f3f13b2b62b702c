"""Spread of predictions over the posterior, from the draws whose SNP effects are held."""

import numpy as np

from sknnmm.common.running_moments import RunningMoments
from sknnmm.prediction.missing_genotypes import MissingGenotypes
from sknnmm.prediction.parts import at_held, batches


def predictive_sd(network, rows):
    """Return the posterior predictive standard deviation of y, (n, C).

    Total variance over the held draws: the mean of the variance of y given the parameters (omics
    and genotypes that are not given, residual) and the variance of its mean.

    Parameters
    ----------
    network : FittedNetwork
    rows : NewRows
    """
    layer, missing = network.phenotype, MissingGenotypes(network, rows)
    means, variances = RunningMoments(), RunningMoments()
    for batch in _batches(layer):
        mean, variance = layer.of_draws(rows, batch)
        variance = variance + missing.variance(batch) + layer.residual_variance(batch)
        _add_draws(means, mean)
        _add_draws(variances, variance)
    return np.sqrt(variances.mean + means.variance)


def genetic_sd(network, rows):
    """Return the posterior standard deviation of the genetic values of `genetic_rows`, (n, C).

    The variance is that of the genetic value over the draws, missing genotypes at their mean, and
    what `MissingGenotypes` says of these; together at most the genetic variance, unless the first
    part is more by itself. Effects that are genetic too, besides SNPs, count in the first part, and
    those of new levels with their variance.
    """
    alone = network.genetic_rows(rows.dosages)
    layer, missing = network.comparing_draws().phenotype, MissingGenotypes(network, alone)
    genetic = at_held(network.phenotype.posterior, "genetic_variance", layer.n_responses)
    known, without = _moments(network, layer, alone)
    unknown = RunningMoments()
    for batch in _batches(layer):
        _add_draws(unknown, missing.variance(batch))
    of_snps = np.maximum(known, np.minimum(known + unknown.mean, genetic.mean(axis=0)))
    if not rows.has_more_than_genotypes:
        return np.sqrt(of_snps)
    total, spread = _moments(network, layer, rows)
    return np.sqrt(total + (of_snps - known) + np.maximum(spread - without, 0))


def _moments(network, layer, rows):
    """Return variance over the draws of the genetic value, and mean variance in a draw, (n, C)."""
    average, values, spread = network.average_row, RunningMoments(), RunningMoments()
    for batch in _batches(layer):
        mean, variance = layer.of_draws(rows, batch)
        baseline = sum(part.training_mean_of_draws(average, batch) for part in layer.parts)
        _add_draws(values, mean - baseline)
        _add_draws(spread, np.broadcast_to(variance, mean.shape))
    return values.variance, spread.mean


def sample_phenotypes(network, rows, n_draws, rng):
    """Return draws of y from its posterior predictive distribution, (n, n_draws, C).

    And the held draws of the posterior that they belong to, (n_draws,).
    """
    layer, missing = network.phenotype, MissingGenotypes(network, rows)
    n_held = _n_held(layer)
    # Every held draw equally often, but for the last round.
    rounds = [rng.permutation(n_held) for _ in range(-(-n_draws // n_held))]
    chosen = np.concatenate(rounds)[:n_draws]
    sample = np.empty((len(rows), n_draws, layer.n_responses))
    for batch in _batches(layer):
        columns = np.flatnonzero((chosen >= batch.start) & (chosen < batch.stop))
        if not columns.size:
            continue
        expected = layer.sampler(rows, batch)
        variance = missing.variance(batch) + layer.residual_variance(batch)
        for column in columns:
            draw = chosen[column] - batch.start
            y = expected(draw, rng)
            noise = np.sqrt(variance[:, draw]) * rng.standard_normal(y.shape)
            sample[:, column] = layer.location + y + noise
    return sample, chosen


def _batches(layer):
    return batches(_n_held(layer))


def _n_held(layer):
    return len(layer.posterior.at_stored(layer.residual))


def _add_draws(moments, values):
    """Take in values (n, draws, C) draw by draw."""
    for draw in range(values.shape[1]):
        moments.add(values[:, draw])
