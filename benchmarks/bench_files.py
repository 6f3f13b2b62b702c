"""From files to a report on the command line, beside the same in Python.

The mice are written as PLINK and CSV files: tables in an order of their own, a tenth of the mice
without phenotype, another tenth without omics, a few that were not genotyped. ``sknnmm fit`` and
``sknnmm report`` read them in a process of their own. Then the same fit is called in Python, with
the data in memory and in order. From the root of the repository, with the extra cli::

    python -m benchmarks.bench_files                        # a minute or two
    python -m benchmarks.bench_files --data-home DIR        # where the mice are
    python -m benchmarks.bench_files --quick                # short chains: to see that it runs
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.association import snp_table, windows
from sknnmm.datasets import fetch_hs_mice
from sknnmm.effects import Fixed, Random
from sknnmm.mediation import omics_table

TRAIT = "Biochem.HDL"
WITHOUT_OMICS = ["Biochem.LDL", "Biochem.Tot.Cholesterol", "Biochem.Potassium"]
STRANGERS = 50  # mice with records but without genotypes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-home", help="folder of the data (default: scikit-learn's)")
    parser.add_argument("--n-iter", type=int, default=1000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    n_iter = 40 if options.quick else options.n_iter
    data, tables = mice(options.data_home)
    print(f"{describe_machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), data, tables)
        in_shell(Path(folder), "fit", 40)  # compiles
        seconds = {name: in_shell(Path(folder), name, n_iter) for name in ("fit", "report")}
        predicted = pd.read_csv(Path(folder) / "results/predictions.csv", index_col=0)
        summary = json.loads((Path(folder) / "results/summary.json").read_text())
    for step in summary["steps"]:
        print(f"    {step.replace(folder, '...')}")
    in_python(data, tables, 40)  # compiles
    of_fit, of_tables, mean = in_python(data, tables, n_iter)
    gap = np.abs(predicted["predicted"].to_numpy() - mean).max()
    rows = [
        ["", "CPU seconds"],
        ["sknnmm fit", f"{seconds['fit']:.1f}"],
        ["sknnmm report", f"{seconds['report']:.1f}"],
        ["Python: fit", f"{of_fit:.1f}"],
        ["Python: predictions, breeding values, tables", f"{of_tables:.1f}"],
    ]
    print(f"\nLargest difference of predictions: {gap:g}\n\n{as_table(rows)}")


def mice(data_home):
    """Return the data, and tables by individual: trait, omics, covariates, some of it missing."""
    data = fetch_hs_mice(data_home)
    rng = np.random.default_rng(0)
    ids = data.genotypes.index
    without_y, without_omics = np.split(rng.permutation(len(ids))[: len(ids) // 5], 2)
    y = data.omics[TRAIT].rename("HDL").to_frame()
    omics = data.omics.drop(columns=[TRAIT, *WITHOUT_OMICS])
    omics = omics.loc[:, omics.notna().any()].copy()
    y.iloc[without_y], omics.iloc[without_omics] = np.nan, np.nan
    covariates = pd.DataFrame({"sex": data.sex, "family": "f" + data.family.astype(str)}, ids)
    return data, {"phenotypes": y, "omics": omics, "covariates": covariates}


def positions_of(data):
    """Return chromosome and position of every SNP, a centimorgan as a million bases."""
    bases = (1e6 * data.map["mbp"]).round().astype(int).to_numpy()
    chromosomes = data.map["chr"].astype(str).to_numpy()
    return pd.DataFrame({"chromosome": chromosomes, "position": bases}, data.genotypes.columns)


def write_files(folder, data, tables):
    from bed_reader import to_bed

    ids, positions = data.genotypes.index, positions_of(data)
    properties = {
        "iid": list(ids),
        "sid": list(data.genotypes.columns),
        "chromosome": list(positions["chromosome"].astype(str)),
        "bp_position": positions["position"],
        "allele_1": ["A"] * len(positions),
        "allele_2": ["G"] * len(positions),
    }
    X = data.genotypes.to_numpy()
    to_bed(folder / "mice.bed", np.where(X < 0, -127, X).astype(np.int8), properties)
    rng = np.random.default_rng(1)
    strangers = [f"stranger{i}" for i in range(STRANGERS)]
    for name, table in tables.items():
        known = table.dropna(how="all")
        more = known.sample(STRANGERS, random_state=2).set_axis(strangers)
        shuffled = pd.concat([known, more])
        shuffled = shuffled.iloc[rng.permutation(len(shuffled))]
        shuffled.rename_axis("id").to_csv(folder / f"{name}.csv")


def in_shell(folder, command, n_iter):
    """Run a command and return its CPU seconds."""
    results = folder / "results"
    options = {
        "fit": [
            *("--genotypes", folder / "mice.bed", "--phenotypes", folder / "phenotypes.csv"),
            *("--trait", "HDL", "--omics", folder / "omics.csv"),
            *("--covariates", folder / "covariates.csv", "--fixed", "sex", "--random", "family"),
            *("--n-iter", n_iter, "--burn-in", n_iter // 4, "--out", results),
        ],
        "report": ["--model", results],
    }[command]
    before = os.times()
    run = [sys.executable, "-m", "sknnmm", command, *options, "--quiet", "--overwrite"]
    subprocess.run(list(map(str, run)), check=True)
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def in_python(data, tables, n_iter):
    """Return CPU seconds of fit, of what follows, and the predictions."""
    X, y = data.genotypes, tables["phenotypes"]["HDL"]
    others = {name: tables[name] for name in ("omics", "covariates")}
    variants = positions_of(data)
    started = process_time()
    model = NNMMRegressor(
        n_iter=n_iter,
        burn_in=n_iter // 4,
        random_state=0,
        effects=[Fixed("sex"), Random("family")],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short chains
        model.fit(X, y, **others)
        of_fit = process_time() - started
        mean, _ = model.predict(X, *others.values(), return_std=True)
        model.breeding_values(X)
        snp_table(model, variants)
        windows(model, X, variants, "1Mb")
        omics_table(model)
    return of_fit, process_time() - started - of_fit, mean


if __name__ == "__main__":
    main()
