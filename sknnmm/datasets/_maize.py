"""Maize hybrids: real genotypes, transcripts known for a part of them, and silage traits."""

import os

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from sknnmm.common.typing import FilePath
from sknnmm.datasets._r_files import (
    Repository,
    RFile,
    named_table,
    read_r_file,
    with_shared_docs,
)

SINGLE_STEP = Repository("mwesthues/single_step", "bd6d4fe89c71b2ae42a0d1446d44f79016b702f1")
FILES = {
    name: RFile(SINGLE_STEP, path, sha256, folder="maize")
    for name, path, sha256 in [
        (
            "snps",
            "data/derived/uhoh/snp_matrix.RDS",
            "e55b9273361a9697d7d8c7aff9daa5ddcb425d358497f8bbda6fb38a2854ec42",
        ),
        (
            "transcripts",
            "data/derived/uhoh/mrna.RDS",
            "dc4d2b92b452f4135cc2fa5d6741163ef4527d757c7c1773113428f6284c6f9a",
        ),
        (
            "relationship",
            "data/derived/uhoh/pedigree_matrix.RDS",
            "fcdd089f6c185650b3b32323e6be14bf81052898ef160202e7ce1392f171b920",
        ),
        (
            "hybrids",
            "data/derived/uhoh/agro_tibble.RDS",
            "d0c40fa656ecae4b693a65dbd23374a84b51b9c100c3f1e765a7e6603db05bbb",
        ),
        (
            "records",
            "data/processed/Pheno_stage2.RDS",
            "ff8ba76ab067bb66533872c6716857f26ff9b4b9b6918f288b7c120fda555150",
        ),
    ]
}

TRAITS = {
    "GTM": ("dry matter yield", "100 kg/ha"),
    "GTS": ("dry matter content", "%"),
    "RPR": ("protein", "% of dry matter"),
    "FETT": ("fat", "% of dry matter"),
    "XZ": ("sugar", "% of dry matter"),
    "STA": ("starch", "% of dry matter"),
    "ADL": ("acid detergent lignin", "% of dry matter"),
}


@validate_params({"data_home": [str, os.PathLike, None]}, prefer_skip_nested_validation=True)
@with_shared_docs()
def fetch_maize_hybrids(data_home: FilePath | None = None) -> Bunch:
    """Load the maize hybrids of Hohenheim (genotypes, transcripts of parents, silage traits).

    1521 hybrids of 142 dent and 103 flint inbred lines, from 16 factorials that were tested in
    Germany [1]_, [2]_. All lines were genotyped (15318 SNPs), but gene expression was measured in
    seedlings of 103 of them only (60 dent, 43 flint; 1323 transcripts). So 685 hybrids have
    transcripts of both parents, 557 of one and 279 of none. Size of the files: 3.7 MB.

    The files are downloaded from the repository of [2]_ at first use. It states no licence, so the
    data are not shipped with sknnmm.
    {rdata}

    Parameters
    ----------
    {data_home}
        The files of this data set are in its subfolder `maize`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object. The hybrids are in the order of `ids`, the inbred lines of the
        tables `parent_*` and of `pools` in the order of `parent_ids`.

        genotypes : DataFrame of shape (1521, 15318), int8
            Allele dosages 0, 1, 2 of the hybrids without gaps: the sum of the gametes of their
            parents, which are inbred. 669 SNPs do not vary among the hybrids.
        omics : DataFrame of shape (1521, 1323)
            Gene expression of the hybrids: the mean of their parents', NaN unless both were
            measured. It is known for 685 hybrids. It is a prediction from the parents, in units of
            `parent_omics`: no transcript of a hybrid was measured.
        phenotypes : DataFrame of shape (1521, 7)
            Means of the traits over locations and factorials, adjusted for them, without gaps. The
            columns are the authors' German abbreviations, see `traits`.
        standard_errors : DataFrame of shape (1521, 7)
            Standard errors of `phenotypes`, in the same units.
        parents : DataFrame of shape (1521, 2)
            Names of the `dent` and the `flint` parent.
        traits : DataFrame of shape (7, 2)
            `description` and `unit` of each trait. The files have no units: these are read off the
            magnitudes.
        parent_genotypes : DataFrame of shape (245, 15318), int8
            Alleles 0 or 1 of the inbred lines; gaps were imputed by the authors.
        parent_omics : DataFrame of shape (245, 1323)
            Gene expression of the inbred lines, each transcript standardised by the authors to mean
            0 and standard deviation 1 over the 103 lines measured; NaN = not measured.
        parent_relationship : DataFrame of shape (245, 245)
            Additive relationships of the inbred lines by pedigree, twice the coefficients of
            parentage; 0 between dent and flint.
        pools : Series of shape (245,)
            "dent" or "flint".
        ids : Index of shape (1521,)
            Names of the hybrids: ``DF_<dent>_<flint>``.
        parent_ids : Index of shape (245,)
            Names of the inbred lines, dent before flint.
        DESCR : str
            This description.

    Raises
    ------
    {raises}

    Notes
    -----
    ``sample_weight=1 / data.standard_errors["GTM"] ** 2`` weights hybrids by the precision of their
    means; it takes the whole residual for error of these means. Hybrids share parents: to judge
    predictions for new parents, leave all hybrids of a test hybrid's parents out of training.

    References
    ----------
    .. [1] Westhues, M. et al. (2017). Omics-based hybrid prediction in maize. Theoretical and
       Applied Genetics, 130, 1927-1939. https://doi.org/10.1007/s00122-017-2934-0

    .. [2] Westhues, M. et al. (2019). Efficient genetic value prediction using incomplete omics
       data. Theoretical and Applied Genetics, 132, 1211-1222.
       https://doi.org/10.1007/s00122-018-03273-1

    Examples
    --------
    >>> from sknnmm.datasets import fetch_maize_hybrids
    >>> maize = fetch_maize_hybrids()  # doctest: +SKIP
    >>> maize.genotypes.shape, maize.omics.shape  # doctest: +SKIP
    ((1521, 15318), (1521, 1323))
    >>> maize.omics.notna().all(axis=1).sum()  # doctest: +SKIP
    685
    """
    return _as_bunch(**{name: read_r_file(file, data_home) for name, file in FILES.items()})


def _as_bunch(snps, transcripts, relationship, hybrids, records):
    """Arrange the R objects of the files; those of the parents have more lines, in other orders."""
    ids = pd.Index(hybrids["Genotype"].astype(str).unique(), dtype=str)
    records = records.astype({"G": str, "Trait": str, "dent.GTP": str, "flint.GTP": str})
    parents = records.drop_duplicates("G").set_index("G").loc[ids, ["dent.GTP", "flint.GTP"]]
    parents = parents.set_axis(["dent", "flint"], axis=1).rename_axis(index=None)

    pools = pd.concat([pd.Series(pool, index=np.unique(parents[pool])) for pool in parents])
    pools.index = lines = pd.Index(pools.index, dtype=str)
    parent_genotypes = named_table(snps, np.int8).loc[lines]
    parent_omics = named_table(transcripts).reindex(lines)
    return Bunch(
        genotypes=_sum_over_parents(parent_genotypes, parents),
        omics=_sum_over_parents(parent_omics / 2, parents),
        phenotypes=_by_trait(records, "EST", ids),
        standard_errors=_by_trait(records, "SE", ids),
        parents=parents,
        traits=pd.DataFrame.from_dict(TRAITS, orient="index", columns=["description", "unit"]),
        parent_genotypes=parent_genotypes,
        parent_omics=parent_omics,
        parent_relationship=named_table(relationship).loc[lines, lines],
        pools=pools.rename("pool"),
        ids=ids,
        parent_ids=lines,
        DESCR=fetch_maize_hybrids.__doc__,
    )


def _sum_over_parents(lines, parents):
    """Return what the hybrids get from both parents; NaN if either is NaN."""
    dent, flint = (lines.loc[parents[pool]].to_numpy() for pool in parents)
    return pd.DataFrame(dent + flint, index=parents.index, columns=lines.columns, copy=False)


def _by_trait(records, value, ids):
    """Return a value of the records as a table of hybrids by traits."""
    wide = records.pivot(index="G", columns="Trait", values=value)
    return wide.loc[ids, list(TRAITS)].rename_axis(index=None, columns=None).astype(np.float64)
