"""Classes, censored traits, detection limits and the formats of files, from the shell."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss, roc_auc_score

from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.cli import main
from sknnmm.cli.figures import liability_of_classes
from sknnmm.cli.outcomes import area_under_curve, scores
from sknnmm.cli.tables import read_result
from sknnmm.datasets import make_omics_network
from sknnmm.persistence import TRUSTED_TYPES
from tests.cli.conftest import SHORT
from tests.helpers.genotype_files import variants_of, vcf_lines, write_vcf

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N = 80
LIMIT = 0.5


@pytest.fixture(scope="module")
def herd(tmp_path_factory):
    """Return data and the folder of their files: a VCF, tables as CSV and Parquet."""
    folder = tmp_path_factory.mktemp("herd")
    rng = np.random.default_rng(0)
    simulated = make_omics_network(N, 30, 2, random_state=0)
    ids = [f"cow{i:02d}" for i in range(N)]
    X = simulated.X.astype(np.int8)
    y, omics = simulated.y, pd.DataFrame(simulated.omics, ids, ["HDL", "LDL"])
    below = (omics["HDL"] < -LIMIT).to_numpy()
    late = y > np.quantile(y, 0.7)
    end = np.quantile(y, 0.7)
    table = pd.DataFrame(
        {
            "disease": np.where(y > y.mean(), "diseased", "healthy"),
            "grade": pd.Series(np.digitize(y, np.quantile(y, [0.4, 0.8])), ids, "Int64"),
            "time": np.where(late, end, y),
            "until": np.where(late, np.inf, np.nan),
            "w": rng.uniform(0.5, 2, N).round(3),
        },
        index=pd.Index(ids, name="id"),
    )
    table.loc[ids[:5], "disease"] = None
    table.loc[ids[3:9], "grade"] = None
    variants = variants_of(30)
    write_vcf(folder / "herd.vcf", vcf_lines(X, ids, variants))
    shuffled = table.iloc[::-1]
    shuffled.to_csv(folder / "p.csv")
    shuffled.to_parquet(folder / "p.parquet")
    written = omics.astype(object)
    written.loc[below, "HDL"] = "<LOD"
    written.rename_axis("id").to_csv(folder / "omics.csv")
    omics.loc[below, "HDL"] = -np.inf
    omics.rename_axis("id").to_parquet(folder / "omics.parquet")
    (folder / "limits.csv").write_text(f"omic,limit\nHDL,{-LIMIT}\n")
    mask = {"HDL": [f"rs{j}" for j in range(20)], "LDL": [f"rs{j}" for j in range(10, 30)]}
    pairs = pd.DataFrame([(snp, k) for k, snps in mask.items() for snp in snps])
    pairs.set_axis(["snp", "omic"], axis=1).to_csv(folder / "mask.csv", index=False)
    X = pd.DataFrame(X, ids, variants.index)
    return SimpleNamespace(folder=folder, X=X, table=table, omics=omics, mask=mask)


@pytest.fixture
def inside(herd, tmp_path, monkeypatch):
    """Change to an empty folder; options begin with the path of that of the files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(herd, line, *, short=True):
    """Run a command in which @ is the folder of the files."""
    assert main(line.replace("@", f"{herd.folder}/").split() + (SHORT if short else [])) == 0


DATA = "--genotypes @herd.vcf --phenotypes @p.csv --omics @omics.csv --detection-limits @limits.csv"


def parameters(**others):
    limits = {"HDL": -LIMIT}
    return dict(n_iter=60, burn_in=20, random_state=0, detection_limits=limits, **others)


def result(folder, name):
    return pd.read_csv(folder / f"{name}.csv", index_col=0, engine="python")


def test_two_classes_with_mask_weights_and_limits_are_those_of_python(herd, inside):
    disease = "--family binary --trait disease --classes healthy,diseased --weight w"
    run(herd, f"fit {DATA} {disease} --mask @mask.csv --out out")
    states = pd.Categorical(herd.table["disease"], ["healthy", "diseased"], ordered=True)
    model = NNMMClassifier(**parameters(mask=herd.mask))
    with pytest.warns(UserWarning, match="classes_ are"):
        model.fit(herd.X, states, omics=herd.omics, sample_weight=herd.table["w"])
    made = result(inside / "out", "predictions")
    assert list(made) == [
        "observed", "predicted", "liability", "probability_healthy", "probability_diseased",
    ]  # fmt: skip
    probability = model.predict_proba(herd.X, herd.omics)
    assert_array_equal(made.iloc[:, 3:], probability)
    assert_array_equal(made["predicted"], model.predict(herd.X, herd.omics))
    assert_array_equal(made["liability"], model.decision_function(herd.X, herd.omics))
    assert made["observed"].isna().sum() == 5
    log = (inside / "out" / "log.txt").read_text()
    n_healthy = (herd.table["disease"] == "healthy").sum()
    assert f"classes from low to high healthy ({n_healthy}), diseased ({75 - n_healthy})" in log
    below = np.isneginf(herd.omics).sum().sum()
    assert below > 0 and f"{below} values below the detection limit" in log
    assert "classes_" not in log and "40 connections" in log

    run(herd, "predict --model out --genotypes @herd.vcf --omics @omics.csv --out new", short=False)
    assert_array_equal(result(inside / "new", "predictions").iloc[:, 2:], probability)


def test_ordered_classes_in_cross_validation_and_report(herd, inside, capfd):
    line = f"{DATA} --family ordinal --trait grade"
    run(herd, f"fit {line} --out out")
    run(herd, f"cv {line} --folds 2 --out folds --format parquet")
    made = pd.read_parquet("folds/predictions.parquet")
    assert len(made) == 2 * 74 and set(made["observed"]) == {0, 1, 2}
    first = made[(made["fold"] == 1) & (made["from"] == "genotypes and omics")]
    assert first["observed"].value_counts().max() == 16  # of 32: stratified
    folds = pd.read_parquet("folds/folds.parquet")
    row = folds[(folds["fold"] == 1) & (folds["from"] == "genotypes and omics")].iloc[0]
    probability = first[[f"probability_{k}" for k in range(3)]].to_numpy()
    assert_allclose(probability.sum(axis=1), 1)
    assert row["log loss"] == pytest.approx(log_loss(first["observed"].to_numpy(int), probability))
    assert row["accuracy"] == (first["observed"] == first["predicted"]).mean()
    summary = pd.read_parquet("folds/accuracy.parquet").set_index(["from", "measure"])
    both = folds.loc[folds["from"] == "genotypes", "AUC"]
    assert summary.loc[("genotypes", "AUC"), "se"] == pytest.approx(abs(np.diff(both)[0]) / 2)
    run(herd, "report --model out --cv folds --quiet", short=False)
    text = (inside / "out" / "report.html").read_text()
    assert "AUC is the share" in text and "Heritability of the liability" in text
    assert "Classes from low to high: 0, 1, 2." in text and text.count("<svg") == 4
    other = inside / "folds" / "summary.json"
    other.write_text(other.read_text().replace('"trait": "grade"', '"trait": "time"'))
    assert main(["report", "--model", "out", "--cv", "folds", "--overwrite"]) == 2
    assert "--cv folds is of the trait time, but the model of grade" in capfd.readouterr().err


def test_censored_traits_are_those_of_python_and_only_exact_ones_are_scored(herd, inside):
    line = f"{DATA} --trait time --trait-upper until"
    run(herd, f"fit {line} --out out")
    model = NNMMRegressor(**parameters())
    y, upper = herd.table["time"], herd.table["until"]
    model.fit(herd.X, y, omics=herd.omics, y_upper=upper)
    made = result(inside / "out", "predictions")
    assert_array_equal(made["predicted"], model.predict(herd.X, herd.omics))
    assert_array_equal(made["observed_upper"], upper)
    n_censored = int(np.isinf(upper).sum())
    assert f"{n_censored} of them are censored" in (inside / "out" / "log.txt").read_text()
    (inside / "limits.csv").write_text("omic,limit\nHDL,0\n")  # above measured values
    run(herd, f"cv {line} --detection-limits limits.csv --folds 2 --out folds")
    folds = result(inside / "folds", "folds")
    assert (folds.groupby("from")["individuals"].sum() == N - n_censored).all()
    summary = json.loads((inside / "folds" / "summary.json").read_text())
    assert all(text.startswith("fold") for text in summary["warnings"])
    assert any("below the limits" in text for text in summary["warnings"])
    run(herd, "report --model out --cv folds --quiet", short=False)
    assert "known exactly are scored" in (inside / "out" / "report.html").read_text()


def test_values_below_limits_stand_beside_decimal_commas(herd, inside):
    for name in ("p", "omics"):
        table = pd.read_csv(herd.folder / f"{name}.csv", index_col=0)
        table.to_csv(f"{name}.csv", sep=";", decimal=",")
    text = Path("omics.csv").read_text().replace(".", ",")
    Path("omics.csv").write_text(text.replace("<LOD", "<-0,5", 1))
    Path("limits.csv").write_text("omic;limit\nHDL;-0,5\n")
    tables = "--phenotypes p.csv --omics omics.csv --detection-limits limits.csv --sep ;"
    options = "--genotypes @herd.vcf --trait time --trait-upper until --out"
    run(herd, f"fit {tables} --decimal , {options} commas")
    run(herd, f"fit {DATA} {options} points")
    commas, points = (inside / name / "predictions.csv" for name in ("commas", "points"))
    assert commas.read_bytes() == points.read_bytes()


def test_parquet_gives_the_bits_of_csv(herd, inside):
    run(herd, f"fit {DATA} --trait time --trait-upper until --out csv")
    tables = DATA.replace("p.csv", "p.parquet").replace("omics.csv", "omics.parquet")
    run(herd, f"fit {tables} --trait time --trait-upper until --out parquet --format parquet")
    names = {path.stem for path in (inside / "csv").glob("*.csv")}
    assert {"predictions", "snp_effects", "mediation", "windows", "variants"} <= names
    assert names == {path.stem for path in (inside / "parquet").glob("*.parquet")}
    for name in names:
        text, table = pd.read_csv(f"csv/{name}.csv"), pd.read_parquet(f"parquet/{name}.parquet")
        if name == "fixed_effects":  # of which the model has none
            assert {"time mean", "time sd", "HDL mean"} <= set(table) == set(text)
            continue
        assert list(table) == list(text) and len(table)
        for column in table.select_dtypes("number"):
            assert_allclose(table[column], text[column], rtol=1e-14)
    run(herd, "predict --model parquet --genotypes @herd.vcf --out new", short=False)
    model = skops.io.load("csv/model.skops", trusted=TRUSTED_TYPES)
    assert_array_equal(result(inside / "new", "predictions")["predicted"], model.predict(herd.X))
    run(herd, "report --model parquet --quiet", short=False)
    assert "Mediation" in (inside / "parquet" / "report.html").read_text()


def test_parquet_without_pyarrow_says_what_to_install(herd, inside, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    line = f"fit {DATA} --trait time --out out --format parquet".replace("@", f"{herd.folder}/")
    assert main(line.split()) == 2
    assert re.fullmatch(
        r"sknnmm: error: --format parquet needs .*pip install pyarrow\n", capfd.readouterr().err
    )


def test_a_fold_with_one_exact_record_has_no_score():
    table = pd.DataFrame({"observed": [1.0], "predicted": [0.5], "sd": [1.0]})
    assert np.isnan(list(scores(table).values())).all()


def test_names_of_classes_are_no_formulas():
    table = pd.DataFrame({"observed": ["a$_{$", "b"], "liability": [0.0, 1.0]})
    assert "<svg" in liability_of_classes(table, ["a$_{$", "b"], "t$_{$")


def test_names_in_results_stay_text(tmp_path):
    (tmp_path / "snp_effects.csv").write_text("snp,response,chromosome\n007,01,\n008,02,1\n")
    table = read_result(tmp_path, "snp_effects", "snp")
    assert list(table["snp"]) == ["007", "008"] and list(table["response"]) == ["01", "02"]
    assert table["chromosome"].isna().sum() == 1


def test_area_under_the_curve():
    rng = np.random.default_rng(1)
    liability = rng.normal(size=60).round(1)  # with ties
    two, three = rng.integers(0, 2, 60), rng.integers(0, 3, 60)
    assert area_under_curve(two, liability) == pytest.approx(roc_auc_score(two, liability))
    i, j = np.triu_indices(60, 1)
    differ = three[i] != three[j]
    right = np.sign(three[i] - three[j]) * np.sign(liability[i] - liability[j])
    assert area_under_curve(three, liability) == pytest.approx((1 + right[differ].mean()) / 2)
    assert np.isnan(area_under_curve(np.zeros(3), np.arange(3.0)))


def test_a_class_that_training_lacked_has_a_finite_log_loss():
    table = pd.DataFrame(
        {
            "observed": pd.Categorical([0, 1], [0, 1]),
            "predicted": [0, 0],
            "liability": [0.0, 1.0],
            "probability_0": [1.0, 1.0],
            "probability_1": [0.0, 0.0],
        }
    )
    found = scores(table)
    assert found["log loss"] == pytest.approx(-np.log(np.finfo(float).eps) / 2)
    assert (found["AUC"], found["accuracy"]) == (1, 0.5)
