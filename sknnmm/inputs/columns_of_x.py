"""Omics and covariates among the columns of X: finding them, and splitting X."""

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.tables import as_pandas, refuse_sparse

#: What columns of X may hold besides SNPs, and the parameter that says which do.
CHOSEN_BY = {"omics": "omics_features", "covariates": "covariate_features"}


def choices(estimator):
    """Return {parameter: which columns of X it chooses} of the parameters that choose any."""
    return {
        parameter: getattr(estimator, parameter)
        for parameter in CHOSEN_BY.values()
        if getattr(estimator, parameter) is not None
    }


def refuse_no_table(X, parameters):
    """Raise unless X is a table, in whose columns the parameters can choose."""
    parameters = " and ".join(parameters)
    if isinstance(X, PackedGenotypes):
        raise TypeError(
            f"X holds packed genotypes, all of them SNPs, so it has no columns for {parameters}: "
            "pass the others beside X."
        )
    refuse_sparse(X, "X")
    if np.ndim(X) != 2:
        raise ValueError(
            f"X must be a table with {parameters} among its columns; it has {np.ndim(X)} "
            "dimensions."
        )


def find_columns(estimator, X):
    """Return {"omics" or "covariates": the positions of their columns in X}, in the order of X.

    Raises
    ------
    ValueError
        For unknown names, positions out of range, a choice of no column, of one column by two
        parameters, or of all columns.
    """
    n_features = np.shape(X)[1]
    positions = {}
    chosen = np.zeros(n_features, int)
    for argument, parameter in CHOSEN_BY.items():
        if (choice := getattr(estimator, parameter)) is not None:
            positions[argument] = _find(choice, X, argument, parameter)
            chosen[positions[argument]] += 1
    twice = np.flatnonzero(chosen > 1)
    if twice.size:
        names = getattr(as_pandas(X), "columns", range(n_features))
        raise ValueError(
            f"{' and '.join(CHOSEN_BY.values())} both name the column {names[twice[0]]!r} of X: it "
            "can be one of them."
        )
    if chosen.all():
        raise ValueError(
            f"{' and '.join(choices(estimator))} selects every column of X: no SNP is left."
        )
    return positions


def _find(choice, X, argument, parameter):
    """Return the positions of the chosen columns.

    `choice` is a str, an int, a sequence of names or positions, a boolean mask, a slice, or a
    callable that gets X and returns one of the others.
    """
    n_features = np.shape(X)[1]
    chosen = choice(X) if callable(choice) else choice
    if isinstance(chosen, slice):
        chosen = np.arange(n_features)[chosen]
    chosen = np.asarray(chosen if is_list_like(chosen) else [chosen])
    if chosen.ndim != 1:
        raise ValueError(f"{parameter} must be one-dimensional; it has {chosen.ndim} dimensions.")
    if chosen.dtype == bool:
        positions = _from_mask(chosen, n_features, parameter)
    elif np.issubdtype(chosen.dtype, np.integer):
        positions = _from_positions(chosen, n_features, parameter)
    elif chosen.size == 0 or all(isinstance(name, str) for name in chosen):
        positions = _from_names(chosen, getattr(as_pandas(X), "columns", None), parameter)
    else:
        raise ValueError(
            f"{parameter} must be names, integer positions or a boolean mask of columns of X, or "
            f"a callable that returns one of these; got {chosen.dtype} values."
        )
    if positions.size == 0:
        raise ValueError(
            f"{parameter} selects no column of X; pass None if there are no {argument}."
        )
    return np.unique(positions)


def _from_mask(mask, n_features, parameter):
    if len(mask) != n_features:
        raise ValueError(
            f"{parameter} is a mask of length {len(mask)} but X has {n_features} columns."
        )
    return np.flatnonzero(mask)


def _from_positions(positions, n_features, parameter):
    outside = (positions < -n_features) | (positions >= n_features)
    if outside.any():
        raise ValueError(
            f"{parameter} has position {positions[outside][0]} but X has {n_features} columns."
        )
    return positions % n_features


def _from_names(chosen, names, parameter):
    if names is None:
        raise ValueError(
            f"{parameter} names columns, so X must be a DataFrame; for arrays give positions. "
            'Steps of a Pipeline keep names with set_output(transform="pandas").'
        )
    positions = pd.Index(names).get_indexer(pd.Index(chosen))
    unknown = chosen[positions < 0]
    if unknown.size:
        raise ValueError(
            f"{parameter} has names that are not columns of X: {unknown[:5]}. An earlier step "
            "of a Pipeline may have removed them: apply selectors of SNPs to the SNPs alone, with "
            "a ColumnTransformer."
        )
    return positions


def split(X, positions):
    """Return the genotypes, and {argument: its columns}, all of the type of X.

    `positions` as `find_columns` returns them.
    """
    others = np.concatenate(list(positions.values()))
    snps = np.delete(np.arange(np.shape(X)[1]), others)
    parts = {argument: _take_columns(X, columns) for argument, columns in positions.items()}
    return _take_columns(X, snps), parts


def _take_columns(X, columns):
    """Return columns of X, as a view where they are neighbours."""
    neighbours = columns[-1] - columns[0] + 1 == len(columns)
    selection = slice(columns[0], columns[-1] + 1) if neighbours else columns
    if hasattr(X, "iloc"):
        return X.iloc[:, selection]
    return (X if isinstance(X, np.ndarray) else np.asarray(X))[:, selection]  # masks stay


def fill_absent_omics(omics, fitted):
    """Return a DataFrame with some of the omics of fit, by name, with NaN in those it lacks.

    Anything else is returned as it is.
    """
    if not isinstance(omics, pd.DataFrame) or len(omics.columns) >= len(fitted):
        return omics
    if not omics.columns.is_unique or not omics.columns.isin(fitted).all():
        return omics
    return omics.reindex(columns=fitted)


def split_available(X, feature_names, positions, optional):
    """Return what `split` does of a DataFrame that lacks some columns of fit, else None.

    Parameters
    ----------
    X : table
    feature_names : ndarray, or None
        The columns of X in fit.
    positions : dict
        As in `split`, of the columns of fit.
    optional : sequence of str
        The arguments whose columns X may lack; these are NaN.

    Returns
    -------
    tuple or None
        None if X has the columns of fit, or if it lacks others or has them in another order.
    """
    if not isinstance(X, pd.DataFrame) or feature_names is None:
        return None
    is_snp, may_lack = np.ones(len(feature_names), bool), np.zeros(len(feature_names), bool)
    for argument, columns in positions.items():
        is_snp[columns] = False
        may_lack[columns] = argument in optional
    absent = may_lack & ~np.isin(feature_names, X.columns)
    if not absent.any() or list(X.columns) != list(feature_names[~absent]):
        return None
    parts = {
        argument: X.reindex(columns=feature_names[columns])
        for argument, columns in positions.items()
    }
    return X.iloc[:, np.flatnonzero(is_snp[~absent])], parts
