"""PLINK 1 binary files."""

import csv
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sknnmm.common.optional import import_optional
from sknnmm.common.typing import FilePath
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.io._collect import Block, Filters, GrowingArray, collect, variants_at_once
from sknnmm.io._samples import known, numbers, phenotypes, sexes
from sknnmm.io._text import open_text

FAM_COLUMNS = ["family", "individual", "father", "mother", "sex", "phenotype"]
BIM_COLUMNS = ["chromosome", "snp", "cM", "position", "counted_allele", "other_allele"]
BY_SNP, BY_INDIVIDUAL = b"\x6c\x1b\x01", b"\x6c\x1b\x00"  # first bytes of a .bed file
HEADER = len(BY_SNP)


def read_plink(
    prefix: FilePath,
    *,
    encoding: str = "utf-8",
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    """Read genotypes from PLINK 1 binary files (.bed, .bim and .fam).

    Reading them needs the optional library bed-reader: ``pip install bed-reader``.

    Parameters
    ----------
    prefix : str or path-like
        Path of the three files without .bed, .bim, .fam (or that of one of them).
    encoding : str, default="utf-8"
        Encoding of the .bim and .fam files.
    min_maf, max_missing, min_hwe_p : float
        Which SNPs to keep by their quality, as in `read_genotypes`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object.

        genotypes : DataFrame of shape (n, p), int8
            Number of copies of the counted allele, 0, 1 or 2; -1 = missing. Rows are individuals,
            columns SNPs, both by name. One array, each SNP contiguous, which `NNMMRegressor` uses
            as it is: no copy is made in reading or fitting.
        samples : DataFrame of n rows
            Index individual; columns family, father, mother, sex (1 male, 2 female) and phenotype.
        variants : DataFrame of p rows
            Index snp; columns chromosome, cM, position, counted_allele and other_allele. It can be
            passed to `cis_mask`.
        quality : DataFrame
            What was counted, as in `read_genotypes`.
        report : Series
            What was dropped, as there.

        What the files code as unknown is NaN: 0 for a family, parent, sex, chromosome, position or
        allele, -9 or NA for a sex or phenotype. Sexes may also be written M and F or male and
        female. (A case-control phenotype of 0 is also unknown to PLINK;
        it stays 0 here.) IDs, chromosomes and alleles are text. The .fam file may lack the
        phenotype, or have more columns after it, which are not read.

    Raises
    ------
    ImportError
        If bed-reader is not installed.
    FileNotFoundError
        If one of the three files does not exist.
    ValueError
        If a file is malformed or of another `encoding`, or the size of the .bed file does not match
        the others.

    Warns
    -----
    UserWarning
        If phenotypes or positions are not numbers or sexes not understood, so they are NaN; if the
        .fam file does not have six columns; if a .fam or .bim file has a header, which is skipped.

    See Also
    --------
    open_plink : Genotypes that stay in the file.
    align : Brings omics, phenotypes and covariates into the order of the genotypes.
    harmonise : Brings genotypes of two files to the same counted alleles.
    sknnmm.cis_mask : Masks from the positions of SNPs.

    Notes
    -----
    The counted allele is the first one of the .bim file (A1 of PLINK, usually the minor allele),
    which two files of the same SNPs need not share: see `harmonise`.
    Individuals are named by their individual ID alone. Names are those of the files, even if they
    are not unique; then rename before `align` (individuals) and `NNMMRegressor.fit` (SNPs), e.g.
    ``data.genotypes.index = data.samples["family"] + "_" + data.samples.index``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from bed_reader import to_bed
    >>> from sknnmm.io import read_plink
    >>> dosages = np.array([[0, 1, 2], [2, -127, 0]], dtype=np.int8)
    >>> properties = {
    ...     "iid": ["m1", "m2"],
    ...     "sid": ["rs1", "rs2", "rs3"],
    ...     "chromosome": [1, 1, "X"],
    ...     "bp_position": [1200, 5000, 700],
    ...     "allele_1": ["A", "C", "G"],
    ...     "allele_2": ["G", "T", "A"],
    ... }
    >>> with TemporaryDirectory() as folder:
    ...     to_bed(Path(folder) / "mice.bed", dosages, properties)
    ...     mice = read_plink(Path(folder) / "mice")
    >>> mice.genotypes
    snp         rs1  rs2  rs3
    individual
    m1            0    1    2
    m2            2   -1    0
    >>> mice.variants[["chromosome", "position", "counted_allele", "other_allele"]]
        chromosome  position counted_allele other_allele
    snp
    rs1          1    1200.0              A            G
    rs2          1    5000.0              C            T
    rs3          X     700.0              G            A
    """
    filters = Filters(min_maf, max_missing, min_hwe_p)
    bed_reader = import_optional("bed_reader", "Reading PLINK files")
    samples, variants, bed = _read_tables(prefix, encoding)
    n, p = len(samples), len(variants)
    _check_size(bed, n, p, by_snp=_goes_by_snp(bed))
    into = GrowingArray(n, np.int8, expected=p)
    with bed_reader.open_bed(bed, iid_count=n, sid_count=p) as file:
        blocks = _blocks(file, variants, variants_at_once(n))
        return collect(bed, samples, blocks, into, filters, names_of_file=True)


def open_plink(prefix: FilePath, *, encoding: str = "utf-8") -> Bunch:
    """Open PLINK 1 binary files, for genotypes that are read from the .bed file as they are needed.

    Parameters
    ----------
    prefix : str or path-like
        As in `read_plink`.
    encoding : str, default="utf-8"
        As in `read_plink`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object.

        genotypes : PackedGenotypes
            The X of `NNMMRegressor`, for `fit` and predictions: individuals by SNPs, the same
            dosages as from `read_plink`, and bit-identical fits. It keeps the file open, and
            ``genotypes[rows, snps]`` are some of them in memory, two bits per genotype.
        samples, variants : DataFrame
            As in `read_plink`.

    Raises
    ------
    FileNotFoundError
        If one of the three files does not exist.
    ValueError
        If a file is malformed or of another `encoding`, or the .bed file is in the rare
        individual-major order or its size does not match the others.

    Warns
    -----
    UserWarning
        As in `read_plink`.

    See Also
    --------
    read_plink : Genotypes in memory, as a table.
    align : Brings omics, phenotypes and covariates into the order of the genotypes.

    Notes
    -----
    Rows cannot be skipped when the file is read, so fit all of them: an individual whose phenotype
    is NaN contributes only the omics it has.

    The file must stay as it is while it is open. If it is replaced, removed, truncated or
    overwritten, an OSError names it.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.io import open_plink
    >>> herd = open_plink("herd")  # doctest: +SKIP
    >>> y = milk.reindex(herd.samples.index)  # doctest: +SKIP
    >>> model = NNMMRegressor().fit(herd.genotypes, y)  # doctest: +SKIP
    """
    samples, variants, bed = _read_tables(prefix, encoding)
    if not _goes_by_snp(bed):
        raise ValueError(f"{bed} is individual-major; rewrite it with PLINK: --make-bed.")
    _check_size(bed, len(samples), len(variants), by_snp=True)
    shape = (len(variants), -(-len(samples) // 4))
    packed = np.memmap(bed, np.uint8, "r", HEADER, shape)
    genotypes = PackedGenotypes(packed, samples.index, variants.index)
    return Bunch(genotypes=genotypes, samples=samples, variants=variants)


def _read_tables(prefix, encoding):
    """Return the samples, the variants and the path of the .bed file."""
    named, path = "", os.fspath(prefix) if isinstance(prefix, os.PathLike) else prefix
    if not isinstance(path, str):
        raise TypeError(f"prefix must be a str or path-like; got {type(prefix).__name__}.")
    if path.lower().endswith((".bed", ".bim", ".fam")):
        path, named = path[:-4], path[-4:]
    suffixes = (".fam", ".bim", ".bed")
    fam, bim, bed = (Path(path + (s.upper() if named.isupper() else s)) for s in suffixes)
    return _read_samples(fam, encoding), _read_variants(bim, encoding), bed


def _goes_by_snp(path):
    """Return whether a .bed file is SNP-major, not individual-major."""
    with path.open("rb") as file:
        header = file.read(HEADER)
    if header not in (BY_SNP, BY_INDIVIDUAL):
        raise ValueError(f"{path} is not a PLINK 1 .bed file.")
    return header == BY_SNP


def _check_size(path, n_samples, n_variants, *, by_snp):
    """Raise, before memory is allocated, if the size of a .bed file does not match the others."""
    rows, columns = (n_variants, n_samples) if by_snp else (n_samples, n_variants)
    expected, size = HEADER + rows * -(-columns // 4), path.stat().st_size
    if size != expected:
        raise ValueError(
            f"{path} does not fit the {n_samples} individuals of the .fam file and the "
            f"{n_variants} SNPs of the .bim file: it has {size} bytes, not {expected}."
        )


def _blocks(file, variants, n_at_once):
    for start in range(0, len(variants), n_at_once):
        snps = slice(start, start + n_at_once)
        dosages = file.read((None, snps), dtype="int8", order="F").T
        # bed-reader writes -127 for missing
        yield Block(variants.iloc[snps], np.maximum(dosages, -1, out=dosages))


def _read_samples(path, encoding):
    table, n_columns = _read_columns(path, FAM_COLUMNS, encoding)
    if n_columns > len(FAM_COLUMNS):
        warnings.warn(
            f"{path} has {n_columns} columns. The first six are read as {', '.join(FAM_COLUMNS)}; "
            "if IDs contain blanks, replace these.",
            stacklevel=4,
        )
    if (table["individual"] == "0").sum() > 1:
        raise ValueError(
            f"{path} has several individuals with the ID 0. Its columns must be "
            f"{', '.join(FAM_COLUMNS)}: is the family lacking?"
        )
    for column in ("family", "father", "mother"):
        table[column] = known(table[column])
    table["sex"] = sexes(table["sex"], path)
    table["phenotype"] = phenotypes(table["phenotype"], path)
    return table.set_index("individual")


def _read_variants(path, encoding):
    table, n_columns = _read_columns(path, BIM_COLUMNS, encoding)
    if n_columns != len(BIM_COLUMNS):
        raise _wrong_columns(path, BIM_COLUMNS, 1)
    _check_filled(table["other_allele"], path, BIM_COLUMNS)
    for column in ("chromosome", "counted_allele", "other_allele"):
        table[column] = known(table[column])
    table["cM"] = numbers(table["cM"], path)
    table["position"] = numbers(table["position"], path)
    table["position"] = table["position"].where(table["position"] != 0)
    return table.set_index("snp")


def _read_columns(path, names, encoding):
    """Return the six columns of a .fam or .bim file as text, and how many it has.

    The last may be empty. bed-reader reads these files too, but takes # for a comment, asks for
    tabs in a .bim, and needs memory for the longest allele times the number of SNPs.
    """
    with open_text(path, encoding) as file:
        first = next(filter(None, map(_fields, file)), [])
    if not first:
        raise ValueError(f"{path} is empty.")
    n_columns = len(first)
    try:
        with open_text(path, encoding) as file:
            table = pd.read_csv(
                file,
                sep=r"\s+",
                names=range(max(n_columns, len(names))),
                dtype=str,
                na_filter=False,
                quoting=csv.QUOTE_NONE,
            )
    except pd.errors.ParserError as error:
        raise ValueError(
            f"{path} has lines with different numbers of columns; IDs and names must not contain "
            f"blanks. {str(error).strip()}"
        ) from error
    if _is_header(first):
        warnings.warn(f"{path} has a header ({' '.join(first)}), which is skipped.", stacklevel=5)
        table = table.iloc[1:]
    # All but the last of the six, or all where more follow: IDs with blanks shift the rest.
    needed = n_columns - 1 if n_columns > len(names) else len(names) - 2
    _check_filled(table[needed], path, names)
    return table.iloc[:, : len(names)].set_axis(names, axis=1), n_columns


def _fields(line):
    """Return the fields of a line: only ASCII blanks separate them, as for pandas."""
    return re.findall(r"[^ \t\r\n]+", line)


def _is_header(fields):
    first, *others = (field.lstrip("#").upper() for field in fields)
    return first in ("CHR", "CHROM", "CHROMOSOME") or (first == "FID" and others[:1] == ["IID"])


def _check_filled(column, path, names):
    short = column.index[column == ""]
    if short.size:
        raise _wrong_columns(path, names, short[0] + 1)


def _wrong_columns(path, names, line):
    return ValueError(
        f"{path} must have six columns: {', '.join(names)}. Line {line} has another number; IDs "
        "and names must not contain blanks."
    )
