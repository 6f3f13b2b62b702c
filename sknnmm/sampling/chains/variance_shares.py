"""Genetic values of the training rows at one draw, and the shares of variance they explain."""

import numpy as np

from sknnmm.activations import fixed_normals, network_moments, tabulated_moments
from sknnmm.common.compiled import njit
from sknnmm.sampling.snp.cross_products import CrossProductSweep
from sknnmm.sampling.snp.spectral import SpectralDraw

NEGLIGIBLE = 1e-10  # of the variance of y
NETWORK_DRAWS = 32


def variance_shares(model, chain, snp_fit, direct_fit):
    """Return the variance shares of one draw.

    Parameters
    ----------
    model : NetworkModel
    chain : ChainState
    snp_fit : ndarray of shape (n, K), or None without nodes
        X b of every training row.
    direct_fit : ndarray of shape (n, 1), or None without direct effects
        X a of every training row.

    Returns
    -------
    dict
        heritability, omics_heritability (K,), mediated_variance (K,), and genetic_variance and
        genetic_mean, of the genetic values of the training rows.
    """
    if not model.n_nodes:
        environmental = _residual_variance(model, chain)
        mean, total = _mean_and_variance(direct_fit)
        return {
            "heritability": total[0] / (total[0] + environmental),
            "genetic_variance": total[0],
            "genetic_mean": mean[0],
        }
    s2 = chain.omics_residual_variance
    _, explained = _mean_and_variance(snp_fit)
    # Expected g(z) and its variance given x, covariates at their mean.
    if model.activation.is_linear:
        expected, spread = snp_fit, s2
    elif model.activation.is_network:
        expected, spread = _network_moments(model, chain, snp_fit)
    else:
        expected, second = tabulated_moments(
            model.activation,
            snp_fit + chain.omics_fixed.coefficients[0].astype(snp_fit.dtype),
            s2.astype(snp_fit.dtype),
        )
        spread = (second - expected * expected).mean(axis=0, dtype=float)
    direct = np.zeros((model.n_samples, 1)) if direct_fit is None else direct_fit
    weights = chain.weights.effects[:, 0].astype(float)
    return _shares(model, chain, explained, spread, *_genetic_moments(expected, weights, direct))


class SharesFromSums:
    """The variance shares without the rows: complete omics, linear activation.

    Parameters
    ----------
    sampler : Sampler
    """

    def __init__(self, sampler):
        self._model = sampler.model
        self._update = sampler.snp_updates[0]

    @staticmethod
    def applies(sampler):
        """Return whether the second moments of all rows are at hand, and nodes act linearly."""
        model, updates = sampler.model, sampler.snp_updates
        if not (sampler.complete_omics and model.activation.is_linear and model.informative.all()):
            return False
        return len(updates) == 1 and isinstance(updates[0], CrossProductSweep | SpectralDraw)

    def __call__(self, chain):
        """Return what `variance_shares` does."""
        n = self._model.n_samples
        weights = chain.weights.effects[:, 0].astype(float)
        on_y = chain.snp.effects @ weights  # of every SNP, through all nodes and directly
        if chain.snp.fit_products is None:
            products = self._update.second_moments(on_y)
        else:
            products = weights @ chain.snp.fit_products
        if chain.direct is not None:
            on_y += chain.direct.effects[:, 0]
            products += chain.direct.fit_products[0]
        return _shares(
            self._model,
            chain,
            explained=chain.snp.fit_squares / n,
            spread=chain.omics_residual_variance,
            mean=0.0,  # of the genotypes
            total=float(products @ on_y) / n,
            shares=weights * (products @ chain.snp.effects) / n,
        )


def _shares(model, chain, explained, spread, mean, total, shares):
    """Return the variance shares of one draw.

    `explained` (K,) is the variance of the genetic part of every node, `spread` (K,) the mean
    variance of g(z) given genotypes; `mean`, `total` and `shares` (K,) are the mean and variance of
    the genetic value of y, and its covariances with the terms of the nodes.
    """
    weights = chain.weights.effects[:, 0].astype(float)
    if model.activation.is_linear:
        mean += float(weights @ chain.omics_fixed.coefficients[0])
    environmental = _residual_variance(model, chain) + float(spread @ (weights * weights))
    result = {
        "heritability": total / (total + environmental),
        "omics_heritability": explained / (explained + chain.omics_residual_variance),
        "genetic_variance": total,
        "genetic_mean": mean,
    }
    if not model.activation.is_network:
        # Without genetic variance, but for rounding errors, there is nothing to share out.
        share_out = total > NEGLIGIBLE
        result["mediated_variance"] = shares / total if share_out else np.zeros_like(shares)
    return result


def _residual_variance(model, chain):
    """Return the mean residual variance of the records of y, which differs with their weights."""
    return float(chain.residual_variance[0]) * model.mean_inverse_weight


def _network_moments(model, chain, snp_fit):
    """Return E[f(z) | x] (n, 1) of a network function, and the mean over rows of its variance.

    By Monte Carlo with the same antithetic normals for every row and every draw, so that rows
    differ by their genotypes only.
    """
    mean = snp_fit + chain.omics_fixed.coefficients[0]
    sd = np.sqrt(chain.omics_residual_variance)
    if model.idle is not None:  # such a node is a constant
        mean, sd = np.where(model.idle, 0, mean), np.where(model.idle, 0, sd)
    normals = fixed_normals(NETWORK_DRAWS, model.n_nodes, antithetic=True)
    expected, variance = network_moments(model.activation, mean, sd, normals)
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
    """Return mean and variance of the genetic value, and its covariances with the node terms."""
    n, n_nodes = expected.shape
    genetic = np.empty(n)
    for i in range(n):
        total = float(direct[i, 0])
        for k in range(n_nodes):
            total += weights[k] * expected[i, k]
        genetic[i] = total
    mean = genetic.mean()
    genetic -= mean
    covariances = np.zeros(n_nodes)
    for i in range(n):
        for k in range(n_nodes):
            covariances[k] += genetic[i] * expected[i, k]
    return mean, (genetic * genetic).mean(), weights * covariances / n
