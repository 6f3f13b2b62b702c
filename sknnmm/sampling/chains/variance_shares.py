"""Genetic values of the training rows at one draw, and the shares of variance they explain.

Of every phenotype: its terms of SNPs, directly and through the nodes of the layer that it reads.
"""

import numpy as np

from sknnmm.activations import fixed_normals, network_moments, tabulated_moments
from sknnmm.common.compiled import njit
from sknnmm.sampling.chains.genetic_values import ValuesByRow, ValuesFromEffects

NEGLIGIBLE = 1e-10  # of the variance of y
NETWORK_DRAWS = 32


class _Shares:
    """What both ways to the shares know: the phenotype layer, and that of its nodes.

    Parameters
    ----------
    sampler : Sampler
    """

    def __init__(self, sampler):
        self._layer = sampler.layers[-1]
        self._nodes = next((term for term in self._layer.terms if term.source), None)
        self._source = self._nodes and sampler.network.layer(self._nodes.source)
        self._of_nodes = self._source and f"{self._source.prefix}heritability"

    def _state(self, chain):
        return chain.layers[self._layer.name]

    def _of_phenotype(self, chain, mean, total, spread):
        """Return the shares that do not depend on nodes.

        Parameters
        ----------
        mean, total : ndarray of shape (C,)
            Mean and variance of the genetic values.
        spread : ndarray of shape (C,)
            Mean variance of the nodes' part given genotypes.
        """
        layer = self._layer
        environmental = self._state(chain).residual_variance * layer.mean_inverse_weight + spread
        return {
            "heritability": layer.squeezed(total / (total + environmental)),
            "genetic_variance": layer.squeezed(total),
            "genetic_mean": layer.squeezed(mean),
        }

    def _all(self, chain, weights, explained, spread, mean, total, shares):
        """Return all shares of a phenotype that reads nodes.

        Parameters
        ----------
        weights : ndarray of shape (K, C)
        explained, spread : ndarray of shape (K,)
            Variance of the genetic part of every node; mean variance of g(z) given genotypes.
        mean, total : ndarray of shape (C,)
            Mean and variance of the genetic values.
        shares : ndarray of shape (K, C)
            Covariances of the genetic values with the terms of the nodes.
        """
        source = chain.layers[self._source.name]
        if self._nodes.activation.is_linear:
            mean = mean + weights.T @ self._intercepts(source)
        result = self._of_phenotype(chain, mean, total, (weights * weights).T @ spread)
        heritability = explained / (explained + source.residual_variance)
        result[self._of_nodes] = self._source.squeezed(heritability)
        if self._nodes.has_weights:
            # Without genetic variance, but for rounding errors, there is nothing to share out.
            shared = shares / np.maximum(total, NEGLIGIBLE) * (total > NEGLIGIBLE)
            result["mediated_variance"] = self._layer.squeezed(shared)
        return result

    def _intercepts(self, source):
        """Return the intercepts of the nodes, covariates at their mean, (K,)."""
        return source.terms["fixed"].coefficients[0]


class SharesFromRows(_Shares):
    """The shares from the genetic values of every training row."""

    by_rows = True

    def genetic_values(self, rows):
        """Return what takes the genetic values, and keeps every draw of some rows."""
        return ValuesByRow(rows, self._layer.record.shape)

    def __call__(self, chain, fits):
        """Return the shares of variance at one draw, by name, and the genetic values (n, C).

        Parameters
        ----------
        chain : ChainState
        fits : dict
            Genotypes times effects (n, C) of every training row, by the name of a term.
        """
        layer = self._layer
        direct = [fits[term.name] for term in layer.terms if term.acts_by_snps]
        direct = (
            sum(direct[1:], direct[0]) if direct else np.zeros_like(self._state(chain).response)
        )
        if self._nodes is None:
            mean, variance = _mean_and_variance(direct)
            return self._of_phenotype(chain, mean, variance, 0.0), direct - mean
        (snp_fit,) = (fits[term.name] for term in self._source.terms if term.acts_by_snps)
        source = chain.layers[self._source.name]
        s2, activation = source.residual_variance, self._nodes.activation
        _, explained = _mean_and_variance(snp_fit)
        # Expected g(z) and its variance given x, covariates at their mean.
        if activation.is_linear:
            expected, spread = snp_fit, s2
        else:
            intercepts = self._intercepts(source)
            if activation.is_network:
                expected, spread = _network_moments(self._nodes, snp_fit + intercepts, s2)
            else:
                expected, second = tabulated_moments(
                    activation,
                    snp_fit + intercepts.astype(snp_fit.dtype),
                    s2.astype(snp_fit.dtype),
                )
                spread = (second - expected * expected).mean(axis=0, dtype=float)
        weights = self._nodes.of(chain).effects.astype(float)
        expected, direct = np.ascontiguousarray(expected), direct.astype(float)
        genetic, *moments = _genetic_moments(expected, weights, direct)
        return self._all(chain, weights, explained, spread, *moments), genetic


class SharesFromSums(_Shares):
    """The shares from second moments that an update knows, without the rows; nodes act linearly."""

    by_rows = False

    def __init__(self, sampler):
        super().__init__(sampler)
        (self._update,) = sampler.snp_updates
        (self._snps,) = (term for term in self._source.terms if term.acts_by_snps)

    @staticmethod
    def applies(sampler):
        """Return whether the second moments of all rows are at hand, and nodes act linearly."""
        layer = sampler.layers[-1]
        nodes = next((term for term in layer.terms if term.source), None)
        if nodes is None or not nodes.activation.is_linear:
            return False
        source, (update, *others) = sampler.network.layer(nodes.source), sampler.snp_updates
        return update.has_totals and not others and bool((source.row_weight == 1).all())

    def genetic_values(self, rows):
        """Return what takes the total effects, and keeps every draw of some genetic values."""
        return ValuesFromEffects(self._update, rows, self._layer.record.shape, self._layer.dtype)

    def __call__(self, chain, fits):
        """Return the shares of variance, by name, and the total effects of the SNPs (m, C).

        `fits` are not needed.
        """
        n = len(self._layer.record)
        state = self._snps.of(chain)
        weights = self._nodes.of(chain).effects.astype(float)
        states = [term.of(chain) for term in self._update.terms]
        # Of every SNP, through the nodes and directly.
        on_phenotypes = [weights if term is self._snps else None for term in self._update.terms]
        effects, products = self._update.total(states, on_phenotypes)
        total = np.diagonal(products @ effects) / n
        products = products.astype(state.effects.dtype)  # else the effects would be widened
        shares = weights * (products @ state.effects).T / n
        shares = self._all(
            chain,
            weights,
            explained=self._update.squared_fit(state) / n,
            spread=chain.layers[self._source.name].residual_variance,
            mean=np.zeros(len(total)),  # of the genotypes
            total=total,
            shares=shares,
        )
        return shares, effects


def _network_moments(nodes, expected, residual_variance):
    """Return E[f(z) | x] (n, 1) of a network function, and the mean over rows of its variance.

    By Monte Carlo with the same antithetic normals for every row and every draw, so that rows
    differ by their genotypes only.
    """
    mean, sd = expected, np.sqrt(residual_variance)
    if nodes.idle is not None:  # such a node is a constant
        mean, sd = np.where(nodes.idle, 0, mean), np.where(nodes.idle, 0, sd)
    normals = fixed_normals(NETWORK_DRAWS, nodes.n_nodes, antithetic=True)
    expected, variance = network_moments(nodes.activation, mean, sd, normals)
    return expected, variance.mean(axis=0) * NETWORK_DRAWS / (NETWORK_DRAWS - 1)


@njit(nogil=True, cache=True)
def _mean_and_variance(values):
    """Return means and population variances of the columns, in double precision."""
    n, n_columns = values.shape
    mean, variance = np.zeros(n_columns), np.zeros(n_columns)
    for i in range(n):
        for c in range(n_columns):
            mean[c] += values[i, c]
    mean /= n
    for i in range(n):
        for c in range(n_columns):
            variance[c] += (values[i, c] - mean[c]) ** 2
    return mean, variance / n


@njit(nogil=True, cache=True)
def _genetic_moments(expected, weights, direct):
    """Return the genetic values as deviations from their mean, (n, C), and their moments.

    These are mean and variance (C,) and the covariances with the node terms, (K, C). Given expected
    nodes (n, K), their weights (K, C) and the direct part (n, C).
    """
    n, n_nodes = expected.shape
    n_responses = weights.shape[1]
    mean, variance = np.empty(n_responses), np.empty(n_responses)
    covariances = np.zeros((n_nodes, n_responses))
    values = np.empty((n, n_responses))
    for c in range(n_responses):
        genetic = np.empty(n)
        for i in range(n):
            total = float(direct[i, c])
            for k in range(n_nodes):
                total += weights[k, c] * expected[i, k]
            genetic[i] = total
        mean[c] = genetic.mean()
        genetic -= mean[c]
        variance[c] = (genetic * genetic).mean()
        for i in range(n):
            for k in range(n_nodes):
                covariances[k, c] += genetic[i] * expected[i, k]
        for k in range(n_nodes):
            covariances[k, c] *= weights[k, c] / n
        for i in range(n):
            values[i, c] = genetic[i]
    return values, mean, variance, covariances
