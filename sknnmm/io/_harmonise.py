"""The same counted alleles in genotypes of several files."""

from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import some
from sknnmm.genotypes.plink_bits import PackedGenotypes, take_snps
from sknnmm.inputs.chromosomes import chromosome_codes
from sknnmm.inputs.tables import as_doubles
from sknnmm.io._alleles import ALLELES, compare_alleles
from sknnmm.io._dosages import take_columns

Genotypes = TypeVar("Genotypes", pd.DataFrame, PackedGenotypes)

# What may be found of a SNP, and the action; None: that of a parameter.
ACTIONS = {
    "same alleles": "keep",
    "swapped alleles": "swap",
    "other strand": None,
    "other strand, swapped alleles": None,
    "ambiguous strand": None,
    "ambiguous strand, swapped alleles": None,
    "other alleles": "drop",
    "unknown alleles": "drop",
    "other position": "drop",
    "not in reference": "drop",
}


@validate_params(
    {
        "variants": [pd.DataFrame],
        "reference": [pd.DataFrame],
        "other_strand": [StrOptions({"drop", "flip"})],
        "ambiguous": [StrOptions({"drop", "keep"})],
    },
    prefer_skip_nested_validation=True,
)
def harmonise(
    variants: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    other_strand: Literal["drop", "flip"] = "drop",
    ambiguous: Literal["drop", "keep"] = "drop",
) -> "Harmonisation":
    """Plan how genotypes are brought to the SNPs and counted alleles of a reference.

    Which allele a PLINK file counts depends on its individuals, so two files of the same SNPs may
    count different ones; a model trained on one then predicts from the other with the wrong sign.

    Parameters
    ----------
    variants : DataFrame of p rows
        The SNPs of the genotypes to change, as `read_plink` and `open_plink` return them: index
        the names, columns counted_allele and other_allele, in upper or lower case; NaN, "0" or "."
        = unknown.
    reference : DataFrame of m rows
        The SNPs as they should be, e.g. those a model was fitted with. SNPs are the same if their
        names are and, where both tables know them, chromosome and position.
    other_strand : {"drop", "flip"}, default="drop"
        What to do with SNPs whose alleles agree only if those of one file are read from the other
        strand (A/C and T/G).
    ambiguous : {"drop", "keep"}, default="drop"
        What to do with SNPs whose alleles do not tell the strand (A/T, C/G; or A in one file, T
        in the other, where these know one allele each). "keep" takes both
        files to give the same strand.

    Returns
    -------
    plan : Harmonisation
        ``plan.apply(genotypes)`` carries it out, ``plan.report`` counts what was found.

    Raises
    ------
    TypeError
        If `variants` or `reference` is no DataFrame.
    ValueError
        If a table lacks the columns of alleles or has a SNP twice, or no SNP can be used.

    See Also
    --------
    align : Aligns individuals, not SNPs.

    Notes
    -----
    An unknown allele, as PLINK writes it for SNPs that do not vary, does no harm if the known one
    shows which is counted. Alleles of several bases are compared as text; on the other strand they
    are reversed as well.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknnmm.io import harmonise
    >>> columns = ["counted_allele", "other_allele"]
    >>> old = pd.DataFrame(
    ...     [["A", "G"], ["C", "T"], ["A", "T"]], index=["rs1", "rs2", "rs3"], columns=columns
    ... )
    >>> new = pd.DataFrame(
    ...     [["T", "C"], ["A", "G"], ["A", "T"]], index=["rs2", "rs1", "rs3"], columns=columns
    ... )
    >>> plan = harmonise(new, old)
    >>> plan.snps
                  finding action
    rs2   swapped alleles   swap
    rs1      same alleles   keep
    rs3  ambiguous strand   drop
    >>> genotypes = pd.DataFrame({"rs2": [0, 2], "rs1": [0, 1], "rs3": [2, 2]}, index=["m1", "m2"])
    >>> plan.apply(genotypes)
        rs1  rs2  rs3
    m1    0    2   -1
    m2    1    0   -1
    """
    names = _names(variants, "variants")
    rows = _names(reference, "reference").get_indexer(names)
    known = rows >= 0
    if not known.any():
        raise ValueError(
            f"variants and reference have no SNP in common. variants: {some(names)}; reference: "
            f"{some(reference.index)}."
        )
    finding = np.full(len(names), "not in reference", dtype=object)
    ours, theirs = variants.iloc[known], reference.iloc[rows[known]]
    finding[known] = np.where(
        _elsewhere(ours, theirs), "other position", compare_alleles(ours, theirs)
    )
    actions = _actions(other_strand, ambiguous)
    action = np.array([actions[what] for what in finding], dtype=object)
    source = np.full(len(reference), -1)
    used = action != "drop"
    if not used.any():
        raise ValueError(
            f"No SNP of variants can be used: {', '.join(sorted(set(finding)))}. If the positions "
            "are those of another genome build, leave the column position out of one table."
        )
    source[rows[used]] = np.flatnonzero(used)
    return Harmonisation(
        pd.DataFrame({"finding": finding, "action": action}, index=variants.index),
        reference.index,
        source,
    )


class Harmonisation:
    """How genotypes are brought to the SNPs and counted alleles of a reference.

    Made by `harmonise`.

    Attributes
    ----------
    snps : DataFrame of p rows
        Index the SNPs of the genotypes; columns finding and action: "keep", "swap" (count the
        other allele) or "drop".
    report : DataFrame
        Number of SNPs by finding (index) and action (columns); its sum is p.
    lacking : Index
        SNPs of the reference without genotypes, because `snps` lacks or drops them.
    """

    def __init__(self, snps: pd.DataFrame, reference: pd.Index, source: np.ndarray) -> None:
        self.snps = snps
        counts = pd.crosstab(snps["finding"], snps["action"])
        self.report = (
            counts.reindex(index=list(ACTIONS), columns=["keep", "swap", "drop"], fill_value=0)
            .rename_axis("finding")
            .rename_axis(columns=None)
        )
        self.lacking = reference[source < 0]
        self._reference, self._source = reference, source

    def __repr__(self) -> str:
        keep, swap, drop = self.report.sum()
        return f"Harmonisation({keep} SNPs kept, {swap} swapped, {drop} dropped)"

    def apply(
        self,
        genotypes: Genotypes,
        *,
        lacking: Literal["missing", "drop"] = "missing",
        max_dosage: Literal[1, 2] = 2,
    ) -> Genotypes:
        """Return genotypes with the SNPs and counted alleles of the reference.

        Parameters
        ----------
        genotypes : DataFrame or PackedGenotypes of shape (n, p)
            Its columns are the SNPs of `variants`, in any order. A DataFrame may have any numeric
            types, NaN, or negative in integer columns, = missing.
        lacking : {"missing", "drop"}, default="missing"
            SNPs of the reference without genotypes become columns of missing values, so that
            models of the reference predict from the result, or are left out.
        max_dosage : {1, 2}, default=2
            A swapped dosage x becomes ``max_dosage - x``: 1 for inbred lines or haploids coded
            0/1. PackedGenotypes are always 0, 1, 2.

        Returns
        -------
        DataFrame or PackedGenotypes of shape (n, m)
            In the order of the reference, with its names, of the type that was passed and in
            memory. Missing values stay missing; those of lacking SNPs are -1 in integer columns.

        Raises
        ------
        TypeError
            If `genotypes` is something else or not numeric.
        ValueError
            If its SNPs are not those of `variants`, or a value lies outside 0 to `max_dosage`.

        Warns
        -----
        UserWarning
            If SNPs are swapped with ``max_dosage=2`` but no value is above 1.
        """
        if lacking not in ("missing", "drop"):
            raise ValueError(f"lacking must be 'missing' or 'drop'; got {lacking!r}.")
        if max_dosage not in (1, 2):
            raise ValueError(f"max_dosage must be 1 or 2; got {max_dosage!r}.")
        if not isinstance(genotypes, pd.DataFrame | PackedGenotypes):
            raise TypeError(
                "genotypes must be a DataFrame with the names of SNPs as columns, or "
                f"PackedGenotypes; got {type(genotypes).__name__}."
            )
        snps = _text(self.snps.index)
        columns = _text(genotypes.columns)
        if len(columns) != len(snps) or not columns.is_unique or not columns.isin(snps).all():
            raise ValueError(
                f"genotypes has {len(columns)} columns that are not the {len(snps)} SNPs of "
                f"variants. genotypes: {some(columns)}; variants: {some(snps)}."
            )
        found = self._source >= 0
        positions = np.where(found, columns.get_indexer(snps)[self._source], -1)
        swapped = found & (self.snps["action"].to_numpy() == "swap")[self._source]
        names = self._reference
        if lacking == "drop":
            positions, swapped, names = positions[found], swapped[found], names[found]
        if isinstance(genotypes, PackedGenotypes):
            if max_dosage == 1:
                raise ValueError("max_dosage=1 is for tables; PackedGenotypes are always 0, 1, 2.")
            return take_snps(genotypes, positions, swapped, names)
        return take_columns(genotypes, positions, swapped, names, max_dosage)


def _text(names):
    return pd.Index(names.map(str))


def _names(table, argument):
    lacking = [column for column in ALLELES if column not in table.columns]
    if lacking:
        raise ValueError(
            f"{argument} has no column {' and no column '.join(lacking)}: pass the variants of "
            "read_plink or open_plink, or a table like them."
        )
    names = _text(table.index)
    refuse_duplicates(names, argument, "SNPs", "Rename or drop them.")
    return names


def _actions(other_strand, ambiguous):
    keep, swap = ("keep", "swap") if other_strand == "flip" else ("drop", "drop")
    same, swapped = ("keep", "swap") if ambiguous == "keep" else ("drop", "drop")
    return {
        **ACTIONS,
        "other strand": keep,
        "other strand, swapped alleles": swap,
        "ambiguous strand": same,
        "ambiguous strand, swapped alleles": swapped,
    }


def _elsewhere(ours, theirs):
    """Return which SNPs have another position in the second of two tables of the same rows."""
    elsewhere = np.zeros(len(ours), bool)
    if "chromosome" in ours.columns and "chromosome" in theirs.columns:
        a, b = chromosome_codes(ours["chromosome"], theirs["chromosome"])
        elsewhere |= (a >= 0) & (b >= 0) & (a != b)
    if "position" in ours.columns and "position" in theirs.columns:
        a = as_doubles(ours["position"], "column 'position' of variants")
        b = as_doubles(theirs["position"], "column 'position' of reference")
        elsewhere |= ~np.isnan(a) & ~np.isnan(b) & (a != b)
    return elsewhere
