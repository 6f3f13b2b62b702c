"""Fits with groups of SNPs and omics that have priors of their own."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.priors import GBLUP, RRBLUP, BayesC, BayesL

SNP_GROUPS = {"coding": slice(0, 12), "other": slice(12, 40)}
OMICS_GROUPS = {"metabolites": [0, 2], "transcripts": [1, 3]}
GROUPS = {
    "snp_groups": SNP_GROUPS,
    "omics_groups": OMICS_GROUPS,
    "method": {"coding": BayesC(), "other": "GBLUP"},
    "omics_method": {"metabolites": BayesC(), "transcripts": "RR-BLUP"},
}
CHAIN = {"n_iter": 60, "burn_in": 20, "random_state": 0}  # 80 draws: all in group_variance_


@pytest.fixture(scope="module")
def data():
    return make_omics_network(
        n_samples=120, n_snps=40, n_omics=4, missing_omics=0.2, random_state=0
    )


def fitted(data, **parameters):
    model = NNMMRegressor(**CHAIN | parameters)
    return model.fit(data.X, data.y, omics=data.omics)


@pytest.fixture(scope="module")
def model(data):
    return fitted(data, **GROUPS)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_hyperparameters_of_every_group(model):
    assert_array_equal(model.snp_group_names_, ["coding", "other"])
    assert_array_equal(model.omics_group_names_, ["metabolites", "transcripts"])
    assert model.pi_.shape == (2, 4)
    assert ((model.pi_[0] > 0) & (model.pi_[0] < 1)).all()
    assert_array_equal(model.pi_[1], np.nan)  # GBLUP has none
    assert_array_equal(np.isnan(model.direct_pi_), [False, True])
    assert_array_equal(np.isnan(model.omics_pi_), [False, True])
    draws = model.posterior_.draws
    assert draws["snp_effects_variance"].shape == (2, 40, 2, 4)
    assert draws["omics_pi"].shape == (2, 40, 2)
    assert len(np.unique(draws["omics_weights_variance"])) == 160  # every draw is another
    assert model.posterior_.variables.loc["pi", "dims"] == ("snp_group", "omic")


def test_diagnostics_name_the_group(model):
    labels = model.diagnostics_.index
    expected = {
        "pi[coding, omic_0]",
        "snp_effects_variance[other, omic_3]",
        "omics_pi[metabolites]",
        "omics_weights_variance[transcripts]",
        "direct_effects_variance[other]",
    }
    assert expected <= set(labels)
    assert not any(label.startswith(("pi[other", "omics_pi[trans")) for label in labels)
    assert not model.diagnostics_["mean"].isna().any()


def test_effects_of_a_group_without_selection_are_in_the_model(model):
    assert_array_equal(model.inclusion_probability_[12:], 1)
    assert (model.inclusion_probability_[:12] < 1).mean() > 0.8


def test_shares_of_variance_of_groups(model):
    table = model.group_variance_
    assert list(table.index) == ["coding", "other", "all"]
    assert list(table.columns) == ["metabolites", "transcripts", "direct", "all"]
    assert_allclose(table.iloc[:2].sum(), table.loc["all"], atol=1e-12)
    assert_allclose(table.iloc[:, :3].sum(axis=1), table["all"], atol=1e-12)
    assert table.loc["all", "all"] == pytest.approx(1)
    # The recorder knows what passes through every node from the maintained fits.
    mediated = model.mediated_variance_
    expected = [mediated[[0, 2]].sum(), mediated[[1, 3]].sum()]
    assert_allclose(table.loc["all"].iloc[:2], expected, atol=1e-5)
    draws = model.posterior_.draws["mediated_variance"][..., [0, 2]].sum(axis=-1)
    assert model.group_variance_std_.loc["all", "metabolites"] == pytest.approx(
        draws.std(), abs=1e-5
    )


def test_share_of_snps_by_definition(data, model):
    """That of the direct effects of one group, in the held draws."""
    X = data.X - data.X.mean(axis=0)
    draws = model.posterior_.draws
    held = model.posterior_.effects_draw
    direct = np.concatenate(draws["direct_effects"].toarray() if hasattr(
        draws["direct_effects"], "toarray") else draws["direct_effects"])  # fmt: skip
    effects = draws["snp_effects"]
    effects = np.concatenate(effects.toarray() if hasattr(effects, "toarray") else effects)
    weights = np.concatenate(draws["omics_weights"][:, held]) / model.omics_scale_
    genetic = X @ (np.einsum("djk,dk->jd", effects, weights) + direct.T)
    part = X[:, :12] @ direct[:, :12].T
    shares = (part * genetic).sum(axis=0) / (genetic**2).sum(axis=0)
    assert model.group_variance_.loc["coding", "direct"] == pytest.approx(shares.mean(), rel=1e-6)
    assert model.group_variance_std_.loc["coding", "direct"] == pytest.approx(
        shares.std(), rel=1e-6
    )


def test_curved_nodes_are_not_split_by_snps(data):
    model = fitted(data, activation="tanh", **GROUPS)
    table = model.group_variance_
    cells = table.loc[["coding", "other"], ["metabolites", "transcripts", "all"]]
    assert_array_equal(cells, np.nan)
    assert_allclose(table["direct"].iloc[:2].sum(), table.loc["all", "direct"])
    mediated = model.mediated_variance_
    expected = [mediated[[0, 2]].sum(), mediated[[1, 3]].sum(), 1 - mediated.sum(), 1]
    assert_allclose(table.loc["all"], expected, atol=1e-4)


def test_network_function_with_groups_of_snps(data):
    own = {name: GROUPS[name] for name in ("snp_groups", "method")}
    model = fitted(data, activation=lambda z: np.tanh(z[:, 0]) + z[:, 1], **own)
    assert list(model.group_variance_.columns) == ["omics", "direct", "all"]
    assert model.group_variance_.loc["all", "all"] == pytest.approx(1)


def test_one_group_is_no_groups(data):
    one = fitted(data, snp_groups={"x": slice(None)}, omics_groups=["x"] * 4)
    without = fitted(data)
    assert_array_equal(one.predict(data.X), without.predict(data.X))
    assert_array_equal(one.pi_, without.pi_)
    assert one.group_variance_.loc["x", "all"] == pytest.approx(1)
    assert not hasattr(without, "group_variance_")


def test_refit_without_groups_has_no_shares_of_groups(data, model):
    refitted = clone(model).fit(data.X, data.y, omics=data.omics)
    parameters = {name: NNMMRegressor().get_params()[name] for name in GROUPS}
    refitted.set_params(**parameters).fit(data.X, data.y, omics=data.omics)
    assert not hasattr(refitted, "group_variance_")


def test_predictions_add_up(data, model):
    omics = (np.nan_to_num(data.omics) - model.omics_mean_) / model.omics_scale_
    expected = model.intercept_ + omics @ model.omics_weights_ + data.X @ model.direct_effects_
    assert_allclose(model.predict(data.X, omics=np.nan_to_num(data.omics)), expected)
    values = model.breeding_value(data.X)
    assert_allclose(values, data.X @ model.coef_ - (data.X @ model.coef_).mean(), atol=1e-8)


@pytest.mark.parametrize("missing", [True, False])
def test_chains_continue_to_the_bit(data, missing, tmp_path):
    omics = data.omics if missing else np.nan_to_num(data.omics)
    long = NNMMRegressor(**CHAIN, **GROUPS).fit(data.X, data.y, omics=omics)
    warm = NNMMRegressor(**CHAIN | {"n_iter": 35}, **GROUPS, warm_start=True)
    warm.fit(data.X, data.y, omics=omics).set_params(n_iter=60).fit(data.X, data.y, omics=omics)
    assert_array_equal(warm.predict(data.X), long.predict(data.X))
    assert_array_equal(warm.posterior_.draws["pi"], long.posterior_.draws["pi"])
    saved = NNMMRegressor(**CHAIN, **GROUPS, checkpoint=tmp_path)
    saved.fit(data.X, data.y, omics=omics)
    again = clone(saved).fit(data.X, data.y, omics=omics)  # from its files
    assert_array_equal(again.predict(data.X), long.predict(data.X))
    other = {"coding": slice(0, 13), "other": slice(13, 40)}
    for changed, message in (
        ({"snp_groups": other}, "snp_groups differs"),
        ({"omics_method__metabolites__df": 6}, "omics_method__metabolites__df was 5, is 6"),
    ):
        with pytest.raises(ValueError, match=message):
            clone(saved).set_params(**changed).fit(data.X, data.y, omics=omics)


def test_groups_by_name_with_omics_among_the_columns(data, model):
    """As arrays and positions, to the bit; columns in another order give the same groups."""
    columns = {f"rs{j}": data.X[:, j] for j in range(40)}
    columns |= {name: data.omics[:, k] for k, name in enumerate("abcd")}
    table = pd.DataFrame(columns)
    groups = {
        "snp_groups": pd.Series(["coding"] * 12 + ["other"] * 28, [f"rs{j}" for j in range(40)]),
        "omics_groups": {"metabolites": ["c", "a"], "transcripts": ["b", "d"]},
    }
    by_name = NNMMRegressor(**CHAIN, **GROUPS | groups, omics_features=list("abcd"))
    assert_array_equal(by_name.fit(table, data.y).predict(table), model.predict(data.X, data.omics))
    turned = clone(by_name).fit(table[table.columns[::-1]], data.y)
    assert_array_equal(np.isnan(turned.pi_).all(axis=1), [False, True])
    assert (turned.inclusion_probability_[-12:] < 1).any(axis=1).all()  # coding SNPs come last


def test_masked_and_latent_nodes_with_groups(data):
    """A node that a group does not act on has no hyperparameters of the group."""
    mask = {0: slice(0, 12), 1: slice(0, 12), 2: slice(6, 30), 3: slice(12, 40)}
    model = fitted(data, mask=mask, **GROUPS)
    variance = model.posterior_.draws["snp_effects_variance"]
    missing = [[False, False, False, True], [True, True, False, False]]
    assert_array_equal(np.isnan(variance).all(axis=(0, 1)), missing)
    assert "snp_effects_variance[coding, omic_3]" not in model.diagnostics_.index
    assert model.group_variance_.loc["all", "all"] == pytest.approx(1)
    omics_method = GROUPS["omics_method"] | {"latent": BayesL()}
    latent = fitted(data, **GROUPS | {"omics_method": omics_method}, n_latent=1)
    assert list(latent.omics_group_names_) == ["metabolites", "transcripts", "latent"]
    assert latent.omics_pi_.shape == (3,)
    with pytest.raises(ValueError, match="omics_method has no prior of the groups latent"):
        fitted(data, **GROUPS, n_latent=1)


def test_own_priors_of_direct_effects(data):
    model = fitted(data, **GROUPS | {"direct_effects": {"coding": RRBLUP(), "other": BayesC()}})
    assert_array_equal(np.isnan(model.direct_pi_), [True, False])
    single = fitted(data, **GROUPS | {"direct_effects": BayesL()})
    assert single.posterior_.draws["direct_effects_squared_penalty"].shape == (2, 40, 2)


def test_nested_parameters_of_groups():
    model = NNMMRegressor(**GROUPS)
    params = model.get_params()
    assert params["method__coding__pi"] == 0.5
    assert params["method__other__df"] == 5  # a string stands for its prior
    assert params["omics_method__transcripts"] == "RR-BLUP"
    copy = clone(model).set_params(
        method__coding__pi=0.9, method__other=RRBLUP(), method__other__df=4
    )
    assert copy.method == {"coding": BayesC(pi=0.9), "other": RRBLUP(df=4)}
    assert model.method == {"coding": BayesC(), "other": "GBLUP"}  # untouched
    assert "'coding': BayesC(pi=0.9)" in repr(copy)
    copy.set_params(method={"x": GBLUP()}, method__x__df=6)
    assert copy.method == {"x": GBLUP(df=6)}
    with pytest.raises(ValueError, match="method has no group of 'y__pi'; its groups are x"):
        copy.set_params(method__y__pi=0.2)


def test_grid_search_over_the_prior_of_a_group(data):
    table = np.hstack([data.X, np.nan_to_num(data.omics)])
    model = NNMMRegressor(**GROUPS, n_chains=1, n_iter=20, burn_in=10, random_state=0)
    model.set_params(
        omics_features=slice(40, 44), omics_method__metabolites=BayesC(estimate_pi=False)
    )
    search = GridSearchCV(model, {"omics_method__metabolites__pi": [0.2, 0.9]}, cv=2)
    search.fit(table, data.y)
    best = search.best_params_["omics_method__metabolites__pi"]
    assert search.best_estimator_.omics_method["metabolites"] == BayesC(pi=best, estimate_pi=False)
    assert search.best_estimator_.omics_pi_[0] == pytest.approx(best)


def test_a_fit_without_groups_is_not_continued_with_them(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 3, (30, 4)).astype(np.int8), rng.standard_normal(30)
    options = {"n_iter": 20, "burn_in": 5, "random_state": 0, "checkpoint": tmp_path}
    groups = ["a", "a", "b", "b"]
    NNMMRegressor("BayesC", snp_groups=groups, **options).fit(X, y)
    other = NNMMRegressor({"a": BayesC(), "b": RRBLUP()}, snp_groups=groups, **options)
    with pytest.raises(ValueError, match="method was"):
        other.fit(X, y)
