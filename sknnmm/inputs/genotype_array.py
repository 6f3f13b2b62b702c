"""Genotypes as users pass them, as one array: every column judged by its own type."""

import numpy as np
import pandas as pd

from sknnmm.genotypes.dosages import is_missing
from sknnmm.inputs.tables import as_doubles, kind_of, refuse_sparse, unmasked

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
        if not (integer or _only_dosages(values)):
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


def _only_dosages(values):
    """Return whether floating values are all 0, 1, 2 or NaN."""
    return (np.isnan(values) | (values == 0) | (values == 1) | (values == 2)).all()
