"""Densities of records of y given a fit: by draw, and each given all others."""

import numpy as np

from sknnmm.common.layer_names import OMICS
from sknnmm.common.user_warnings import warn
from sknnmm.estimators.leave_one_out import leave_one_out
from sknnmm.inputs.alignment import row_names
from sknnmm.inputs.weights import check_weights
from sknnmm.prediction.log_likelihood import Records, log_likelihood


def records_of(estimator, X, phenotype, omics, covariates, sample_weight):
    """Return the Records of individuals, checked.

    Parameters
    ----------
    estimator : NNMMRegressor or NNMMClassifier
        Fitted.
    X : array-like of shape (n, p)
        Missing genotypes count as the training mean, as they do in fit.
    phenotype : Phenotype or KnownClasses
        What was passed as y.
    omics, covariates : array-like or None
        As in predict.
    sample_weight : array-like of shape (n,) or None
        As in fit, in the same units: a record of weight 2 has residual variance
        `residual_variance_` / 2. None: all are 1.
    """
    tables = {**phenotype.passed, "sample_weight": sample_weight}
    inputs = estimator._check_predict_inputs(X, omics, covariates, **tables)
    n_samples = len(inputs.dosages)
    weight = check_weights(sample_weight, n_samples)
    values, upper = phenotype.values(n_samples, weight)
    weight = np.ones(n_samples) if weight is None else weight
    return Records(estimator._network.rows(*inputs), values, upper, weight)


def log_likelihood_of(estimator, records):
    """Return the log likelihood of Records, NaN of those that are missing, (chain, draw, n)."""
    observed = records.observed
    densities = np.full((*_held_draws(estimator), len(observed)), np.nan)
    densities[:, :, observed] = _by_chain(estimator, records.take(observed))
    return densities


def loo_of(estimator, X, records):
    """Return the leave-one-out predictive densities of the Records of individuals X."""
    if estimator.n_omics_ and OMICS not in records.rows.given:
        warn("The model was fitted with omics, and loo gets none: they are integrated over.")
    observed = np.flatnonzero(records.observed)
    names = row_names(X, len(records.observed))[observed]

    def of_part(part):
        return _by_chain(estimator, records.take(observed[part]))

    return leave_one_out(of_part, names, np.prod(_held_draws(estimator)))


def _held_draws(estimator):
    """Return the number of chains, and of draws of each whose SNP effects are held."""
    posterior = estimator.posterior_
    return len(posterior.draws["residual_variance"]), len(posterior.effects_draw)


def _by_chain(estimator, records):
    """Return the log likelihood of Records that are not missing, (chain, draw, n)."""
    densities = log_likelihood(estimator._network, records)
    return densities.reshape(*_held_draws(estimator), -1)
