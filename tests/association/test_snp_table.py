"""The table of SNPs, against the draws and against the exact sum over all models."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknnmm import NNMMRegressor
from sknnmm.association import snp_table
from sknnmm.priors import BayesC, ScaledInverseChi2
from tests.helpers.association import K, P, draws_of, imputed, small_data, total_effects

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = ["selecting", "no selection", "published", "sparse mask", "groups"]


def of(model, response):
    return snp_table(model, response=response).set_index("snp")


@pytest.mark.parametrize("name", LINEAR)
def test_total_effects_are_those_of_every_draw(model_of, name):
    table, effects = of(model_of(name), "total"), total_effects(model_of(name))
    assert_allclose(table["effect"], effects.mean(axis=0), rtol=1e-4, atol=1e-5)
    assert_allclose(table["sd"], effects.std(axis=0), rtol=1e-4, atol=1e-6)
    assert_allclose(table["inclusion_probability"], (effects != 0).mean(axis=0))
    right = np.maximum((effects > 0).mean(axis=0), (effects < 0).mean(axis=0))
    assert_allclose(table["lfsr"], 1 - right)
    expected = imputed(small_data()[0]).var(axis=0) * (effects**2).mean(axis=0)
    assert_allclose(table["variance"], expected, rtol=1e-3, atol=1e-9)


def test_effects_on_omics_and_direct_ones_are_the_attributes(model_of):
    model = model_of("selecting")
    for k in range(K):
        table = of(model, f"omic_{k}")
        assert_allclose(table["effect"], model.snp_effects_[:, k])
        assert_allclose(table["sd"], model.snp_effects_std_[:, k])
        assert_allclose(table["inclusion_probability"], model.inclusion_probability_[:, k])
        genetic = (imputed(small_data()[0]) @ draws_of(model, "snp_effects")[:, :, k].T).var(axis=0)
        assert_allclose(table["variance_share"], table["variance"] / genetic.mean(), rtol=1e-4)
    table = of(model, "direct")
    assert_allclose(table["effect"], model.direct_effects_)
    assert_allclose(table["lfdr"], 1 - model.direct_inclusion_probability_)
    assert_allclose(table["variance_share"], table["variance"] / model.genetic_variance_)


def test_all_responses_are_given_on_demand(model_of):
    table = snp_table(model_of("latent node"), response=None)
    names = ["omic_0", "omic_1", "omic_2", "latent_0", "mediated", "direct", "total"]
    assert table.groupby("response", sort=False).size().to_dict() == dict.fromkeys(names, P)


def test_only_the_snps_of_a_node_are_listed_under_a_sparse_mask(model_of):
    table = snp_table(model_of("sparse mask"), response=["omic_1", "total"])
    assert table["snp"][table.response == "omic_1"].tolist() == [f"snp_{j}" for j in range(8, 16)]
    assert (table.response == "total").sum() == P
    effects = model_of("sparse mask").snp_effects_.toarray()[8:16, 1]
    assert_allclose(table["effect"][:8], effects)


def test_without_selection_there_is_no_discovery_to_be_false(model_of):
    table = of(model_of("no selection"), "total")
    assert (table["inclusion_probability"] == 1).all()
    assert table[["lfdr", "fdr"]].isna().all(axis=None)
    assert table["lfsr"].between(0, 0.5).all() and table["lfsr"].nunique() > 5
    by_group = of(model_of("groups"), "omic_0")["lfdr"].isna().to_numpy().reshape(-1, 2)
    assert by_group.mean(axis=0)[1] == 1 and by_group.mean(axis=0)[0] < 1


def test_the_expected_share_of_false_discoveries_is_a_mean(model_of):
    table = of(model_of("selecting"), "direct")
    for row in table.itertuples():
        assert row.fdr == pytest.approx(table["lfdr"][table["lfdr"] <= row.lfdr].mean())


def test_positions_are_found_by_name_or_by_order(model_of):
    model = model_of("selecting")
    names = [f"snp_{j}" for j in range(P)]
    variants = pd.DataFrame({"chr": "2", "pos": np.arange(P) * 10}, index=names)
    more = pd.concat([variants, variants.rename(index=lambda name: f"other {name}")])
    for passed in (variants, variants.reset_index(drop=True), more.sample(frac=1, random_state=0)):
        table = snp_table(model, passed)
        assert table["position"].tolist() == variants["pos"].tolist()
        assert (table["chromosome"] == "2").all()
    assert list(snp_table(model, variants).columns[:4]) == [
        "response",
        "snp",
        "chromosome",
        "position",
    ]
    with pytest.raises(ValueError, match=r"no row for snp_0 \(1 of the 24 SNPs"):
        snp_table(model, variants[1:])
    with pytest.raises(ValueError, match="several rows for snp_0"):
        snp_table(model, pd.concat([variants, variants[:1]]))
    with pytest.raises(ValueError, match="no column chromosome"):
        snp_table(model, variants[["pos"]])


def test_variants_of_other_names_are_refused_where_snps_have_names():
    X, y, _ = small_data()
    X = pd.DataFrame(X).add_prefix("rs")
    model = NNMMRegressor(n_iter=20, burn_in=10, random_state=0).fit(X, y)
    variants = pd.DataFrame({"chr": 1, "pos": range(P)})
    assert snp_table(model, variants)["snp"].tolist() == list(X.columns)
    with pytest.raises(ValueError, match="no row for rs0"):
        snp_table(model, variants.set_index("S" + X.columns))


@pytest.mark.slow  # those of the sampler and those of the table are tested apart
def test_inclusion_probabilities_are_those_of_the_sum_over_all_models():
    rng = np.random.default_rng(1)
    n, p, pi, v, s2 = 60, 6, 0.6, 0.15, 0.7
    X = rng.binomial(2, 0.4, (n, p)).astype(np.int8)
    X[:, 1] = np.where(rng.random(n) < 0.8, X[:, 0], X[:, 1])
    y = 0.4 * X[:, 0] - 0.3 * X[:, 4] + rng.normal(size=n)
    prior = BayesC(pi=pi, estimate_pi=False, scale=v, estimate_variance=False)
    model = NNMMRegressor(
        prior,
        residual_prior=ScaledInverseChi2(scale=s2, estimate_variance=False),
        n_iter=6000,
        burn_in=200,
        random_state=0,
    ).fit(X, y)
    # y on the sampling scale without its mean: contrasts, for the prior of the intercept is flat
    contrasts = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:].T
    x, z = contrasts @ X, contrasts @ (y / y.std())
    exact, total = np.zeros(p), 0.0
    for chosen in product([0, 1], repeat=p):
        chosen = np.array(chosen)
        covariance = s2 * np.eye(n - 1) + v * (x * chosen) @ x.T
        log_density = multivariate_normal(cov=covariance).logpdf(z)
        weight = np.exp(log_density + 80) * (1 - pi) ** chosen.sum() * pi ** (p - chosen.sum())
        exact, total = exact + weight * chosen, total + weight
    table = of(model, "total")
    # 11,600 draws; an effective sample of at least 2000, four standard errors
    assert_allclose(table["inclusion_probability"], exact / total, atol=4 * 0.5 / np.sqrt(2000))
    assert_allclose(table["lfdr"], 1 - exact / total, atol=4 * 0.5 / np.sqrt(2000))
    assert (exact / total).min() > 0.1 and (exact / total).max() > 0.7


@pytest.mark.parametrize("name", ["tanh", "network function"])
def test_a_nonlinear_network_is_linearised(model_of, name):
    model, X = model_of(name), small_data()[0]
    mediated, direct = of(model, "mediated"), of(model, "direct")
    assert_allclose(
        of(model, "total")["effect"], mediated["effect"] + direct["effect"], rtol=0.1, atol=0.02
    )
    # as far as genetic values are linear in the genotypes, these effects give them
    linear = imputed(X) @ of(model, "total")["effect"]
    slope, r = (
        np.polyfit(linear, model.breeding_value(X), 1)[0],
        np.corrcoef(linear, model.breeding_value(X)),
    )
    assert slope == pytest.approx(1, abs=0.1)
    assert r[0, 1] > 0.97


def test_without_omics_direct_effects_are_all():
    X, y, _ = small_data()
    model = NNMMRegressor(n_iter=60, burn_in=20, random_state=0).fit(X, y)
    pd.testing.assert_frame_equal(
        snp_table(model, response="direct").drop(columns="response"),
        snp_table(model).drop(columns="response"),
        rtol=1e-5,
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="no effects on mediated. There are direct, total"):
        snp_table(model, response="mediated")


def test_only_a_fitted_model_is_taken(model_of):
    with pytest.raises(TypeError, match=r"got Pipeline. Pass model\[-1\];"):
        snp_table(make_pipeline(FunctionTransformer(), model_of("selecting")))
    with pytest.raises(ValueError, match="not fitted"):
        snp_table(NNMMRegressor())
    X, y, omics = small_data()
    named = pd.DataFrame(omics, columns=["a", "total", "c"])
    model = NNMMRegressor(n_iter=20, burn_in=10, random_state=0).fit(X, y, omics=named)
    with pytest.raises(ValueError, match="An omic is named total"):
        snp_table(model)
