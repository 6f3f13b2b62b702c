"""Small parts: words about convergence, options in messages and TOML, folders that appear whole."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from sknnmm.cli.config import as_toml, read_config
from sknnmm.cli.folder import check_free, new_folder
from sknnmm.cli.options import TableFormat
from sknnmm.cli.report import in_words
from sknnmm.cli.tables import read, read_text
from sknnmm.cli.words import in_options


@pytest.mark.parametrize(
    ("r_hat", "ess", "begins", "names"),
    [
        (1.2, 500, "No.", "omics_weights[HDL] (R-hat 1.20; it should be at most 1.05)"),
        (1.06, 130, "Yes.", "R-hat at most 1.06"),  # of 130 effective draws chance makes 1.09
        (1.01, 30, "No. The chains say little", "30 effective draws"),
        (1.01, 500, "Yes.", "R-hat at most 1.01"),
        (float("nan"), 500, "Yes, as far as one chain", "at least 500 effective draws"),
        (float("nan"), float("nan"), "There are too few draws", "--n-iter auto"),
    ],
)
def test_convergence_in_words(r_hat, ess, begins, names):
    table = pd.DataFrame(
        {"r_hat": [r_hat, 9.0], "ess_bulk": [ess, 1], "target": [True, False]},
        index=["omics_weights[HDL]", "pi"],
    )
    words = in_words(table, n_chains=2, min_ess=100)
    assert words.startswith(begins) and names in words


def test_predictions_can_be_used_when_only_other_quantities_have_not_converged():
    table = pd.DataFrame(
        {"r_hat": [1.2, 1.01], "ess_bulk": [20, 500], "target": True},
        index=["omics_heritability[HDL]", "genetic_values[cow1]"],
    )
    words = in_words(table, n_chains=2, min_ess=100)
    assert words.startswith("Not all have. Breeding values and predictions can be used")
    assert "say little about omics_heritability[HDL]" in words
    table.loc["omics_heritability[HDL]", ["r_hat", "ess_bulk"]] = 1.3, 110
    words = in_words(table, n_chains=2, min_ess=100)
    assert words.startswith("Not all have. Breeding values and predictions can be used")
    assert "disagree about omics_heritability[HDL]" in words and "use its value" in words


def test_options_survive_toml():
    options = {"genotypes": Path('a "b".bed'), "fixed": ["sex", "bs(age, df=4)"], "n_iter": "auto"}
    numbers = {"min_maf": 0.05, "min_hwe_p": 1e-6, "cis_window": float("inf")}
    text = as_toml({**options, "omics": None, "direct_effects": False, **numbers})
    assert tomllib.loads(text) == {
        "genotypes": 'a "b".bed',
        "fixed": ["sex", "bs(age, df=4)"],
        "n-iter": "auto",
        "direct-effects": False,
        "min-maf": 0.05,
        "min-hwe-p": 1e-6,
        "cis-window": float("inf"),
    }


def test_a_config_has_numbers_as_typed_and_passes_over_options_of_other_commands(tmp_path):
    path = tmp_path / "run.toml"
    text = 'n-iter = 5000\nmin-maf = 0.05\nquiet = true\nset = ["thin=2"]\nrandom = "litter"\n'
    path.write_text(f"{text}folds = 3\n", encoding="utf-8-sig")  # as Windows' Notepad may write it
    of_many = {"n_iter": False, "min_maf": False, "quiet": False, "set": True, "random": True}
    command, other = (
        SimpleNamespace(params=[SimpleNamespace(name=n, multiple=m) for n, m in of.items()])
        for of in (of_many, {"n_iter": False, "folds": False})
    )
    parent = SimpleNamespace(command=SimpleNamespace(commands={"fit": command, "cv": other}))
    context = SimpleNamespace(command=command, parent=parent, default_map=None)
    assert read_config(context, path) == path
    expected = {"n_iter": "5000", "min_maf": "0.05", "quiet": True, "set": ["thin=2"]}
    assert context.default_map == {**expected, "random": ["litter"]}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_have_no_blanks_around_names_and_text(tmp_path, suffix):
    table, path = pd.DataFrame({" snp": [" rs1", "rs2 "], "herd ": ["a ", " b"]}), tmp_path / "t"
    path = path.with_suffix(f".{suffix}")
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path, index=False)
    read_as = read_text(path, TableFormat())
    assert read_as.to_dict("list") == {"snp": ["rs1", "rs2"], "herd": ["a", "b"]}
    by_id = read(path, TableFormat())
    assert by_id["herd"].to_dict() == {"rs1": "a", "rs2": "b"} and by_id.index.name == "snp"


def test_a_folder_appears_whole_or_stays_as_it_was(tmp_path):
    out = tmp_path / "out"
    with new_folder(out) as folder:
        (folder / "log.txt").write_text("sknnmm 1.0 fit, first\n")
        (folder / "random_a, [b].csv").touch()
        assert not out.exists()
    with pytest.raises(FileNotFoundError), new_folder(out) as folder:
        (folder / "no" / "folder.txt").write_text("second")
    assert (out / "log.txt").read_text().startswith("sknnmm 1.0 fit, first\n")
    check_free(out, True, "fit")
    with pytest.raises(ValueError, match="was written by sknnmm fit"):
        check_free(out, True, "predict")  # which would lose the model
    (out / "report.html").touch()  # of the results that are replaced
    (out / "notes").mkdir()
    (out / "notes" / "mine.txt").write_text("mine")
    with new_folder(out) as folder:
        (folder / "log.txt").write_text("third\n")
    assert (out / "log.txt").read_text() == 'third\nfiles: ["log.txt"]\n'
    assert {path.name for path in out.iterdir()} == {"log.txt", "notes"}
    assert (out / "notes" / "mine.txt").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("of_library", "of_command_line"),
    [
        (
            "n_iter=20 must be greater than burn_in=50",
            "--n-iter 20 must be greater than --burn-in 50",
        ),
        (
            "The 'thin' parameter of NNMMRegressor must be an int. Got 0 instead.",
            "--thin must be an int. Got 0 instead.",
        ),
        (
            "The 'random_state' parameter of NNMMRegressor must be an int in the range [0, 9], an "
            "instance of 'numpy.random.mtrand.RandomState' or None. Got -1 instead.",
            "--seed must be a whole number from 0 to 9. Got -1 instead.",
        ),
        (
            "--set n_latent=True: The 'n_latent' parameter of NNMMRegressor must be an int in the "
            "range [0, inf). Got True instead.",
            "--set n_latent=True: --n-latent must be a whole number, 0 or more. Got True instead.",
        ),
        (r"pass sep, e.g. sep=r'\s+' for blanks", r"pass --sep, e.g. --sep '\s+' for blanks"),
        ("Pass encoding, e.g. encoding='latin-1'", "Pass --encoding, e.g. --encoding latin-1"),
        ("as measured: pass -inf for what", "as measured: write -inf for what"),
        ("or use NaN for missing values.", "or leave the field empty for missing values."),
        ("use NaN for a missing y.", "leave the field empty for a missing --trait."),
        ("use -inf for a y of which only", "write -inf for a --trait of which only"),
        ("or NaN in both if nothing is.", "or leave both empty if nothing is."),
        ("is less than n_splits=3.", "is less than --folds 3."),
        ("pass dosages=False.", "leave out --dosages."),
        ("min_maf must be a number", "--min-maf must be a number"),
        ("X has 3 columns without variance", "--genotypes has 3 columns without variance"),
        ("out/y.csv: y has no variance", "out/y.csv: --trait has no variance"),
        ("NNMMRegressor(n_iter=9, x=[F('a'), R()]): R-hat > 1.05", "R-hat > 1.05"),
        ("fold 1: NNMMRegressor(n_iter=9): bulk ESS < 100", "fold 1: bulk ESS < 100"),
        ("checkpoint='a/b c' cannot continue", "--checkpoint 'a/b c' cannot continue"),
        ("With warm_start=True, n_iter may", "With --set warm_start=true, --n-iter may"),
        ("classes, use NNMMClassifier(ordered=True).", "classes, use --family ordinal."),
        ("other models: estimate_pi=False", "other models: --set method__estimate_pi=false"),
        ("Random('litter') names", "--random litter names"),
        # Names of files, chromosomes and words of English stay.
        ("data/n_iter/min_maf.csv is empty", "data/n_iter/min_maf.csv is empty"),
        ("23 to 26 were read as X, Y, XY and MT", "23 to 26 were read as X, Y, XY and MT"),
        ("males on a chromosome X", "males on a chromosome X"),
        ("the mask and the method of the trait", "the mask and the method of the trait"),
    ],
)
def test_messages_name_options(of_library, of_command_line):
    assert in_options(of_library) == of_command_line
