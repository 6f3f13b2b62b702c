"""Genotypes, omics, phenotypes and covariates of the same individuals in the same order."""

from typing import Literal

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from sknnmm.common.ids import may_count_rows
from sknnmm.common.messages import some
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.io._ids import text_ids


@validate_params(
    {
        "genotypes": [pd.DataFrame, PackedGenotypes],
        "omics": [pd.DataFrame, pd.Series, None],
        "phenotypes": [pd.DataFrame, pd.Series, None],
        "covariates": [pd.DataFrame, pd.Series, None],
        "how": [StrOptions({"genotyped", "phenotyped", "complete"})],
    },
    prefer_skip_nested_validation=True,
)
def align(
    genotypes: pd.DataFrame | PackedGenotypes,
    omics: pd.DataFrame | pd.Series | None = None,
    phenotypes: pd.DataFrame | pd.Series | None = None,
    covariates: pd.DataFrame | pd.Series | None = None,
    *,
    how: Literal["genotyped", "phenotyped", "complete"] = "genotyped",
) -> Bunch:
    """Join tables by the IDs of individuals, in the order of the genotypes.

    Individuals without genotypes are dropped. Genotyped individuals stay, with NaN for omics,
    phenotypes and covariates that they lack: they may be the ones to predict. `report` counts what
    happened to the rows of every table. Only individuals are matched; for the SNPs of two files see
    `harmonise`.

    Parameters
    ----------
    genotypes : DataFrame of shape (n, p), or PackedGenotypes
        The index holds the IDs, here and in the other tables; see `read_plink`, `open_plink` and
        `read_table`.
    omics : DataFrame, Series or None, default=None
        NaN = missing.
    phenotypes : DataFrame, Series or None, default=None
        NaN = missing.
    covariates : DataFrame, Series or None, default=None
        NaN = missing. Any types, also categories and text.
    how : {"genotyped", "phenotyped", "complete"}, default="genotyped"
        Which genotyped individuals to keep: all; those with at least one phenotype; or those
        without any missing value in omics, phenotypes and covariates.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object. All tables have the same index: the IDs of `genotypes` that are
        kept, unchanged and in their order.

        genotypes : DataFrame of shape (n_kept, p), or PackedGenotypes
            As passed, the same object if all individuals are kept; missing values stay. A subset of
            packed genotypes is packed in memory.
        omics, covariates : DataFrame of n_kept rows, or None
            A Series becomes a table of one column.
        phenotypes : DataFrame or Series of n_kept rows, or None
            Of the type that was passed.
        report : DataFrame
            One row for each table that was passed. Columns: given, its rows; kept, those in the
            result; not_genotyped, those dropped because `genotypes` lacks their ID; left_out,
            those dropped by `how`; absent, individuals of the result without a row in this table.
            given is the sum of the next three.

    Raises
    ------
    TypeError
        If tables are of other types, or IDs neither text nor whole numbers.
    ValueError
        If a table has missing, duplicated or no IDs, or none in common with `genotypes`, or if no
        individual is left.

    See Also
    --------
    read_plink, read_table : Tables whose index holds the IDs.
    harmonise : The same SNPs and counted alleles in genotypes of two files.

    Notes
    -----
    IDs are compared as text: 7 and "7" are the same, "007" and "7" are not. An index without a name
    whose whole numbers may be positions of rows is refused, since pandas makes one for a table
    without IDs and a filter or sort keeps parts of it. It is taken for IDs if it has a name
    (``table.rename_axis("animal")``) or no number below 100,000. Numbers as text, or beside text,
    are refused only if they are all those from 0 or 1 on, as pandas and R write the index of a
    table without IDs to a file.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknnmm.io import align
    >>> genotypes = pd.DataFrame({"rs1": [0, 1, 2], "rs2": [1, 1, 0]}, index=["m1", "m2", "m3"])
    >>> omics = pd.DataFrame({"HDL": [2.1, 1.7]}, index=["m3", "m1"])
    >>> weights = pd.Series({"m2": 21.0, "m3": 19.5, "m4": 22.3}, name="weight")
    >>> data = align(genotypes, omics, weights)
    >>> data.omics
        HDL
    m1  1.7
    m2  NaN
    m3  2.1
    >>> data.phenotypes
    m1     NaN
    m2    21.0
    m3    19.5
    Name: weight, dtype: float64
    >>> data.report
                given  kept  not_genotyped  left_out  absent
    table
    genotypes       3     3              0         0       0
    omics           2     2              0         0       1
    phenotypes      3     2              1         0       1
    """
    if how == "phenotyped" and phenotypes is None:
        raise ValueError("how='phenotyped' needs phenotypes.")
    given = {
        "genotypes": genotypes,
        "omics": _as_frame(omics),
        "phenotypes": phenotypes,
        "covariates": _as_frame(covariates),
    }
    given = {name: table for name, table in given.items() if table is not None}
    ids = {name: _ids(table, name) for name, table in given.items()}
    rows = {name: _rows(ids["genotypes"], ids[name], name) for name in ids}
    joined = {
        name: table if name == "genotypes" else _take(table, rows[name], genotypes.index)
        for name, table in given.items()
    }
    keep = _kept(joined, how, len(genotypes))
    if not keep.all():
        joined = {name: _kept_rows(table, keep) for name, table in joined.items()}
    report = {name: _count(rows[name], len(given[name]), keep) for name in given}
    return Bunch(
        **{name: joined.get(name) for name in ("genotypes", "omics", "phenotypes", "covariates")},
        report=pd.DataFrame.from_dict(report, orient="index").rename_axis("table"),
    )


def _as_frame(table):
    return table.to_frame() if isinstance(table, pd.Series) else table


def _ids(table, name):
    index = table.index
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            f"{name} has an index of {index.nlevels} levels; one ID per row is needed."
        )
    if may_count_rows(index):
        raise ValueError(
            f"{name} has no IDs: its index has no name, and its numbers ({some(index)}) may only "
            "count rows. Make the column of IDs the index, with id_column of read_table or with "
            "set_index. If these numbers are the IDs, name the index: .rename_axis('id')."
        )
    return text_ids(index, name)


def _rows(genotyped, ids, name):
    """Return the row of `ids` with each genotyped individual, -1 if it is absent."""
    rows = ids.get_indexer(genotyped)
    if (rows < 0).all():
        raise ValueError(
            f"{name} and genotypes have no ID in common. {name}: {some(ids)}; genotypes: "
            f"{some(genotyped)}."
        )
    return rows


def _take(table, rows, index):
    """Return these rows of a table, NaN where they are -1, with another index."""
    return table.set_axis(np.arange(len(table)), axis=0).reindex(rows).set_axis(index, axis=0)


def _kept(joined, how, n_samples):
    """Return which genotyped individuals to keep (n_samples,), bool."""
    keep = np.ones(n_samples, bool)
    observed = {
        name: table.to_frame().notna() if isinstance(table, pd.Series) else table.notna()
        for name, table in joined.items()
        if name != "genotypes"
    }
    if how == "phenotyped":
        keep &= observed["phenotypes"].any(axis=1).to_numpy()
    elif how == "complete":
        for table in observed.values():
            keep &= table.all(axis=1).to_numpy()
    if not keep.any():
        raise ValueError(
            f"No individual is left: with how={how!r} every genotyped one lacks phenotypes, omics "
            "or covariates."
        )
    return keep


def _kept_rows(table, keep):
    return table[keep] if isinstance(table, PackedGenotypes) else table.take(np.flatnonzero(keep))


def _count(rows, n_given, keep):
    found = rows >= 0
    kept = int((found & keep).sum())
    return {
        "given": n_given,
        "kept": kept,
        "not_genotyped": n_given - int(found.sum()),
        "left_out": int((found & ~keep).sum()),
        "absent": int((keep & ~found).sum()),
    }
