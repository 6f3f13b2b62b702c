"""Positions on the genome: of SNPs, and of regions that begin and end."""

import numpy as np
import pandas as pd

from sknnmm.common.messages import some
from sknnmm.inputs.chromosomes import chromosome_codes
from sknnmm.inputs.tables import as_doubles, refuse_infinite

LONGEST_MAP = 10_000  # positions beyond it are bases and not centimorgans
_COLUMNS = {
    "chromosome": {"chromosome", "chrom", "chr"},
    "position": {"position", "pos", "bp"},
    "start": {"start"},
    "end": {"end"},
}


def read_positions(table, argument, *, intervals):
    """Return chromosome, start and end of every row, by name; start = end for a position."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{argument} must be a DataFrame with columns chromosome and position; got "
            f"{type(table).__name__}."
        )
    columns = {role: _column(table, role, argument) for role in _COLUMNS}
    has_interval = intervals and not (columns["start"] is None and columns["end"] is None)
    if has_interval and columns["position"] is not None:
        raise ValueError(
            f"{argument} has a position as well as start or end; keep one or the other."
        )
    needed = ["chromosome", *(("start", "end") if has_interval else ("position",))]
    missing = [role for role in needed if columns[role] is None]
    if missing:
        either = " or start and end" if intervals and missing[-1] == "position" else ""
        raise ValueError(
            f"{argument} has no column {' and no column '.join(missing)}{either}; its columns are "
            f"{', '.join(map(str, table.columns))}."
        )
    ends = [_numbers(columns[role], f"{argument}[{role!r}]") for role in needed[1:]]
    return {
        "chromosome": columns["chromosome"],
        "start": np.minimum(ends[0], ends[-1]),
        "end": np.maximum(ends[0], ends[-1]),
    }


def _column(table, role, argument):
    found = [k for k, name in enumerate(table.columns) if _plain(name) in _COLUMNS[role]]
    if len(found) > 1:
        names = ", ".join(str(table.columns[k]) for k in found)
        raise ValueError(f"{argument} has several columns for {role}: {names}. Keep one.")
    return table.iloc[:, found[0]] if found else None


def _plain(name):
    return str(name).lstrip("#").lower()  # VCF and PLINK 2 headers begin with #CHROM


def _numbers(column, what):
    numbers = as_doubles(column, what)
    refuse_infinite(numbers, what)
    return numbers


def chromosomes_of_both(first, second, *tables):
    """Return integer codes of the chromosomes of two tables that were read, -1 for missing ones.

    `tables` are their names, for messages.
    """
    names = [table["chromosome"] for table in (first, second)]
    codes = chromosome_codes(*names)
    if all(map(len, codes)) and not set(codes[0]) & set(codes[1]) - {-1}:
        shown = [some(column.dropna().unique()) or "none" for column in names]
        unplaced = [
            f"{table} ({what})"
            for table, what, own in zip(tables, shown, codes, strict=True)
            if (own < 0).all()
        ]
        if unplaced:
            raise ValueError(
                f"All chromosomes of {' and '.join(unplaced)} are missing or unplaced, so no SNP "
                "is near any feature. Fill in the chromosomes."
            )
        raise ValueError(
            f"{tables[0]} and {tables[1]} have no chromosome in common. {tables[0]}: {shown[0]}; "
            f"{tables[1]}: {shown[1]}. Write them alike in both."
        )
    return codes


def positions_of_snps(model, variants):
    """Return chromosome and position of the SNPs of a fitted model, a DataFrame in their order.

    Parameters
    ----------
    model : estimator
    variants : DataFrame or None
        By SNP name, in any order and with others among them, or in the order of the SNPs. None:
        nothing is known and None returned.
    """
    if variants is None:
        return None
    argument, names = "variants", np.asarray(model.snp_names_, dtype=object)
    are_labels = hasattr(model, "feature_names_in_")  # of the user
    if isinstance(variants, pd.DataFrame):
        found = pd.Index(names).isin(variants.index)
        has_labels = are_labels and not pd.api.types.is_integer_dtype(variants.index)
        if found.all():
            if variants.index.has_duplicates:
                twice = variants.index[variants.index.duplicated()]
                raise ValueError(f"{argument} has several rows for {some(twice)}. Keep one.")
            variants = variants.loc[names]
        elif found.any() or has_labels:
            raise ValueError(
                f"{argument} has no row for {some(names[~found])} ({(~found).sum()} of the "
                f"{len(names)} SNPs of the model): its index must have their names, or be numbers "
                "with a row for each SNP in their order."
            )
        elif len(variants) != len(names):
            raise ValueError(
                f"{argument} has {len(variants)} rows but the model {len(names)} SNPs: pass a row "
                "for each SNP in their order, or their names as the index."
            )
    columns = read_positions(variants, argument, intervals=False)
    return pd.DataFrame(
        {"chromosome": columns["chromosome"].to_numpy(), "position": columns["start"]}
    )
