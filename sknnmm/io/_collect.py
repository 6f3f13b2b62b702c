"""Genotypes from blocks of variants: counted, filtered, named and put into one array."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import islice
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import some
from sknnmm.genotypes.quality import snp_quality

VARIANT_COLUMNS = ["chromosome", "cM", "position", "counted_allele", "other_allele"]
QUALITY = ["missing_rate", "maf", "hwe_p"]
GENOTYPES_AT_ONCE = 2**19  # in a block
UNNAMED = ".", ""
X_CHROMOSOMES = "X", "CHRX", "CHR_X"
LIMITS = {"max_missing": 1.0, "min_maf": 0.5, "min_hwe_p": 1.0}


@dataclass(frozen=True)
class Filters:
    """Which variants to keep by their quality; see `read_genotypes`."""

    min_maf: float = 0.0
    max_missing: float = 1.0
    min_hwe_p: float = 0.0

    def __post_init__(self):
        for field in fields(self):
            value, limit = getattr(self, field.name), LIMITS[field.name]
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= limit:
                raise ValueError(
                    f"{field.name} must be a number from 0 to {limit:g}; got {value!r}."
                )

    def reasons(self, quality):
        """Return the first filter that drops each variant, as a list of (name, rows to drop)."""
        return [
            ("max_missing", quality["missing_rate"] > self.max_missing),
            ("min_maf", ~(quality["maf"] >= self.min_maf) & (self.min_maf > 0)),
            ("min_hwe_p", quality["hwe_p"] < self.min_hwe_p),
        ]


class Block(NamedTuple):
    """Some variants, one after the other.

    Variants of more than two alleles have a comma in one of their alleles; their dosages are not
    used.
    """

    variants: pd.DataFrame  # index: names; VARIANT_COLUMNS
    dosages: np.ndarray  # (m, n): int8 with -1 = missing, or float32 with NaN
    haploid: np.ndarray | None = None  # (m, n), bool; None: none, or those of males on X


class GrowingArray:
    """Rows (p, n) that are appended, without a second copy where the system can extend memory.

    Parameters
    ----------
    n : int
    dtype : dtype
    expected : int
        Number of rows, at most or at a guess.
    """

    def __init__(self, n, dtype, expected=0):
        self._values, self._n_filled = np.empty((expected, n), dtype), 0

    @classmethod
    def of_own_rows(cls, values):
        """Return one without rows that overwrites an array: append only what was read from it."""
        growing = cls(0, values.dtype)
        growing._values = values
        return growing

    def append(self, rows):
        """Add rows (m, n)."""
        end = self._n_filled + len(rows)
        if end > len(self._values):
            self._resize(max(end, len(self._values) * 9 // 8))
        self._values[self._n_filled : end] = rows
        self._n_filled = end

    def finish(self):
        """Return the array (p, n); nothing can be appended any more."""
        self._resize(self._n_filled)
        return self._values

    def _resize(self, length):
        # refcheck=False: debuggers hold references too; no view of the array is in use.
        self._values.resize((length, self._values.shape[1]), refcheck=False)


def variants_at_once(n_samples):
    """Return how many variants a block should have."""
    return max(1, GENOTYPES_AT_ONCE // n_samples)


def in_parts(items, n_at_once):
    """Yield lists of some items at a time."""
    items = iter(items)
    while part := list(islice(items, n_at_once)):
        yield part


def variant_table(rows):
    """Return the table of variants given as (name, chromosome, position, counted, other)."""
    columns = ["snp", "chromosome", "position", "counted_allele", "other_allele"]
    table = pd.DataFrame(rows, columns=columns).set_index("snp")
    return table.assign(position=table["position"].astype(float), cM=np.nan)[VARIANT_COLUMNS]


def collect(
    path: Path,
    samples: pd.DataFrame,
    blocks: Iterable[Block],
    into: GrowingArray,
    filters: Filters,
    *,
    names_of_file: bool = False,
) -> Bunch:
    """Return what `read_genotypes` returns.

    Parameters
    ----------
    path : Path
        Of the file, for messages.
    samples : DataFrame of n rows
    blocks : iterable of Block
    into : GrowingArray
    filters : Filters
    names_of_file : bool, default=False
        Whether names are kept as they are, and repeated variants too.
    """
    tables, seen = [], set[tuple]()
    males = (samples["sex"] == 1).to_numpy()
    for variants, dosages, haploid in blocks:
        if haploid is None and males.any():
            on_x = variants["chromosome"].astype(str).str.upper().isin(X_CHROMOSOMES)
            haploid = on_x.to_numpy()[:, None] & males if on_x.any() else None
        measures = snp_quality(dosages, haploid)
        quality = pd.DataFrame(
            dict(zip(QUALITY, measures, strict=True)), index=variants.index, copy=False
        )
        reasons = [] if names_of_file else _unusable(variants, seen)
        reasons += filters.reasons(quality)
        dropped = np.select([rows for _, rows in reasons], [name for name, _ in reasons], "")
        kept = dropped == ""
        into.append(dosages if kept.all() else dosages[kept])
        quality[dropped == "multiallelic"] = np.nan
        tables.append(variants.assign(**quality, dropped=dropped.astype(object)))
    if not tables:
        raise ValueError(f"{path} has no variants.")
    table = pd.concat(tables)
    if not names_of_file:
        table.index = _unique_names(table, path)
    kept = (table["dropped"] == "").to_numpy()
    report = _report(table["dropped"], path)
    variants = table.loc[kept, VARIANT_COLUMNS]
    # copy=False: pandas from version 3 on would copy the array.
    genotypes = pd.DataFrame(
        into.finish().T, index=samples.index, columns=variants.index, copy=False
    )
    table["dropped"] = table["dropped"].where(~kept)
    return Bunch(
        genotypes=genotypes,
        samples=samples,
        variants=variants,
        quality=table[["chromosome", "position", *QUALITY, "dropped"]],
        report=report,
    )


def _unusable(variants, seen):
    """Return the variants of more than two alleles and those seen before, as (reason, rows)."""
    alleles = _joined(variants, ["other_allele", "counted_allele"], ",")
    multiallelic = (alleles.str.count(",") > 1).to_numpy()
    repeated = np.zeros(len(variants), bool)
    keys = zip(variants["chromosome"], variants["position"], alleles, strict=True)
    placed = variants["position"].notna().to_numpy()
    for k, key in enumerate(keys):
        if placed[k] and not multiallelic[k]:
            repeated[k] = key in seen
            seen.add(key)
    return [("multiallelic", multiallelic), ("duplicate", repeated)]


def _joined(table, columns, separator):
    """Return the texts of some columns as one, "." where they are unknown."""
    first, *others = (table[name].astype(object).fillna(".") for name in columns)
    return first.str.cat(others, sep=separator)


def _unique_names(table, path):
    """Return the names of variants; those without one of their own by place and alleles."""
    names = table.index.to_series().astype(object).fillna(".").reset_index(drop=True)
    kept = (table["dropped"] == "").to_numpy()
    unnamed = names.isin(UNNAMED).to_numpy()
    shared = np.zeros(len(names), bool)
    shared[kept & ~unnamed] = names[kept & ~unnamed].duplicated(keep=False)
    by_place = (unnamed | shared) & table["position"].notna().to_numpy()
    places = table[by_place].assign(position=table["position"][by_place].map("{:.0f}".format))
    parts = ["chromosome", "position", "other_allele", "counted_allele"]
    names[by_place] = _joined(places, parts, ":").to_numpy()
    if (shared & by_place).any():
        warnings.warn(
            f"{path}: variants of the same name ({some(table.index[shared].unique())}) are named "
            "by chromosome, position and alleles instead.",
            stacklevel=4,
        )
    refuse_duplicates(names[kept], path, "variant names", "Rename or remove them in the file.")
    return pd.Index(names.tolist(), name="snp")


def _report(dropped, path):
    """Return how many variants were read, dropped for each reason, and kept."""
    counts = dropped.value_counts()
    reasons = ["multiallelic", "duplicate", *LIMITS]
    report = pd.Series(
        {
            "read": len(dropped),
            **{name: int(counts.get(name, 0)) for name in reasons},
            "kept": int(counts.get("", 0)),
        },
        name="variants",
    )
    if report["kept"] == 0:
        found = ", ".join(f"{n} by {name}" for name, n in report[reasons].items() if n)
        raise ValueError(
            f"{path}: none of its {len(dropped)} variants is left ({found}). Relax the filters."
        )
    unasked = [f"{n} {name}" for name, n in report[["multiallelic", "duplicate"]].items() if n]
    if unasked:
        warnings.warn(
            f"{path}: {' and '.join(unasked)} variants are dropped. To keep alleles of the former "
            "as variants of their own, split them: bcftools norm -m -any.",
            stacklevel=4,
        )
    return report
