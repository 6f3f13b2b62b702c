"""Omics from files, with cells below a detection limit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sknnmm.cli.options import Data, TableFormat
from sknnmm.cli.tables import lacks_header, numbers, place, read, to_numbers

BELOW = r"-inf(inity)?$|<"  # how a cell says that its value is below the limit: -inf, <LOD, <0.05


def read_limits(path: Path, form: TableFormat) -> dict[str, float]:
    """Return the detection limits of omics, from a table of omic and limit."""
    table = read(path, replace(form, id=None))  # the first column, which holds no individuals
    if table.shape[1] == 0:
        raise ValueError(f"{path}, line 1: two columns are needed, omic and limit.")
    if not np.isnan(pd.to_numeric(table.columns[0], errors="coerce")):
        what = f"{table.index.name} and {table.columns[0]} are an omic and its limit"
        raise lacks_header(path, what, "omic,limit")
    limits = numbers(table.iloc[:, :1], path, form).iloc[:, 0]
    return {str(omic): float(limit) for omic, limit in limits.dropna().items()}


def check_limits(limits: dict[str, float], data: Data, omics: pd.DataFrame | None) -> None:
    """Raise if a limit is of no omic."""
    if omics is None:
        raise ValueError(
            f"--detection-limits {data.detection_limits} are those of omics: pass --omics."
        )
    for omic in limits:
        if omic not in omics.columns:
            raise ValueError(
                f"{data.detection_limits}: there is no omic {omic}. Write the names of the columns "
                "of --omics."
            )


def read_omics(path: Path, form: TableFormat, limits: dict[str, float]) -> pd.DataFrame:
    """Return omics; minus infinity is a value below the detection limit, NaN one not measured."""
    table = read(path, form)
    if table.shape[1] == 0:
        raise ValueError(
            f"{path}, line 1: there is no omic beside the IDs. If the file is divided by something "
            "else, pass --sep."
        )
    below = table.apply(_says_below)
    for name in table.columns[below.any()]:
        _check_below(table[name], below[name].to_numpy(), limits.get(name), path, form)
    return numbers(table.mask(below), path, form).mask(below, -np.inf)


def _says_below(values):
    if pd.api.types.is_numeric_dtype(values):
        return np.isneginf(values.astype(float))
    return values.astype(str).str.strip().str.match(BELOW, case=False)


def _check_below(values, below, limit, path, form):
    """Raise if an omic has no limit, or cells are below a number (<0.5) that is larger."""
    wrong = below
    reason = "which has none in --detection-limits. Give it one, or leave the field empty"
    if limit is not None:
        bounds = to_numbers(values.astype(str).str.strip().str.lstrip("< "), form)
        wrong = below & (bounds > limit).to_numpy()
        reason = f"which is {limit:g} in --detection-limits. Give it the larger one"
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{place(path, row)}: {values.iloc[row]} in column {values.name} is a value below the "
            f"detection limit of {values.name}, {reason}."
        )
