"""The log likelihood of single records in posterior draws.

Of y given genotypes, covariates and the nodes that are given; those that are not are integrated
over their distribution given the parameters, which are independent of the nodes that are given.
"""

from dataclasses import dataclass

import numpy as np

from sknnmm.activations import fixed_normals
from sknnmm.common.normal_interval import log_probability
from sknnmm.prediction.parts import NewRows, at_held, batches

NORMALS = 128  # for each draw, where the response is not normal as nodes are not given


@dataclass(frozen=True)
class Records:
    """What is recorded of the phenotype of some individuals, in original units."""

    rows: NewRows  # missing genotypes count as the training mean, as they did in the chains
    values: np.ndarray  # (n,), NaN = missing; of intervals the lower ends, of classes 0, 1, ...
    upper: np.ndarray | None  # (n,), upper ends of intervals
    weight: np.ndarray  # (n,)

    @property
    def observed(self):
        """Return which are not missing, (n,) bool."""
        return ~np.isnan(self.values)

    def take(self, chosen):
        """Return some of them (a mask or positions)."""
        upper = None if self.upper is None else self.upper[chosen]
        return Records(self.rows.take(chosen), self.values[chosen], upper, self.weight[chosen])


def log_likelihood(network, records):
    """Return the log density of every record in every held draw, (draws, n).

    The log probability of records that bound the response.

    Parameters
    ----------
    network : FittedNetwork
    records : Records
        None of them missing, their weights positive.
    """
    layer = network.phenotype
    residual = at_held(layer.posterior, layer.residual, layer.n_responses)
    densities = np.empty((len(residual), len(records.values)))
    normal, curved = _by_distribution(layer, records.rows)
    for some, of_batch in ((normal, _of_normal), (curved, _integrated)):
        if some.any():
            chosen = records if some.all() else records.take(some)
            for batch in batches(len(residual)):
                ends = _ends(layer, chosen, batch)
                variance = residual[batch] / chosen.weight[:, None, None]
                of_rows = of_batch(layer, chosen.rows, batch, ends, variance)
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


def _ends(layer, records, batch):
    """Return between which values the records put the response, (n, draws, C) each."""

    def draws(name):
        return at_held(layer.posterior, name, -1)[batch]

    upper = None if records.upper is None else records.upper[:, None]
    return layer.family.ends(records.values[:, None], upper, draws)


def _of_normal(layer, rows, batch, ends, residual_variance):
    """Return log densities (n, draws, C) of responses that are normal."""
    mean, variance = layer.of_draws(rows, batch)
    return _log_density(ends, layer.location + mean, variance + residual_variance)


def _integrated(layer, rows, batch, ends, residual_variance):
    """Return log densities (n, draws, C), means of densities over draws of the nodes."""
    others = [part.of_draws(rows, batch) for part in layer.parts if part is not layer.nodes]
    mean = layer.location + sum(of_part for of_part, _ in others)
    variance = sum(of_part for _, of_part in others) + residual_variance
    normals = fixed_normals(NORMALS, layer.nodes.below.n_responses, antithetic=True)
    total = np.full(mean.shape, -np.inf)
    for value in layer.nodes.values_at(rows, batch, normals):
        np.logaddexp(total, _log_density(ends, mean + value, variance), out=total)
    return total - np.log(NORMALS)


def _log_density(ends, mean, variance):
    """Return the log density at ends that are equal, elsewhere the log probability between them."""
    lower, upper = ends
    is_exact, sd = lower == upper, np.sqrt(variance)
    first = (lower - mean) / sd
    density = -0.5 * first**2 - np.log(np.sqrt(2 * np.pi) * sd)
    if is_exact.all():
        return density
    return np.where(is_exact, density, log_probability(first, (upper - mean) / sd))
