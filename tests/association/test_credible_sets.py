"""Sets of SNPs that hold an effect."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor
from sknnmm.association import credible_sets
from tests.helpers.association import P, draws_of, imputed, small_data, total_effects

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def linked():
    """Return a fit to 60 SNPs: the first three nearly copies, one of which acts, and SNP 30."""
    rng = np.random.default_rng(0)
    X = rng.binomial(2, 0.5, (400, 60)).astype(np.int8)
    for j in (1, 2):
        X[:, j] = np.where(rng.random(400) < 0.99, X[:, 0], X[:, j])
    y = 0.8 * X[:, 1] - 0.7 * X[:, 30] + rng.normal(size=400)
    model = NNMMRegressor(n_iter=1500, burn_in=300, random_state=0).fit(X, y)
    return model, X


def test_sets_hold_what_acts_and_what_cannot_be_told_from_it(linked):
    model, X = linked
    sets = credible_sets(model, X)
    assert len(sets) == 2
    assert sets["snps"].tolist()[0] == ("snp_30",)
    first = set(sets["snps"][1])
    assert "snp_1" in first <= {"snp_0", "snp_1", "snp_2"} and len(first) > 1
    included = draws_of(model, "direct_effects") != 0
    f = included.mean(axis=1)
    for row in sets.itertuples():
        snps = [int(name[4:]) for name in row.snps]
        assert row.probability == included[:, snps].any(axis=1).mean() >= 0.95
        assert row.probability <= included[:, snps].mean(axis=0).sum()
        chance = 1 - ((1 - f) ** len(snps)).mean()
        assert row.chance == pytest.approx(chance)
        correlations = np.abs(np.corrcoef(X[:, snps].T)).reshape(len(snps), -1)[0]
        assert row.min_correlation == pytest.approx(correlations.min())
    # without the last SNP they are not probable enough
    pip = model.direct_inclusion_probability_[[int(name[4:]) for name in sets["snps"][1]]]
    assert (np.diff(pip) <= 0).all()
    without_last = included[:, [int(name[4:]) for name in sets["snps"][1][:-1]]]
    assert without_last.any(axis=1).mean() < 0.95


def test_bayes_factors_are_ratios_of_odds(linked):
    sets = credible_sets(*linked, coverage=0.5, min_bayes_factor=0, min_correlation=0)
    n_draws = len(draws_of(linked[0], "direct_effects"))
    holding = sets["probability"] * n_draws
    odds = (holding + 0.5) / (n_draws - holding + 0.5)
    assert_allclose(sets["bayes_factor"], odds / (sets["chance"] / (1 - sets["chance"])))
    # SNPs that are not linked make up sets, but none that chance would not
    others = sets[~sets["lead_snp"].isin(["snp_0", "snp_1", "snp_2", "snp_30"])]
    assert len(others) >= 2 and (others["bayes_factor"] < 20).all()
    members = sets.explode("snps")["snps"]
    assert members.is_unique


def test_sets_stay_within_a_chromosome_and_near_their_first_snp(linked):
    model, X = linked
    positions = np.r_[100, 10, 50, np.arange(3, 60) * 1000]
    variants = pd.DataFrame(
        {"chromosome": np.where(np.arange(60) == 2, 2, 1), "position": positions}
    )
    sets = credible_sets(model, X, variants)
    assert all("snp_2" not in snps or len(snps) == 1 for snps in sets["snps"])
    row = sets[sets["lead_snp"] == "snp_30"].iloc[0]
    assert (row["chromosome"], row["start"], row["end"]) == (1, 30_000, 30_000)
    assert credible_sets(model, X, neighbours=0)["n_snps"].eq(1).all()


def test_sets_of_omics_and_total_effects_are_of_their_draws(model_of):
    model, X = model_of("selecting"), small_data()[0]
    options = {"coverage": 0.8, "min_bayes_factor": 0, "min_correlation": 0.0}
    sets = credible_sets(model, X, response=["omic_0", "total"], **options)
    effects = {"omic_0": draws_of(model, "snp_effects")[:, :, 0], "total": total_effects(model)}
    x = np.corrcoef(imputed(X).T)
    for row in sets.itertuples():
        snps = [int(name[4:]) for name in row.snps]
        included = effects[row.response][:, snps] != 0
        assert row.probability == pytest.approx(included.any(axis=1).mean())
        assert row.min_correlation == pytest.approx(np.abs(x[snps[0], snps]).min())
    assert set(sets["response"]) == {"omic_0", "total"}


def test_noise_has_no_set(linked):
    model, X = linked
    noise = NNMMRegressor(n_iter=400, burn_in=100, random_state=0)
    noise.fit(X, np.random.default_rng(1).normal(size=400))
    table = credible_sets(noise, X, coverage=0.3, min_correlation=0)
    assert len(table) == 0
    assert list(table.columns) == list(credible_sets(model, X).columns)
    # though in a third of the draws some SNP of a few has one
    assert len(credible_sets(noise, X, coverage=0.3, min_correlation=0, min_bayes_factor=0)) > 0


def test_errors_name_the_argument(model_of):
    X = small_data()[0]
    with pytest.raises(ValueError, match="All SNPs have an effect on total in every draw"):
        credible_sets(model_of("no selection"), X)
    for name, value in [
        ("coverage", 1),
        ("min_correlation", 2),
        ("min_bayes_factor", -1),
        ("neighbours", -1),
    ]:
        with pytest.raises(ValueError, match=name):
            credible_sets(model_of("selecting"), X, **{name: value})
    with pytest.raises(ValueError, match="features"):
        credible_sets(model_of("selecting"), X[:, : P - 1])
