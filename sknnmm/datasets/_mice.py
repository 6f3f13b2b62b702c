"""The heterogeneous stock mice: real genotypes, blood measurements and body mass index."""

import os

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from sknnmm.common.typing import FilePath
from sknnmm.datasets._bglr import BGLR, BGLR_DOCS
from sknnmm.datasets._r_files import (
    RFile,
    named_table,
    read_r_file,
    with_plain_nan,
    with_shared_docs,
)

FILE = RFile(
    BGLR,
    "data/mice.RData",
    sha256="5aec95f7736460cbc98f90fbf02dc12693786d24353bea054768c0da8ae9e3a5",
)

OMICS = [
    "Biochem.Albumin",
    "Biochem.ALP",
    "Biochem.ALT",
    "Biochem.AST",
    "Biochem.Calcium",
    "Biochem.Chloride",
    "Biochem.Creatinine",
    "Biochem.Glucose",
    "Biochem.HDL",
    "Biochem.LDL",
    "Biochem.Phosphorous",
    "Biochem.Potassium",
    "Biochem.Sodium",
    "Biochem.Tot.Cholesterol",
    "Biochem.Tot.Protein",
    "Biochem.Triglycerides",
    "Biochem.Urea",
]


@validate_params({"data_home": [str, os.PathLike, None]}, prefer_skip_nested_validation=True)
@with_shared_docs(**BGLR_DOCS)
def fetch_hs_mice(data_home: FilePath | None = None) -> Bunch:
    """Load the heterogeneous stock mice (genotypes, blood measurements, body mass index).

    1814 mice of a stock descended from eight inbred strains [1]_, genotyped at 10346 SNPs of the
    autosomes and the X chromosome. Size of the file: 2 MB.

    {source}
    {rdata}

    Parameters
    ----------
    {data_home}

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object. The rows of all but `map` are the mice, in the order of `ids`.

        genotypes : DataFrame of shape (1814, 10346), int8
            Allele dosages 0, 1, 2 without gaps; the columns are marker names.
        omics : DataFrame of shape (1814, 17)
            The `Biochem.*` blood measurements, unadjusted; NaN = missing.
        covariates : DataFrame of shape (1814, 16)
            Dates, ages, body weights and length, coat colour and cage density; NaN = missing.
        BMI : Series of shape (1814,)
            Body mass index on the transformed scale on which BGLR distributes it.
        sex : Series of shape (1814,)
            "F" or "M".
        litter : Series of shape (1814,)
            Litter number, 1 to 8. It does not name the littermates: hundreds share a number.
        cage : Series of shape (1814,)
            Name of the cage.
        family : Series of shape (1814,)
            Number of the full-sib family, from 0: 169 families by the pedigree relationships.
        map : DataFrame of shape (10346, 4)
            `chr`, `snp_id`, `mbp` and `alleles` of each column of `genotypes`. In spite of its
            name `mbp` is a position in centimorgans: chromosome 1 ends at 118, and SNPs whose
            names carry 166 and 177 megabases are at 82.6 and 94.2.
        ids : Index of shape (1814,)
            Names of the mice.
        DESCR : str
            This description.

    Raises
    ------
    {raises}

    References
    ----------
    .. [1] Valdar, W. et al. (2006). Genome-wide genetic association of complex traits in
       heterogeneous stock mice. Nature Genetics, 38, 879-887.
       https://doi.org/10.1038/ng1840

    {bglr}

    Examples
    --------
    >>> from sknnmm.datasets import fetch_hs_mice
    >>> mice = fetch_hs_mice()  # doctest: +SKIP
    >>> mice.genotypes.shape, mice.omics.shape  # doctest: +SKIP
    ((1814, 10346), (1814, 17))
    """
    return _as_bunch(read_r_file(FILE, data_home))


def _as_bunch(contents):
    """Arrange the R objects of the file, all rows in the order of the genotypes."""
    genotypes = named_table(contents["mice.X"], np.int8)
    ids = genotypes.index
    records = contents["mice.pheno"].astype({"SUBJECT.NAME": str}).set_index("SUBJECT.NAME")
    records = with_plain_nan(records.loc[ids].rename_axis(index=None))
    marker_map = contents["mice.map"].astype({"snp_id": str}).set_index("snp_id", drop=False)
    marker_map = marker_map.loc[genotypes.columns].reset_index(drop=True)

    described = [*OMICS, "Obesity.BMI", "GENDER", "Litter", "cage"]
    return Bunch(
        genotypes=genotypes,
        omics=records[OMICS].astype(np.float64),
        covariates=_with_numpy_numbers(records.drop(columns=described)),
        BMI=records["Obesity.BMI"].rename("BMI"),
        sex=records["GENDER"].astype(str).rename("sex"),
        litter=records["Litter"].astype(np.int64).rename("litter"),
        cage=records["cage"].astype(str),
        family=_families(named_table(contents["mice.A"], np.float64).loc[ids, ids]),
        map=marker_map,
        ids=ids,
        DESCR=fetch_hs_mice.__doc__,
    )


def _families(relationship):
    """Return the full-sib family of each mouse: relationships are 0, or 0.5 between sibs."""
    _, family = connected_components(relationship.to_numpy() > 0)
    return pd.Series(family, index=relationship.index, name="family")


def _with_numpy_numbers(frame):
    """Return the frame with R integers, nullable in pandas, as floats with NaN for gaps."""
    nullable = frame.select_dtypes("Int32").columns
    return frame.astype(dict.fromkeys(nullable, np.float64))
