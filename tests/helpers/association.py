"""Small fits whose SNP effects are looked at, and their draws as plain arrays."""

import numpy as np
from scipy import sparse

from sknnmm import NNMMRegressor

N, P, K = 80, 24, 3
SHORT = {"n_iter": 120, "burn_in": 40, "random_state": 0}


def norm_of_nodes(z):
    """A network function."""
    return np.sqrt(1 + (z**2).sum(axis=1))


MODELS = {
    "selecting": {},
    "no selection": {"method": "RR-BLUP", "omics_method": "RR-BLUP"},
    "published": {"direct_effects": False, "method": "BayesR"},
    "latent node": {"n_latent": 1, "method": "BayesB"},
    "sparse mask": {"mask": sparse.csr_array(np.arange(P)[:, None] // 8 == np.arange(K))},
    "groups": {"snp_groups": np.arange(P) % 2, "method": {"0": "BayesC", "1": "RR-BLUP"}},
    "tanh": {"activation": "tanh"},
    "network function": {"activation": norm_of_nodes},
}


def small_data():
    """Return genotypes (two of them missing), y and omics (some missing)."""
    rng = np.random.default_rng(20)
    X = rng.binomial(2, rng.uniform(0.2, 0.8, P), (N, P)).astype(np.int8)
    omics = X[:, :K] @ rng.normal(size=(K, K)) + rng.normal(size=(N, K)) + 5
    y = 3 * omics @ [1, -0.5, 0] + X[:, 6] + rng.normal(size=N) + 100
    omics[rng.random((N, K)) < 0.1] = np.nan
    X[3, 5] = X[40, 0] = -1
    return X, y, omics


def fitted(name):
    """Return one of the MODELS, fitted to the small data."""
    X, y, omics = small_data()
    return NNMMRegressor(**MODELS[name], **SHORT).fit(X, y, omics=omics)


def imputed(X):
    """Return genotypes as deviations from their means, missing ones at the mean."""
    x = np.where(X < 0, np.nan, X.astype(float))
    return np.nan_to_num(x - np.nanmean(x, axis=0))


def draws_of(model, name):
    """Return the held draws of SNP effects, (draws, p) or (draws, p, K)."""
    draws = model.posterior_.draws[name]
    draws = draws.toarray() if sparse.issparse(draws) else draws
    return draws.reshape(-1, *draws.shape[2:]).astype(float)


def total_effects(model):
    """Return the held draws of the total effects of SNPs in a linear network, (draws, p)."""
    draws, total = model.posterior_.draws, 0.0
    if "snp_effects" in draws:
        weights = draws["omics_weights"][:, model.posterior_.effects_draw]
        weights = weights.reshape(-1, weights.shape[-1]) / model.omics_scale_
        total = total + (draws_of(model, "snp_effects") * weights[:, None]).sum(axis=2)
    if "direct_effects" in draws:
        total = total + draws_of(model, "direct_effects")
    return total
