"""Names and positions of SNPs and omics, as arguments of `mask` and of groups give them."""

from numbers import Integral

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.api.types import infer_dtype, is_list_like

SEQUENCES = (np.ndarray, list, tuple, pd.Series, pd.Index, ExtensionArray)
SNPS, OMICS = ("SNPs", "X has"), ("omics", "there are")  # what there is, and how to say so


def labels_of(value, what, things, n):
    """Return the names (objects) or positions (int64) that a value selects of n things.

    Parameters
    ----------
    value : str, int, slice, sequence, or boolean mask
        A boolean Series is known by its index.
    what : str
        The value in messages.
    things : SNPS or OMICS
    n : int
    """
    kind, there_are = things
    if isinstance(value, slice):
        try:
            return np.arange(*value.indices(n))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what} must be a slice of integer positions: {error}.") from error
    if isinstance(value, str | Integral):
        value = [value]
    elif not is_list_like(value):
        raise ValueError(
            f"{what} must hold names or positions of {kind}, a slice or a boolean array; got "
            f"{value!r}."
        )
    selection = as_labels(value, what, ("string", "integer", "boolean"))
    if selection.dtype != bool:
        return selection
    labels = np.arange(len(selection))
    if isinstance(value, pd.Series):
        labels = as_labels(value.index, f"the index of {what}")
    if labels.dtype != object and len(labels) != n:
        raise ValueError(f"{what} has {len(labels)} booleans but {there_are} {n} {kind}.")
    return labels[selection]


def as_labels(labels, what, kinds=("string", "integer")):
    """Return an array: of objects if these are names, of int64 if positions; a mix is an error."""
    labels = np.asarray(labels) if hasattr(labels, "dtype") else np.fromiter(labels, object)
    kind = infer_dtype(labels, skipna=False) if labels.ndim == 1 else "nested"
    if labels.size and kind not in kinds:
        raise ValueError(
            f"{what} must be all names or all integer positions, but has {kind} values."
        )
    return labels.astype({"integer": np.int64, "boolean": bool}.get(kind, object))


def look_up(labels, names, argument, what):
    """Return positions in `names`, -1 for names that are not there."""
    if labels.dtype == object:
        return names.get_indexer(pd.Index(labels, dtype=object))
    outside = (labels < 0) | (labels >= len(names))
    if outside.any():
        raise ValueError(
            f"{argument} has the {what} position {labels[outside][0]}; positions go from 0 to "
            f"{len(names) - 1}."
        )
    return labels
