"""CIMMYT wheat lines: real markers, pedigree and grain yield in four environments."""

import os

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from sknnmm.common.typing import FilePath
from sknnmm.datasets._bglr import BGLR, BGLR_DOCS
from sknnmm.datasets._r_files import (
    RFile,
    named_table,
    names_along,
    read_r_file,
    table,
    with_shared_docs,
)

FILE = RFile(
    BGLR,
    "data/wheat.RData",
    sha256="8710523389007dd8b7c88a5deb74ee16aea0bae158496bc11f0626fb43b5ea21",
)

ENVIRONMENTS = ["environment_1", "environment_2", "environment_3", "environment_4"]


@validate_params({"data_home": [str, os.PathLike, None]}, prefer_skip_nested_validation=True)
@with_shared_docs(**BGLR_DOCS)
def fetch_wheat(data_home: FilePath | None = None) -> Bunch:
    """Load the CIMMYT wheat lines (markers, pedigree, grain yield in four environments).

    599 historical wheat lines of CIMMYT's Global Wheat Program [1]_. Size of the file: 0.5 MB.

    {source}
    {rdata}

    Parameters
    ----------
    {data_home}

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object. The rows of all tables are the lines, in the order of `ids`.

        genotypes : DataFrame of shape (599, 1279), int8
            Presence (1) or absence (0) of each DArT marker, without gaps; the lines are inbred.
            The columns are marker names.
        yields : DataFrame of shape (599, 4)
            Mean grain yield in each environment, standardised within it by the authors. The
            columns are "environment_1" to "environment_4", in the order of the file.
        relationship : DataFrame of shape (599, 599)
            Additive relationships by pedigree, twice the coefficients of parentage; rows and
            columns are the lines.
        sets : Series of shape (599,)
            The fold, 1 to 10, of each line in the 10-fold cross-validation of [1]_.
        ids : Index of shape (599,)
            Names of the lines.
        DESCR : str
            This description.

    Raises
    ------
    {raises}

    References
    ----------
    .. [1] Crossa, J. et al. (2010). Prediction of genetic values of quantitative traits in plant
       breeding using pedigree and molecular markers. Genetics, 186, 713-724.
       https://doi.org/10.1534/genetics.110.118521

    {bglr}

    Examples
    --------
    >>> from sknnmm.datasets import fetch_wheat
    >>> wheat = fetch_wheat()  # doctest: +SKIP
    >>> wheat.genotypes.shape, wheat.yields.shape  # doctest: +SKIP
    ((599, 1279), (599, 4))
    """
    return _as_bunch(read_r_file(FILE, data_home))


def _as_bunch(contents):
    """Arrange the R objects of the file, all rows in the order of the yields.

    Markers and folds have no row names in the file: they are in the order of the yields.
    """
    markers, yields, relationship = (contents[f"wheat.{name}"] for name in "XYA")
    ids = names_along(yields, 0)
    return Bunch(
        genotypes=table(markers, ids, names_along(markers, 1), np.int8),
        yields=table(yields, ids, ENVIRONMENTS),
        relationship=named_table(relationship).loc[ids, ids],
        sets=pd.Series(contents["wheat.sets"].astype(np.int64), index=ids, name="set"),
        ids=ids,
        DESCR=fetch_wheat.__doc__,
    )
