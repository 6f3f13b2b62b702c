"""Small networks on the sampling scale, and draws from their prior, for tests of the sampler."""

import numpy as np
from scipy import sparse

from sknnmm.activations import ACTIVATIONS
from sknnmm.connections import Connections
from sknnmm.genotypes import Genotypes
from sknnmm.model import NetworkModel
from sknnmm.priors import GBLUP, BayesA, BayesB, BayesC, BayesL, BayesR, ScaledInverseChi2

RESIDUAL = ScaledInverseChi2(df=8, scale=0.6)


def small_network(
    rng,
    *,
    n=14,
    p=5,
    n_observed=2,
    n_latent=0,
    activation="linear",
    snp_prior=None,
    direct_prior=None,
    weight_prior=None,
    residual_prior=RESIDUAL,
    missing=0.4,
    missing_y=2,
    uninformative=1,
    n_covariates=0,
    intercept_variance=np.inf,
    mask=None,
    dtype=np.float64,
):
    """Return a NetworkModel with random standard normal data.

    The last `uninformative` rows have neither y nor omics, the `missing_y` before them no y.
    `mask` (p, K) says which SNPs act on which nodes.
    """
    dosages = np.asfortranarray(rng.integers(0, 3, (n, p)).astype(np.int8))
    dosages[:2] = [[0], [2]]  # every SNP varies
    y = rng.standard_normal(n)
    y[n - missing_y - uninformative :] = np.nan
    omics = rng.standard_normal((n, n_observed + n_latent))
    omics[:, :n_observed][rng.random((n, n_observed)) < missing] = np.nan
    omics[:3, :n_observed] = rng.standard_normal((3, n_observed))
    omics[n - uninformative :] = np.nan
    omics[:, n_observed:] = np.nan
    covariates = rng.standard_normal((n, n_covariates))
    return NetworkModel(
        genotypes=Genotypes(dosages),
        y=y,
        omics=omics,
        n_latent=n_latent,
        covariates=covariates - covariates.mean(axis=0),
        activation=ACTIVATIONS[activation] if isinstance(activation, str) else activation,
        snp_prior=snp_prior or BayesC(scale=0.2, df=8),
        weight_prior=weight_prior or BayesC(scale=0.4, df=8),
        direct_prior=direct_prior,
        residual_prior=residual_prior,
        connections=None if mask is None else Connections(sparse.csc_array(mask)),
        dtype=dtype,
        intercept_variance=intercept_variance,
    )


def centred(genotypes):
    """Return the centred dosages (n, p), missing as 0."""
    dosages = genotypes.dosages.astype(float)
    if np.issubdtype(genotypes.dosages.dtype, np.integer):
        dosages[dosages < 0] = np.nan
    return np.nan_to_num(dosages - genotypes.mean)


def draw_variance(prior, rng, size=()):
    """Draw from the scaled inverse chi-square prior of a variance."""
    if not prior.estimate_variance:
        return np.full(size, prior.scale)
    return prior.df * prior.scale / rng.chisquare(prior.df, size)


def draw_effects(prior, shape, rng, residual_variance, snp_scale=1.0, connected=True):
    """Draw (hyperparameters, effects) of C columns from a prior with numeric scale.

    `residual_variance` (C,) matters to BayesL, `snp_scale` (m, 1) to GBLUP. Effects that are not
    `connected` are zero.
    """
    hyper, effects = _draw_connected_effects(
        prior, shape, rng, residual_variance, snp_scale, np.broadcast_to(connected, shape)
    )
    return hyper, effects * connected


def _draw_connected_effects(prior, shape, rng, residual_variance, snp_scale, connected):
    n_columns = shape[1]
    normals = rng.standard_normal(shape)
    if isinstance(prior, BayesL):
        squared_penalty = rng.gamma(prior.shape, 1 / prior.rate, n_columns)
        variance = rng.exponential(2 / squared_penalty, shape) * residual_variance
        return {"log lambda^2": np.log(squared_penalty)}, np.sqrt(variance) * normals
    if isinstance(prior, BayesA | BayesB):
        hyper, scale = {}, np.full(n_columns, prior.scale)
        if prior.estimate_scale:
            scale = rng.gamma(1.1, prior.scale / 0.1, n_columns)
            hyper["log scale"] = np.log(scale)
        variance = prior.df * scale / rng.chisquare(prior.df, shape)
        hyper["log variance"] = np.log(variance).mean(axis=0, where=connected)
    else:
        variance = draw_variance(prior, rng, n_columns)
        hyper = {"log variance": np.log(variance)}
    effects = np.sqrt(variance) * normals
    if isinstance(prior, BayesB | BayesC):
        pi = rng.random(n_columns) if prior.estimate_pi else np.full(n_columns, prior.pi)
        effects *= rng.random(shape) >= pi
        hyper["pi"] = pi
    if isinstance(prior, BayesR):
        c = np.array(prior.multipliers)
        weights = rng.dirichlet(np.ones(len(c)), n_columns)
        chosen = (rng.random((*shape, 1)) > weights.cumsum(axis=1)).sum(axis=-1)
        effects *= np.sqrt(c[chosen])
        hyper |= {"pi": weights[:, 0], "last weight": weights[:, -1]}
    if isinstance(prior, GBLUP):
        effects = effects / snp_scale
    return hyper, effects


def _mean_of_columns(values, columns):
    if values.ndim == 1:
        return columns.sum(values) / np.diff(columns.indptr)
    return values.mean(axis=0)


def current_hyperparameters(prior, state):
    """Return the hyperparameters of a chain under the names of `draw_effects`."""
    hyper = state.hyper
    if isinstance(prior, BayesL):
        return {"log lambda^2": np.log(hyper.squared_penalty)}
    values = {"log variance": _mean_of_columns(np.log(hyper.variance), hyper.columns)}
    if prior.selects:
        values["pi"] = prior.zero_weight(hyper)
    if isinstance(prior, BayesR):
        values["last weight"] = hyper.weights[-1]
    if getattr(prior, "estimate_scale", False):
        values["log scale"] = np.log(hyper.scale)
    return values
