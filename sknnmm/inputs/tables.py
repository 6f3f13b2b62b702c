"""Numbers out of what users pass: pandas, polars, Arrow, NumPy, masked arrays, lists."""

import re
from datetime import date, timedelta

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype
from scipy import sparse

from sknnmm.common.optional import import_optional

# What `infer_dtype` says of columns of Python objects: which are numbers, and our words for others.
INTEGERS = {"integer", "boolean"}
NUMBERS = INTEGERS | {"floating", "mixed-integer-float", "decimal", "empty"}
WORDS = {
    "string": "text",
    **dict.fromkeys(["datetime", "datetime64"], "date"),
    **dict.fromkeys(["timedelta", "timedelta64"], "time span"),
}

NO_NUMBERS = (  # objects of which NumPy would make numbers
    *(str, bytes, complex, np.complexfloating),
    *(date, timedelta, np.datetime64, np.timedelta64, pd.Period),
)


def as_pandas(data):
    """Return polars and Arrow tables and columns as those of pandas; anything else as it is."""
    if isinstance(data, pd.DataFrame | pd.Series | pd.Index | np.ndarray):
        return data
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):
        raise TypeError("A LazyFrame holds no values yet: pass frame.collect().")
    if hasattr(data, "column_names") or hasattr(data, "columns"):
        if not hasattr(data, "__arrow_c_stream__"):
            return data
        arrow = import_optional("pyarrow", f"A table of type {type(data).__name__}")
        kept = (arrow.types.is_integer, arrow.types.is_floating, arrow.types.is_boolean)
        table = _with_signed_indices(arrow, arrow.table(data)).to_pandas(
            types_mapper=lambda dtype: (
                pd.ArrowDtype(dtype) if any(is_kind(dtype) for is_kind in kept) else None
            )
        )
        return _with_sorted_categories(table, data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        arrow = import_optional("pyarrow", f"A column of type {type(data).__name__}")
        values = data if isinstance(data, arrow.ChunkedArray) else arrow.chunked_array(data)
        return as_pandas(arrow.table({"": values}))[""]
    return data


def _with_signed_indices(arrow, table):
    """Return an Arrow table whose categories earlier versions of pyarrow convert too."""
    schema = table.schema
    for k, field in enumerate(schema):
        kind = field.type
        if arrow.types.is_dictionary(kind):
            kind = arrow.dictionary(arrow.int32(), kind.value_type, kind.ordered)
            schema = schema.set(k, arrow.field(field.name, kind))
    return table.cast(schema)


def _with_sorted_categories(table, data):
    """Return a table with the Categoricals of polars sorted.

    Their order is that of their first appearance in the whole program; that of an Enum has a sense.
    """
    if not type(data).__module__.startswith("polars"):
        return table
    for name, dtype in data.schema.items():
        if type(dtype).__name__ == "Categorical":
            categories = table[name].cat
            table[name] = categories.set_categories(sorted(categories.categories))
    return table


def unmasked(values, masked_integer=None):
    """Return a masked array as a plain one: masked values NaN, or `masked_integer` in integers."""
    if not np.ma.isMaskedArray(values):
        return values
    mask, plain = np.ma.getmaskarray(values), np.asarray(values.data)
    if not mask.any() or plain.dtype.kind not in "biufcO":
        return plain
    if masked_integer is not None and plain.dtype.kind in "biu":
        signed = np.promote_types(plain.dtype, np.int8)
        plain = plain.astype(np.int64 if signed.kind == "f" else signed)
        return np.where(mask, plain.dtype.type(masked_integer), plain)
    return np.where(mask, np.nan, plain)


def kind_of(column):
    """Return what a column of a table or an array holds.

    Parameters
    ----------
    column : Series, or ndarray of any shape

    Returns
    -------
    str
        "integer" (booleans too), "floating", or another word for values that are no real numbers.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        flat = np.ravel(np.asarray(column, dtype=object))
        inferred = infer_dtype(flat, skipna=True)
        if inferred in INTEGERS:
            return "integer"
        return "floating" if inferred in NUMBERS else WORDS.get(inferred, inferred)
    if isinstance(dtype, pd.CategoricalDtype):
        return "categorical"
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_integer_dtype(dtype):
        return "integer"
    if pd.api.types.is_float_dtype(dtype):
        return "floating"
    if pd.api.types.is_complex_dtype(dtype):
        return "complex"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date"
    kinds = {"U": "text", "S": "text", "m": "time span", "M": "date"}  # also of Arrow's types
    if getattr(dtype, "kind", None) in kinds:
        return kinds[dtype.kind]
    return "text" if pd.api.types.is_string_dtype(dtype) else str(dtype)


def plain_column(values):
    """Return a column of any kind as pandas or NumPy hold it; its shape is not checked."""
    values = as_pandas(values)
    if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return values
    return np.asarray(unmasked(values))


def column_of_doubles(values, argument):
    """Return a column of numbers of any kind, (n,), in double precision with NaN = missing."""
    values = as_pandas(values)
    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    values = plain_column(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim != 1:
        raise ValueError(
            f"{argument} must have one dimension: {argument} should be a 1d array, one value per "
            f"individual, but its shape is {values.shape}."
        )
    return as_doubles(values, argument)


def as_doubles(values, argument):
    """Return a column, or an array of any shape, in double precision with NaN = missing.

    Parameters
    ----------
    values : Series, or ndarray
    argument : str
        What it is, for messages.

    Raises
    ------
    ValueError
        For text, categories, dates, time spans and complex numbers.
    TypeError
        For objects that are no numbers.
    """
    kind = kind_of(values)
    if kind.startswith("mixed"):
        return _from_objects(values, argument)
    if kind == "complex":
        raise ValueError(f"Complex data not supported: {argument} must hold real numbers.")
    if kind not in ("integer", "floating"):
        raise ValueError(
            f"{argument} must be numeric, but holds {kind} values. {_advice(kind, values)}".rstrip()
        )
    if values.dtype == object:
        return _from_objects(values, argument)
    with np.errstate(invalid="ignore"):  # R's NA is a signalling NaN: every operation warns
        if isinstance(values, np.ndarray):
            doubles = values.astype(np.float64)
        else:
            doubles = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(doubles), np.nan, doubles)


def _from_objects(values, argument):
    array = np.asarray(values, dtype=object)
    for kind in set(map(type, array.ravel())):
        if issubclass(kind, NO_NUMBERS):
            raise ValueError(
                f"{argument} must be numeric, but holds values of type {kind.__name__}."
            )
    try:
        return np.where(pd.isna(array), np.nan, array).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{argument} must be numeric: {error}") from error


def _advice(kind, values):
    if kind == "text":
        texts = [str(value) for value in np.ravel(values) if not pd.isna(value)]
        no_number = next((text for text in texts if not _is_number(text)), None)
        if no_number is None:
            return "Convert it, e.g. with pandas.to_numeric."
        if re.fullmatch(r"[+-]?\d+,\d+", no_number):
            return f'{no_number!r} has a decimal comma: read the file with decimal=",".'
        return (
            f"{no_number!r} is no number: recode it, to NaN if it means missing, to 0/1 columns if "
            "it is a category (pandas.get_dummies), or leave the column out."
        )
    if kind == "categorical":
        return "Code categories as 0/1 columns, e.g. with pandas.get_dummies."
    if kind in ("date", "time span"):
        return "Convert it to a number, e.g. of days."
    return ""


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def refuse_sparse(table, argument):
    """Raise if a table is a SciPy sparse array."""
    if sparse.issparse(table):
        raise TypeError(f"{argument} is a sparse array; pass a dense one: {argument}.toarray().")


def table_of_doubles(table, argument):
    """Return a table (n, m) in double precision with NaN = missing; errors name the column.

    Arrays may have any number of dimensions: the caller checks the shape.
    """
    refuse_sparse(table, argument)
    if not isinstance(table, pd.DataFrame):
        array = np.asarray(unmasked(table))
        if array.dtype != object or array.ndim != 2:
            return np.ascontiguousarray(as_doubles(array, argument))  # the same sums for all forms
        table = pd.DataFrame(array)
    values = np.empty(table.shape)
    for k, name in enumerate(table.columns):
        values[:, k] = as_doubles(table.iloc[:, k], f"{argument} column {name!r}")
    return values


def refuse_infinite(values, argument):
    """Raise if a table or a column has infinite values."""
    if np.isinf(values).any():
        raise ValueError(f"{argument} contains infinity; use NaN for missing values.")
