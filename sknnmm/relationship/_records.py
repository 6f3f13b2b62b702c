"""Pedigrees as people have them: any order, any code for unknown parents, errors of recording."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.ids import coded_ids
from sknnmm.common.messages import MAX_NAMES_SHOWN, some
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.memory_map import read_only
from sknnmm.inputs.tables import as_pandas
from sknnmm.relationship._kernels import with_ancestors

#: In any case; and texts of zeros alone.
UNKNOWN = {"", ".", "-", "?", "*", "-1", "-9", "na", "nan", "none", "null", "unknown"}


def read_records(
    table: Any, id: str, sire: str, dam: str, birth: str | None = None
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return IDs, and positions of sires and dams in them, parents before their offspring.

    See `Pedigree.from_frame`.
    """
    table = _checked(table, id, sire, dam, *([] if birth is None else [birth]))
    texts = [_texts(table[name], f"Column {name!r} of the pedigree") for name in (id, sire, dam)]
    if without := [row + 1 for row, text in enumerate(texts[0]) if text is None]:
        raise ValueError(
            f"Column {id!r} of the pedigree has {len(without)} rows without an ID (counted from 1: "
            f"{some(without)}): 0, an empty text, '.' and NA mean an unknown parent. Drop these "
            "rows, or give the individuals other IDs."
        )
    codes, ids = pd.factorize(np.concatenate(texts))
    own, sires, dams = codes.reshape(3, -1)
    sires, dams = _one_row_each(own, sires, dams, ids)
    n_rows, n_added = len(sires), len(ids) - len(sires)
    sires, dams = (np.append(parents, np.full(n_added, -1)) for parents in (sires, dams))
    roots = np.roll(np.arange(len(ids)), n_added)
    order = with_ancestors(roots, read_only(sires), read_only(dams))
    if not len(order):
        _raise_for_loops(sires, dams, ids)
    _warn_of_both_roles(sires[:n_rows], dams[:n_rows], ids)
    if birth is not None:
        births = np.full(len(ids), np.nan)
        births[own] = _births(table[birth], birth)
        _warn_of_young_parents(births, sires, dams, ids)
    place = np.empty(len(ids) + 1, np.int64)
    place[order], place[-1] = np.arange(len(ids)), -1
    return ids[order], place[sires[order]], place[dams[order]]


def _checked(table, *names):
    """Return a table of pandas that has rows and these columns."""
    table = as_pandas(table)
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            "table must be a table of pandas, polars or Arrow with columns of IDs, sires and dams; "
            f"got {type(table).__name__}."
        )
    refuse_duplicates(table.columns, "The pedigree", "column names", "Rename them.")
    if absent := [name for name in names if name not in table.columns]:
        raise ValueError(
            f"The pedigree has no column {some(map(repr, absent))}; its columns are "
            f"{some(table.columns)}."
        )
    if not len(table):
        raise ValueError("The pedigree has no rows.")
    return table


def _texts(column, what):
    """Return a column as texts (n,) of objects, None for what is unknown."""
    codes, texts = coded_ids(column, what)
    unknown = [text.lower() in UNKNOWN or not text.strip("0") for text in texts]
    texts[np.array(unknown, bool)] = None
    return np.append(texts, None)[codes]


def _one_row_each(own, sires, dams, ids):
    """Return sires and dams of the individuals that have rows, the repeated rows dropped."""
    if own.max() == len(own) - 1:
        return sires, dams
    first = np.unique(own, return_index=True)[1]
    differs = (sires != sires[first[own]]) | (dams != dams[first[own]])
    if differs.any():
        shown = ids[np.unique(own[differs])]
        raise ValueError(
            f"The pedigree has {len(shown)} individuals with rows that contradict each other: "
            f"{_parents_of(shown[0], own, sires, dams, ids)}. "
            f"Keep the right row of each ({some(shown)})."
        )
    repeated = np.unique(own[np.setdiff1d(np.arange(len(own)), first)])
    warn(
        f"The pedigree has {len(repeated)} individuals with more than one row "
        f"({some(ids[repeated])}); the rows are identical and count once."
    )
    return sires[first], dams[first]


def _parents_of(individual, own, sires, dams, ids):
    """Return what the rows of an individual say, as text."""
    names = np.append(ids, "unknown")
    rows = np.flatnonzero(ids[own] == individual)
    said = dict.fromkeys(f"sire {names[sires[r]]}, dam {names[dams[r]]}" for r in rows)
    return f"{individual} has {' and '.join(said)}"


def _raise_for_loops(sires, dams, ids):
    """Raise for individuals that are their own ancestors, and show one loop."""
    offspring = np.tile(np.arange(len(ids)), 2)
    parents = np.concatenate([sires, dams])
    known = parents >= 0
    edges = (offspring[known], parents[known])
    graph = coo_array((np.ones(known.sum()), edges), (len(ids), len(ids)))
    component = connected_components(graph, connection="strong")[1]
    in_loop = np.bincount(component)[component] > 1
    in_loop |= (sires == np.arange(len(ids))) | (dams == np.arange(len(ids)))
    individual, path = int(np.flatnonzero(in_loop)[0]), []
    while individual not in path:
        path.append(individual)
        among = (sires[individual], dams[individual])
        individual = next(p for p in among if p >= 0 and component[p] == component[individual])
    path = [*path[path.index(individual) :], individual]
    if len(path) > MAX_NAMES_SHOWN + 1:
        path = [*path[:MAX_NAMES_SHOWN], "...", path[-1]]
    shown = " <- ".join(str(ids[i]) if i != "..." else i for i in path)
    raise ValueError(
        f"The pedigree has {in_loop.sum()} individuals that are their own ancestors "
        f"({some(ids[in_loop])}), e.g. offspring <- parent: {shown}. Correct their parents."
    )


def _warn_of_both_roles(sires, dams, ids):
    """Warn of sires that are dams too, unless selfing shows that this is possible."""
    if ((sires == dams) & (sires >= 0)).any():
        return
    both = np.ones(len(ids), bool)
    for parents in (sires, dams):
        both &= np.bincount(parents[parents >= 0], minlength=len(ids)) > 0
    if both.any():
        warn(
            f"The pedigree has {both.sum()} individuals that are a sire in one row and a dam in "
            f"another ({some(ids[both])}): right for plants, in animals an error of recording. "
            "Relationships are computed as recorded."
        )


def _births(column, name):
    """Return births as numbers (n,), NaN = missing."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        days = (column - column.min()) / pd.Timedelta(days=1)
        return days.to_numpy(dtype=float, na_value=np.nan)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise ValueError(
            f"Column {name!r} of the pedigree must hold births as dates or numbers: make dates of "
            "text with pandas.to_datetime."
        )
    return column.to_numpy(dtype=float, na_value=np.nan)


def _warn_of_young_parents(births, sires, dams, ids):
    """Warn of individuals that were born before a parent."""
    wrong = []
    for parents in (sires, dams):
        known = np.flatnonzero(parents >= 0)
        before = known[births[known] < births[parents[known]]]
        wrong += [f"{ids[i]} before {ids[parents[i]]}" for i in before]
    if wrong:
        warn(
            f"The pedigree has {len(wrong)} births before that of a parent ({some(wrong)}): errors "
            "of recording. Relationships are computed as recorded."
        )
