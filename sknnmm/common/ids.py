"""IDs of individuals and levels, compared as text: 12, 12.0 and "12" are one ID, "012" is another.

Numbers become floating where a table of pandas has gaps, so floating whole numbers are taken too.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_integer

from sknnmm.common.duplicates import refuse_duplicates

LEAST_ID = 100_000  # of whole numbers that can only be IDs
MISSING = -1  # code of a level that is missing; those of new levels are lower, one for each
EXACT = 2**53  # floating numbers beyond it have lost digits


def coded_ids(column: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a column of IDs as codes of their texts.

    Parameters
    ----------
    column : Series, Index, ndarray or list of length n
        Text, whole numbers, categories of these; NaN, None or NA = missing.
    what : str
        What holds them, for messages.

    Returns
    -------
    codes : ndarray of shape (n,)
        Positions in `texts`, -1 where the ID is missing.
    texts : ndarray of shape (m,), str objects
        Without surrounding blanks. Two codes may have the same text.

    Raises
    ------
    TypeError
        If an ID is neither text nor a whole number.
    ValueError
        If floating numbers are too large for all digits to be known.
    """
    codes, values = pd.factorize(pd.Series(column))
    values = pd.Index(values)
    if pd.api.types.is_integer_dtype(values.dtype):
        texts = [str(value) for value in values.tolist()]
    else:
        texts = [_text(value, what) for value in values.astype(object)]
    return codes, np.array(texts, dtype=object)


def unique_ids(column: Any, what: str) -> pd.Index:
    """Return IDs as an Index of their texts, which may neither be missing nor repeated.

    Parameters
    ----------
    column, what
        As in `coded_ids`.

    Raises
    ------
    TypeError, ValueError
        As `coded_ids`, and if IDs are missing or not unique.
    """
    codes, texts = coded_ids(column, what)
    if (codes < 0).any():
        raise ValueError(f"{what} has {(codes < 0).sum()} missing values: every row needs an ID.")
    ids = index_of(texts[codes])
    if not ids.is_unique:
        refuse_duplicates(ids, what, "IDs", "Every row needs an ID of its own.")
    return ids


def index_of(texts: np.ndarray) -> pd.Index:
    """Return an Index of texts, whatever type a version of pandas prefers for them.

    Its name tells IDs from an index that counts rows.
    """
    return pd.Index(texts, dtype="object", name="id")


def may_count_rows(index: pd.Index) -> bool:
    """Return whether an index could hold positions in a table, maybe filtered or in other order.

    A few rows of a large table may have any positions in it, so how many numbers there are and
    whether they have gaps tells nothing. But all positions look like the numbers of a herd book
    only if a table of more than 100,000 rows has lost the first ones.
    """
    if index.name is not None or not len(index):
        return False
    if isinstance(index, pd.RangeIndex):
        return True
    values = index.astype(object).dropna()
    kind = infer_dtype(values)
    if kind == "integer":
        return 0 <= min(values) < LEAST_ID
    if kind == "string":
        numbers = set(values.str.strip())
    elif kind == "mixed-integer":
        numbers = {str(value) for value in values if is_integer(value)}
    else:
        return False
    n = len(numbers)
    return bool(n) and (
        numbers == set(map(str, range(n))) or numbers == set(map(str, range(1, n + 1)))
    )


def _text(value, what):
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Real) and not isinstance(value, bool) and float(value).is_integer():
        if not isinstance(value, Integral) and abs(value) > EXACT:
            raise ValueError(
                f"{what} has the floating number {value:.17g}, of which digits are lost: read IDs "
                "as text, in pandas with dtype=str."
            )
        return str(int(value))
    raise TypeError(
        f"{what} must hold text or whole numbers, but has {value!r} of type {type(value).__name__}."
    )
