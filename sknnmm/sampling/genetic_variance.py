"""Genetic values of the training rows at one draw, and the shares of variance they explain."""

import numpy as np


def variance_shares(model, chain, snp_fit, direct_fit):
    """Return the variance shares of one draw.

    Parameters
    ----------
    model : NetworkModel
    chain : ChainState
    snp_fit : ndarray of shape (n, K)
        X b of every training row.
    direct_fit : ndarray of shape (n, 1) or None
        X a of every training row.

    Returns
    -------
    dict
        heritability, omics_heritability (K,), mediated_variance (K,), and genetic_mean, the mean
        genetic value of the training rows (needed to report deviations from it).
    """
    genetic = np.zeros(model.n_samples) if direct_fit is None else direct_fit[:, 0].astype(float)
    shares = {}
    environmental = float(chain.residual_variance[0])
    if model.n_nodes:
        s2 = chain.omics_residual_variance
        weights = chain.weights.effects[:, 0].astype(float)
        mean, second = model.activation.normal_moments(
            snp_fit + chain.omics_fixed.coefficients[0], s2
        )
        mediated = weights * mean  # G_ik
        genetic = genetic + mediated.sum(axis=1)
        environmental += float((second - mean * mean).mean(axis=0) @ weights**2)
        explained = snp_fit.var(axis=0, dtype=float)
        shares["omics_heritability"] = explained / (explained + s2)
        shares["mediated_variance"] = _covariances(mediated, genetic)
    total = genetic.var()
    if model.n_nodes:
        # Without any genetic variance there is nothing to share out.
        shares["mediated_variance"] /= total if total > 0 else 1
    shares["heritability"] = total / (total + environmental)
    shares["genetic_mean"] = genetic.mean()
    return shares


def _covariances(columns, values):
    return columns.T @ (values - values.mean()) / len(values)
