"""Tables with one row per individual."""

from pathlib import Path

import pandas as pd

from sknnmm.io._ids import text_ids
from sknnmm.optional import import_optional

SEPARATORS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = {".gz", ".bz2", ".xz", ".zip"}


def read_table(path, id_column, *, sep=None):
    r"""Read a table with one row per individual from a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : str or path-like
        Name of a file that ends in .csv, .tsv or .parquet. Text files may be compressed (.csv.gz
        and the like) and, if `sep` is given, end in anything.
    id_column : str
        The column with the IDs of the individuals.
    sep : str or None, default=None
        What separates the columns of a text file, ``r"\s+"`` for blanks. By default a comma in a
        .csv, a tab in a .tsv.

    Returns
    -------
    DataFrame of shape (n, number of columns - 1)
        The other columns, in the order of the file. The index are the IDs, as text: 007 stays 007.
        Missing values (in text: empty, NA, NaN and what else pandas takes for missing) are NaN.

    Raises
    ------
    ValueError
        If the file has no column `id_column`, an ID is missing or duplicated, or `sep` cannot be
        told from the name of the file.
    TypeError
        If the IDs in a Parquet file are neither text nor whole numbers.
    ImportError
        If pyarrow, which reads Parquet files, is not installed: ``pip install sknnmm[io]``.

    See Also
    --------
    align : Brings tables into the order of the genotypes.

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
        import_optional("pyarrow", f"Reading the Parquet file {path.name}")
        table = pd.read_parquet(path)
        if table.index.name is not None:  # written with its index
            table = table.reset_index()
    else:
        table = pd.read_csv(path, sep=sep or _separator(path), dtype={id_column: str})
    if id_column not in table.columns:
        columns = ", ".join(repr(column) for column in table.columns[:20])
        more = ", ..." if table.shape[1] > 20 else ""
        raise ValueError(
            f"{path.name} has no column {id_column!r}; its columns are {columns}{more}. If that is "
            "not how the file is divided, pass sep."
        )
    ids = text_ids(table[id_column], path.name)
    return table.drop(columns=id_column).set_axis(ids.rename(id_column), axis=0)


def _separator(path):
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    suffix = plain.suffix.lower()
    if suffix not in SEPARATORS:
        raise ValueError(
            f"The name {path.name} does not say how its columns are separated (.csv, .tsv and "
            r".parquet do): pass sep, e.g. sep=r'\s+' for blanks."
        )
    return SEPARATORS[suffix]
