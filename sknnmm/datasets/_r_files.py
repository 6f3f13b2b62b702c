"""Data files of R in public repositories: downloaded once, verified, read, and described."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import fetch_file, get_data_home

from sknnmm.common.optional import import_optional

# Parts that the docstrings of all fetchers share.
SHARED_DOCS = {
    "rdata": """\
Reading the data needs the optional library rdata: ``pip install rdata``.""",
    "data_home": """\
data_home : str or path-like, default=None
    The folder in which downloaded files are kept. By default all scikit-learn data are kept in
    `~/scikit_learn_data` subfolders. Nothing is downloaded or written if the files are there.""",
    "raises": """\
ImportError
    If rdata is not installed.
OSError
    If a file cannot be downloaded or is not the expected one.""",
}


@dataclass(frozen=True)
class Repository:
    """A public GitHub repository at one commit, so that its files never change."""

    name: str
    commit: str


@dataclass(frozen=True)
class RFile:
    """A data file of R: where it comes from, its checksum, and where it is kept.

    `folder` is the subfolder of the data home; by default the file is kept in the data home itself.
    """

    repository: Repository
    path: str
    sha256: str
    folder: str = ""

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def url(self) -> str:
        return f"https://github.com/{self.repository.name}/raw/{self.repository.commit}/{self.path}"


def with_shared_docs(**parts: str) -> Callable:
    """Fill in the parts, and those of `SHARED_DOCS`, that a docstring names in braces."""

    def fill_in(fetch):
        if fetch.__doc__:  # absent under python -OO
            fetch.__doc__ = inspect.cleandoc(fetch.__doc__).format_map(SHARED_DOCS | parts)
        return fetch

    return fill_in


def read_r_file(file, data_home):
    """Return the content of a data file of R; download the file at first use.

    Parameters
    ----------
    file : RFile
        The file.
    data_home : str, path-like or None
        Folder in which files are kept; None is scikit-learn's.

    Returns
    -------
    dict or object
        The objects of an .RData file by name, the one object of an .RDS file.

    Raises
    ------
    ImportError
        If rdata is not installed.
    OSError
        If the file cannot be downloaded or is not the expected one.
    """
    import_optional("rdata", f"Reading the R data file {file.name}")
    return read(_fetch_verified_file(file, Path(get_data_home(data_home)) / file.folder))


def read(path):
    """Return the content of a file on disk, as `read_r_file` does."""
    rdata = import_optional("rdata", f"Reading the R data file {path.name}")
    read_file = rdata.read_rds if path.suffix == ".RDS" else rdata.read_rda
    constructors = rdata.conversion.DEFAULT_CLASS_MAP
    tables = dict.fromkeys(["tbl_df", "data.table"], constructors["data.frame"])
    # The files do not say that their texts are plain ASCII; without an encoding rdata warns.
    return read_file(path, constructor_dict={**constructors, **tables}, default_encoding="utf-8")


def names_along(array, dimension):
    """Return the row (dimension 0) or column (1) names of a matrix as rdata reads it."""
    return pd.Index(array.coords[f"dim_{dimension}"].to_numpy(), dtype=str)


def named_table(matrix, dtype=np.float64):
    """Return a matrix with names of rows and columns as rdata reads it."""
    return table(matrix, names_along(matrix, 0), names_along(matrix, 1), dtype)


def table(matrix, rows, columns, dtype=np.float64):
    """Return a matrix as rdata reads it with the given names of rows and columns."""
    # copy=False: pandas from version 3 on would copy the array.
    return pd.DataFrame(matrix.to_numpy().astype(dtype), rows, columns, copy=False)


def with_plain_nan(frame):
    """Return the frame with NumPy's NaN for R's NA of floats, which warns in every calculation."""
    floats = frame.select_dtypes("float")
    return frame.assign(**floats.where(floats.notna(), np.nan))


def _fetch_verified_file(file, folder):
    """Return the path of the file in folder, downloaded if it is absent or damaged there.

    `fetch_file` downloads to a temporary file and moves it in place only if its checksum is
    right.
    """
    folder.mkdir(exist_ok=True)
    try:
        return fetch_file(file.url, folder=folder, local_filename=file.name, sha256=file.sha256)
    except (OSError, HTTPException) as error:
        raise OSError(
            f"Could not get {file.name} from {file.url}. Check the connection and try again, or "
            f"put the file (SHA-256 {file.sha256}) into {folder} by hand. The error was: {error}"
        ) from error
