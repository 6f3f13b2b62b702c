"""The log likelihood of single records in posterior draws.

Of y given genotypes, covariates and the nodes that are given; those that are not are integrated
over their distribution given the parameters, which are independent of the nodes that are given.
"""

import numpy as np

from sknnmm.activations import fixed_normals
from sknnmm.prediction.parts import at_held, batches

NORMALS = 128  # for each draw, where the response is not normal as nodes are not given


def log_likelihood(network, rows, record, weight):
    """Return the log density of the record of every row in every held draw, (draws, n).

    Parameters
    ----------
    network : FittedNetwork
    rows : NewRows
        Missing genotypes count as the training mean, as they did in the chains.
    record : ndarray of shape (n, C)
        In original units, not missing.
    weight : ndarray of shape (n,)
        Of the records, positive.
    """
    layer = network.phenotype
    residual = at_held(layer.posterior, layer.residual, layer.n_responses)
    densities = np.empty((len(residual), len(rows)))
    normal, curved = _by_distribution(layer, rows)
    for some, of_batch in ((normal, _of_normal), (curved, _integrated)):
        if some.any():
            chosen = rows if some.all() else rows.take(some)
            for batch in batches(len(residual)):
                variance = residual[batch] / weight[some, None, None]
                of_rows = of_batch(layer, chosen, batch, record[some], variance)
                densities[batch, some] = of_rows.sum(axis=2).T
    return densities


def _by_distribution(layer, rows):
    """Return which rows have a normal response in every draw, and which have not."""
    nodes = layer.nodes
    is_linear = nodes is None or nodes.activation.is_linear
    given = None if nodes is None else nodes.given(rows)
    if given is None:
        is_normal = np.full(len(rows), is_linear)
    elif is_linear:
        is_normal = ~np.isneginf(given).any(axis=1)  # below its limit a node is not normal
    else:
        is_normal = np.isfinite(given).all(axis=1)
    return is_normal, ~is_normal


def _of_normal(layer, rows, batch, record, residual_variance):
    """Return log densities (n, draws, C) of responses that are normal."""
    mean, variance = layer.of_draws(rows, batch)
    variance = variance + residual_variance
    return layer.family.log_density(record[:, None], layer.location + mean, variance)


def _integrated(layer, rows, batch, record, residual_variance):
    """Return log densities (n, draws, C), means of densities over draws of the nodes."""
    others = [part.of_draws(rows, batch) for part in layer.parts if part is not layer.nodes]
    mean = layer.location + sum(of_part for of_part, _ in others)
    variance = sum(of_part for _, of_part in others) + residual_variance
    normals = fixed_normals(NORMALS, layer.nodes.below.n_responses, antithetic=True)
    total = np.full(mean.shape, -np.inf)
    for value in layer.nodes.values_at(rows, batch, normals):
        of_value = layer.family.log_density(record[:, None], mean + value, variance)
        np.logaddexp(total, of_value, out=total)
    return total - np.log(NORMALS)
