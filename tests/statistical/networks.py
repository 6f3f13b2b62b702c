"""Small networks on the sampling scale, and draws from their prior, for tests of the sampler."""

import numpy as np

from sknnmm.activations import ACTIVATIONS
from sknnmm.genotypes import Genotypes
from sknnmm.model import NetworkModel
from sknnmm.priors import RRBLUP, BayesC, ScaledInverseChi2

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
    dtype=np.float64,
):
    """Return a NetworkModel with random standard normal data.

    The last `uninformative` rows have neither y nor omics, the `missing_y` before them no y.
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


def draw_effects(prior, shape, rng):
    """Draw (hyperparameters, effects) of C columns from a prior with numeric scale."""
    n_columns = shape[1]
    variance = draw_variance(prior, rng, n_columns)
    effects = np.sqrt(variance) * rng.standard_normal(shape)
    hyper = {"variance": variance}
    if isinstance(prior, BayesC):
        pi = rng.random(n_columns) if prior.estimate_pi else np.full(n_columns, prior.pi)
        effects *= rng.random(shape) >= pi
        hyper["pi"] = pi
    elif not isinstance(prior, RRBLUP):
        raise NotImplementedError(type(prior))
    return hyper, effects
