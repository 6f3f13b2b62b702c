"""What is passed to `predict` and its like, checked against the columns of `fit`."""

from typing import NamedTuple

import numpy as np

from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.alignment import check_same_index
from sknnmm.inputs.covariates import check_covariates
from sknnmm.inputs.features import check_features
from sknnmm.inputs.fitted_columns import check_same_columns
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages
from sknnmm.inputs.missing_codes import warn_of_codes
from sknnmm.inputs.omics import check_omics, warn_of_far_omics
from sknnmm.inputs.omics_features import (
    fill_absent_omics,
    refuse_no_table,
    split_available_omics,
    split_omics,
)
from sknnmm.inputs.tables import as_pandas


class PredictInputs(NamedTuple):
    """The data of individuals to predict, as arrays on their original scale."""

    dosages: np.ndarray | PackedGenotypes  # (n, p)
    omics: np.ndarray  # (n, n_omics), NaN = not given
    covariates: np.ndarray  # (n, q)


def check_predict_inputs(estimator, fitted, X, omics, covariates, **tables):
    """Return PredictInputs.

    Parameters
    ----------
    estimator : estimator
        Fitted; scikit-learn compares X with its `n_features_in_` and `feature_names_in_`.
    fitted : FittedColumns
    X, omics, covariates
        As in its `predict`.
    **tables
        Other arguments whose index must be the same.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """
    check_same_index(X=X, omics=omics, covariates=covariates, **tables)
    dosages, omics = _split_features(estimator, fitted, X, as_pandas(omics))
    n_samples = len(dosages)
    return PredictInputs(
        dosages,
        _check_omics(fitted, omics, n_samples),
        _check_covariates(fitted, as_pandas(covariates), n_samples),
    )


def check_predict_genotypes(estimator, fitted, X):
    """Return the dosages (n, p) alone, also if X has omics among its columns."""
    dosages, _ = _split_features(estimator, fitted, X, None)
    return dosages


def _split_features(estimator, fitted, X, omics):
    """Return dosages (n, p) and omics as passed, None if there are none."""
    X = as_pandas(X)
    if fitted.omics_positions is None:
        genotypes = check_genotypes(X, estimator)
        check_features(estimator, X if hasattr(X, "columns") else genotypes.values)
    else:
        if omics is not None:
            raise ValueError(
                "omics were passed beside X, but the model was fitted with omics among the "
                "columns of X (omics_features): give them there."
            )
        parts = split_available_omics(X, fitted.feature_names, fitted.omics_positions)
        if parts is None:
            refuse_no_table(X)
            check_features(estimator, X)
            parts = split_omics(X, fitted.omics_positions)
        genotypes, omics = check_genotypes(parts[0], estimator), parts[1]
    warn_of_codes(genotypes, fitted.snps, fitting=False)
    if np.issubdtype(genotypes.values.dtype, np.floating):
        return genotypes.values, omics
    return stored_dosages(genotypes, float), omics


def _check_omics(fitted, omics, n_samples):
    if omics is None:
        return np.full((n_samples, len(fitted.omics)), np.nan)
    if not len(fitted.omics):
        raise ValueError("omics were passed to predict, but the model was fitted without omics.")
    frame = fill_absent_omics(omics, fitted.omics)
    values, names = check_omics(frame, n_samples)
    check_same_columns(names, fitted.omics, "omics", frame)
    idle = fitted.omics_idle
    values[:, idle] = fitted.omics_mean[idle]
    warn_of_far_omics(values, fitted)
    return values


def _check_covariates(fitted, covariates, n_samples):
    if covariates is None:
        if len(fitted.covariates):
            raise ValueError(
                "covariates are missing: the model was fitted with covariates "
                f"{list(fitted.covariates)}, so predict needs them too."
            )
        return np.empty((n_samples, 0))
    values, names = check_covariates(covariates, n_samples)
    check_same_columns(names, fitted.covariates, "covariates", covariates)
    return values
