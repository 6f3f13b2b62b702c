"""What is passed to `predict` and its like, checked against the columns of `fit`."""

from typing import NamedTuple

import numpy as np

from sknnmm.common.ids import MISSING
from sknnmm.common.messages import some
from sknnmm.genotypes.dosages import snp_after_snp
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.alignment import check_same_index
from sknnmm.inputs.columns_of_x import (
    CHOSEN_BY,
    fill_absent_omics,
    refuse_no_table,
    split,
    split_available,
)
from sknnmm.inputs.covariates import check_covariates
from sknnmm.inputs.detection_limits import check_below, measured
from sknnmm.inputs.features import check_features
from sknnmm.inputs.fitted_columns import check_same_columns
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages
from sknnmm.inputs.missing_codes import warn_of_codes
from sknnmm.inputs.omics import check_omics, warn_of_far_omics
from sknnmm.inputs.tables import as_pandas


class PredictInputs(NamedTuple):
    """The data of individuals to predict, as arrays on their original scale."""

    dosages: np.ndarray | PackedGenotypes  # (n, p)
    omics: np.ndarray  # (n, n_omics), NaN = not given, -inf = below its detection limit
    covariates: dict[str, np.ndarray]  # the design matrix (n, q) of each layer, by its name
    levels: dict[str, tuple]  # (levels (n,), slopes (n,)) of each term of random effects


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
    passed = {"omics": as_pandas(omics), "covariates": as_pandas(covariates)}
    dosages, parts = _split_features(estimator, fitted, X, passed, optional=["omics"])
    n_samples = len(dosages)
    return PredictInputs(
        dosages,
        _check_omics(fitted, parts["omics"], n_samples),
        *_check_covariates(fitted, parts["covariates"], n_samples),
    )


def check_predict_genotypes(estimator, fitted, X):
    """Return the dosages (n, p) alone, also if X has others among its columns, or lacks them."""
    nothing = dict.fromkeys(CHOSEN_BY)
    return _split_features(estimator, fitted, X, nothing, optional=list(CHOSEN_BY))[0]


def check_genetic_inputs(estimator, fitted, X, covariates, genetic):
    """Return dosages (n, p), and of the terms that are genetic besides SNPs designs and levels.

    Parameters
    ----------
    estimator, fitted, X, covariates
        As in `check_predict_inputs`; of the covariates, the columns that are genetic are needed.
    genetic : sequence of str, or None
        Names of random effects and of covariates. None: the random effects with a relationship.

    Returns
    -------
    dosages : ndarray of shape (n, p), or PackedGenotypes
    designs : dict of str to ndarray of shape (n, q)
        Of each layer, NaN in the columns that are not genetic.
    levels : dict
        As in PredictInputs; missing levels have no effect.
    """
    check_same_index(X=X, covariates=covariates)
    passed = {"omics": None, "covariates": as_pandas(covariates)}
    dosages, parts = _split_features(estimator, fitted, X, passed, optional=list(CHOSEN_BY))
    random, fixed = _genetic_terms(fitted, genetic)
    names = [name for of in random for name in (of.column, of.slope) if name is not None] + fixed
    table = parts["covariates"]
    if table is None:
        raise ValueError(
            f"covariates are missing: pass a table with the columns {some(map(repr, names))}."
        )
    if hasattr(table, "columns"):
        if absent := [name for name in names if name not in table.columns]:
            raise ValueError(f"covariates lacks the columns {some(map(repr, absent))}.")
        table = table[list(dict.fromkeys(names))]
    factors = {name: is_factor for name, is_factor in fitted.factors.items() if name in names}
    is_named = hasattr(table, "columns")
    checked = check_covariates(table, len(dosages), factors if is_named else fitted.factors)
    checked.refuse_missing(fixed, np.ones(len(dosages), bool))
    designs = {}
    for layer, columns in fitted.fixed.items():
        designs[layer] = np.full((len(dosages), len(columns.names)), np.nan)
        for name in fixed:
            if name in columns.names:
                designs[layer][:, columns.names.index(name)] = checked.columns[name]
    levels = {}
    for of in random:
        codes, factor = of.of(checked)
        levels[of.name] = codes, np.where(codes == MISSING, 0.0, factor)
    return dosages, designs, levels


def _genetic_terms(fitted, genetic):
    """Return the RandomLevels and the covariates that are genetic."""
    if genetic is None:
        random = [of for of in fitted.random if of.are_ids]
        if not random:
            raise ValueError(
                "covariates were passed, but no random effect of the model has a relationship: "
                "name the terms that are genetic, genetic=[...], or leave covariates out."
            )
        return random, []
    if isinstance(genetic, str):
        raise TypeError(f"genetic must be a list of names: [{genetic!r}].")
    names = {of.name for of in fitted.random}
    numeric = {
        name
        for columns in fitted.fixed.values()
        for name in columns.names
        if fitted.factors.get(name) is False
    }
    if unknown := [name for name in genetic if name not in names | numeric]:
        raise ValueError(
            f"genetic has {some(map(repr, unknown))}, but the model has random effects "
            f"{sorted(names)} and numeric covariates {sorted(numeric)}."
        )
    random = [of for of in fitted.random if of.name in genetic]
    return random, [name for name in genetic if name not in names]


def _split_features(estimator, fitted, X, passed, optional):
    """Return dosages (n, p), and {"omics": ..., "covariates": ...} as tables, None if absent."""
    X = as_pandas(X)
    positions, parts = fitted.positions, {}
    if not positions:
        genotypes = check_genotypes(X, estimator)
        check_features(estimator, X if hasattr(X, "columns") else genotypes.values)
    else:
        for argument in positions:
            if passed[argument] is not None:
                raise ValueError(
                    f"{argument} were passed beside X, but the model was fitted with {argument} "
                    f"among the columns of X ({CHOSEN_BY[argument]}): give them there."
                )
        found = split_available(X, fitted.feature_names, positions, optional)
        if found is None:
            refuse_no_table(X, [CHOSEN_BY[argument] for argument in positions])
            check_features(estimator, X)
            found = split(X, positions)
        snps, parts = found
        genotypes = check_genotypes(snps, estimator)
    warn_of_codes(genotypes, fitted.snps, fitting=False)
    values = genotypes.values
    is_floating = np.issubdtype(values.dtype, np.floating)
    dosages = snp_after_snp(values) if is_floating else stored_dosages(genotypes, float)
    return dosages, passed | parts


def _check_omics(fitted, omics, n_samples):
    if omics is None:
        return np.full((n_samples, len(fitted.omics)), np.nan)
    if not len(fitted.omics):
        raise ValueError("omics were passed to predict, but the model was fitted without omics.")
    frame = fill_absent_omics(omics, fitted.omics)
    values, names = check_omics(frame, n_samples)
    check_same_columns(names, fitted.omics, "omics", frame)
    check_below(values, fitted.omics_limits, fitted.omics)
    idle = fitted.omics_idle
    values[:, idle] = fitted.omics_mean[idle]
    warn_of_far_omics(measured(values), fitted)
    return values


def _check_covariate_columns(fitted, names, table):
    """Raise unless covariates have the columns that the model reads, in any order."""
    if not len(fitted.covariates) or not hasattr(table, "columns"):
        check_same_columns(names, fitted.covariates, "covariates", table)
        return
    if absent := [name for name in fitted.read_covariates if name not in set(names)]:
        raise ValueError(
            f"covariates lacks the columns {some(map(repr, absent))} that the model was fitted "
            f"with; its columns are {some(names)}."
        )
    if unknown := [name for name in names if name not in set(fitted.covariates)]:
        raise ValueError(
            f"covariates has the columns {some(map(repr, unknown))}, with which the model was not "
            f"fitted: leave them out. In fit they were {some(fitted.covariates)}."
        )


def _check_covariates(fitted, covariates, n_samples):
    """Return the design matrix (n, q) of each layer, and the levels of random effects."""
    if covariates is None and fitted.read_covariates:
        raise ValueError(
            "covariates are missing: the model was fitted with covariates "
            f"{fitted.read_covariates}, so predict needs them too."
        )
    checked = check_covariates(covariates, n_samples, factors=fitted.factors)
    if covariates is not None:
        _check_covariate_columns(fitted, checked.names, covariates)
    for columns in fitted.fixed.values():
        checked.refuse_missing(columns.reads, np.ones(n_samples, bool))
        columns.refuse_unseen(checked)
    designs = {layer: of.values(checked, n_samples) for layer, of in fitted.fixed.items()}
    return designs, {levels.name: levels.of(checked) for levels in fitted.random}
