"""``sknnmm simulate``."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import numpy as np
import pandas as pd

from sknnmm.cli.config import as_toml
from sknnmm.cli.folder import check_free, new_folder
from sknnmm.cli.journal import current
from sknnmm.cli.options import Common, option
from sknnmm.common.optional import import_optional
from sknnmm.datasets import make_omics_network

FAMILIES, CHROMOSOMES, BASES_BETWEEN = 10, 5, 50_000
TRAIT = "milk"
OF_MALES, FAMILY_SD = 1.0, 0.5  # on the trait, which has an SD of about 1.5


def simulate(
    common: Common,
    *,
    out: Annotated[Path, option("Folder of the files.")],
    individuals: Annotated[int, option("Individuals to learn from.")] = 300,
    new: Annotated[int, option("Individuals to predict.")] = 50,
    snps: Annotated[int, option("SNPs.")] = 200,
    omics: Annotated[int, option("Omics.")] = 4,
    missing_omics: Annotated[float, option("Share of the omics that is missing.")] = 0.3,
    seed: Annotated[int, option("Same seed, same files.")] = 0,
) -> None:
    """Write simulated files to try everything with.

    sknnmm simulate --out demo

    The folder holds genotypes (herd.bed, new.bed), phenotypes.csv, omics.csv, covariates.csv, the
    truth about the new individuals, and run.toml with the options for fit and cv.
    """
    check_free(out, common.overwrite, "simulate")
    for name, value, least in (
        ("individuals", individuals, 20),
        ("new", new, 1),
        ("snps", snps, 1),
        ("omics", omics, 1),
    ):
        if value < least:
            raise ValueError(f"--{name} {value} is too few: give {least} or more.")
    to_bed = import_optional("bed_reader", "Writing PLINK files").to_bed
    data = make_omics_network(
        individuals + new, snps, omics, missing_omics=missing_omics, random_state=seed
    )
    ids = np.array([f"cow{i:05d}" for i in range(individuals + new)])
    learn, later = slice(individuals), slice(individuals, None)
    tables = _tables(data, ids, np.random.default_rng(seed))
    with new_folder(out) as folder:
        for name, rows in (("herd", learn), ("new", later)):
            X = np.ascontiguousarray(data.X[rows], dtype=np.int8)
            to_bed(folder / f"{name}.bed", X, _properties(ids[rows], snps))
        for name in ("phenotypes", "omics", "covariates"):
            table = tables[name].loc[ids[learn]].iloc[::-1]  # in another order than the genotypes
            table.to_csv(folder / f"{name}.csv")
        tables["covariates"].loc[ids[later]].to_csv(folder / "new_covariates.csv")
        tables["truth"].loc[ids[later]].to_csv(folder / "new_truth.csv")
        (folder / "run.toml").write_text(as_toml(_options(out, seed)), encoding="utf-8")
        current().step(f"simulated: {individuals} individuals to learn from, {new} to predict")
        (folder / "log.txt").write_text(current().log(), encoding="utf-8")
    current().results(
        out,
        "simulated files, which sknnmm fit and sknnmm cv read by "
        f"--config {quote(str(out / 'run.toml'))}",
    )


def _tables(data, ids, rng):
    index = pd.Index(ids, name="id")
    n = len(ids)
    sex, family = rng.choice(["F", "M"], n), rng.integers(0, FAMILIES, n)
    y = data.y + OF_MALES * (sex == "M") + rng.normal(0, FAMILY_SD, FAMILIES)[family]
    return {
        "phenotypes": pd.DataFrame({TRAIT: y}, index=index),
        "omics": pd.DataFrame(data.omics, index, [f"omic{k}" for k in range(data.omics.shape[1])]),
        "covariates": pd.DataFrame({"sex": sex, "family": [f"f{k}" for k in family]}, index=index),
        "truth": pd.DataFrame({TRAIT: y, "genetic_value": data.genetic_value}, index=index),
    }


def _properties(ids, snps):
    place = np.arange(snps)
    return {
        "iid": ids,
        "sid": [f"rs{j}" for j in place],
        "chromosome": 1 + place * CHROMOSOMES // snps,
        "bp_position": (1 + place) * BASES_BETWEEN,
        "allele_1": ["A"] * snps,
        "allele_2": ["G"] * snps,
    }


def _options(out, seed):
    return {
        "genotypes": out / "herd.bed",
        "phenotypes": out / "phenotypes.csv",
        "trait": TRAIT,
        "omics": out / "omics.csv",
        "covariates": out / "covariates.csv",
        "fixed": ["sex"],
        "random": ["family"],
        "seed": seed,
    }
