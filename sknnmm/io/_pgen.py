"""PLINK 2 binary files."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
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
from sknnmm.io._samples import known, phenotypes, samples_of, sexes
from sknnmm.io._text import open_text, refuse_mark, undecodable

PSAM_COLUMNS = {  # of PLINK 2, and ours
    "IID": "individual", "FID": "family", "PAT": "father", "MAT": "mother", "SEX": "sex",
    "PHENO1": "phenotype",
}  # fmt: skip
WITHOUT_HEADER = "FID", "IID", "PAT", "MAT", "SEX", "PHENO1"
SUFFIXES = r"\.(pgen|pvar|pvar\.zst|psam)$"


def read_pgen(
    prefix: FilePath,
    *,
    dosages: bool = False,
    encoding: str = "utf-8",
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    r"""Read genotypes from PLINK 2 binary files (.pgen, .pvar or .pvar.zst, and .psam).

    This needs the optional library pgenlib: ``pip install pgenlib``.

    Parameters
    ----------
    prefix : str or path-like
        Path of the three files without .pgen, .pvar, .psam (or that of one of them).
    dosages : bool, default=False
        Whether to read dosages instead of the genotypes called from them.
    encoding : str, default="utf-8"
        Encoding of the .psam and .pvar files; the latter cannot be in UTF-16 or UTF-32.
    min_maf, max_missing, min_hwe_p : float
        Which variants to keep by their quality, as in `read_genotypes`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `read_genotypes`. The first alternative allele (ALT) is counted. The phenotype is
        the column PHENO1 of the .psam file.

    Raises
    ------
    ImportError
        If pgenlib is not installed.
    FileNotFoundError
        If one of the three files does not exist.
    ValueError
        If a file is malformed, truncated or of another `encoding`, or they do not fit together.

    Warns
    -----
    UserWarning
        As `read_genotypes`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from pgenlib import PgenWriter
    >>> from sknnmm.io import read_pgen
    >>> with TemporaryDirectory() as folder:
    ...     prefix = Path(folder) / "mice"
    ...     writer = PgenWriter(f"{prefix}.pgen".encode(), 2, variant_ct=1, nonref_flags=False)
    ...     writer.append_biallelic(np.array([0, 2], dtype=np.int8))
    ...     writer.close()
    ...     variants = "#CHROM POS ID REF ALT\n1 1200 rs1 G A\n"
    ...     _ = Path(f"{prefix}.pvar").write_text(variants.replace(" ", "\t"))
    ...     _ = Path(f"{prefix}.psam").write_text("#IID\nm1\nm2\n")
    ...     mice = read_pgen(prefix)
    >>> mice.genotypes
    snp         rs1
    individual
    m1            0
    m2            2
    """
    filters = Filters(min_maf, max_missing, min_hwe_p)
    pgenlib = import_optional("pgenlib", "Reading PLINK 2 files")
    stem = re.sub(SUFFIXES, "", os.fspath(prefix), flags=re.IGNORECASE)
    pgen, pvar, psam = (Path(stem + suffix) for suffix in (".pgen", ".pvar", ".psam"))
    if not pvar.exists() and pvar.with_suffix(".pvar.zst").exists():
        pvar = pvar.with_suffix(".pvar.zst")
    for path in (pgen, pvar):
        path.open("rb").close()  # pgenlib does not tell which one is absent
    refuse_mark(pvar)
    samples = _read_samples(psam, encoding)
    n_samples = len(samples)
    try:
        variants = pgenlib.PvarReader(os.fsencode(pvar))
        file = pgenlib.PgenReader(os.fsencode(pgen), n_samples, pvar=variants)
    except RuntimeError as error:
        raise _unreadable(pgen, error) from error
    dtype, n_variants = np.float32 if dosages else np.int8, variants.get_variant_ct()
    into = GrowingArray(n_samples, dtype, expected=n_variants)
    rows = _rows(pvar, variants, encoding)
    return collect(pgen, samples, _blocks(pgen, file, rows, n_samples, dtype), into, filters)


def _blocks(path, file, rows, n_samples, dtype):
    end = 0
    read = file.read_range if dtype == np.int8 else file.read_dosages_range
    for part in in_parts(rows, variants_at_once(n_samples)):
        start, end = end, end + len(part)
        dosages = np.empty((len(part), n_samples), dtype)
        try:
            read(start, end, dosages)
        except RuntimeError as error:
            place = f" between the variants {part[0][0]} and {part[-1][0]}"
            raise _unreadable(path, error, place) from error
        dosages[dosages < 0] = -1 if dtype == np.int8 else np.nan
        yield Block(variant_table(part), dosages)


def _rows(path, variants, encoding):
    """Yield the row of the table of each variant."""
    for k in range(variants.get_variant_ct()):
        try:
            yield _row(variants, k, encoding)
        except UnicodeError as error:
            raise undecodable(f"{path}, variant {k + 1},", encoding) from error


def _row(variants, k, encoding):
    reference, *others = (
        variants.get_allele_code(k, allele).decode(encoding)
        for allele in range(variants.get_allele_ct(k))
    )
    others = [other for other in others if other != "."]
    return (
        variants.get_variant_id(k).decode(encoding),
        variants.get_variant_chrom(k).decode(encoding),
        variants.get_variant_pos(k),
        ",".join(others) or None,
        reference,
    )


def _unreadable(path, error, place=""):
    message = error.args[0] if error.args else ""
    text = message.decode() if isinstance(message, bytes) else str(message)
    return ValueError(
        f"{path} or its .pvar file cannot be read{place}: {text.strip().rstrip('.')}. Check that "
        "the .pgen, .pvar and .psam files belong together and are complete; if they were copied, "
        "do that again."
    )


def _read_samples(path, encoding):
    with open_text(path, encoding) as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("##")]
    header = list(WITHOUT_HEADER)
    if lines and lines[0][0].startswith("#"):
        header = [lines[0][0].lstrip("#"), *lines.pop(0)[1:]]
    if not lines or "IID" not in header:
        raise ValueError(f"{path} has no individuals, or no column IID for their IDs.")
    width = min(len(lines[0]), len(header))
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise ValueError(
                f"{path}: individual {number} has {len(line)} columns, the first one "
                f"{len(lines[0])}. IDs must not contain blanks."
            )
    table = pd.DataFrame([line[:width] for line in lines], columns=header[:width], dtype=str)
    table = table.rename(columns=PSAM_COLUMNS)
    samples = samples_of(table.pop("individual"))
    for column in samples.columns.intersection(table.columns):
        values = table[column].set_axis(samples.index)
        if column == "sex":
            samples[column] = sexes(values, path)
        elif column == "phenotype":
            samples[column] = phenotypes(values, path)
        else:
            samples[column] = known(values)
    return samples
