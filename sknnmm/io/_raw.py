"""Text files of PLINK's --export A and --recode A: a line per individual."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, gen_batches

from sknnmm.common.typing import FilePath
from sknnmm.io._collect import (
    Block,
    Filters,
    GrowingArray,
    collect,
    in_parts,
    variant_table,
    variants_at_once,
)
from sknnmm.io._samples import SAMPLE_COLUMNS, known, phenotypes, sexes
from sknnmm.io._text import header_names, open_text

FIRST_COLUMNS = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE"]
N_FIRST = len(FIRST_COLUMNS)
HEADER = (
    f"is not a .raw file of PLINK: its first line must be {' '.join(FIRST_COLUMNS)} and the names "
    "of SNPs."
)
VARIANT = re.compile(r"(?P<name>.+)_(?P<counted>[^_(]+)(\(/(?P<other>[^)]*)\))?")
INDIVIDUALS_AT_ONCE = 64


def read_plink_raw(
    path: FilePath,
    *,
    encoding: str = "utf-8",
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    r"""Read genotypes from a .raw file of PLINK (--recode A or --export A), also a compressed one.

    Parameters
    ----------
    path : str or path-like
    encoding : str, default="utf-8"
    min_maf, max_missing, min_hwe_p : float
        Which SNPs to keep by their quality, as in `read_genotypes`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `read_genotypes`. The counted allele is that at the end of the name in the file,
        ``rs1_A``; the other one is known if PLINK wrote it, ``rs1_A(/G)``, with ``include-alt``.
        Chromosomes and positions are not in these files. Dosages that are not whole numbers make
        all of them float32.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is malformed or truncated, or SNPs have the same name.

    Warns
    -----
    UserWarning
        As `read_plink` and `read_genotypes`.

    Notes
    -----
    The file is read twice, as it does not tell its number of individuals. Columns of dominance
    (``rs1_HET``) are not read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sknnmm.io import read_plink_raw
    >>> header = "FID IID PAT MAT SEX PHENOTYPE rs1_A rs2_C"
    >>> lines = [header, "1 m1 0 0 1 -9 0 2", "1 m2 0 0 2 -9 NA 1"]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mice.raw"
    ...     _ = path.write_text("\n".join(lines))
    ...     mice = read_plink_raw(path)
    >>> mice.genotypes
    snp         rs1  rs2
    individual
    m1            0    2
    m2           -1    1
    """
    filters, path = Filters(min_maf, max_missing, min_hwe_p), Path(path)
    variants, additive, samples, is_whole = _read_margins(path, encoding)
    values = np.empty((len(variants), len(samples)), np.int8 if is_whole else np.float32)
    _fill(values, path, encoding, additive)
    return collect(
        path, samples, _blocks(values, variants), GrowingArray.of_own_rows(values), filters
    )


def _blocks(values, variants):
    for rows in gen_batches(len(values), variants_at_once(values.shape[1])):
        yield Block(variants.iloc[rows], values[rows])


def _read_margins(path, encoding):
    """Return the variants, which columns are theirs, the samples, and if all dosages are whole."""
    with open_text(path, encoding) as file:
        start = r"[ \t]+".join(FIRST_COLUMNS) + r"[ \t]"
        names = header_names(file, path, start, N_FIRST, None, HEADER)
        rows, is_whole = [], True
        for _, first, rest in _lines(file, path):
            rows.append(first)
            is_whole = is_whole and "." not in rest
    if not rows:
        raise ValueError(f"{path} has no individuals.")
    additive = np.array([not name.endswith("_HET") for name in names])
    variants = [_variant(name, path) for name in names if not name.endswith("_HET")]
    table = pd.DataFrame(rows, columns=["family", "individual", *SAMPLE_COLUMNS[1:]], dtype=str)
    table = table.set_index("individual")
    for column in ("family", "father", "mother"):
        table[column] = known(table[column])
    table["sex"] = sexes(table["sex"], path)
    table["phenotype"] = phenotypes(table["phenotype"], path)
    return variant_table(variants), additive, table, is_whole


def _lines(file, path):
    """Yield the number, the first fields and the text of the dosages of each individual."""
    for number, line in enumerate(file, start=2):
        if not line.strip():
            continue
        *first, rest = line.split(maxsplit=N_FIRST)
        if len(first) < N_FIRST:
            raise ValueError(
                f"{path}, line {number}, has only {len(first) + 1} columns: the file may be "
                "truncated. Write it again."
            )
        yield number, first, rest


def _variant(name, path):
    parts = VARIANT.fullmatch(name)
    if parts is None:
        raise ValueError(
            f"{path}: the column {name} does not end in an underscore and the counted allele, as "
            "those of PLINK do, e.g. rs1_A."
        )
    return parts["name"], np.nan, np.nan, parts["counted"], parts["other"]


def _fill(values, path, encoding, additive):
    """Write the dosages of a file, individuals by SNPs, to values (SNPs, individuals)."""
    with open_text(path, encoding) as file:
        file.readline()
        start = 0
        for lines in in_parts(_lines(file, path), INDIVIDUALS_AT_ONCE):
            rows = [_dosages(rest, number, path, additive) for number, _, rest in lines]
            rows = np.array(rows, values.dtype)
            if values.dtype != np.int8:
                rows[rows < 0] = np.nan
            values[:, start : start + len(rows)] = rows.T
            start += len(rows)


def _dosages(text, number, path, additive):
    """Return the dosages of an individual (p,), -1 = missing."""
    text = text.strip().replace("NA", "9")
    digits = np.frombuffer(text.encode(), np.uint8)[::2]
    if len(text) == 2 * len(additive) - 1 and np.isin(digits, [48, 49, 50, 57]).all():
        dosages = digits.astype(np.int8)[additive] - 48
        return np.where(dosages == 9, np.int8(-1), dosages)
    fields = text.split()
    if len(fields) != len(additive):
        raise ValueError(
            f"{path}, line {number}, has the dosages of {len(fields)} SNPs, the header "
            f"names {len(additive)}: the file may be truncated. Write it again."
        )
    try:
        dosages = np.array(fields, np.float32)[additive]
    except ValueError as error:
        raise ValueError(
            f"{path}, line {number}: dosages must be numbers or NA; {error}."
        ) from None
    wrong = ~((dosages >= 0) & (dosages <= 2) | (dosages == 9))
    if wrong.any():
        raise ValueError(
            f"{path}, line {number}, has the dosage {dosages[wrong][0]:g}; 0 to 2 and NA are "
            "possible."
        )
    return np.where(dosages == 9, np.float32(-1), dosages)
