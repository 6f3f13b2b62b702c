"""The options of the commands, shared where commands share them."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from sknnmm.activations import ACTIVATIONS
from sknnmm.cli.config import read_config
from sknnmm.priors import METHODS


def option(help, *names, **settings):
    """Return what typer needs to know of an option."""
    return typer.Option(*names, help=help, show_default=True, **settings)


class Format(StrEnum):
    """Of the tables of results."""

    CSV = "csv"
    PARQUET = "parquet"


class Family(StrEnum):
    """What a record of the trait says: a value, or one of two or more ordered classes."""

    GAUSSIAN = "gaussian"
    BINARY = "binary"
    ORDINAL = "ordinal"


@dataclass(kw_only=True)
class Common:
    """Options of every command."""

    TITLE: ClassVar = "Running"

    config: Annotated[
        Path | None,
        option(
            "A TOML file with options, e.g. n-iter = 5000. The command line overrides it.",
            is_eager=True,
            callback=read_config,
        ),
    ] = None
    overwrite: Annotated[
        bool, option("Replace results that are already there; other files stay.")
    ] = False
    quiet: Annotated[bool, option("No progress and no messages on stderr, but errors.")] = False
    debug: Annotated[bool, option("Show where in the program an error arises.")] = False


@dataclass(kw_only=True)
class Results:
    """Where results go."""

    TITLE: ClassVar = "Results"

    out: Annotated[Path, option("Folder of the results.")]
    format: Annotated[Format, option("Format of the tables of results.")] = Format.CSV


@dataclass(kw_only=True)
class TableFormat:
    """How the tables that are read are written."""

    TITLE: ClassVar = "Tables"

    id: Annotated[
        str | None, option("Column of IDs in all tables; by default the first of each.")
    ] = None
    sep: Annotated[str | None, option("What separates columns, if not as the suffix says.")] = None
    decimal: Annotated[str, option("Decimal point of the tables.")] = "."
    encoding: Annotated[
        str, option("Encoding of the tables, as latin-1; of genotypes too, if these are not UTF-8.")
    ] = "utf-8"


@dataclass(kw_only=True)
class Data(TableFormat):
    """The files to learn from."""

    TITLE: ClassVar = "Files and effects"

    genotypes: Annotated[
        Path, option("PLINK (.bed, .raw, .pgen), VCF, BCF, BGEN or HapMap: known by its contents.")
    ]
    phenotypes: Annotated[Path, option("Table of phenotypes: .csv, .tsv or .parquet.")]
    trait: Annotated[str, option("Column of phenotypes to learn.")]
    trait_upper: Annotated[
        str | None,
        option(
            "Column of upper ends of censored phenotypes, of which --trait has the lower ends; "
            "inf and -inf: an end that is not known."
        ),
    ] = None
    family: Annotated[
        Family,
        option(
            "gaussian: measured; binary: two classes; ordinal: ordered classes.", metavar="<str>"
        ),
    ] = Family.GAUSSIAN
    classes: Annotated[
        str | None,
        option("Classes from low to high, as healthy,diseased; by default sorted."),
    ] = None
    omics: Annotated[
        Path | None,
        option("Table of omics; empty or NA: not measured; <LOD or -inf: below the limit."),
    ] = None
    detection_limits: Annotated[
        Path | None, option("Table of omic and its detection limit, in units of the omic.")
    ] = None
    covariates: Annotated[Path | None, option("Table of covariates.")] = None
    weight: Annotated[
        str | None, option("Column of phenotypes with weights: inverse residual variances.")
    ] = None
    fixed: Annotated[
        list[str] | None, option("Fixed effect: column or formula (sex*age). Can be repeated.")
    ] = None
    random: Annotated[
        list[str] | None, option("Column of covariates with random effects. Can be repeated.")
    ] = None
    pedigree: Annotated[
        Path | None,
        option("Table of individual, sire, dam: adds a random effect related by pedigree."),
    ] = None
    mask: Annotated[
        Path | None,
        option(
            "Which SNPs act on which omics: a table of SNP and omic; with --cis-window, of omic, "
            "chromosome, start and end."
        ),
    ] = None
    cis_window: Annotated[
        float | None, option("Distance to the features in --mask, in units of the positions.")
    ] = None
    dosages: Annotated[bool, option("Read expected dosages from VCF, BCF or .pgen.")] = False
    min_maf: Annotated[float, option("Drop SNPs with a rarer minor allele.")] = 0.0
    max_missing: Annotated[float, option("Drop SNPs with more genotypes missing.")] = 1.0
    min_hwe_p: Annotated[float, option("Drop SNPs with a smaller Hardy-Weinberg p-value.")] = 0.0


@dataclass(kw_only=True)
class Model:
    """Parameters of the estimator."""

    TITLE: ClassVar = "Model and chains"

    method: Annotated[str, option(f"Prior of SNP effects: {', '.join(METHODS)}.")] = "BayesC"
    activation: Annotated[str, option(f"One of {', '.join(ACTIVATIONS)}.")] = "linear"
    omics_method: Annotated[str, option("Prior of the omics weights; not GBLUP.")] = "BayesC"
    direct_effects: Annotated[
        bool, option("Whether SNPs also act on the phenotype other than by the omics.")
    ] = True
    n_latent: Annotated[int, option("Unobserved nodes beside the omics.")] = 0
    n_iter: Annotated[str, option('Iterations per chain, or "auto": until converged.')] = "2000"
    burn_in: Annotated[int, option("Iterations discarded at the start.")] = 500
    thin: Annotated[int, option("Keep one of so many iterations after burn-in.")] = 1
    n_chains: Annotated[int, option("Independent chains.")] = 2
    min_ess: Annotated[float, option('Effective sample size that ends "auto".')] = 400.0
    max_iter: Annotated[int, option('Iterations at which "auto" stops.')] = 50_000
    latent_sampler: Annotated[
        str, option("How missing omics are drawn: auto, gibbs, hmc or slice.")
    ] = "auto"
    precision: Annotated[str, option("single or double.")] = "single"
    set: Annotated[
        list[str] | None,
        option("Any other parameter, e.g. method__pi=0.9. Can be repeated."),
    ] = None
    seed: Annotated[int, option("Same seed, same numbers.")] = 0
    jobs: Annotated[int, option("Chains that run at the same time.")] = 1
