"""``sknnmm fit``."""

import re
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Annotated

import pandas as pd

from sknnmm.association import snp_table, windows
from sknnmm.cli.folder import check_results, new_folder
from sknnmm.cli.inputs import note_unnamed, read_inputs, unnamed
from sknnmm.cli.journal import current
from sknnmm.cli.model import estimator, fitted
from sknnmm.cli.options import Common, Data, Model, Results, option
from sknnmm.cli.outcomes import predictions
from sknnmm.cli.stored import breeding_values, save_model
from sknnmm.cli.tables import write
from sknnmm.mediation import omics_table
from sknnmm.posterior.diagnostics import MIN_ESS

PHENOTYPE_EFFECTS = ["total", "direct", "mediated"]
LONGEST_NAME = 200  # bytes, of a random effect: its file has an ending
ALL_EFFECTS = 2_000_000  # rows of snp_effects.csv up to which it has those on omics


def fit(
    data: Data,
    model: Model,
    results: Results,
    common: Common,
    *,
    checkpoint: Annotated[
        Path | None,
        option("Folder of the chains' states during the run; by default beside the results."),
    ] = None,
    window: Annotated[
        str, option("Windows of which the genetic variance is reported; a distance or a number.")
    ] = "1Mb",
) -> None:
    """Fit a network to files, and write tables of results and the model.

    sknnmm fit --genotypes herd.bed --phenotypes p.csv --trait milk --out results

    sknnmm fit --genotypes herd.vcf.gz --phenotypes p.csv --trait HDL --omics blood.csv
    --covariates c.csv --fixed sex --random litter --pedigree ped.csv --n-iter auto --out results

    Ctrl-C saves the chains; the same command continues them.
    """
    check_results(results, common.overwrite, "fit")
    if not re.fullmatch(r"(?=.*[1-9])(\d+|\d+(\.\d+)? ?(Mb|kb|bp|cM))", window):
        raise ValueError(
            f"--window {window}: write a distance, as 1Mb or 2cM, or a number of SNPs."
        )
    _check_file_names(data)
    inputs = read_inputs(data)
    _check_omics_names(inputs, data)
    note_unnamed(data, unnamed(data, inputs.covariates))
    out = results.out
    states = checkpoint or out.with_name(out.name + ".checkpoint")
    network = estimator(model, inputs, checkpoint=states, verbose=int(not common.quiet))
    try:
        fitted(network, inputs, data, model)
    finally:
        with suppress(OSError):  # it is not empty: chains have begun
            _clear_lock(states)
            states.rmdir()
    network.set_params(checkpoint=None, verbose=0)
    tables = _tables(network, inputs, window, data.trait)
    current().facts |= {
        "heritability": float(network.heritability_),
        "chains": network.n_chains,
        "min_ess": network.min_ess if network.n_iter == "auto" else MIN_ESS,
    }
    with new_folder(out) as folder:
        for name, table in tables.items():
            write(table, folder, name, results.format)
        save_model(network, inputs.variants, folder, results.format)
        current().write(folder)
    current().results(
        out,
        f"{len(tables)} tables and the model, which sknnmm report and sknnmm predict read by "
        f"--model {quote(str(out))}",
    )
    if checkpoint is None:
        _remove(states)


def _check_file_names(data):
    """Raise if a file of random effects cannot have their name."""
    for name in data.random or []:
        if re.search(r"[/\\]", name) or len(name.encode()) > LONGEST_NAME:
            raise ValueError(
                f"--random {name}: a table of results gets this name, so it cannot be longer than "
                f"{LONGEST_NAME} bytes or have slashes. Rename the column."
            )


def _check_omics_names(inputs, data):
    """Raise if rows of the tables of results would have the name of an omic."""
    names = () if inputs.omics is None else inputs.omics.columns
    for name in names:
        if name in (*PHENOTYPE_EFFECTS, "y"):
            raise ValueError(
                f"{data.omics}, line 1: an omic is called {name}, which stands for the trait or an "
                "effect on it in the results. Rename that column."
            )


def _tables(network, inputs, window, trait):
    """Return the tables of results by the names of their files; y is called as the trait."""
    of_trait = {"y": trait}
    X, variants = inputs.genotypes, inputs.variants
    many = len(network.snp_names_) * len(network.omics_names_) > ALL_EFFECTS
    has_positions = variants["position"].notna().any()
    snps = snp_table(
        network,
        variants if has_positions else None,
        PHENOTYPE_EFFECTS if many and len(network.omics_names_) else None,
    )
    tables = {
        "breeding_values": breeding_values(network, X, inputs.covariates),
        "predictions": _observed(inputs).join(
            predictions(network, X, inputs.omics, inputs.covariates)
        ),
        "snp_effects": snps.set_index("snp"),
        "variance_components": network.variance_components_.rename(of_trait, level="response"),
        "fixed_effects": network.fixed_effects_.rename(columns=of_trait, level="response"),
        "diagnostics": network.diagnostics_.rename_axis("quantity"),
    }
    if len(network.omics_names_):
        tables["mediation"] = omics_table(network).set_index("path")
    if has_positions or window.isdigit():
        size = int(window) if window.isdigit() else window
        found = windows(network, X, variants if has_positions else None, size)
        if len(found):  # none if no chromosome is known
            tables["windows"] = found.set_index("window")
    for name, effects in network.random_effects_.items():
        tables[f"random_{name}"] = effects.rename(columns=of_trait, level="response")
    return tables


def _observed(inputs):
    """Return the records, as table."""
    if inputs.y_upper is None:
        return pd.DataFrame({"observed": inputs.y})
    return pd.DataFrame({"observed": inputs.y, "observed_upper": inputs.y_upper})


def _clear_lock(states):
    """Remove the lock of a fit that has not begun: nothing else is in its folder then."""
    if [path.name for path in states.iterdir()] == [".sknnmm-lock"]:
        (states / ".sknnmm-lock").unlink()


def _remove(states):
    """Remove the states of the chains, which the results have replaced."""
    for pattern in ("chain-*", ".sknnmm-*"):
        for path in states.glob(pattern):
            path.unlink()
    with suppress(OSError):  # files of others stay
        states.rmdir()
