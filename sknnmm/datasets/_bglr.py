"""Data files of the R package BGLR: downloaded once, verified, read, and described."""

import inspect
from http.client import HTTPException
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import fetch_file, get_data_home

from sknnmm.common.optional import import_optional

FOLDER_URL = "https://github.com/gdlc/BGLR-R/raw/f66f9bc07a735803ddfb9625f6eea0fe46c3df57/data"

# Parts that the docstrings of all fetchers share.
SHARED_DOCS = {
    "source": """\
The data are those of the R package BGLR [2]_. The file is downloaded from the repository of BGLR
at first use. Reading it needs the optional library rdata: ``pip install rdata``.""",
    "data_home": """\
data_home : str or path-like, default=None
    The folder in which the file is kept. By default all scikit-learn data are kept in
    `~/scikit_learn_data` subfolders. Nothing is downloaded or written if the file is there.""",
    "raises": """\
ImportError
    If rdata is not installed.
OSError
    If the file cannot be downloaded or is not the expected one.""",
    "bglr": """\
.. [2] Perez, P. and de los Campos, G. (2014). Genome-wide regression and prediction with
   the BGLR statistical package. Genetics, 198, 483-495.
   https://doi.org/10.1534/genetics.114.164442""",
}


def with_shared_docs(fetch):
    """Fill in the parts of `SHARED_DOCS` that a docstring names in braces."""
    if fetch.__doc__:  # absent under python -OO
        fetch.__doc__ = inspect.cleandoc(fetch.__doc__).format_map(SHARED_DOCS)
    return fetch


def read_bglr_file(filename, sha256, data_home):
    """Return the R objects of a data file of BGLR, by name; download the file at first use.

    Parameters
    ----------
    filename : str
        Name of the file, in BGLR's folder of data and in `data_home`.
    sha256 : str
        Checksum of the file.
    data_home : str, path-like or None
        Folder in which the file is kept; None is scikit-learn's.

    Returns
    -------
    dict

    Raises
    ------
    ImportError
        If rdata is not installed.
    OSError
        If the file cannot be downloaded or is not the expected one.
    """
    rdata = import_optional("rdata", f"Reading the R data file {filename}")
    path = _fetch_verified_file(filename, sha256, Path(get_data_home(data_home)))
    # The files do not say that their texts are plain ASCII; without an encoding rdata warns.
    return rdata.read_rda(path, default_encoding="utf-8")


def names_along(array, dimension):
    """Return the row (dimension 0) or column (1) names of a matrix as rdata reads it."""
    return pd.Index(array.coords[f"dim_{dimension}"].to_numpy(), dtype=str)


def dosage_table(markers, ids):
    """Return a matrix of markers as rdata reads it as int8 dosages, indexed by the IDs."""
    dosages = markers.to_numpy().astype(np.int8)
    # copy=False: pandas from version 3 on would copy the array.
    return pd.DataFrame(dosages, index=ids, columns=names_along(markers, 1), copy=False)


def with_plain_nan(frame):
    """Return the frame with NumPy's NaN for R's NA of floats, which warns in every calculation."""
    floats = frame.select_dtypes("float")
    return frame.assign(**floats.where(floats.notna(), np.nan))


def _fetch_verified_file(filename, sha256, folder):
    """Return the path of the file in folder, downloaded if it is absent or damaged there.

    `fetch_file` downloads to a temporary file and moves it in place only if its checksum is
    right.
    """
    url = f"{FOLDER_URL}/{filename}"
    try:
        return fetch_file(url, folder=folder, local_filename=filename, sha256=sha256)
    except (OSError, HTTPException) as error:
        raise OSError(
            f"Could not get {filename} from {url}. Check the connection and try again, or put the "
            f"file (SHA-256 {sha256}) into {folder} by hand. The error was: {error}"
        ) from error
