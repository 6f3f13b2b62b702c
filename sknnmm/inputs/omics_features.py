"""Omics among the columns of X (`omics_features`): finding them, and splitting X."""

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.tables import as_pandas, refuse_sparse


def refuse_no_table(X):
    """Raise unless X is a table, whose columns may be omics."""
    if isinstance(X, PackedGenotypes):
        raise TypeError(
            "X holds packed genotypes, all of them SNPs, so it has no columns for omics_features: "
            "pass the omics beside X."
        )
    refuse_sparse(X, "X")
    if np.ndim(X) != 2:
        raise ValueError(
            f"X must be a table with omics_features among its columns; it has {np.ndim(X)} "
            "dimensions."
        )


def find_omics_columns(omics_features, X):
    """Return the positions of the omics columns of X, in the order of X.

    Parameters
    ----------
    omics_features : str, int, sequence of names or positions, boolean mask, or callable
        A callable gets X and returns one of the others.
    X : array-like of shape (n, n_features)

    Raises
    ------
    ValueError
        For unknown names, positions out of range, or if no column, or every column, is an omic.
    """
    names = getattr(as_pandas(X), "columns", None)
    n_features = np.shape(X)[1]
    chosen = omics_features(X) if callable(omics_features) else omics_features
    if isinstance(chosen, slice):
        chosen = np.arange(n_features)[chosen]
    chosen = np.asarray(chosen if is_list_like(chosen) else [chosen])
    if chosen.ndim != 1:
        raise ValueError(
            f"omics_features must be one-dimensional; it has {chosen.ndim} dimensions."
        )
    if chosen.dtype == bool:
        positions = _from_mask(chosen, n_features)
    elif np.issubdtype(chosen.dtype, np.integer):
        positions = _from_positions(chosen, n_features)
    elif chosen.size == 0 or all(isinstance(name, str) for name in chosen):
        positions = _from_names(chosen, names)
    else:
        raise ValueError(
            "omics_features must be names, integer positions or a boolean mask of columns of X, or "
            f"a callable that returns one of these; got {chosen.dtype} values."
        )
    positions = np.unique(positions)
    if positions.size == 0:
        raise ValueError("omics_features selects no column of X; pass None if there are no omics.")
    if positions.size == n_features:
        raise ValueError("omics_features selects every column of X: no SNP is left.")
    return positions


def _from_mask(mask, n_features):
    if len(mask) != n_features:
        raise ValueError(
            f"omics_features is a mask of length {len(mask)} but X has {n_features} columns."
        )
    return np.flatnonzero(mask)


def _from_positions(positions, n_features):
    outside = (positions < -n_features) | (positions >= n_features)
    if outside.any():
        raise ValueError(
            f"omics_features has position {positions[outside][0]} but X has {n_features} columns."
        )
    return positions % n_features


def _from_names(chosen, names):
    if names is None:
        raise ValueError(
            "omics_features names columns, so X must be a DataFrame; for arrays give positions. "
            'Steps of a Pipeline keep names with set_output(transform="pandas").'
        )
    positions = pd.Index(names).get_indexer(pd.Index(chosen))
    unknown = chosen[positions < 0]
    if unknown.size:
        raise ValueError(
            f"omics_features has names that are not columns of X: {unknown[:5]}. An earlier step "
            "of a Pipeline may have removed them: apply selectors of SNPs to the SNPs alone, with "
            "a ColumnTransformer."
        )
    return positions


def split_omics(X, omics_columns):
    """Return (genotypes, omics), both of the type of X, which has these omics columns."""
    snps = np.delete(np.arange(np.shape(X)[1]), omics_columns)
    return _take_columns(X, snps), _take_columns(X, omics_columns)


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


def split_available_omics(X, feature_names, omics_columns):
    """Return (genotypes, omics) of a DataFrame that lacks some or all omics columns, else None.

    Omics that it lacks are NaN. None if X has the columns of fit, or if it lacks SNPs or has them
    in another order.
    """
    if not isinstance(X, pd.DataFrame) or feature_names is None:
        return None
    is_omic = np.zeros(len(feature_names), bool)
    is_omic[omics_columns] = True
    absent = is_omic & ~np.isin(feature_names, X.columns)
    if not absent.any() or list(X.columns) != list(feature_names[~absent]):
        return None
    omics = X.reindex(columns=feature_names[is_omic])
    return X.iloc[:, np.flatnonzero(~is_omic[~absent])], omics
