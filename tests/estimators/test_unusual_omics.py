"""Omics without variance, with rare large values, far outside what was seen, or y itself."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SNPS = [f"rs{j}" for j in range(24)]


def with_idle(omics, kind):
    """Return omics with an idle column between the others."""
    idle = {
        "constant": np.full(len(omics), 0.1),
        "constant with gaps": np.where(np.arange(len(omics)) % 3 == 0, np.nan, 7.0),
        "one value": np.where(np.arange(len(omics)) == 5, 2.0, np.nan),
        "no value": np.full(len(omics), np.nan),
    }[kind]
    return np.insert(omics, 1, idle, axis=1)


# Constant columns of one training fold ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["constant", "constant with gaps", "one value", "no value"])
@pytest.mark.parametrize(
    "method",
    ["BayesC", *(pytest.param(m, marks=pytest.mark.slow) for m in ("RR-BLUP", "BayesL", "BayesA"))],
)
@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_an_omic_without_variance_has_weight_zero(data, short, kind, method, activation):
    weights = "BayesL" if method == "BayesL" else "BayesC"
    model = short(method=method, omics_method=weights, activation=activation)
    omics = with_idle(data.gappy, kind)
    with pytest.warns(UserWarning, match=r"1 column without variance.*\(omic_1\)") as caught:
        model.fit(data.X, data.y, omics=omics)
    assert [w.filename for w in caught if "without variance" in str(w.message)] == [__file__]
    for name in (
        "omics_weights", "omics_weights_std", "omics_inclusion_probability", "omics_heritability",
        "omics_residual_variance", "mediated_variance",
    ):  # fmt: skip
        values = getattr(model, f"{name}_")
        assert values[1] == 0 and (values[[0, 2, 3]] != 0).any(), name
    for name in ("snp_effects", "snp_effects_std", "inclusion_probability"):
        assert_array_equal(getattr(model, f"{name}_")[:, 1], 0)
    constant = np.nan_to_num(np.nanmean(omics[:, 1])) if kind != "no value" else 0
    assert_allclose(model.omics_imputed_[:, 1], constant)
    assert_array_equal(model.omics_imputed_std_[:, 1], 0)
    assert_allclose(model.predict_omics(data.X)[:, 1], constant)
    assert model.omics_scale_[1] == 1
    others = model.predict(data.X, omics=np.insert(data.gappy, 1, 0.0, axis=1))
    assert_array_equal(model.predict(data.X, omics=omics), others)
    assert np.isfinite(model.predict(data.X, return_std=True)[1]).all()


def test_the_other_omics_are_as_without_it(data, short):
    """Other random numbers, so equality is in distribution: within Monte Carlo errors."""
    chain = {"n_iter": 1500, "burn_in": 300, "method": "RR-BLUP", "omics_method": "RR-BLUP"}
    plain = short(**chain).fit(data.X, data.y, omics=data.gappy)
    with pytest.warns(UserWarning, match="without variance"):
        model = short(**chain).fit(data.X, data.y, omics=with_idle(data.gappy, "constant"))
    weights = model.omics_weights_[[0, 2, 3]]
    mcse = plain.diagnostics_.loc[[f"omics_weights[omic_{k}]" for k in range(3)], "mcse"]
    assert (np.abs(weights - plain.omics_weights_) < 5 * np.sqrt(2) * mcse).all()
    assert "omics_weights[omic_1]" in model.diagnostics_.index


def test_a_fold_without_variance_does_not_spoil_the_score(data, short):
    X = pd.DataFrame(data.X, columns=SNPS).assign(gene=data.omics[:, 0], rare=0.0)
    X.loc[:19, "rare"] = 1.0  # constant where the first fold is left out
    with pytest.warns(UserWarning, match=r"without variance.*\(rare\)"):
        scores = cross_val_score(short(omics_features=["gene", "rare"]), X, data.y, cv=4)
    assert np.isfinite(scores).all()


def test_network_function_gets_the_constant(data, short):
    calls = []

    def product(z):
        calls.append(z[:, 1].copy())
        return z[:, 0] * z[:, 1]

    model = short(activation=product, n_iter=30)
    with pytest.warns(UserWarning, match="without variance"):
        model.fit(data.X, data.y, omics=with_idle(data.gappy, "constant"))
    calls = calls[10:]  # after the trials of the function itself
    assert len(calls) > 100
    assert_allclose(np.concatenate(calls), 0.1)


# The phenotype among the omics -----------------------------------------------------------------


def test_the_phenotype_among_the_omics_warns_once(data, short):
    y = np.where(np.arange(80) < 5, np.nan, data.y)
    omics = np.column_stack([data.gappy, 30 - 2 * data.y, 1e-6 * data.y])
    with pytest.warns(
        UserWarning, match=r"omics omic_3, omic_4 have a correlation with y"
    ) as caught:
        short(n_iter=30).fit(data.X, y, omics=omics)
    assert len([w for w in caught if "correlation with y" in str(w.message)]) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "omics .* correlation")
        noise = np.random.default_rng(0).normal(scale=data.y.std() / 10, size=80)
        short(n_iter=30).fit(data.X, y, omics=np.column_stack([data.gappy, data.y + noise]))


# Rare large values -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def metabolites(data):
    """Return omics whose second column is nearly constant with rare large values."""
    omics = data.omics.copy()
    omics[:, 1] = np.exp(6 * (omics[:, 1] - omics[:, 1].mean()))
    return omics


def test_fit_warns_of_tails_and_says_what_helps(data, short, metabolites):
    with pytest.warns(UserWarning, match=r"omics omic_1: a few values.*PowerTransformer") as caught:
        short(n_iter=30).fit(data.X, data.y, omics=metabolites)
    assert len([w for w in caught if "most of the variance" in str(w.message)]) == 1
    for rare in ([1e4], [1e4, 9e3, 8e3]):
        nearly_constant = np.r_[rare, np.ones(80 - len(rare))]
        noise = np.r_[[0] * len(rare), np.random.default_rng(0).normal(0, 0.1, 80 - len(rare))]
        for column in (nearly_constant, nearly_constant + noise):
            with pytest.warns(UserWarning, match="omics omic_0: a few values"):
                short(n_iter=30).fit(data.X, data.y, omics=column[:, None])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "omics .* of the variance")
        rng = np.random.default_rng(0)
        n = 3000
        X = rng.integers(0, 3, (n, 5)).astype(np.int8)
        ordinary = np.column_stack([rng.normal(size=n), rng.exponential(size=n)])
        short(n_iter=30).fit(X, X[:, 0] + rng.normal(size=n), omics=ordinary)


def test_values_far_outside_warn_once_naming_omics_rows_and_sds(data, short):
    model = short().fit(data.X, data.y, omics=data.gappy)
    omics = data.gappy[:10].copy()
    mean, sd = model.omics_mean_, model.omics_scale_
    omics[3, 1] = np.nanmax(data.gappy[:, 1]) + 1000 * sd[1]
    omics[7, 2] = np.nanmin(data.gappy[:, 2]) - 50 * sd[2]
    message = (
        r"omics has values far .*, of omic_1, omic_2, up to 1e\+03 SDs beyond it \(rows 3, 7\)"
    )
    for act in (
        lambda: model.predict(data.X[:10], omics=omics, return_std=True),
        lambda: model.score(data.X[:10], data.y[:10], omics=omics),
    ):
        with pytest.warns(UserWarning, match=message) as caught:
            act()
        assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(data.X[:10], omics=np.tile(mean + 3 * sd, (10, 1)))


def test_a_power_transform_in_the_pipeline_restores_the_predictions(data, short, metabolites):
    X = pd.DataFrame(data.X, columns=SNPS).join(pd.DataFrame(metabolites, columns=list("abc")))
    model = short(omics_features=["a", "b", "c"], n_iter=200)
    prepare = ColumnTransformer(
        [("omics", PowerTransformer(), ["a", "b", "c"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    assert (prepare.fit_transform(X).dtypes[SNPS] == np.int8).all()
    with pytest.warns(UserWarning, match="most of the variance"):
        plain = cross_val_score(model, X, data.y, cv=4)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "omics ")
        prepared = cross_val_score(make_pipeline(prepare, model), X, data.y, cv=4)
    assert prepared.mean() > plain.mean() + 0.1


# Some of the omics at predict; importances -----------------------------------------------------


def test_absent_columns_of_omics_are_not_measured(data, short):
    omics = pd.DataFrame(data.gappy, columns=list("abc"))
    model = short().fit(data.X, data.y, omics=omics)
    expected = model.predict(data.X, omics=omics.assign(b=np.nan))
    assert_array_equal(model.predict(data.X, omics=omics[["a", "c"]]), expected)
    assert_array_equal(model.predict(data.X, omics=omics[["c", "a"]]), expected)
    with pytest.raises(ValueError, match="fitted with 3: a, b, c. What was not measured"):
        model.predict(data.X, omics=data.gappy[:, :2])
    with pytest.raises(ValueError, match="fitted with 3: a, b, c, z not among them"):
        model.predict(data.X, omics=omics[["a"]].rename(columns={"a": "z"}))


def test_selectors_of_scikit_learn_get_an_importance_of_every_column(data, short):
    X = pd.DataFrame(data.X, columns=SNPS)
    X.insert(3, "gene", data.omics[:, 0])
    model = short(omics_features=["gene"])
    chosen = SelectFromModel(model, max_features=5).fit(X, data.y)
    names = chosen.get_feature_names_out()
    assert chosen.transform(X).shape == (80, 5) and "gene" in names
    fitted = chosen.estimator_
    importances = pd.Series(fitted.feature_importances_, X.columns)
    assert_array_equal(importances["gene"], np.abs(fitted.omics_weights_[0]))
    spread = np.where(data.X < 0, data.X[data.X >= 0].mean(), data.X)[:, 2].std()
    assert_allclose(importances["rs2"], abs(fitted.coef_[2]) * spread, rtol=1e-12)
    assert fitted.coef_.shape == (24,)
    with pytest.raises(ValueError, match="RFE cannot be used with omics_features"):
        RFE(short(omics_features=[3]), n_features_to_select=20, step=2).fit(X, data.y)
    ranked = RFE(short(), n_features_to_select=20, step=2).fit(X[SNPS], data.y)
    assert ranked.support_.shape == (24,) and ranked.support_.sum() == 20
    nonlinear = SelectFromModel(short(omics_features=["gene"], activation="tanh")).fit(X, data.y)
    with pytest.raises(ValueError, match="need the linear activation"):
        nonlinear.transform(X)
    short_of_omics = SelectFromModel(model, importance_getter=lambda fitted: fitted.coef_)
    with pytest.raises(AttributeError, match="coef_ has SNPs only"):
        short_of_omics.fit(X, data.y).transform(X)
    with pytest.raises(AttributeError, match="without omics_features use coef_"):
        short().fit(data.X, data.y).feature_importances_  # noqa: B018


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "GBLUP"},
        {"activation": "tanh"},
        {"method": "BayesL", "mask": {"omic_0": [0, 1, 2], "omic_1": [3], "omic_2": [4, 5]}},
    ],
)
@pytest.mark.parametrize("why", ["no omics", "no covariates"])
def test_rows_that_inform_nothing_beside_complete_omics_get_their_expectation(
    options, why, data, short
):
    """They are outside the chain: what is imputed is what genotypes and covariates tell."""
    y, omics, covariates = data.y.copy(), data.omics.copy(), data.covariates - [50, 0.5]
    y[:3] = np.nan
    if why == "no omics":
        omics[:3] = np.nan
        covariates[:3] = 0
    else:
        covariates[:3] = np.nan
    model = short(**options).fit(data.X, y, omics=omics, covariates=covariates)
    if why == "no covariates":  # the omics are kept as they were observed
        assert_array_equal(model.omics_imputed_[:3], omics[:3])
        return
    centred = -model.covariates_mean_ @ model.omics_covariate_effects_
    expected = model.predict_omics(data.X[:3]) + centred
    assert_allclose(model.omics_imputed_[:3], expected, rtol=1e-4, atol=1e-4)
    assert (model.omics_imputed_std_[:3] ** 2 > model.omics_residual_variance_ / 2).all()
