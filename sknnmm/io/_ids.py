"""IDs of individuals: compared as text, never missing, never twice in a table."""

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import counted, some


def text_ids(ids, table):
    """Return IDs as text without surrounding blanks.

    Parameters
    ----------
    ids : Index or Series of length n
        Text or whole numbers; 7 and "7" are the same ID, "007" is another.
    table : str
        What holds them, for messages.

    Returns
    -------
    Index of str of length n

    Raises
    ------
    TypeError
        If an ID is neither text nor a whole number. Floating numbers have no one text form.
    ValueError
        If an ID is missing, empty or duplicated.
    """
    ids = pd.Series(ids.array.astype(object))
    if (missing := ids.isna()).any():
        raise ValueError(
            f"{table} has {counted(missing.sum(), 'row')} without an ID{_where(missing)}"
        )
    kind = infer_dtype(ids)
    if kind not in ("string", "integer", "mixed-integer", "empty"):
        raise TypeError(
            f"IDs must be text or whole numbers, but those of {table} are {kind} "
            f"({some(ids)}). Convert them, e.g. with .astype(int)."
        )
    text = pd.Index(ids.map(str).str.strip())
    if (empty := text == "").any():
        raise ValueError(
            f"{table} has {counted(empty.sum(), 'row')} with an empty ID{_where(empty)}"
        )
    advice = "Keep one row of each individual, e.g. the mean of its records."
    refuse_duplicates(text, table, "IDs", advice)
    return text


def _where(rows):
    return f" (counted from 1: {some(np.flatnonzero(rows) + 1)}). Drop them."
