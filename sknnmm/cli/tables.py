"""Tables from files, with messages that name file and line."""

import csv
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from sknnmm.cli.options import TableFormat
from sknnmm.common.messages import some
from sknnmm.io import read_table
from sknnmm.io._table import _separator
from sknnmm.io._text import open_text


@contextmanager
def naming(path):
    """Let errors about a file begin with its name."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if Path(path).name in str(error):
            raise
        raise ValueError(f"{path}: {error}") from error


def read(path: Path, form: TableFormat) -> pd.DataFrame:
    """Return a table whose index are the IDs, as text."""
    with naming(path):
        name = form.id or _first_column(path, form)
        table = read_table(path, name, sep=form.sep, decimal=form.decimal, encoding=form.encoding)
        return table.rename_axis(name or "id")


def _first_column(path, form):
    if path.suffix.lower() == ".parquet":
        table = pd.read_parquet(path)
        return table.index.name or table.columns[0]
    sep = form.sep or _separator(path)
    with open_text(path, form.encoding) as file:
        for line in file:
            if line.strip():
                fields = line.split() if len(sep) > 1 else next(csv.reader([line], delimiter=sep))
                return fields[0].strip() or None
    raise ValueError(f"{path} is empty. Give a table with a line of column names.")


def column(table: pd.DataFrame, name: str, path: Path, option: str) -> pd.Series:
    """Return a column of numbers."""
    if name not in table.columns:
        raise ValueError(
            f"{option} {name}: {path}, line 1, has no such column. It has {some(table.columns)}."
        )
    return numbers(table[[name]], path)[name]


def numbers(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return a table of which every value is a finite number or missing."""
    made = {}
    for name, values in table.items():
        as_numbers = pd.to_numeric(values, errors="coerce")
        bad = (as_numbers.isna() & values.notna()) | np.isinf(as_numbers.astype(float))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(
                f"{place(path, row)}: {values.iloc[row]!r} in column {name} is not a finite number."
                " Correct it, or leave the field empty if the value is missing."
            )
        made[name] = as_numbers
    return pd.DataFrame(made, index=table.index)


def place(path: Path, row: int) -> str:
    """Return file and line of a row of a table, counted from 0."""
    if path.suffix.lower() == ".parquet":
        return f"{path}, row {row + 1}"
    with open_text(path, "latin-1") as file:  # which reads any bytes: only lines count
        filled = (number for number, line in enumerate(file, 1) if re.search(r"\S", line))
        for k, number in enumerate(filled):
            if k == row + 1:  # after the header
                return f"{path}, line {number}"
    return str(path)
