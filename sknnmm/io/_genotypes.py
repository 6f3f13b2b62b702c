"""Genotypes from a file of any format that can be read."""

import codecs
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from sknnmm.common.typing import FilePath
from sknnmm.io._bgen import read_bgen
from sknnmm.io._hapmap import read_hapmap
from sknnmm.io._pgen import read_pgen
from sknnmm.io._plink import read_plink
from sknnmm.io._raw import read_plink_raw
from sknnmm.io._text import BROKEN, OPENERS, codec_name, undecodable
from sknnmm.io._vcf import read_vcf

COMPANIONS = {  # files that stand beside the one with genotypes
    ".bim": ".bed", ".fam": ".bed", ".pvar": ".pgen", ".pvar.zst": ".pgen", ".psam": ".pgen",
    ".sample": ".bgen",
}  # fmt: skip
PREFIX_OF = ".bed", ".pgen"
MAGIC = {  # pattern of the first bytes, after unpacking
    "bed": rb"\x6c\x1b[\x00\x01]",
    "pgen": rb"\x6c\x1b[\x02-\x30]",
    "bgen": rb".{16}(bgen|\0{4})",
    "vcf": rb"##fileformat=VCF|BCF\x02",
    "raw": rb"FID[ \t]+IID[ \t]+PAT[ \t]",
    "hapmap": rb"rs#?\talleles\t",
}
TEXT = "vcf", "raw", "hapmap"
N_BYTES = 64  # what the patterns need, also of text with four bytes per letter
READERS: dict[str, Callable[..., Bunch]] = {
    "bed": read_plink, "pgen": read_pgen, "bgen": read_bgen, "vcf": read_vcf,
    "raw": read_plink_raw, "hapmap": read_hapmap,
}  # fmt: skip
WITH_DOSAGES = "vcf", "pgen"
DOSAGES_ONLY = "bgen", "raw"  # of .raw, if there are any
ALWAYS_UTF8 = ("vcf",)
FORMATS = (
    "PLINK (.bed, .raw), PLINK 2 (.pgen), VCF and BCF (.vcf, .vcf.gz, .bcf), BGEN (.bgen) and "
    "HapMap (.hmp.txt)"
)


def read_genotypes(
    path: FilePath,
    *,
    dosages: bool = False,
    encoding: str = "utf-8",
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    """Read genotypes from a file of any of the usual formats.

    The format is known by the first bytes of the file. Variants are read in blocks, so no more
    memory is needed than for the result and a block.

    Parameters
    ----------
    path : str or path-like
        A file of PLINK (.bed, .raw), PLINK 2 (.pgen), VCF or BCF, BGEN or HapMap. Of those that
        have files beside them, the path of one of these, or without its ending.
    dosages : bool, default=False
        Whether to read expected dosages from a VCF, BCF or .pgen file, instead of genotypes. A BGEN
        file always has dosages, a .raw file may have them.
    encoding : str, default="utf-8"
        Encoding of .raw and HapMap files, and of the .fam, .bim, .psam, .pvar or .sample file
        beside others; of older Windows programs often "latin-1". VCF and BCF are always UTF-8.
    min_maf : float, default=0.0
        Variants whose minor allele is rarer are dropped, and with any number above 0 those without
        known genotypes.
    max_missing : float, default=1.0
        Variants with a larger share of missing genotypes are dropped.
    min_hwe_p : float, default=0.0
        Variants with a smaller p-value in the test of Hardy-Weinberg proportions are dropped.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object. What a file does not tell is NaN.

        genotypes : DataFrame of shape (n, p), int8 or float32
            Number of copies of the counted allele, 0, 1 or 2, and -1 = missing; dosages are float32
            with NaN = missing. One array, each variant contiguous, which `NNMMRegressor` uses as it
            is.
        samples : DataFrame of n rows
            Index individual; columns family, father, mother, sex (1 male, 2 female) and phenotype.
        variants : DataFrame of p rows
            Index snp; columns chromosome, cM, position, counted_allele and other_allele, for
            `cis_mask` and `harmonise`.
        quality : DataFrame
            A row for every variant in the file: chromosome, position, missing_rate, maf, hwe_p, and
            dropped, the reason if it was dropped.
        report : Series
            Numbers of variants: read; dropped because they are multiallelic or a duplicate, or by
            max_missing, min_maf or min_hwe_p; kept. Each is counted under the first reason in this
            order.

    Raises
    ------
    ImportError
        If the library for the format is not installed; the message names it.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the format is not known, the file is malformed, truncated or of another `encoding`, or no
        variant is left.

    Warns
    -----
    UserWarning
        If variants are dropped that no filter asks for, or get another name.

    See Also
    --------
    read_plink, read_pgen, read_vcf, read_bgen, read_plink_raw, read_hapmap : One format each.
    open_plink : Genotypes that stay in a .bed file.
    align : Brings omics, phenotypes and covariates into the order of the genotypes.
    harmonise : Brings genotypes of two files to the same counted alleles.

    Notes
    -----
    Variants of more than two alleles are dropped, and so is every further record of the same
    chromosome, position and alleles. Variants without a name, and different ones of the same name,
    are named by chromosome, position, other and counted allele, ``1:1200:G:A``. (In PLINK 1
    files, variants and names stay as they are.)

    The test of Hardy-Weinberg proportions is exact (Wigginton, Cutler & Abecasis 2005, doi
    10.1086/429864), of dosages rounded to genotypes. It leaves out haploid genotypes. VCF and BGEN
    tell which these are; in other formats they are those of males on a chromosome X (not 23, an
    autosome of many species).

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from bed_reader import to_bed
    >>> from sknnmm.io import read_genotypes
    >>> dosages = np.array([[0, 1, 2], [2, -127, 2], [1, 0, 2]], dtype=np.int8)
    >>> with TemporaryDirectory() as folder:
    ...     to_bed(Path(folder) / "mice.bed", dosages, {"sid": ["rs1", "rs2", "rs3"]})
    ...     mice = read_genotypes(Path(folder) / "mice.bed", min_maf=0.01)
    >>> mice.genotypes.columns
    Index(['rs1', 'rs2'], dtype=..., name='snp')
    >>> mice.quality[["missing_rate", "maf", "hwe_p", "dropped"]].round(3)
         missing_rate   maf  hwe_p  dropped
    snp
    rs1         0.000  0.50    1.0      NaN
    rs2         0.333  0.25    1.0      NaN
    rs3         0.000  0.00    1.0  min_maf
    >>> mice.report
    read            3
    multiallelic    0
    duplicate       0
    max_missing     0
    min_maf         1
    min_hwe_p       0
    kept            2
    Name: variants, dtype: int64
    """
    path = _main_file(os.fspath(path))
    codec = codec_name(encoding)
    kind = _format(path, encoding)
    options: dict[str, Any] = {
        "min_maf": min_maf,
        "max_missing": max_missing,
        "min_hwe_p": min_hwe_p,
    }
    if kind in WITH_DOSAGES:
        options["dosages"] = dosages
    elif dosages and kind not in DOSAGES_ONLY:
        raise ValueError(f"{path} has no dosages, as its format has none: pass dosages=False.")
    if kind not in ALWAYS_UTF8:
        options["encoding"] = encoding
    elif codec != "utf-8":
        raise ValueError(
            f"encoding={encoding!r}: {path} is a VCF or BCF file, which is always UTF-8. Pass "
            "encoding='utf-8', and convert a VCF that is not, e.g. by iconv -f latin1 -t utf-8."
        )
    return READERS[kind](path, **options)


def _main_file(path):
    """Return the file with genotypes that a path, a file beside it or a prefix stands for."""
    for suffix, main in COMPANIONS.items():
        if path.lower().endswith(suffix):
            return Path(path[: -len(suffix)] + main)
    if Path(path).is_file():
        return Path(path)
    found = [path + suffix for suffix in PREFIX_OF if Path(path + suffix).is_file()]
    if len(found) > 1:
        raise ValueError(f"Both {' and '.join(found)} exist: pass the path of one of them.")
    return Path(found[0] if found else path)


def _format(path, encoding):
    with path.open("rb") as file:
        start = file.read(N_BYTES)
    opener = ".gz" if start.startswith(b"\x1f\x8b") else path.suffix.lower()
    if opener in OPENERS:
        try:
            with OPENERS[opener](path, "rb") as file:
                start = file.read(N_BYTES)
        except BROKEN as error:
            raise ValueError(f"{path} cannot be unpacked: {error}") from error
    start = start.removeprefix(codecs.BOM_UTF8)
    as_text = start.decode(encoding, "ignore").lstrip("\ufeff").encode()  # "\ufeff": order mark
    for kind, pattern in MAGIC.items():
        if re.match(pattern, start, re.DOTALL) or re.match(pattern, as_text):
            # A .pgen may have the layout of a .bed, but has other files beside it.
            return "pgen" if kind == "bed" and path.suffix.lower() == ".pgen" else kind
    letters = start.lstrip(b"\xff\xfe\0").replace(b"\0", b"")  # of UTF-16 and UTF-32
    if any(re.match(MAGIC[kind], letters) for kind in TEXT):
        raise undecodable(path, encoding)
    raise ValueError(
        f"{path} begins as no file of genotypes that can be read: {FORMATS}. Is it complete, "
        "and of one of these formats? For tables of genotypes see read_table."
    )
