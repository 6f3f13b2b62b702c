"""IDs of individuals and levels, compared as text: 12, 12.0 and "12" are one ID, "012" is another.

Numbers become floating where a table of pandas has gaps, so floating whole numbers are taken too.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from sknnmm.common.duplicates import refuse_duplicates

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
    """Return an Index of texts, whatever type a version of pandas prefers for them."""
    return pd.Index(texts, dtype="object")


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
