"""The five commands: what they write, and that it is what the Python interface gives."""

import json
import re
import signal
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sknnmm import NNMMRegressor
from sknnmm.cli import main
from sknnmm.cli.genotypes import genotypes_from
from sknnmm.cli.inputs import note_unnamed, read_inputs, unnamed
from sknnmm.cli.journal import journal
from sknnmm.cli.options import Data
from sknnmm.effects import Fixed, Random
from sknnmm.io import align, read_plink, read_table
from sknnmm.metrics import predictive_correlation
from tests.cli.conftest import SHORT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def in_python(workplace):
    """Return the model that the files give in Python, and its data."""
    demo = workplace.folder / "demo"
    herd = read_plink(demo / "herd")
    tables = {name: read_table(demo / f"{name}.csv", "id") for name in ("omics", "covariates")}
    y = read_table(demo / "phenotypes.csv", "id")["milk"]
    data = align(herd.genotypes, phenotypes=y, **tables)
    model = NNMMRegressor(
        n_iter=60, burn_in=20, random_state=0, effects=[Fixed("sex"), Random("family")]
    )
    model.fit(data.genotypes, data.phenotypes, omics=data.omics, covariates=data.covariates)
    return model, data


def results(workplace, name, folder="results"):
    """Return a table of results; Python's own parser returns the numbers that were written."""
    path = workplace.folder / folder / f"{name}.csv"
    return pd.read_csv(path, index_col=0, engine="python")


def test_five_lines_succeed(workplace):
    assert workplace.codes == [0] * 5


def test_sex_and_family_act_on_the_simulated_trait(tmp_path):
    out = tmp_path / "demo"
    assert main(f"simulate --out {out} --individuals 1000 --snps 20 --quiet".split()) == 0
    tables = [pd.read_csv(out / f"{n}.csv", index_col=0) for n in ("phenotypes", "covariates")]
    table = tables[0].join(tables[1])
    sexes = table.groupby("sex")["milk"].mean()
    assert sexes["M"] - sexes["F"] == pytest.approx(1, abs=0.3)
    adjusted = table["milk"] - table["sex"].map(sexes)
    assert adjusted.groupby(table["family"]).mean().std() == pytest.approx(0.5, abs=0.25)


def test_fit_is_that_of_python_to_the_bit(workplace, in_python):
    model, data = in_python
    mean, sd = model.predict(data.genotypes, data.omics, data.covariates, return_std=True)
    predictions = results(workplace, "predictions")
    assert list(predictions.index) == list(data.genotypes.index)
    assert_array_equal(predictions["predicted"], mean)
    assert_array_equal(predictions["sd"], sd)
    assert_array_equal(predictions["observed"], data.phenotypes)
    values = results(workplace, "breeding_values")
    expected = model.breeding_values(data.genotypes)
    assert list(values.columns) == list(expected.columns)
    assert_array_equal(values, expected)
    snps = results(workplace, "snp_effects").query("response == 'total'")
    assert_array_equal(snps["effect"], model.coef_)
    assert_array_equal(results(workplace, "diagnostics")["mean"], model.diagnostics_["mean"])


def test_predictions_of_new_individuals_are_those_of_python(workplace, in_python):
    model, _ = in_python
    demo = workplace.folder / "demo"
    X = read_plink(demo / "new").genotypes
    covariates = read_table(demo / "new_covariates.csv", "id")
    predictions = results(workplace, "predictions", "new")
    assert_array_equal(predictions["predicted"], model.predict(X, covariates=covariates))
    values = results(workplace, "breeding_values", "new")
    assert_array_equal(values["breeding_value"], model.breeding_values(X)["breeding_value"])


def test_cross_validation_keeps_groups_together_and_scores_folds(workplace):
    made = results(workplace, "predictions", "folds")
    predictions = made[made["from"] == "genotypes and omics"]
    assert len(made) == 2 * len(predictions) == 2 * 80
    family = read_table(workplace.folder / "demo" / "covariates.csv", "id")["family"]
    assert (predictions.groupby(family)["fold"].nunique() == 1).all()
    scores = pd.read_csv(workplace.folder / "folds" / "folds.csv")
    first = predictions[predictions["fold"] == 1]
    expected = predictive_correlation(first["observed"], first["predicted"])
    row = scores.query("fold == 1 and `from` == 'genotypes and omics'").iloc[0]
    assert row["accuracy"] == pytest.approx(expected, rel=1e-12)
    summary = pd.read_csv(workplace.folder / "folds" / "accuracy.csv").set_index(
        ["from", "measure"]
    )
    both = scores.query("`from` == 'genotypes'")["bias"]
    assert summary.loc[("genotypes", "bias"), "mean"] == pytest.approx(both.mean())
    assert summary.loc[("genotypes", "bias"), "se"] == pytest.approx(abs(np.diff(both)[0]) / 2)


def test_results_hold_the_options_the_counts_and_the_versions(workplace):
    folder = workplace.folder / "results"
    config = tomllib.loads((folder / "config.toml").read_text())
    assert (
        not {"overwrite", "quiet"} & set(config)  # a later cv would say nothing either
        and config["n-iter"] == "60"
        and config["fixed"] == ["sex"]
        and config["seed"] == 0
    )
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["individuals"] == {
        "genotyped": 80,
        "with phenotype": 80,
        "with omics": 80 - (results(workplace, "../demo/omics").isna().all(axis=1).sum()),
    }
    log = (folder / "log.txt").read_text()
    assert "80 individuals, 30 variants read, 30 kept" in log
    assert f"numpy {np.__version__}" in log and "seed 0" in log


def test_the_trait_has_its_name_in_the_results(workplace):
    components = results(workplace, "variance_components").loc["phenotype"]
    assert set(components["response"]) == {"milk"}
    for name in ("fixed_effects", "random_family"):
        columns = results(workplace, name).columns
        assert "milk mean" in columns and "y mean" not in columns


def test_the_written_config_runs_again_to_the_same_bits(workplace, inside):
    assert main(["fit", "--config", "results/config.toml", "--out", "again", "--quiet"]) == 0
    assert (inside / "again/predictions.csv").read_bytes() == (
        inside / "results/predictions.csv"
    ).read_bytes()


def test_nothing_is_left_beside_the_results(workplace):
    left = {path.name for path in workplace.folder.iterdir()}
    assert left <= {"demo", "results", "new", "folds", "again", "bad"}


def test_individuals_without_genotypes_or_phenotypes_are_counted(workplace, inside, tmp_path):
    table = pd.read_csv("demo/phenotypes.csv").iloc[5:]
    table.loc[1000] = ["stranger", 1.0]
    table.to_csv(tmp_path / "p.csv", index=False)
    out = tmp_path / "out"
    line = f"fit --config demo/run.toml --phenotypes {tmp_path / 'p.csv'} --out {out}"
    assert main(line.split() + SHORT) == 0
    log = (out / "log.txt").read_text()
    assert "76 rows read, 75 kept, 1 dropped (not genotyped); 5 genotyped individuals" in log


def test_the_report_stands_alone_and_begins_with_warnings(workplace):
    text = (workplace.folder / "results" / "report.html").read_text()
    assert text.count("<svg") == 4
    assert "http" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
    assert 'src="' not in text and "<link" not in text and "data:image/png" in text
    assert text.index("Warnings") < text.index("Did the chains converge?") < text.index("<h2>Data")
    assert "80 individuals, 30 variants read" in text and "rs1" in text
    assert "1,000,000" in text  # the end of a window, in bases


def test_the_report_has_the_best_individuals_and_says_what_the_figure_shows(workplace):
    text = (workplace.folder / "results" / "report.html").read_text()
    values = results(workplace, "breeding_values")["breeding_value"]
    assert f"<th>{values.idxmax()}</th>" in text and f"<th>{values.idxmin()}</th>" not in text
    assert "predicted from genotypes and omics when held out" in text
    assert "breeding_values.csv:" not in text  # of the steps only those about data


def test_chains_of_folds_that_have_not_converged_are_one_warning(workplace):
    summary = json.loads((workplace.folder / "folds" / "summary.json").read_text())
    (text,) = summary["warnings"]
    assert text.startswith("folds 1, 2: chains have not converged. Of fold ")
    assert "--n-iter" in text


def test_the_warning_of_folds_is_that_of_the_fold_which_needs_the_longest_chains():
    with journal("cv", {"quiet": True}) as kept:
        for fold, n_iter in ((1, 900), (2, 4000), (4, 1000)):
            with kept.fold(fold):
                warnings.warn(f"{fold}. Try n_iter={n_iter}.", ConvergenceWarning, stacklevel=1)
                warnings.warn("rare", UserWarning, stacklevel=1)
    assert kept.warnings == [
        "folds 1, 2, 4: chains have not converged. Of fold 2, the slowest: 2. Try --n-iter 4000.",
        "folds 1, 2, 4: rare",
    ]


def test_what_was_read_in_another_sense_than_meant_is_noted(inside, tmp_path):
    table = pd.read_csv("demo/phenotypes.csv", index_col=0)
    table["case"] = np.where(table["milk"] > 0, 1, -9)
    table.to_csv(tmp_path / "p.csv")
    covariates = pd.read_csv("demo/covariates.csv", index_col=0)
    text = covariates.assign(herd="a").to_csv()
    (tmp_path / "c.csv").write_text(text.rstrip())
    data = Data(
        genotypes=inside / "demo/herd.bed",
        phenotypes=tmp_path / "p.csv",
        trait="case",
        covariates=tmp_path / "c.csv",
        fixed=["sex"],
        random=["family"],
    )
    with journal("fit", {"quiet": True}) as kept:
        note_unnamed(data, unnamed(data, read_inputs(data).covariates))
    steps = "\n".join(kept.steps)
    assert "case: -9 and 1 are taken as measurements; --family binary takes them as" in steps
    assert steps.count("c.csv: its last line has no line break; check that the file is whole") == 1
    assert "p.csv: its last line" not in steps
    assert "c.csv: herd, which no option names, is a fixed effect" in steps
    assert "p.csv: case is -9 in " in kept.warnings[0]


@pytest.mark.parametrize(
    ("encoding", "of_genotypes"), [("latin-1", "latin-1"), ("utf-16", "utf-8")]
)
def test_names_of_genotypes_are_utf_8_or_encoded_as_the_tables(
    encoding, of_genotypes, inside, tmp_path
):
    for suffix in ("bed", "bim", "fam"):
        (tmp_path / f"herd.{suffix}").write_bytes(Path(f"demo/herd.{suffix}").read_bytes())
    fam = Path("demo/herd.fam").read_text().replace("cow00003", "Kühne")
    (tmp_path / "herd.fam").write_bytes(fam.encode(of_genotypes))
    table = Path("demo/phenotypes.csv").read_text().replace("cow00003", "Kühne")
    (tmp_path / "p.csv").write_bytes(table.encode(encoding))
    files = {"genotypes": tmp_path / "herd.bed", "phenotypes": tmp_path / "p.csv"}
    with journal("fit", {"quiet": True}):
        inputs = read_inputs(Data(**files, trait="milk", encoding=encoding))
    assert inputs.genotypes.index[3] == "Kühne" and np.isfinite(inputs.y["Kühne"])


def test_genotypes_in_a_wide_encoding_have_that_of_the_tables(tmp_path):
    path = tmp_path / "herd.raw"
    path.write_text("FID IID PAT MAT SEX PHENOTYPE s_A\n0 Kühne 0 0 1 -9 2\n", "utf-16")
    with journal("fit", {"quiet": True}):
        data = genotypes_from(path, "--genotypes", "utf-16")
    assert list(data.genotypes.index) == ["Kühne"]
    with pytest.raises(ValueError, match="not text in the encoding utf-8 or latin-1"):
        genotypes_from(path, "--genotypes", "latin-1")


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_nullable_numbers_in_parquet_are_read_as_those_of_text(backend, inside, tmp_path):
    tables = {}
    for name in "phenotypes", "omics":
        table = pd.read_csv(f"demo/{name}.csv").mask(lambda values: values == values.iloc[3, 1])
        tables[name] = tmp_path / f"{name}.parquet"
        table.convert_dtypes(dtype_backend=backend).to_parquet(tables[name])
    files = {"genotypes": Path("demo/herd.bed"), "trait": "milk"}
    with journal("fit", {"quiet": True}):
        inputs = read_inputs(Data(**files, **tables))
    assert inputs.y.isna().sum() == 1 and inputs.y.dtype == float
    assert inputs.omics.isna().any(axis=None) and set(inputs.omics.dtypes) == {np.dtype(float)}


def test_commands_end_with_where_the_results_are(inside, tmp_path, capfd):
    folder = tmp_path / "my cows"
    folder.mkdir()
    new = ["--genotypes", "demo/new.bed", "--covariates", "demo/new_covariates.csv"]
    for command, out, end in (
        (["simulate"], "demo", f"read by --config '{folder}/demo/run.toml'"),
        (["predict", "--model", "results", *new], "new", "the tables predictions and"),
        (["report", "--model", "results"], "report.html", "to be opened in a browser"),
    ):
        path = folder / out
        assert main([*command, "--out", str(path)]) == 0
        last = capfd.readouterr().err.splitlines()[-1]
        assert last.startswith(f"{path}: ") and end in last and path.exists()


def test_help_has_the_whole_name_of_every_option(monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("simulate", "fit", "predict", "cv", "report"):
        main([name, "--help"])
    shown = capfd.readouterr().out
    assert "--detection-limits" in shown and "--no-direct-effects" in shown and "…" not in shown


def test_python_m_sknnmm_shows_help_with_examples():
    run = [sys.executable, "-m", "sknnmm", "fit", "--help"]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "sknnmm fit --genotypes herd.bed" in shown


def test_a_pedigree_adds_to_breeding_values(workplace, inside, tmp_path):
    herd, later = (
        pd.read_csv(f"demo/{name}.fam", sep=r"\s+", header=None)[1] for name in ("herd", "new")
    )
    ids = pd.concat([herd, later])
    parents = {"sire": ["0"] * 4 + ["cow00000"] * (len(ids) - 4), "dam": "0"}
    pd.DataFrame({"id": ids, **parents}).to_csv(tmp_path / "ped.csv", index=False)
    files = f"--pedigree {tmp_path}/ped.csv --out {tmp_path}/out"
    assert main(f"fit --config demo/run.toml {files}".split() + SHORT) == 0
    line = (
        f"predict --model {tmp_path}/out --genotypes demo/new.bed --out {tmp_path}/new --quiet "
        "--covariates demo/new_covariates.csv"
    )
    assert main(line.split()) == 0
    table = pd.read_csv(tmp_path / "new" / "breeding_values.csv", index_col=0)
    effects = pd.read_csv(tmp_path / "out" / "random_animal.csv", index_col=0)
    assert set(table.index) <= set(effects.index)
    rest = table["breeding_value"] - table["direct"] - table["mediated"]
    assert table["reliability"].between(0, 1).all() and rest.abs().max() < 1e-9
    assert "animal" in (tmp_path / "out" / "variance_components.csv").read_text()
    assert "ped.csv: 90 animals, 4 without parents" in (tmp_path / "out" / "log.txt").read_text()


@pytest.mark.slow
def test_ctrl_c_in_a_shell_saves_the_chains_and_the_same_command_ends_alike(workplace, tmp_path):
    demo = workplace.folder / "demo"
    options = ["--genotypes", demo / "herd.bed", "--phenotypes", demo / "phenotypes.csv"]
    options += ["--trait", "milk", "--omics", demo / "omics.csv"]
    options += ["--n-iter", "20000", "--burn-in", "100", "--n-chains", "1", "--thin", "20"]
    command = [sys.executable, "-m", "sknnmm", "fit", *map(str, options), "--out", "out"]
    states = tmp_path / "out.checkpoint"
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(states.glob("chain-*")):
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        printed = process.stderr.read()
    assert process.returncode == 130
    assert "sknnmm: stopped: " in printed and "Traceback" not in printed
    assert list(states.glob("chain-*")) and not (tmp_path / "out").exists()
    for name in ("out", "whole"):
        again = [*command[:-1], name, "--quiet"]
        subprocess.run(again, cwd=tmp_path, check=True)
    predictions = [(tmp_path / name / "predictions.csv").read_bytes() for name in ("out", "whole")]
    assert predictions[0] == predictions[1]
    assert not states.exists()
