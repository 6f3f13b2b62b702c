"""Models in the form of PredictDB, read back as MetaXcan reads them."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.io import write_predictdb

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = [f"rs{j}" for j in range(30)]


def fit(**parameters):
    data = make_omics_network(80, 30, 3, missing_omics=0.3, random_state=0)
    genotypes = pd.DataFrame(data.X, columns=NAMES)
    genotypes.iloc[::7, 3] = np.nan
    model = NNMMRegressor(**parameters, n_iter=60, burn_in=20, random_state=0)
    return model.fit(genotypes, data.y, omics=data.omics), genotypes


@pytest.fixture(scope="module")
def fitted():
    """Return a model with a sparse mask and a latent node, and its genotypes."""
    mask = {"omic_0": [0, 1, 2, 3], "omic_1": [3, 4, 5], "omic_2": list(range(6, 30))}
    return fit(mask=mask, n_latent=1)


@pytest.fixture
def variants():
    return pd.DataFrame(
        {
            "chromosome": "1",
            "position": np.arange(30) * 1000.0 + 5,
            "counted_allele": list("ACGT") * 7 + ["A", "C"],
            "other_allele": list("CATG") * 7 + ["G", "G"],
        },
        index=NAMES,
    )


def read(prefix):
    """Return weights, extra and covariances by the queries of MetaXcan."""
    with closing(sqlite3.connect(f"{prefix}.db")) as database:
        weights = pd.read_sql(
            "SELECT rsid, gene, weight, ref_allele, eff_allele FROM weights", database
        )
        extra = pd.read_sql(
            "SELECT gene, genename, `n.snps.in.model`, `pred.perf.R2`, `pred.perf.pval`, "
            "`pred.perf.qval` FROM extra",
            database,
        )
    return weights, extra, pd.read_table(f"{prefix}_covariances.txt.gz", sep=r"\s+")


@pytest.mark.parametrize("as_table", [True, False])
def test_omics_are_predicted_from_what_is_read_back(as_table, fitted, variants, tmp_path):
    model, genotypes = fitted
    X = genotypes[NAMES[::-1]] if as_table else genotypes.to_numpy()
    written = write_predictdb(tmp_path / "mice", model, X, variants)
    weights, extra, covariances = read(tmp_path / "mice")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mice.db",
        "mice_covariances.txt.gz",
    ]
    assert list(extra["gene"]) == ["omic_0", "omic_1", "omic_2"]  # no latent node
    assert list(extra["n.snps.in.model"]) == [4, 3, 24]
    assert extra["pred.perf.R2"].isna().all()
    filled = genotypes.fillna(genotypes.mean())
    # Dosages of the effect allele, of a file that counts the alphabetically first one.
    counts_other = (variants["other_allele"] < variants["counted_allele"]).to_numpy()
    other_file = pd.DataFrame(np.where(counts_other, 2 - filled, filled), columns=NAMES)
    first = variants[["counted_allele", "other_allele"]].min(axis=1)
    for k, (gene, of_gene) in enumerate(weights.groupby("gene", sort=False)):
        snps = of_gene["rsid"].to_numpy()
        dosages = other_file[snps].to_numpy()
        is_effect = of_gene["eff_allele"].to_numpy() == first[snps].to_numpy()
        predicted = np.where(is_effect, dosages, 2 - dosages) @ of_gene["weight"].to_numpy()
        expected = model.predict_omics(genotypes)[:, k] - model.omics_intercept_[k]
        assert_allclose(predicted, expected, rtol=1e-10, atol=1e-12)
        # S-PrediXcan takes the variance of the predicted omic from the covariances.
        found = covariances[covariances["GENE"] == gene].pivot(
            index="RSID1", columns="RSID2", values="VALUE"
        )
        matrix = found.reindex(index=snps, columns=snps).to_numpy()
        matrix = np.where(np.isnan(matrix), matrix.T, matrix)
        w = of_gene["weight"].to_numpy()
        assert_allclose(w @ matrix @ w, np.var(expected, ddof=1), rtol=1e-10)
    assert written.loc[0, "varID"] == "1_5_C_A"


def test_snps_are_left_out_by_inclusion_and_performance_is_stored(variants, tmp_path):
    model, genotypes = fit()
    performance = pd.DataFrame({"r2": [0.2, 0.1]}, index=["omic_2", "omic_0"])
    write_predictdb(
        tmp_path / "some", model, genotypes, variants, min_inclusion=0.6, performance=performance
    )
    weights, extra, _ = read(tmp_path / "some")
    kept = np.argwhere(model.inclusion_probability_.T >= 0.6)
    assert 0 < len(kept) < 60
    assert [*zip(weights["gene"], weights["rsid"], strict=True)] == [
        (f"omic_{k}", f"rs{j}") for k, j in kept
    ]
    extra = extra.set_index("gene")
    assert extra.loc["omic_2", "pred.perf.R2"] == 0.2
    assert np.isnan(extra.loc["omic_1", "pred.perf.R2"])


def without_other_allele(variants):
    variants.loc["rs4", "other_allele"] = np.nan
    return variants


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.drop(columns="other_allele"), "variants must be a DataFrame with columns"),
        (lambda v: v.drop(index=["rs7", "rs8"]), "variants lacks 2 SNPs with an effect: rs7, rs8"),
        (lambda v: pd.concat([v, v.loc[["rs2"]]]), r"variants has 1 duplicated SNP \(rs2\)"),
        (without_other_allele, "does not know both alleles of 1 SNPs with an effect: rs4"),
    ],
)
def test_variants_that_lack_something_are_refused(change, message, fitted, variants, tmp_path):
    model, genotypes = fitted
    with pytest.raises(ValueError, match=message):
        write_predictdb(tmp_path / "no", model, genotypes, change(variants))
    assert not list(tmp_path.iterdir())


def test_genotypes_and_models_that_lack_something_are_refused(fitted, variants, tmp_path):
    model, genotypes = fitted
    with pytest.raises(ValueError, match="X lacks 1 SNPs with an effect: rs9"):
        write_predictdb(tmp_path / "no", model, genotypes.drop(columns="rs9"), variants)
    with pytest.raises(ValueError, match=r"X must have the 30 SNPs.*\(80, 29\)"):
        write_predictdb(tmp_path / "no", model, genotypes.to_numpy()[:, 1:], variants)
    with pytest.raises(ValueError, match="no SNP effects on omics to write"):
        write_predictdb(tmp_path / "no", model, genotypes, variants, min_inclusion=1.1)
    assert not list(tmp_path.iterdir())
