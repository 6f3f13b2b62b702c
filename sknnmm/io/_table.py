"""Tables with one row per individual."""

import csv
import re
import warnings
from io import StringIO
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import validate_params

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.optional import import_optional
from sknnmm.common.typing import FilePath
from sknnmm.io._ids import text_ids
from sknnmm.io._layout import BLANKS, UNNAMED, column_names, refuse_absent
from sknnmm.io._text import OPENERS, open_text

SEPARATORS = {".csv": ",", ".tsv": "\t"}


@validate_params(
    {
        "id_column": [str, None],
        "sep": [str, None],
        "decimal": [str],
        "encoding": [str],
        "na_values": [tuple, list],
    },
    prefer_skip_nested_validation=True,
)
def read_table(
    path: FilePath,
    id_column: str | None,
    *,
    sep: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    na_values: list[str] | tuple[str, ...] = (),
) -> pd.DataFrame:
    r"""Read a table with one row per individual from a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : str or path-like
        Name of a file that ends in .csv, .tsv or .parquet. Text files may be compressed (.gz,
        .bz2, .xz, .zip after the rest of the name) and, if `sep` is given, end in anything.
    id_column : str or None
        The column with the IDs of the individuals. None: the first column, which has no name, as
        R writes row names.
    sep : str or None, default=None
        What separates the columns of a text file, ``r"\s+"`` for blanks. By default a comma in a
        .csv, a tab in a .tsv.
    decimal : str, default="."
        The decimal mark of a text file. With ",", columns must be separated by something else.
    encoding : str, default="utf-8"
        Encoding of a text file; files of older Windows programs are often "latin-1". A file that
        starts with the byte order mark of UTF-8 is read as UTF-8.
    na_values : list or tuple of str, default=()
        Further texts that mean a missing value in a text file, e.g. ``["-9", "."]``; not in IDs.

    Returns
    -------
    DataFrame of shape (n, number of columns - 1)
        The other columns, in the order of the file. The index holds the IDs as text: 007 stays 007.
        Blanks around IDs, names of columns and values are left out. Missing values (empty, and in a
        text file NA, NaN and others that pandas takes for missing) are NaN. A first column without
        a name (row names of R, index of pandas) is left out unless it holds the IDs, and so are
        columns at the end that have neither a name nor values.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file has no column `id_column`, an ID is missing or duplicated, or the name of the
        file does not tell `sep`; if two columns have the same name; if a text file has no rows, a
        row with more fields than the header (or with fewer, where blanks separate them), a last
        line that ends in the middle, or another `encoding`. The message names file and line.
    TypeError
        If the IDs in a Parquet file are neither text nor whole numbers.
    ImportError
        If pyarrow, which reads Parquet files, is not installed: ``pip install pyarrow``.

    See Also
    --------
    align : Brings tables into the order of the genotypes.

    Notes
    -----
    In files of R's ``write.table`` the header has no field for the row names, so rows have one
    field more. So do rows in which text contains the separator, ``cow,milk`` above ``Smith, J,5``,
    or numbers have a decimal comma, ``cow,milk`` above ``1,21,5``. Such a file is an error, unless
    `id_column` is None, tabs separate the columns, or the first fields are row names as R writes
    them: in quotes, as is the header, or counting the rows, 1, 2, 3 or r1, r2, r3. Where decimal
    commas are possible, both must hold.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sknnmm.io import read_table
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "omics.csv"
    ...     _ = path.write_text("mouse,HDL,LDL\n007,1.9,\n008,2.3,0.4\n")
    ...     omics = read_table(path, "mouse")
    >>> omics
           HDL  LDL
    mouse
    007    1.9  NaN
    008    2.3  0.4
    >>> omics.index[0]
    '007'
    """
    path = Path(path)
    if sep is None and path.suffix.lower() == ".parquet":
        table, is_text = _read_parquet(path, id_column), False
    else:
        table = _read_text(path, id_column, sep or _separator(path), decimal, encoding, na_values)
        is_text = True
    unnamed = UNNAMED.format(0)
    name = unnamed if id_column is None else id_column
    if name not in table.columns:
        refuse_absent(id_column, table.columns, path, is_text=is_text)
    ids = text_ids(table[name], path.name)
    others = table.drop(columns={name, unnamed}.intersection(table.columns))
    return others.set_axis(ids.rename(id_column), axis=0)


def _read_parquet(path, id_column):
    import_optional("pyarrow", f"Reading the Parquet file {path.name}")
    table = pd.read_parquet(path)
    if any(name is not None for name in table.index.names):  # it was written with its index
        table = table.reset_index()
    names = [_without_blanks(name) for name in table.columns]
    refuse_duplicates(names, path, "column names", "Rename them.")
    table.columns = names
    others = table.drop(columns=[id_column], errors="ignore")
    for name, column in others.select_dtypes(exclude=["number", "bool"]).items():
        table[name] = _filled(column)
    return table


def _filled(column):
    """Return a column without blanks around text, missing where nothing else is."""
    is_categorical = isinstance(column.dtype, pd.CategoricalDtype)
    values = (column.cat.categories if is_categorical else column).tolist()
    filled = [_without_blanks(value) for value in values]
    filled = [None if isinstance(value, str) and not value else value for value in filled]
    if filled == values:
        return column
    if not is_categorical:
        return pd.Series(filled, column.index, column.dtype)
    levels = [level for level in dict.fromkeys(filled) if level is not None]
    of_rows = [filled[code] if code >= 0 else None for code in column.cat.codes]
    return pd.Series(pd.Categorical(of_rows, levels, column.cat.ordered), column.index)


def _read_text(path, id_column, sep, decimal, encoding, na_values):
    if decimal == sep:
        raise ValueError(
            f"decimal={decimal!r} is also what separates the columns of {path}: pass another sep, "
            "e.g. sep=';'."
        )
    if len(decimal) != 1:
        raise ValueError(f"decimal must be one character; got {decimal!r}.")
    _check_regular_expression(sep)
    names, header_line = column_names(path, id_column, sep, encoding)
    id_name = names[0] if id_column is None else id_column
    options = {
        "sep": sep,
        "decimal": decimal,
        "header": None,
        "names": names,
        "usecols": range(len(names)),
        "index_col": False,
        "dtype": {id_name: str},
        "na_values": {n: list(na_values) for n in names if n != id_name} if na_values else None,
        "engine": "c" if len(sep) == 1 or sep == BLANKS else "python",
    }

    def parsed(**memory):
        with open_text(path, encoding) as file:
            for _ in range(header_line):
                file.readline()
            return pd.read_csv(file, **options, **memory)

    try:
        with warnings.catch_warnings(action="error", category=pd.errors.DtypeWarning):
            table = parsed()
    except pd.errors.DtypeWarning:  # of large files: a column is text in some parts only
        table = parsed(low_memory=False)
    except pd.errors.ParserError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if na_values:
        table = _without_codes(table, id_name, decimal, na_values)
    return _read_without_blanks(table, id_name, decimal, na_values)


def _without_codes(table, id_name, decimal, na_values):
    """Return a table without numbers that mean a missing value, which pandas keeps among blanks."""
    texts = pd.Series([str(value).replace(decimal, ".") for value in na_values])
    codes = pd.to_numeric(texts, errors="coerce").dropna()
    numbers = table.drop(columns=id_name).select_dtypes("number")
    found = numbers.isin(codes.tolist())
    names = found.columns[found.any()]
    return table.assign(**{name: table[name].mask(found[name]) for name in names})


def _read_without_blanks(table, id_name, decimal, na_values):
    """Return a table without blanks around values: they hide missing ones, and so numbers."""
    stripped = {}  # lists and the csv module: pandas takes far longer where columns are many
    text = table.drop(columns=id_name).select_dtypes(exclude=["number", "bool"])
    for name, column in text.items():
        values = column.tolist()
        without = [_without_blanks(value) for value in values]
        if without != values:
            stripped[name] = without
    if not stripped:
        return table
    again = StringIO()  # types and missing values as in the file itself
    csv.writer(again).writerow(["", *stripped])
    csv.writer(again).writerows(zip(table.index, *stripped.values(), strict=True))
    again.seek(0)
    read = pd.read_csv(again, index_col=0, decimal=decimal, na_values=list(na_values))
    return pd.concat([table.drop(columns=list(stripped)), read], axis=1)[table.columns]


def _without_blanks(value):
    return value.strip() if isinstance(value, str) else value


def _check_regular_expression(sep):
    if len(sep) == 1:
        return  # as it is
    try:
        re.compile(sep)
    except re.error as error:
        raise ValueError(
            f"sep={sep!r} is read as a regular expression, since it is longer than one character, "
            f"but is not a valid one: {error}."
        ) from error


def _separator(path):
    plain = path.with_suffix("") if path.suffix.lower() in OPENERS else path
    suffix = plain.suffix.lower()
    if suffix not in SEPARATORS:
        raise ValueError(
            f"The name {path.name} does not say how its columns are separated (.csv, .tsv and "
            r".parquet do): pass sep, e.g. sep=r'\s+' for blanks."
        )
    return SEPARATORS[suffix]
