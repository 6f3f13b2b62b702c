"""Classes of new individuals: intervals of their liability between thresholds."""

import numpy as np
from scipy.special import ndtr

from sknnmm.prediction.missing_genotypes import MissingGenotypes
from sknnmm.prediction.parts import at_held, batches
from sknnmm.prediction.spread import sample_phenotypes


def class_probabilities(network, rows):
    """Return the posterior predictive probabilities of the classes, (n, M).

    In every draw the liability is normal: its mean and variance given the parameters are those of
    nodes and genotypes that are not given, with the residual of an average training record. Exact
    with linear nodes; with others, which have another distribution, by the same two moments.

    Parameters
    ----------
    network : FittedNetwork
        Of one liability.
    rows : NewRows
    """
    layer, missing = network.phenotype, MissingGenotypes(network, rows)
    thresholds = at_held(layer.posterior, "thresholds", -1)  # (draws, M - 1)
    above = np.zeros((len(rows), thresholds.shape[1]))  # probabilities of exceeding each threshold
    for batch in batches(len(thresholds)):
        mean, variance = layer.of_draws(rows, batch)
        variance = variance + missing.variance(batch) + layer.residual_variance(batch)
        mean, sd = (mean + layer.location)[:, :, 0], np.sqrt(variance)[:, :, 0]
        for draw, of_draw in enumerate(thresholds[batch]):
            above += ndtr((mean[:, draw, None] - of_draw) / sd[:, draw, None])
    above /= len(thresholds)
    edges = np.column_stack([np.ones(len(rows)), above, np.zeros(len(rows))])
    return np.maximum(edges[:, :-1] - edges[:, 1:], 0)


def sample_classes(network, rows, n_draws, rng):
    """Return draws of the number of the class, (n, n_draws)."""
    liability, chosen = sample_phenotypes(network, rows, n_draws, rng)
    thresholds = at_held(network.phenotype.posterior, "thresholds", -1)[chosen]
    return (liability > thresholds).sum(axis=2)
