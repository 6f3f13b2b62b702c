"""The part of a prediction that comes through the nodes of the layer below.

Nodes whose value is not given are integrated over: in every posterior draw they are normal given
genotypes and covariates, below their detection limit if that is all that is known of them.
"""

from dataclasses import dataclass, replace

import numpy as np

from sknnmm.activations import (
    BaseActivation,
    fixed_normals,
    mean_slopes,
    network_moments,
    network_slopes,
    nodes_at,
)
from sknnmm.prediction.layer import FittedLayer
from sknnmm.prediction.parts import Part, at_held, batches

FEW_ROWS = 0.1  # share of rows
MIN_NORMALS = 500  # to integrate a network function with, over all posterior draws
COMMON_NORMALS = 64  # in every posterior draw, where draws are compared
SLOPE_NORMALS = 512


@dataclass(eq=False)
class NodesPart(Part):
    """What the nodes of the layer below add to a layer."""

    below: FittedLayer
    activation: BaseActivation

    @property
    def layer_below(self):
        """Return the layer whose responses are the nodes."""
        return self.below

    def given(self, rows):
        """Return the values of the nodes that are given (n, K), standardised; None without any.

        NaN where they are not, minus infinity where they lie below their detection limit.
        """
        return rows.given.get(self.below.name)

    def training_mean_of_draws(self, average, batch):
        """Return the mean over the training rows in each draw, (draws, C), as the chain took it."""
        return at_held(self.posterior, "genetic_mean", self.n_responses)[batch]

    def sampler(self, rows, batch):
        """Return a function of a draw of the batch and a Generator to values (n, C)."""
        below, given = self.below, self.given(rows)
        expected = below.sampler(rows, batch)
        residual_sd = np.sqrt(below.residual_variance(batch)) / below.scale
        bounded = given is not None and np.isneginf(given).any()
        mean, variance = below.distribution(rows, batch) if bounded else (None, None)

        def sample(draw, rng):
            nodes = expected(draw, rng) / below.scale
            normal = rng.standard_normal(nodes.shape)
            nodes = nodes + residual_sd[draw] * normal
            if bounded:  # with all that is not known of them
                sd = np.sqrt(np.broadcast_to(variance, mean.shape)[:, draw])
                of_limits = nodes_at(normal, mean[:, draw], sd, given, below.limits)
                nodes = np.where(np.isneginf(given), of_limits, nodes)
            if given is not None:
                nodes = np.where(np.isfinite(given), given, nodes)
            return self.value(nodes, batch.start + draw)

        return sample

    def values_at(self, rows, batch, normals):
        """Yield the contribution in every draw, (n, draws, C), with the nodes at each of normals.

        Nodes that are not given are where standard normals (repeats, K) put them.
        """
        mean, variance = self.below.distribution(rows, batch)
        sd = np.broadcast_to(np.sqrt(variance), mean.shape)
        given, limits = self.given(rows), self.below.limits
        for normal in normals:
            values = [
                self.value(nodes_at(normal, mean[:, draw], sd[:, draw], given, limits), held)
                for draw, held in enumerate(range(batch.start, batch.stop))
            ]
            yield np.stack(values, axis=1)

    @property
    def n_terms(self):
        """Return of how many terms the contribution is the sum."""
        raise NotImplementedError

    def terms(self, rows, batch):
        """Return the expectations of these in each draw, (n, draws, terms), of the first response.

        As if no nodes were given.
        """
        raise NotImplementedError

    def value(self, nodes, held):
        """Return the contribution (n, C) of standardised nodes (n, K) in one held draw."""
        raise NotImplementedError

    def slopes(self, average, batch):
        """Return the mean slopes by each node, (draws, K, C), per unit of the node.

        Over the distribution of the nodes in the training rows.
        """
        raise NotImplementedError

    def comparing_draws(self):
        """Return this part with the same Monte Carlo error in every draw."""
        return replace(self, below=self.below.comparing_draws())


@dataclass(eq=False)
class ActivatedNodes(NodesPart):
    """The sum over nodes of a weight times an elementwise activation."""

    weights: str  # name of the variable

    @property
    def n_terms(self):
        """Return the number of nodes."""
        return self.below.n_responses

    def terms(self, rows, batch):
        """Return the expected weighted nodes in each draw (see NodesPart)."""
        expected, _ = self.activation.normal_moments(*self.below.distribution(rows, batch))
        return expected * self._held_weights()[batch, :, 0]

    def mean(self, rows):
        """Return the posterior mean, (n, C)."""
        given = self.given(rows)
        if given is None:
            return _sum_over_nodes(self.by_node(rows))
        known = np.isfinite(given)
        value = self.activation.value(np.where(known, given, 0))
        mean_weights = self.posterior.mean(self.weights).reshape(given.shape[1], -1)
        terms = np.where(known[:, :, None], value[:, :, None] * mean_weights, 0)
        incomplete = ~known.all(axis=1)
        if incomplete.any():
            # Few rows are copied; of many, which may not fit in memory, all are computed.
            some = incomplete if incomplete.mean() <= FEW_ROWS else slice(None)
            integrated = self.by_node(rows.take(some))
            terms[some] = np.where(known[some][:, :, None], terms[some], integrated)
        is_below = np.isneginf(given)
        if is_below.any():
            terms[is_below] = self._below_limits(rows, is_below)
        return _sum_over_nodes(terms)

    def _below_limits(self, rows, is_below):
        """Return E[w_k g(z_k)] of cells (n, K) below their limits, (cells, C).

        A mean over the held draws, for it is no product of means even if g is linear.
        """
        some = is_below.any(axis=1)
        rows, (row, node) = rows.take(some), np.nonzero(is_below[some])
        weights = self._held_weights()
        total = np.zeros((len(node), self.n_responses))
        for batch in batches(len(weights)):
            expected, _ = self._moments_below(rows, batch, row, node)
            for draw, weight in enumerate(weights[batch]):
                total += expected[:, draw, None] * weight[node]
        return total / len(weights)

    def _moments_below(self, rows, batch, row, node):
        """Return E[g(z)] and E[g(z)^2] of some cells below their limits in each draw."""
        mean, variance = self.below.distribution(rows, batch)
        mean, variance = (
            np.broadcast_to(values, mean.shape)[row, :, node] for values in (mean, variance)
        )
        return self.activation.moments_below(mean, variance, self.below.limits[node, None])

    def by_node(self, rows):
        """Return E[w_k g(z_k)] of every node, (n, K, C), as if none were given."""
        if self.activation.is_linear:
            return sum(part.weighted_mean(rows, self.weights) for part in self.below.parts)
        weights = self._held_weights()
        terms = np.zeros((len(rows), *weights.shape[1:]))
        for batch in batches(len(weights)):
            expected, _ = self.activation.normal_moments(*self.below.distribution(rows, batch))
            for draw, weight in enumerate(weights[batch]):
                terms += expected[:, draw, :, None] * weight
        return terms / len(weights)

    def of_draws(self, rows, batch):
        """Return mean and variance over the nodes not given in each draw, (n, draws, C)."""
        given, weights = self.given(rows), self._held_weights()[batch]
        if given is not None and np.isfinite(given).all():
            return _weighted_sum(self.activation.value(given)[:, None], weights), 0.0
        first, second = self.activation.normal_moments(*self.below.distribution(rows, batch))
        spread = np.maximum(second - first * first, 0)
        if given is not None:
            known = np.isfinite(given)
            value = self.activation.value(np.where(known, given, 0))
            first = np.where(known[:, None], value[:, None], first)
            spread = np.where(known[:, None], 0, spread)
            row, node = np.nonzero(np.isneginf(given))
            if row.size:
                mean, square = self._moments_below(rows, batch, row, node)
                first[row, :, node] = mean
                spread[row, :, node] = np.maximum(square - mean * mean, 0)
        return _weighted_sum(first, weights), _weighted_sum(spread, weights**2)

    def value(self, nodes, held):
        """Return the contribution (n, C) of standardised nodes (n, K) in one held draw."""
        return self.activation.value(nodes) @ self._held_weights()[held]

    def training_mean(self, average):
        """Return the mean over the training rows, (C,)."""
        if self.activation.is_linear:
            return super().training_mean(average)
        return at_held(self.posterior, "genetic_mean", self.n_responses).mean(axis=0)

    def slopes(self, average, batch):
        """Return the mean slopes by each node, (draws, K, C), per unit of the node."""
        weights = self._held_weights()[batch] / self.below.scale[:, None]
        if self.activation.is_linear:
            return weights
        return (
            weights * mean_slopes(self.activation, *self.below.marginal(average, batch))[:, :, None]
        )

    def _held_weights(self):
        return at_held(self.posterior, self.weights, self.below.n_responses, self.n_responses)


@dataclass(eq=False)
class NetworkFunctionNodes(NodesPart):
    """A user's function of all nodes, integrated over normals that were fixed at the fit."""

    normals: np.ndarray  # (held draws, repeats, K)
    mean_over_training: np.ndarray | None = None  # (C,)

    n_terms = 1

    def terms(self, rows, batch):
        """Return the expected value of the function in each draw (see NodesPart)."""
        return self.of_draws(rows, batch)[0]

    @classmethod
    def of_fit(cls, posterior, scale, below, activation, training_rows):
        """Return the part with its normals, and its mean over the training rows."""
        n_held = len(posterior.at_stored("genetic_mean"))
        repeats = -(-MIN_NORMALS // n_held)
        normals = fixed_normals(n_held, repeats, below.n_responses)
        part = cls(posterior, scale, below, activation, normals)
        return replace(part, mean_over_training=part.mean(training_rows).mean(axis=0))

    def mean(self, rows):
        """Return the posterior mean, (n, C)."""
        total = 0.0
        for batch in batches(len(self.normals)):
            mean, _ = self.of_draws(rows, batch)
            for draw in range(mean.shape[1]):
                total = total + mean[:, draw]
        return total / len(self.normals)

    def of_draws(self, rows, batch):
        """Return mean and variance over the nodes not given in each draw, (n, draws, C)."""
        mean, variance = self.below.distribution(rows, batch)
        sd = np.broadcast_to(np.sqrt(variance), mean.shape)
        given, limits = self.given(rows), self.below.limits
        moments = [
            network_moments(self.activation, mean[:, draw], sd[:, draw], normals, given, limits)
            for draw, normals in enumerate(self.normals[batch])
        ]
        means, variances = (np.stack(of_draws, axis=1) for of_draws in zip(*moments, strict=True))
        return means * self.scale, variances * self.scale**2

    def value(self, nodes, held):
        """Return the contribution (n, C) of standardised nodes (n, K), the same in all draws."""
        return self.activation.value(nodes) * self.scale

    def training_mean(self, average):
        """Return the mean over the training rows, (C,)."""
        return self.mean_over_training

    def slopes(self, average, batch):
        """Return the mean slopes by each node, (draws, K, C), per unit of the node."""
        normals = fixed_normals(SLOPE_NORMALS, self.below.n_responses)
        normals = (normals - normals.mean(axis=0)) / normals.std(axis=0)
        slopes = [
            network_slopes(self.activation, mean, sd, normals)
            for mean, sd in zip(*self.below.marginal(average, batch), strict=True)
        ]
        return np.array(slopes) * self.scale / self.below.scale[:, None]

    def comparing_draws(self):
        """Return this part with the same normals in every draw."""
        n_held, _, n_nodes = self.normals.shape
        common = fixed_normals(COMMON_NORMALS, n_nodes)
        normals = np.broadcast_to(common, (n_held, *common.shape))
        return replace(super().comparing_draws(), normals=normals)


# Sums over nodes are taken one by one: the order of NumPy's may depend on the number of rows.


def _sum_over_nodes(terms):
    """Return terms (n, K, C) added up, (n, C)."""
    total = 0.0
    for k in range(terms.shape[1]):
        total = total + terms[:, k]
    return total


def _weighted_sum(terms, weights):
    """Return the sums over nodes of terms (n, draws, K) times weights (draws, K, C)."""
    total = 0.0
    for k in range(terms.shape[2]):
        total = total + terms[:, :, k, None] * weights[:, k]
    return total
