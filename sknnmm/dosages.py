"""Genotypes as users pass them, as one array: every column judged by its own type."""

import numpy as np
import pandas as pd

from sknnmm.packed import PackedGenotypes
from sknnmm.tables import as_doubles, kind_of, refuse_sparse, unmasked
from sknnmm.user_warnings import warn

MAX_NAMES_SHOWN = 5
A_FEW = 50  # rows
HIGHEST_INT8 = np.iinfo(np.int8).max


def genotype_array(X, floating=np.float64):
    """Return genotypes as an array: integer with negative = missing, or floating with NaN.

    Parameters
    ----------
    X : DataFrame, array or nested sequence
    floating : floating type
        The widest for a table in which integer and floating columns meet.

    Returns
    -------
    ndarray
        X itself, or a view of it, where it is one array of numbers already. Integer columns of
        several types, also beside floating ones that hold only 0, 1, 2 and NaN, become int8.

    Raises
    ------
    ValueError
        For columns of text, categories, dates or complex numbers, naming them.
    """
    refuse_sparse(X, "X")
    if not isinstance(X, pd.DataFrame):
        X = np.asarray(unmasked(X, integers_negative=True))
        if X.dtype.kind in "biuf":
            return _native(X)
        if X.ndim != 2:
            return as_doubles(X, "X")
        X = pd.DataFrame(X)
    first = X.dtypes.iloc[0] if X.shape[1] else None
    if first is None or (_is_plain(first) and (X.dtypes == first).all()):
        return _native(X.to_numpy())
    return _join([_column(X, j) for j in range(X.shape[1])], floating)


def _is_plain(dtype):
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def _native(X):
    """Return an array of a type for which kernels compile: neither swapped bytes nor extended."""
    if X.dtype.kind == "f" and X.dtype not in (np.float32, np.float64):
        return X.astype(np.float32 if X.dtype.itemsize <= 4 else np.float64)
    return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))


def _column(frame, j):
    """Return a column as int8 (or int64, for large values) with -1 = missing, or floating."""
    column = frame.iloc[:, j]
    if kind_of(column) != "integer":
        what = f"X column {frame.columns[j]!r}"
        doubles = as_doubles(column, what)
        return doubles.astype(np.float32) if column.dtype == np.float32 else doubles
    if column.dtype == object:
        values = np.where(pd.isna(column), -1, column).astype(np.int64)
    elif isinstance(column.dtype, np.dtype):
        values = column.to_numpy()
    else:
        values = column.to_numpy(dtype=np.int64, na_value=-1)
    narrow = values.max(initial=0) <= HIGHEST_INT8
    if values.dtype.kind == "i":
        values = np.maximum(values, -1)
    return values.astype(np.int8 if narrow else np.int64)


def _join(columns, floating):
    """Return one array (n, p) of columns; integer and floating ones code missing values apart."""
    of_floats = [values.dtype for values in columns if values.dtype.kind == "f"]
    if of_floats and not all(map(_only_dosages, columns)):
        common = np.result_type(*of_floats)
        dtype, missing = common if common.itemsize < 8 else np.dtype(floating), np.nan
    else:
        wide = any(values.dtype == np.int64 for values in columns)
        dtype, missing = np.dtype(np.int64 if wide else np.int8), -1
    genotypes = np.empty((len(columns[0]), len(columns)), dtype, order="F")
    for j, values in enumerate(columns):
        absent = np.isnan(values) if values.dtype.kind == "f" else values < 0
        genotypes[:, j] = np.where(absent, missing, values)
    return genotypes


def _only_dosages(values):
    if values.dtype.kind == "i":
        return values.dtype == np.int8
    return (np.isnan(values) | (values == 0) | (values == 1) | (values == 2)).all()


def warn_of_codes(X, names, *, fitting):
    """Warn once if values look like a code for missing genotypes, or like -1/0/1 coding.

    Suspicious are whole numbers above 2, and whole negative numbers in a floating X that has a 2.

    Parameters
    ----------
    X : ndarray of shape (n, p), or PackedGenotypes
    names : sequence of length p, or None
    fitting : bool
        Whether to look at -1/0/1 coding: of a few individuals to predict it cannot be told.
    """
    if isinstance(X, PackedGenotypes) or X.dtype == bool or not X.size:
        return
    low, high = column_range(X)
    floating = X.dtype.kind == "f"
    lowest, highest = low.min(), high.max()
    below = (low < 0) & (floating and (highest >= 2 or lowest < -1))
    odd = np.flatnonzero((high > 2) | below)
    if floating:  # standardised or imputed genotypes are no whole numbers
        odd = _whole_columns(X, odd)
    if odd.size:
        extremes = np.where(high[odd] > 2, high[odd], low[odd])
        code = extremes[np.abs(extremes).argmax()]
        warn(
            f"X has whole numbers other than 0, 1 and 2 in {len(odd)} columns "
            f"({_some(odd, names)}): {code:g} looks like a code for missing genotypes, but counts "
            "as an allele dosage. Recode missing values to NaN in floating columns, to negative "
            "numbers in integer ones."
        )
    elif fitting and lowest < 0 and highest <= 1:
        if not floating:
            warn(
                "X has negative values and none above 1: this looks like -1/0/1 coding, but "
                "negative integers mean missing. Recode to 0/1/2 (X + 1), or pass floats."
            )
        elif len(_whole_columns(X, np.arange(X.shape[1]))) == X.shape[1]:
            warn(
                "X has negative values and none above 1: this looks like -1/0/1 coding, and is "
                "taken so. If negative values mean missing, code them as NaN."
            )


def column_range(X):
    """Return the lowest and highest value of each column of an array (n, p), NaN left out."""
    if X.dtype.kind != "f":
        return X.min(axis=0), X.max(axis=0)
    low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    return np.where(np.isnan(low), 0, low), np.where(np.isnan(high), 0, high)


def _whole_columns(X, columns):
    """Return those of some columns (positions) that hold whole numbers only."""
    for rows in (slice(A_FEW), slice(None)):  # most fractions show early
        part = X[rows]
        whole = [_is_whole(part[:, j]) for j in columns]
        columns = columns[np.array(whole, bool)]
    return columns


def _is_whole(column):
    return (np.isnan(column) | (column == np.rint(column))).all()


def _some(positions, names):
    shown = positions[:MAX_NAMES_SHOWN]
    shown = ", ".join(str(name) for name in (shown if names is None else np.asarray(names)[shown]))
    return shown + (", ..." if len(positions) > MAX_NAMES_SHOWN else "")
