"""Genetic values of the training rows at one draw, and the shares of variance they explain."""

import numpy as np
from numba import njit

NEGLIGIBLE = 1e-10  # of the variance of y


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
        heritability, omics_heritability (K,), mediated_variance (K,), and genetic_mean, the mean
        genetic value of the training rows (needed to report deviations from it).
    """
    environmental = float(chain.residual_variance[0])
    if not model.n_nodes:
        mean, total = _mean_and_variance(direct_fit)
        return {"heritability": total[0] / (total[0] + environmental), "genetic_mean": mean[0]}
    s2 = chain.omics_residual_variance
    weights = chain.weights.effects[:, 0].astype(float)
    _, explained = _mean_and_variance(snp_fit)
    # Expected g(z) and its variance given x, covariates at their mean.
    if model.activation.is_linear:
        expected, spread = snp_fit, s2
    else:
        expected, second = model.activation.normal_moments(
            snp_fit + chain.omics_fixed.coefficients[0].astype(snp_fit.dtype),
            s2.astype(snp_fit.dtype),
        )
        spread = (second - expected * expected).mean(axis=0, dtype=float)
    direct = np.zeros((model.n_samples, 1)) if direct_fit is None else direct_fit
    mean, total, shares = _genetic_moments(expected, weights, direct)
    if model.activation.is_linear:
        mean += float(weights @ chain.omics_fixed.coefficients[0])
    environmental += float(spread @ (weights * weights))
    return {
        "heritability": total / (total + environmental),
        "omics_heritability": explained / (explained + s2),
        # Without genetic variance, but for rounding errors, there is nothing to share out.
        "mediated_variance": shares / total if total > NEGLIGIBLE else np.zeros_like(shares),
        "genetic_mean": mean,
    }


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
