"""Genotypes as users pass them, as one array: every column judged by its own type."""

import numpy as np
import pandas as pd

from sknnmm.common.messages import some
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.tables import as_doubles, kind_of, refuse_sparse, unmasked

A_FEW = 50  # rows
HIGHEST_INT8 = np.iinfo(np.int8).max
NOT_KNOWN = np.iinfo(np.int8).min  # stands for NA: as -1 it would look like -1/0/1 coding


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
        X = np.asarray(unmasked(X, masked_integer=NOT_KNOWN))
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
    """Return a column as int8 (or int64, for large values) with negative = missing, or floating."""
    column = frame.iloc[:, j]
    if _is_plain(column.dtype) and column.dtype.kind != "f" and column.dtype != np.uint64:
        values = column.to_numpy()
    else:
        values = as_doubles(column, f"X column {frame.columns[j]!r}")
        integer = kind_of(column) == "integer" and (np.nan_to_num(values) < 2**62).all()
        if not (integer or only_dosages(values)):
            return values.astype(np.float32) if column.dtype == np.float32 else values
        values = np.where(np.isnan(values), NOT_KNOWN, values).astype(np.int64)
    if values.dtype.kind == "i":
        values = np.maximum(values, NOT_KNOWN)
    return values.astype(np.int8 if values.max(initial=0) <= HIGHEST_INT8 else np.int64)


def _join(columns, floating):
    """Return one array (n, p) of columns; integer and floating ones code missing values apart."""
    of_floats = [values.dtype for values in columns if values.dtype.kind == "f"]
    dtype = np.result_type(*(of_floats or {values.dtype for values in columns}))
    if dtype == np.float64:
        dtype = np.dtype(floating)
    genotypes = np.empty((len(columns[0]), len(columns)), dtype, order="F")
    for j, values in enumerate(columns):
        genotypes[:, j] = np.where(is_missing(values), np.nan, values) if of_floats else values
    return genotypes


def is_missing(dosages):
    """Return where genotypes are missing: NaN, or negative integers."""
    return np.isnan(dosages) if dosages.dtype.kind == "f" else dosages < 0


def columns_of(X, snps):
    """Return the dosages of some SNPs, (n, m), of an array or PackedGenotypes."""
    return X.snps(snps) if isinstance(X, PackedGenotypes) else X[:, snps]


def only_dosages(values):
    """Return whether floating values are all 0, 1, 2 or NaN."""
    return (np.isnan(values) | (values == 0) | (values == 1) | (values == 2)).all()


def warn_of_codes(X, names, *, fitting):
    """Warn once if values look like a code for missing genotypes, or like -1/0/1 coding.

    Suspicious are whole numbers above 2, and whole negative ones in a floating X with values above
    1, in columns that have no fractions outside [0, 2].

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
    odd, code = likely_codes(X, low, high)
    if odd.size:
        shown = odd if names is None else np.asarray(names)[odd]
        warn(
            f"X has whole numbers other than 0, 1 and 2 in {len(odd)} columns ({some(shown)}): "
            f"{code:g} looks like a code for missing genotypes, but counts as an allele dosage. "
            "Recode missing values to NaN in floating columns, to negative numbers in integer ones."
        )
    elif fitting and low.min() < 0 and high.max() <= 1:
        _warn_of_negative_coding(X)


def likely_codes(X, low, high):
    """Return the columns (positions) with values that may be codes, and the farthest of these.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    low, high : ndarray of shape (p,)
        From `column_range`.
    """
    floating = X.dtype.kind == "f"
    lowest, highest = low.min(), high.max()
    below = (low < 0) & (floating and (highest > 1 or lowest < -1))
    odd = np.flatnonzero((high > 2) | below)
    if floating:  # of imputed genotypes the codes are whole, of standardised ones nothing is
        whole = [_is_whole_outside(ends) for ends in zip(low[odd], high[odd], strict=True)]
        odd = _columns_that(_is_whole_outside, X, odd[np.array(whole, bool)])
    if not odd.size:
        return odd, None
    extremes = np.where(high[odd] > 2, high[odd], low[odd])
    return odd, extremes[np.abs(extremes).argmax()]


def _warn_of_negative_coding(X):
    if X.dtype.kind != "f":
        if ((X < 0) & (X != NOT_KNOWN)).any():
            warn(
                "X has negative values and none above 1: this looks like -1/0/1 coding, but "
                "negative integers mean missing. Recode to 0/1/2 (X + 1), or pass floats."
            )
    elif len(_columns_that(_is_whole, X, np.arange(X.shape[1]))) == X.shape[1]:
        warn(
            "X has negative values and none above 1: this looks like -1/0/1 coding, and is "
            "taken so. If negative values mean missing, code them as NaN."
        )


def column_range(X):
    """Return the lowest and highest value of each column of an array (n, p), 0 if all are NaN."""
    by_rows = in_memory_order(X) is X
    low, high = np.empty((2, X.shape[1]), X.dtype)
    if by_rows:
        low[:], high[:] = X[0], X[0]
    for start, part in row_parts(in_memory_order(X)):  # in parts, so that a file is read once
        if by_rows:
            np.fmin(low, np.fmin.reduce(part, axis=0), out=low)
            np.fmax(high, np.fmax.reduce(part, axis=0), out=high)
        else:
            own = slice(start, start + len(part))
            low[own], high[own] = np.fmin.reduce(part, axis=1), np.fmax.reduce(part, axis=1)
    return np.nan_to_num(low), np.nan_to_num(high)


def in_memory_order(X):
    """Return X, or its transpose, so that rows are contiguous."""
    return X.T if X.flags.f_contiguous and not X.flags.c_contiguous else X


def row_parts(X, bytes_at_once=2**24):
    """Yield (position of the first, view of some) rows, few enough that temporaries stay small."""
    step = max(1, bytes_at_once // (8 * max(1, X.shape[1])))
    for start in range(0, X.shape[0], step):
        yield start, X[start : start + step]


def _columns_that(condition, X, columns):
    """Return those of some columns (positions) that meet a condition."""
    for rows in (slice(A_FEW), slice(None)):  # most that do not show it early
        part = X[rows]
        with np.errstate(invalid="ignore"):  # of R's NA
            meets = [condition(part[:, j]) for j in columns]
        columns = columns[np.array(meets, bool)]
    return columns


def _is_whole(column):
    return (np.isnan(column) | (column == np.rint(column))).all()


def _is_whole_outside(column):
    column = np.asarray(column)
    return _is_whole(column[(column < 0) | (column > 2)])
