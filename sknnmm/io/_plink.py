"""PLINK 1 binary files."""

import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sknnmm.optional import import_optional
from sknnmm.packed import PackedGenotypes

FAM_COLUMNS = ["family", "individual", "father", "mother", "sex", "phenotype"]
BIM_COLUMNS = ["chromosome", "snp", "cM", "position", "counted_allele", "other_allele"]
SNP_MAJOR = b"\x6c\x1b\x01"  # first bytes of a .bed file


def read_plink(prefix):
    """Read genotypes from PLINK 1 binary files (.bed, .bim and .fam).

    Reading them needs the optional library bed-reader: ``pip install sknnmm[io]``.

    Parameters
    ----------
    prefix : str or path-like
        Path of the three files without .bed, .bim, .fam (or that of the .bed file).

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

        What the files code as unknown is NaN: 0 for a family, parent, sex, chromosome, position or
        allele, -9 or NA for a phenotype. (A case-control phenotype of 0 is also unknown to PLINK;
        it stays 0 here.) IDs, chromosomes and alleles are text.

    Raises
    ------
    ImportError
        If bed-reader is not installed.
    FileNotFoundError
        If one of the three files does not exist.
    ValueError
        If a file is malformed, or the .bed file is not of the size that the others tell.

    See Also
    --------
    open_plink : Genotypes that stay in the file.
    align : Brings omics, phenotypes and covariates into the order of the genotypes.
    sknnmm.cis_mask : Masks from the positions of SNPs.

    Notes
    -----
    The counted allele is the first one of the .bim file (A1 of PLINK, usually the minor allele).
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
    prefix = _prefix(prefix)
    bed_reader = import_optional("bed_reader", "Reading PLINK files")
    samples = _read_samples(Path(f"{prefix}.fam"))
    variants = _read_variants(Path(f"{prefix}.bim"))
    dosages = _read_dosages(bed_reader, Path(f"{prefix}.bed"), len(samples), len(variants))
    # copy=False: pandas from version 3 on would copy the array.
    genotypes = pd.DataFrame(dosages, index=samples.index, columns=variants.index, copy=False)
    return Bunch(genotypes=genotypes, samples=samples, variants=variants)


def open_plink(prefix):
    """Open PLINK 1 binary files, for genotypes that are read from the .bed file as they are needed.

    Parameters
    ----------
    prefix : str or path-like
        As in `read_plink`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object.

        genotypes : PackedGenotypes
            The X of `NNMMRegressor`, for `fit` and predictions: individuals by SNPs, the same
            dosages as of `read_plink` and to the bit the same fit. It holds the file open, and
            ``genotypes[rows, snps]`` are some of them in memory, two bits per genotype.
        samples, variants : DataFrame
            As in `read_plink`.

    Raises
    ------
    FileNotFoundError
        If one of the three files does not exist.
    ValueError
        If a file is malformed, or the .bed file is not of the size that the others tell, or in the
        rare individual-major order.

    See Also
    --------
    read_plink : Genotypes in memory, as a table.
    align : Brings omics, phenotypes and covariates into the order of the genotypes.

    Notes
    -----
    Rows cannot be left out without reading the rest, so fit all of them: an individual whose
    phenotype is NaN informs no more than the omics it has.

    The file must stay as it is while it is open. Where it was replaced, removed, cut short or
    written over, an OSError names it.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.io import open_plink
    >>> herd = open_plink("herd")  # doctest: +SKIP
    >>> y = milk.reindex(herd.samples.index)  # doctest: +SKIP
    >>> model = NNMMRegressor().fit(herd.genotypes, y)  # doctest: +SKIP
    """
    prefix = _prefix(prefix)
    samples = _read_samples(Path(f"{prefix}.fam"))
    variants = _read_variants(Path(f"{prefix}.bim"))
    packed = _map_bed(Path(f"{prefix}.bed"), len(samples), len(variants))
    genotypes = PackedGenotypes(packed, samples.index, variants.index)
    return Bunch(genotypes=genotypes, samples=samples, variants=variants)


def _prefix(prefix):
    return os.fspath(prefix).removesuffix(".bed")


def _map_bed(path, n_samples, n_variants):
    """Return the bytes of a .bed file after its header (p, ceil(n / 4)), a read-only map."""
    with path.open("rb") as file:
        header = file.read(len(SNP_MAJOR))
    if header != SNP_MAJOR:
        individual_major = header == SNP_MAJOR[:2] + b"\0"
        raise ValueError(
            f"{path} is individual-major; rewrite it with PLINK: --make-bed."
            if individual_major
            else f"{path} is not a PLINK 1 .bed file."
        )
    shape = (n_variants, -(-n_samples // 4))
    expected, size = len(SNP_MAJOR) + shape[0] * shape[1], path.stat().st_size
    if size != expected:
        raise ValueError(
            f"{path} does not fit the {n_samples} individuals of the .fam file and the "
            f"{n_variants} SNPs of the .bim file: it has {size} bytes, not {expected}."
        )
    return np.memmap(path, np.uint8, "r", len(SNP_MAJOR), shape)


def _read_dosages(bed_reader, path, n_samples, n_variants):
    """Return dosages of the first allele (n, p), int8 with -1 = missing, SNPs contiguous."""
    with bed_reader.open_bed(path, iid_count=n_samples, sid_count=n_variants) as bed:
        try:
            dosages = bed.read(dtype="int8", order="F")
        except ValueError as error:
            raise ValueError(
                f"{path} does not fit the {n_samples} individuals of the .fam file and the "
                f"{n_variants} SNPs of the .bim file: {error}"
            ) from error
    return np.maximum(dosages, -1, out=dosages)  # bed-reader writes -127 for missing


def _read_samples(path):
    table = _read_columns(path, FAM_COLUMNS)
    for column in ("family", "father", "mother"):
        table[column] = _known(table[column])
    table["sex"] = table["sex"].map({"1": 1.0, "2": 2.0})
    table["phenotype"] = _numbers(table["phenotype"], path)
    table["phenotype"] = table["phenotype"].where(table["phenotype"] != -9)
    return table.set_index("individual")


def _read_variants(path):
    table = _read_columns(path, BIM_COLUMNS)
    for column in ("chromosome", "counted_allele", "other_allele"):
        table[column] = _known(table[column])
    table["cM"] = _numbers(table["cM"], path)
    table["position"] = _numbers(table["position"], path)
    table["position"] = table["position"].where(table["position"] != 0)
    return table.set_index("snp")


def _read_columns(path, names):
    """Return the six columns of a .fam or .bim file as text.

    bed-reader reads these files too, but takes # for a comment, asks for tabs in a .bim, and needs
    memory for the longest allele times the number of SNPs.
    """
    table = pd.read_csv(
        path, sep=r"\s+", header=None, dtype=str, na_filter=False, quoting=csv.QUOTE_NONE
    )
    if table.shape[1] != len(names) or (table.iloc[:, -1] == "").any():
        raise ValueError(f"{path} must have six columns: {', '.join(names)}.")
    return table.set_axis(names, axis=1)


def _known(column):
    return column.where(column != "0")


def _numbers(column, path):
    try:
        return pd.to_numeric(column.where(column != "NA")).astype(float)
    except ValueError as error:
        raise ValueError(f"The {column.name} in {path} must be a number: {error}") from error
