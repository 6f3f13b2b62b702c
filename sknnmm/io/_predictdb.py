"""SNP-to-omic models in the form of PredictDB."""

import gzip
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.fitted import check_is_fitted_network
from sknnmm.common.messages import some
from sknnmm.common.typing import FilePath, Table
from sknnmm.genotypes.dosages import is_missing
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.genotypes import check_genotypes
from sknnmm.inputs.tables import as_pandas
from sknnmm.io._alleles import ALLELES, UNKNOWN

PERFORMANCE = {"r2": "pred.perf.R2", "pval": "pred.perf.pval", "qval": "pred.perf.qval"}


def write_predictdb(
    prefix: FilePath,
    model: BaseEstimator,
    X: Table,
    variants: pd.DataFrame,
    *,
    min_inclusion: float = 0.0,
    performance: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Write the SNP effects on the omics as PredictDB models, for MetaXcan and its relatives.

    Two files: ``<prefix>.db``, an SQLite database of weights, and
    ``<prefix>_covariances.txt.gz``, the covariances of the SNPs of each model. S-PrediXcan then
    tests which of these omics, as predicted from genotypes, go with a trait of which only summary
    statistics are known.

    Parameters
    ----------
    prefix : str or path-like
        Path of the files without their ending; files of that name are replaced.
    model : NNMMRegressor
        Fitted with omics. Latent nodes are not exported.
    X : DataFrame, PackedGenotypes or array-like of shape (n, p)
        Genotypes from which the covariances are taken: those of the fit, or of a reference panel
        of the population of the summary statistics. In a table the SNPs of the model are found by
        name, in an array they are all columns, in their order. Missing values count as the mean.
    variants : DataFrame
        Index the SNPs; columns counted_allele and other_allele, as `read_plink` returns them.
        With chromosome and position they are part of varID.
    min_inclusion : float, default=0
        SNPs with a smaller posterior probability of an effect on an omic are left out of its model.
        With all SNPs an omic has as many covariances as pairs of SNPs.
    performance : DataFrame or None, default=None
        How well the omics are predicted, index their names; columns r2, pval and qval, or some of
        these. Take them from a cross-validation: the fit itself looks better than it predicts.

    Returns
    -------
    DataFrame
        The table of weights: gene (the omic), rsid (the SNP), varID, ref_allele, eff_allele and
        weight, in omic units per copy of the effect allele.

    Raises
    ------
    TypeError
        If `model` is no NNMMRegressor or NNMMClassifier.
    ValueError
        If the model has no omics or no SNP effect on any, X or `variants` lack SNPs with an effect,
        or alleles of these are unknown.

    See Also
    --------
    harmonise : Brings genotypes of two files to the same counted alleles.

    Notes
    -----
    The weights are posterior means, so that the sum of weights times dosages is
    ``predict_omics(X) - omics_intercept_`` if no SNP is left out. Where an omic was not measured,
    y and the other omics inform it, and so its weights; they do not where all omics are complete.

    References
    ----------
    Gamazon et al. (2015), doi 10.1038/ng.3367. Barbeira et al. (2018), doi
    10.1038/s41467-018-03621-1.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.io import write_predictdb
    >>> data = make_omics_network(n_samples=60, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor("RR-BLUP", n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> variants = pd.DataFrame(
    ...     {"counted_allele": "A", "other_allele": "G"}, index=model.snp_names_
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     weights = write_predictdb(f"{folder}/omics", model, data.X, variants)
    >>> weights[["gene", "rsid", "ref_allele", "eff_allele"]].head(2)
         gene   rsid ref_allele eff_allele
    0  omic_0  snp_0          G          A
    1  omic_0  snp_1          G          A
    """
    check_is_fitted_network(model)
    weights = _weights(model, variants, min_inclusion)
    extra = _extra(weights, performance)
    covariances = f"{os.fspath(prefix)}_covariances.txt.gz"
    _replace(covariances, lambda path: _write_covariances(path, weights, model, X))
    _replace(f"{os.fspath(prefix)}.db", lambda path: _write_database(path, weights, extra))
    return weights


def _weights(model, variants, min_inclusion):
    """Return the table of weights."""
    tables = []
    for k, omic in enumerate(model.omics_names_[: model.n_omics_]):
        effects = _column(model.snp_effects_, k)
        included = _column(model.inclusion_probability_, k)
        snps = np.flatnonzero((effects != 0) & (included >= min_inclusion))
        columns = {"gene": omic, "rsid": model.snp_names_[snps], "weight": effects[snps]}
        tables.append(pd.DataFrame(columns))
    tables = [table for table in tables if len(table)]
    if not tables:
        raise ValueError(
            "The model has no SNP effects on omics to write: fit it with omics, or lower "
            "min_inclusion."
        )
    weights = pd.concat(tables, ignore_index=True)
    blank = [name for name in weights[["gene", "rsid"]].stack().unique() if len(name.split()) != 1]
    if blank:
        raise ValueError(f"Names must not contain blanks, which separate columns: {some(blank)}.")
    of_snp = _alleles(variants, weights["rsid"].unique()).loc[weights["rsid"]]
    for name in of_snp.columns:
        weights[name] = of_snp[name].to_numpy()
    return weights[["gene", "rsid", "varID", "ref_allele", "eff_allele", "weight"]]


def _column(table, k):
    """Return a column of a dense or sparse table as an array."""
    column = table[:, [k]]
    return (column.toarray() if hasattr(column, "toarray") else np.asarray(column))[:, 0]


def _alleles(variants, snps):
    """Return ref_allele, eff_allele and varID of some SNPs, by their names."""
    if not isinstance(variants, pd.DataFrame) or not set(ALLELES) <= set(variants.columns):
        raise ValueError(
            "variants must be a DataFrame with columns counted_allele and other_allele, as "
            "read_plink returns it."
        )
    names = pd.Index([str(name) for name in variants.index])
    refuse_duplicates(names, "variants", "SNPs", "Rename or drop them.")
    lacking = [snp for snp in snps if snp not in names]
    if lacking:
        raise ValueError(f"variants lacks {len(lacking)} SNPs with an effect: {some(lacking)}.")
    found = variants.set_axis(names).loc[snps]
    counted, other = (found[name].astype(object) for name in ALLELES)
    is_unknown = np.any([_are_unknown(alleles) for alleles in (counted, other)], axis=0)
    if is_unknown.any():
        unknown = found.index[is_unknown]
        raise ValueError(
            f"variants does not know both alleles of {len(unknown)} SNPs with an effect: "
            f"{some(unknown)}. Fill them in, or leave these SNPs out of the fit."
        )
    ids = pd.Series(found.index, found.index, dtype=object)
    if {"chromosome", "position"} <= set(found.columns):
        placed = found["chromosome"].notna() & found["position"].notna()
        positions = found["position"].where(placed, 0).astype(np.int64).astype(str)
        full = found["chromosome"].astype(str) + "_" + positions + "_" + other + "_" + counted
        ids = full.where(placed, ids)
    return pd.DataFrame({"varID": ids, "ref_allele": other, "eff_allele": counted})


def _are_unknown(alleles):
    return alleles.isna() | alleles.astype(str).str.strip().str.upper().isin(UNKNOWN)


def _extra(weights, performance):
    """Return the table about the models."""
    counts = weights.groupby("gene", sort=False).size()
    extra = pd.DataFrame({"gene": counts.index, "genename": counts.index})
    extra["n.snps.in.model"] = counts.to_numpy()
    for column, name in PERFORMANCE.items():
        known = performance is not None and column in performance.columns
        values = performance[column].reindex(counts.index) if known else np.nan
        extra[name] = np.asarray(values, float) * np.ones(len(counts))
    return extra


def _replace(path, write):
    """Write a file that is complete or not there."""
    unfinished = Path(f"{path}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        write(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_database(path, weights, extra):
    with closing(sqlite3.connect(path)) as database:
        weights.to_sql("weights", database, index=False)
        extra.to_sql("extra", database, index=False)
        for name in ("rsid", "gene"):
            database.execute(f"CREATE INDEX weights_{name} ON weights ({name})")
        database.commit()


def _write_covariances(path, weights, model, X):
    """Write the covariances of every pair of SNPs of a model, and the variances."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("GENE RSID1 RSID2 VALUE\n")
        for gene, of_gene in weights.groupby("gene", sort=False):
            snps = of_gene["rsid"].to_numpy()
            covariance = np.atleast_2d(np.cov(_dosages(X, snps, model), rowvar=False))
            for i, first in enumerate(snps):
                file.writelines(
                    f"{gene} {first} {second} {value!r}\n"
                    for second, value in zip(snps[i:], covariance[i, i:].tolist(), strict=True)
                )


def _dosages(X, snps, model):
    """Return the dosages of some SNPs in double precision, missing ones at the mean."""
    X = as_pandas(X)
    if isinstance(X, pd.DataFrame | PackedGenotypes):
        lacking = set(snps) - set(X.columns)
        if lacking:
            raise ValueError(
                f"X lacks {len(lacking)} SNPs with an effect: {some(sorted(lacking))}."
            )
        chosen = X[list(snps)] if isinstance(X, pd.DataFrame) else np.asarray(X[:, list(snps)])
    else:
        array = np.asarray(X)
        if array.ndim != 2 or array.shape[1] != len(model.snp_names_):
            raise ValueError(
                f"X must have the {len(model.snp_names_)} SNPs of the model; its shape is "
                f"{array.shape}."
            )
        chosen = array[:, pd.Index(model.snp_names_).get_indexer(snps)]
    values = check_genotypes(chosen, "write_predictdb").values
    values = np.where(is_missing(values), np.nan, values).astype(float)
    return np.where(np.isnan(values), np.nanmean(values, axis=0), values)
