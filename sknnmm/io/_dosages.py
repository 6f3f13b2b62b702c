"""Columns of a table of genotypes, some with the other allele counted."""

import warnings

import numpy as np
import pandas as pd
from pandas.api.types import (
    is_bool_dtype,
    is_extension_array_dtype,
    is_float_dtype,
)

from sknnmm.common.messages import some
from sknnmm.inputs.tables import kind_of


def take_columns(genotypes, positions, swapped, names, max_dosage):
    """Return some columns of a table, with max_dosage - x for x in those that are swapped.

    Parameters
    ----------
    genotypes : DataFrame of shape (n, p)
        Of any numeric types; in integer columns a negative value is missing.
    positions : ndarray of shape (m,), int
        -1: a column of missing values.
    swapped : ndarray of shape (m,), bool
    names : Index of length m
        Of the columns returned.
    max_dosage : {1, 2}

    Returns
    -------
    DataFrame of shape (n, m)
        Types are kept, unless they cannot hold negative or missing values.
    """
    types = list(set(genotypes.dtypes))
    if len(types) == 1 and isinstance(types[0], np.dtype) and types[0].kind in "biuf":
        signed = np.promote_types(types[0], np.int8)
        columns = genotypes.to_numpy().T[positions].astype(signed, copy=False)  # a copy, by SNP
        empty = np.full(len(genotypes), _missing(signed), signed)
    else:
        numeric = {j: _numeric(genotypes.iloc[:, j]) for j in positions[positions >= 0]}
        first = next(iter(numeric.values()))
        empty = pd.Series(_missing(first.dtype), genotypes.index, first.dtype)
        columns = [numeric.get(j, empty) for j in positions]
    found = np.flatnonzero(positions >= 0)
    _check_dosages([columns[k] for k in found], names[found], swapped.any(), max_dosage)
    for k in np.flatnonzero(swapped):
        columns[k] = _swap(columns[k], max_dosage)
    for k in np.flatnonzero(positions < 0):
        columns[k] = empty
    if isinstance(columns, np.ndarray):
        # copy=False: pandas from version 3 on would copy the array.
        return pd.DataFrame(columns.T, index=genotypes.index, columns=names, copy=False)
    return pd.concat(columns, axis=1).set_axis(names, axis=1)


def _numeric(column):
    kind = kind_of(column)
    if kind not in ("integer", "floating"):
        raise TypeError(f"genotypes must be numbers, but column {column.name!r} holds {kind}.")
    if column.dtype == object:
        column = pd.to_numeric(column)
    if isinstance(column.dtype, pd.SparseDtype) and kind == "integer":
        column = column.sparse.to_dense()  # pandas cannot mask them
    if is_bool_dtype(column.dtype):
        return column.astype("Int8" if is_extension_array_dtype(column.dtype) else "int8")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "u":  # no room for missing
        return column.astype(np.int16 if column.dtype.itemsize == 1 else np.int64)
    return column


def _missing(dtype):
    if is_extension_array_dtype(dtype):
        return pd.NA
    return np.nan if dtype.kind == "f" else -1


def _swap(column, max_dosage):
    swapped = max_dosage - column
    if isinstance(column, np.ndarray):
        return np.where(column >= 0, swapped, column)
    return swapped.where((column >= 0).fillna(False), column)


def _check_dosages(columns, names, any_swapped, max_dosage):
    """Raise for values that are no dosages, whose swap would be meaningless."""
    outside = [
        (c > max_dosage).any() or (is_float_dtype(c.dtype) and (c < 0).any()) for c in columns
    ]
    if any(outside):
        raise ValueError(
            f"genotypes has values outside 0 to {max_dosage} in {some(names[outside])}: recode "
            "missing ones to NaN, or to -1 in integer columns."
        )
    if max_dosage == 2 and any_swapped and not any((c > 1).any() for c in columns):
        warnings.warn(
            "genotypes has no value above 1. Its swapped SNPs become 2 - x; for lines or haploids "
            "coded 0/1 pass max_dosage=1.",
            stacklevel=4,
        )
