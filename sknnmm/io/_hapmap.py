"""HapMap files, as TASSEL and GAPIT use them."""

from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

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
from sknnmm.io._samples import samples_of
from sknnmm.io._text import header_names, open_text

N_FIRST = 11  # columns before the individuals: rs#, alleles, chrom, pos and others
HEADER = (
    "is not a HapMap file: its first line must be eleven names that begin with rs#, alleles, "
    "chrom, pos, and the IDs of individuals, separated by tabs."
)
UNKNOWN = "N", "-", "0", ".", "X"
HETEROZYGOTES = {
    "AG": "R", "CT": "Y", "CG": "S", "AT": "W", "GT": "K", "AC": "M", "+-": "0",
}  # fmt: skip
NOT_A_CODE = -3


def read_hapmap(
    path: FilePath,
    *,
    encoding: str = "utf-8",
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    r"""Read genotypes from a HapMap file (.hmp.txt), also a compressed one.

    Parameters
    ----------
    path : str or path-like
        Columns are separated by tabs: eleven that begin with rs#, alleles, chrom and pos, then one
        for each individual. Genotypes are two letters (AG) or one (R for A and G, A for AA).
    encoding : str, default="utf-8"
    min_maf, max_missing, min_hwe_p : float
        Which variants to keep by their quality, as in `read_genotypes`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `read_genotypes`. The second of the `alleles` is counted. Missing are N, NN and
        genotypes of one known allele (AN); also -, 0, X and . unless they are alleles.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is malformed or truncated; the message names file and line.

    Warns
    -----
    UserWarning
        As `read_genotypes`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sknnmm.io import read_hapmap
    >>> first = "rs# alleles chrom pos strand assembly# center protLSID assayLSID panelLSID QCcode"
    >>> lines = [f"{first} line1 line2", "rs1 A/G 1 1200 + NA NA NA NA NA NA AG NN"]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "maize.hmp.txt"
    ...     _ = path.write_text("\n".join(lines).replace(" ", "\t"))
    ...     maize = read_hapmap(path)
    >>> maize.genotypes
    snp         rs1
    individual
    line1         1
    line2        -1
    """
    filters, path = Filters(min_maf, max_missing, min_hwe_p), Path(path)
    with open_text(path, encoding) as file:
        samples = samples_of(header_names(file, path, "rs#?\talleles\t", N_FIRST, "\t", HEADER))
        into = GrowingArray(len(samples), np.int8)
        return collect(path, samples, _blocks(path, file, len(samples)), into, filters)


def _blocks(path, file, n_samples):
    lines = ((k, line) for k, line in enumerate(file, start=2) if line.strip())
    for part in in_parts(lines, variants_at_once(n_samples)):
        read = [_read_line(line, f"{path}, line {number},", n_samples) for number, line in part]
        rows, dosages = zip(*read, strict=True)
        yield Block(variant_table(rows), np.array(dosages))


def _read_line(line, place, n_samples):
    """Return the row of the table and the dosages (n,) of a variant."""
    *first, genotypes = line.rstrip("\r\n").split("\t", N_FIRST)
    if len(first) < N_FIRST or genotypes.count("\t") + 1 != n_samples:
        raise ValueError(
            f"{place} must have {N_FIRST + n_samples} columns as the header, but has "
            f"{line.count(chr(9)) + 1}: the file may be truncated. Write it again."
        )
    name, alleles, chromosome, position = first[:4]
    other, *counted = alleles.upper().split("/")
    if any(len(allele) != 1 for allele in (other, *counted)):
        raise ValueError(f"{place} must have alleles of one letter, as A/G; got {alleles!r}.")
    try:
        row = (name, chromosome, float(position), ",".join(counted) or None, other)
    except ValueError:
        raise ValueError(f"{place} has the position {position!r}, which is no number.") from None
    if len(counted) > 1:
        return row, np.zeros(n_samples, np.int8)  # the table tells that it is not used
    return row, _dosages(
        genotypes.upper(), other, counted[0] if counted else None, place, n_samples
    )


def _dosages(text, other, counted, place, n_samples):
    """Return the dosages (n,) of genotypes of one or of two letters, separated by tabs."""
    letters = np.frombuffer((text + "\t").encode(), np.uint8)
    width = len(letters) // n_samples
    if width not in (2, 3) or len(letters) % n_samples or (letters[width - 1 :: width] != 9).any():
        raise ValueError(f"{place} must have genotypes that are all of one or all of two letters.")
    codes = (
        letters.reshape(n_samples, width)[:, : width - 1].astype(np.intp) @ [256, 1][3 - width :]
    )
    table = np.full(2**16, NOT_A_CODE, np.int8)
    for genotype, dosage in _codes(other, counted, n_letters=width - 1).items():
        table[int.from_bytes(genotype.encode())] = dosage
    dosages = table[codes]
    if (wrong := np.flatnonzero(dosages == NOT_A_CODE)).size:
        raise ValueError(
            f"{place} has the genotype {text.split(chr(9))[wrong[0]]} in column "
            f"{N_FIRST + wrong[0] + 1}, but the alleles {other}/{counted or other}. Correct one of "
            "them."
        )
    return dosages


def _codes(other, counted, n_letters):
    """Return the dosage of every genotype that may be written."""
    alleles = [allele for allele in (other, counted) if allele]
    unknown = [letter for letter in UNKNOWN if letter not in alleles]
    if n_letters == 1:
        codes = dict.fromkeys(unknown, -1) | {other: 0}
        if counted:
            pair = other + counted
            codes |= {counted: 2}
            codes |= {h: 1 for p, h in HETEROZYGOTES.items() if pair in (p, p[::-1])}
        return codes
    known = {a + b: (a == counted) + (b == counted) for a in alleles for b in alleles}
    half = {a + b: -1 for a in [*alleles, *unknown] for b in [*alleles, *unknown]}
    return half | known
