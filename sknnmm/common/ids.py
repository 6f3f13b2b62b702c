"""IDs of individuals and levels, compared as text: 12, 12.0 and "12" are one ID, "012" is another.

Numbers become floating where a table of pandas has gaps, so floating whole numbers are taken too.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

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
