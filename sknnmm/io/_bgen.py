"""BGEN files."""

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
from sknnmm.io._samples import samples_of, sexes
from sknnmm.io._text import open_text

HEADER_LINES = 2  # of a .sample file: names and types of columns


def read_bgen(
    path: FilePath,
    sample_path: FilePath | None = None,
    *,
    encoding: str = "utf-8",
    min_maf: float = 0.0,
    max_missing: float = 1.0,
    min_hwe_p: float = 0.0,
) -> Bunch:
    """Read expected dosages from a BGEN file, of any version; it needs no index.

    This needs the optional library bgen: ``pip install bgen``.

    Parameters
    ----------
    path : str or path-like
    sample_path : str or path-like, or None, default=None
        The .sample file with the IDs of the individuals. None: the IDs in the BGEN file; if there
        are none, the file of the same name that ends in .sample.
    encoding : str, default="utf-8"
        Encoding of the .sample file.
    min_maf, max_missing, min_hwe_p : float
        Which variants to keep by their quality, as in `read_genotypes`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As from `read_genotypes`. Dosages are float32 with NaN = missing: the expected number of
        copies of the second allele, given the probabilities of the genotypes.

    Raises
    ------
    ImportError
        If bgen is not installed.
    FileNotFoundError
        If a file does not exist.
    ValueError
        If the file is malformed or truncated, or has other individuals than the .sample file or
        the same in another order; or if individuals have more than two alleles.

    Warns
    -----
    UserWarning
        As `read_genotypes`.

    Notes
    -----
    A haploid genotype counts twice, as PLINK writes males on the X chromosome, and is left out of
    the Hardy-Weinberg test.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from bgen import BgenWriter
    >>> from sknnmm.io import read_bgen
    >>> probabilities = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.4]])
    >>> with TemporaryDirectory() as folder:
    ...     path = str(Path(folder) / "mice.bgen")
    ...     with BgenWriter(path, 2, samples=["m1", "m2"]) as writer:
    ...         writer.add_variant("", "rs1", "1", 1200, ["G", "A"], probabilities)
    ...     mice = read_bgen(path)
    >>> mice.genotypes
    snp         rs1
    individual
    m1          0.0
    m2          1.4
    """
    filters = Filters(min_maf, max_missing, min_hwe_p)
    bgen = import_optional("bgen", "Reading BGEN files")
    path = Path(path)
    path.open("rb").close()  # bgen does not say that it is absent
    try:
        # The sample file is read here: bgen ignores it where the file has IDs of its own.
        file = bgen.BgenReader(str(path), delay_parsing=True)
    except ValueError as error:
        raise _unreadable(path, error) from error
    with file:
        samples = _samples(path, file, sample_path, encoding)
        into = GrowingArray(len(samples), np.float32, expected=file.header.nvariants)
        return collect(path, samples, _blocks(path, file, len(samples)), into, filters)


def _blocks(path, file, n_samples):
    for part in in_parts(_records(path, file), variants_at_once(n_samples)):
        rows, dosages, ploidies = zip(*part, strict=True)
        dosages, ploidies = np.array(dosages), np.array(ploidies)
        haploid = ploidies == 1
        dosages[haploid] *= 2
        yield Block(variant_table(rows), dosages, haploid if haploid.any() else None)


def _records(path, file):
    """Yield the row of the table, the dosages and the ploidies of each variant."""
    last, variants = "its header", iter(file)
    while True:
        try:
            variant = next(variants)
            other, *counted = variant.alleles
            name = variant.rsid or variant.varid or "."
            row = (name, variant.chrom, variant.pos, ",".join(counted), other)
            ploidy = variant.ploidy
            # of more alleles the table tells that it is not used
            dosages = variant.alt_dosage if len(counted) == 1 else np.zeros(len(ploidy), np.float32)
        except StopIteration:
            return
        except ValueError as error:
            raise _unreadable(path, error, f" after {last}") from error
        last = f"variant {variant.chrom}:{variant.pos} ({name})"
        if ploidy.max() > 2:
            raise ValueError(
                f"{path}, {last}, has genotypes of {ploidy.max()} alleles per individual; only "
                "haploid and diploid ones can be used."
            )
        yield row, dosages, ploidy


def _unreadable(path, error, place=""):
    return ValueError(
        f"{path} is malformed or truncated{place}: {error}. If it was copied or downloaded, do "
        "that again."
    )


def _samples(path, file, sample_path, encoding):
    ids = file.samples if file.header.has_sample_ids else None
    if sample_path is None and ids is not None:
        return samples_of(ids)
    sample_path = Path(sample_path or path.with_suffix(".sample"))
    if not sample_path.exists():
        raise FileNotFoundError(
            f"{path} has no IDs of individuals, and there is no {sample_path}. Write that file, "
            "or pass sample_path."
            if ids is None
            else f"{sample_path} does not exist."
        )
    samples = _read_samples(sample_path, encoding)
    if len(samples) != file.header.nsamples:
        raise ValueError(
            f"{sample_path} has {len(samples)} individuals, {path} has {file.header.nsamples}."
        )
    if ids is not None and list(samples.index) != list(ids):
        row = int(np.argmax(samples.index.to_numpy() != np.array(ids, object)))
        raise ValueError(
            f"{sample_path} and {path} have different individuals, or the same in another order: "
            f"number {row + 1} is {samples.index[row]} in the former, {ids[row]} in the latter. "
            "Leave sample_path out, as the BGEN file has IDs."
        )
    return samples


def _read_samples(path, encoding):
    with open_text(path, encoding) as file:
        lines = [line.split() for line in file if line.strip()]
    if len(lines) <= HEADER_LINES or any(len(line) != len(lines[0]) for line in lines):
        raise ValueError(
            f"{path} must have two header lines and a line for every individual, all with the same "
            "number of columns."
        )
    table = pd.DataFrame(lines[HEADER_LINES:], columns=lines[0], dtype=str)
    second = table.columns[1] if len(table.columns) > 1 else table.columns[0]
    samples = samples_of(table[second if second == "ID_2" else table.columns[0]])
    if "sex" in table:
        samples["sex"] = sexes(table["sex"].set_axis(samples.index), path)
    return samples
