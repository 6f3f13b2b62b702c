"""VCF and BCF files."""

import warnings
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sknnmm.common.optional import import_optional
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
from sknnmm.io._text import refuse_mark

BGZF_START = b"\x1f\x8b\x08\x04"  # gzip with an extra field
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
MISSING, ABSENT = -1, -2  # alleles as cyvcf2 gives them; ABSENT: beyond the ploidy
REPLACEMENT = "\ufffd"  # what cyvcf2 makes of a name that is not UTF-8
# Dosages by first and second allele: 0, 1, ABSENT, MISSING. One allele counts twice.
DOSAGES = np.array([[0, 1, 0, -1], [1, 2, 2, -1], [-1, -1, -1, -1], [-1, -1, -1, -1]], np.int8)


def read_vcf(
    path: FilePath,
    *,
    dosages: bool = False,
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    r"""Read genotypes from a VCF or BCF file, also a compressed one; it needs no index.

    This needs the optional library cyvcf2: ``pip install cyvcf2``.

    Parameters
    ----------
    path : str or path-like
    dosages : bool, default=False
        Whether to read expected dosages, the format field DS, instead of genotypes, GT.
    min_maf, max_missing, min_hwe_p : float
        Which variants to keep by their quality, as in `read_genotypes`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `read_genotypes`. The first alternative allele (ALT) is counted.

    Raises
    ------
    ImportError
        If cyvcf2 is not installed.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is malformed or truncated, lacks the format field, or has genotypes of more
        than two alleles per individual.

    Warns
    -----
    UserWarning
        If half calls are read as missing; and as `read_genotypes`.

    Notes
    -----
    Missing genotypes and half calls (``0/.``) are missing. A haploid genotype counts twice, 0 or 2,
    as PLINK writes males on the X chromosome, and is left out of the Hardy-Weinberg test. So does
    the DS of an individual whose GT is haploid, which is from 0 to 1.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sknnmm.io import read_vcf
    >>> text = '''##fileformat=VCFv4.3
    ... ##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
    ... ##contig=<ID=1>
    ... #CHROM POS ID REF ALT QUAL FILTER INFO FORMAT m1 m2
    ... 1 1200 rs1 G A . . . GT 0/1 1|1
    ... 1 5000 . T C . . . GT ./. 0/0
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mice.vcf"
    ...     _ = path.write_text(text.replace(" ", "\t"))
    ...     mice = read_vcf(path)
    >>> mice.genotypes
    snp         rs1  1:5000:T:C
    individual
    m1            1          -1
    m2            2           0
    """
    filters = Filters(min_maf, max_missing, min_hwe_p)
    cyvcf2 = import_optional("cyvcf2", "Reading VCF and BCF files")
    path = Path(path)
    refuse_mark(path)
    _check_complete(path)
    try:
        file = cyvcf2.VCF(str(path))
    except Exception as error:  # cyvcf2 raises no others
        raise ValueError(
            f"{path} is not a complete VCF or BCF file, or has an ID of individuals twice: {error}."
        ) from error
    try:
        ids = file.samples
    except UnicodeError as error:
        raise _not_utf8(path, "the IDs of individuals") from error
    n_samples = len(ids)
    if n_samples == 0:
        raise ValueError(f"{path} has no individuals: its header ends before their IDs.")
    into = GrowingArray(n_samples, np.float32 if dosages else np.int8)
    blocks = _blocks(path, file, n_samples, read_dosages=dosages)
    try:
        return collect(path, samples_of(ids), blocks, into, filters)
    finally:
        file.close()


def _check_complete(path):
    """Raise if the last block of a file that bgzip compressed is absent: htslib only warns."""
    with path.open("rb") as file:
        is_bgzip = file.read(4) == BGZF_START
        file.seek(-min(len(BGZF_END), path.stat().st_size), 2)
        if is_bgzip and file.read() != BGZF_END:
            raise ValueError(
                f"{path} is truncated: the block that ends files of bgzip is absent. Copy or "
                "download it again."
            )


def _blocks(path, file, n_samples, read_dosages):
    n_at_once, n_half_calls = variants_at_once(n_samples), 0
    for variants in in_parts(_records(path, file), n_at_once):
        dosages = np.zeros((len(variants), n_samples), np.float32 if read_dosages else np.int8)
        haploid = np.zeros(dosages.shape, bool)
        for k, variant in enumerate(variants):
            if len(variant.ALT) > 1:
                continue
            alleles = _alleles(path, variant, optional=read_dosages)
            if alleles is not None:
                first, second = alleles
                haploid[k] = second == ABSENT
            if read_dosages:
                dosages[k] = _expected_dosages(path, variant, haploid[k])
            else:
                dosages[k] = DOSAGES[first, second]
                one_missing = (first == MISSING) ^ (second == MISSING)
                n_half_calls += np.count_nonzero(one_missing & ~haploid[k])
        rows = [(v.ID or ".", v.CHROM, v.POS, ",".join(v.ALT) or None, v.REF) for v in variants]
        yield Block(variant_table(rows), dosages, haploid if haploid.any() else None)
    if n_half_calls:
        warnings.warn(
            f"{path}: {n_half_calls} half calls, such as 0/., are read as missing.", stacklevel=4
        )


def _records(path, file):
    """Yield the variants of a file; an error names the last one that could be read."""
    last = "its header"
    while True:
        try:
            variant = next(file)
        except StopIteration:
            return
        except Exception as error:  # cyvcf2 raises no others
            raise ValueError(
                f"{path} is malformed or truncated after {last}: {error}. If it was copied or "
                "downloaded, do that again."
            ) from error
        if not _has_text(variant):
            raise _not_utf8(path, f"the chromosome or the name of the variant after {last}")
        last = f"variant {_name(variant)}"
        yield variant


def _has_text(variant):
    """Return whether chromosome and name are UTF-8."""
    try:
        return REPLACEMENT not in f"{variant.CHROM} {variant.ID}"
    except UnicodeError:
        return False


def _not_utf8(path, what):
    return ValueError(
        f"{path}: {what} must be UTF-8, as all text in VCF and BCF files. Convert the file, e.g. "
        "by iconv -f latin1 -t utf-8."
    )


def _alleles(path, variant, *, optional):
    """Return the first and the second allele of every individual, each (n,); None if optional."""
    if "GT" not in variant.FORMAT:
        if optional:
            return None
        raise ValueError(
            f"{path}, variant {_name(variant)}, has no genotypes (GT). With dosages=True, DS is "
            "read."
        )
    alleles = variant.genotype.array()[:, :-1]  # the last column tells phases
    if (alleles[:, 2:] != ABSENT).any():
        raise ValueError(
            f"{path}, variant {_name(variant)}, has genotypes of more than two alleles per "
            "individual; only haploid and diploid ones can be used."
        )
    if alleles.max() > len(variant.ALT):
        raise ValueError(
            f"{path}, variant {_name(variant)}, has genotypes with the allele {alleles.max()}, but "
            f"only {len(variant.ALT)} alternative alleles (ALT)."
        )
    first = alleles[:, 0]
    return first, alleles[:, 1] if alleles.shape[1] > 1 else np.full_like(first, ABSENT)


def _expected_dosages(path, variant, haploid):
    try:
        values = variant.format("DS")
    except KeyError:  # not even in the header
        values = None
    if values is None:
        raise ValueError(
            f"{path}, variant {_name(variant)}, has no dosages (DS). With dosages=False, GT is "
            "read."
        )
    values = values[:, 0]
    wrong = (values < 0) | (values > np.where(haploid, 1, 2))
    if wrong.any():
        raise ValueError(
            f"{path}, variant {_name(variant)}, has a dosage (DS) of {values[wrong][0]:g}; 0 to 2 "
            "are possible, and 0 to 1 where the genotype is haploid."
        )
    return np.where(haploid, 2 * values, values)


def _name(variant):
    name = f" ({variant.ID})" if variant.ID else ""
    return f"{variant.CHROM}:{variant.POS}{name}"
