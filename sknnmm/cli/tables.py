"""Tables from files, with messages that name file and line; tables of results."""

import csv
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from sknnmm.cli.journal import SUMMARY, current
from sknnmm.cli.options import Format, TableFormat
from sknnmm.common.messages import some
from sknnmm.common.optional import import_optional
from sknnmm.io import read_table
from sknnmm.io._table import _separator
from sknnmm.io._text import OPENERS, open_text

TEXT = dict.fromkeys(  # columns of results with names
    (
        *("individual", "snp", "chromosome", "counted_allele", "other_allele"),
        *("response", "term", "path", "quantity"),
    ),
    str,
)
ROWS = "rows"  # of the tables of results, in the summary
LAST_BYTES = 4  # of a file, which hold its last character
EMPTY = "{} is empty. Give a table with a line of column names."


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
        _note_open_end(path)
        return table.rename_axis(name or "id")


def read_text(path: Path, form: TableFormat) -> pd.DataFrame:
    """Return a table of text without IDs (rows may begin alike), without blanks around it."""
    if path.suffix.lower() == ".parquet":
        table = pd.read_parquet(path).astype(str)
    else:
        with naming(path), open_text(path, form.encoding) as file:
            try:
                table = pd.read_csv(file, sep=form.sep or _separator(path), dtype=str)
            except pd.errors.EmptyDataError as error:
                raise ValueError(EMPTY.format(path)) from error
        _note_open_end(path)
    return table.rename(columns=str.strip).apply(lambda values: values.str.strip())


def _first_column(path, form):
    if path.suffix.lower() == ".parquet":
        table = pd.read_parquet(path)
        return str(table.index.name or table.columns[0]).strip()
    sep = form.sep or _separator(path)
    with open_text(path, form.encoding) as file:
        for line in file:
            if line.strip():
                fields = line.split() if len(sep) > 1 else next(csv.reader([line], delimiter=sep))
                return fields[0].strip() or None
    raise ValueError(EMPTY.format(path))


def column(table: pd.DataFrame, name: str, path: Path, option: str) -> pd.Series:
    """Return a column that an option names."""
    if name not in table.columns:
        has = (
            f"It has {some(table.columns)}."
            if len(table.columns)
            else f"It has only {table.index.name}. If it is divided by something else, pass --sep."
        )
        raise ValueError(f"{option} {name}: {path}, line 1, has no such column. {has}")
    return table[name]


def number_column(
    table: pd.DataFrame,
    name: str,
    path: Path,
    option: str,
    form: TableFormat,
    *,
    infinite: bool = False,
) -> pd.Series:
    """Return a column of numbers that an option names."""
    values = column(table, name, path, option)
    return numbers(values.to_frame(), path, form, infinite=infinite)[name]


def numbers(
    table: pd.DataFrame, path: Path, form: TableFormat, *, infinite: bool = False
) -> pd.DataFrame:
    """Return a table of which every value is a number or missing; finite, unless `infinite`."""
    made = {}
    for name, values in table.items():
        as_numbers = to_numbers(values, form)
        bad = as_numbers.isna() & values.notna()
        if not infinite:
            bad |= np.isinf(as_numbers.astype(float))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            what = "number" if infinite else "finite number"
            raise ValueError(
                f"{place(path, row)}: {values.iloc[row]} in column {name} is not a {what}."
                " Correct it, pass --decimal if it has another decimal point, or leave the field "
                "empty if the value is missing."
            )
        made[name] = as_numbers
    return pd.DataFrame(made, index=table.index)


def to_numbers(values: pd.Series, form: TableFormat) -> pd.Series:
    """Return values as numbers, NaN where there is none; beside text they have their decimals."""
    if form.decimal != "." and not pd.api.types.is_numeric_dtype(values):
        swapped = str.maketrans({form.decimal: ".", ".": form.decimal})
        values = values.astype(str).str.translate(swapped)
    made = pd.to_numeric(values, errors="coerce")
    return made if isinstance(made.dtype, np.dtype) else made.astype(float)  # NA: none of NumPy


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


def lacks_header(path: Path, what: str, header: str) -> ValueError:
    """Return the error of a table whose first line is already one of its records."""
    return ValueError(
        f"{path}, line 1: {what}, but the first line holds the names of the columns. Add it, e.g. "
        f"{header}."
    )


def check_format(form: Format) -> None:
    """Raise if tables cannot be written in a format."""
    if form is Format.PARQUET:
        import_optional("pyarrow", "--format parquet")


def write(table: pd.DataFrame, folder: Path, name: str, form: Format) -> None:
    """Write a table of results; its index is the first columns, and names have one line.

    The summary gets its number of rows, by which `read_result` sees whether it is whole.
    """
    flat = table.reset_index()
    current().facts.setdefault(ROWS, {})[name] = len(flat)
    flat.columns = [
        " ".join(filter(None, map(str, name))) if isinstance(name, tuple) else name for name in flat
    ]
    if form is Format.CSV:
        flat.to_csv(folder / f"{name}.csv", index=False)
    else:
        flat.to_parquet(folder / f"{name}.parquet", index=False)


def find_result(folder: Path, name: str) -> Path | None:
    """Return the file of a table of results, in whatever format."""
    found = (folder / f"{name}.{form}" for form in Format)
    return next((path for path in found if path.is_file()), None)


def read_result(folder: Path, name: str, *needed: str) -> pd.DataFrame:
    """Return a table of results, its index as the first columns.

    Names are text, also where they look like numbers. A table without the `needed` columns or
    without some of the rows that were written is damaged.
    """
    path = find_result(folder, name)
    if path is None:
        raise ValueError(f"{folder / name}.csv does not exist. Run the command again.")
    try:
        if path.suffix == ".parquet":
            import_optional("pyarrow", f"Reading {path}")
            table = pd.read_parquet(path)
        else:
            if _has_open_end(path):
                raise ValueError("its last line is cut off")
            table = pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values=[""])
        lacking = [column for column in needed if column not in table]
        if lacking or table.empty:
            raise ValueError(f"no column {lacking[0]}" if lacking else "no rows")
        written = _rows_written(folder, name)
        if written not in (None, len(table)):
            raise ValueError(f"{len(table)} rows, but {written} were written")
        return table
    except ValueError as error:  # or pandas': fields that do not fit
        raise ValueError(f"{path} is damaged ({error}). Run the command again.") from error


def _note_open_end(path):
    """Note that a file of a user may have been cut off, also in a number; some have no such end."""
    if path.suffix.lower() not in {".parquet", *OPENERS} and _has_open_end(path):
        note = f"{path}: its last line has no line break; check that the file is whole"
        if note not in current().steps:
            current().step(note)


def _has_open_end(path):
    """Return whether the last line of a text file is not complete, as where copying stopped."""
    with path.open("rb") as file:
        file.seek(-min(LAST_BYTES, path.stat().st_size), os.SEEK_END)
        end = file.read().rstrip(b"\0")  # of wider encodings
        return not end.endswith((b"\n", b"\r"))


def _rows_written(folder, name):
    """Return how many rows of a table of results were written, None where no summary says so."""
    try:
        return json.loads((folder / SUMMARY).read_text(encoding="utf-8"))[ROWS][name]
    except (OSError, ValueError, TypeError, KeyError):
        return None
