"""The classifier as a whole: labels in, labels and probabilities out."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier

from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.effects import Random
from sknnmm.priors import BayesC

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make(**parameters):
    chain = {"n_iter": 80, "burn_in": 20, "n_chains": 1, "random_state": 0}
    return NNMMClassifier(**{**chain, **parameters})


@pytest.fixture(scope="module")
def disease(data):
    return np.where(data.y > np.median(data.y), "sick", "healthy")


@pytest.fixture(scope="module")
def score(data):
    return np.digitize(data.y, np.quantile(data.y, [0.3, 0.6, 0.85]))


def test_labels_go_through(data, disease):
    model = make().fit(data.X, disease, omics=data.gappy, covariates=data.covariates)
    new = {"omics": data.gappy, "covariates": data.covariates}
    assert list(model.classes_) == ["healthy", "sick"]
    assert_array_equal(model.thresholds_, [0])
    assert model.residual_variance_ == 1
    probability = model.predict_proba(data.X, **new)
    assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)
    predicted = model.predict(data.X, **new)
    assert_array_equal(predicted, model.classes_[probability.argmax(axis=1)])
    accuracy = (predicted == disease).mean()
    assert accuracy > 0.8
    assert model.score(data.X, disease, **new) == pytest.approx(accuracy)
    missing = np.where(np.arange(80) < 40, disease, None)
    half = (predicted == disease)[:40].mean()
    assert model.score(data.X, missing, **new) == pytest.approx(half)
    weight = np.arange(80.0)
    of_score = model.score(data.X, disease, sample_weight=weight, **new)
    assert of_score == pytest.approx(np.average(predicted == disease, weights=weight))


def test_quantities_on_the_scale_of_the_liability_say_so(data, disease):
    units = make().fit(data.X, disease, omics=data.gappy).posterior_.variables["unit"]
    assert units["genetic_values"] == units["thresholds"] == "liability"
    assert units["genetic_variance"] == "liability^2"
    assert units["direct_effects"] == "liability / allele"
    assert units["snp_effects"] == "omic / allele"


@pytest.mark.parametrize("how", ["two", "ordered"])
def test_other_labels_give_the_same_bits(how, data, disease, score):
    if how == "two":
        ys = [disease, disease == "sick", pd.Series(disease), (disease == "sick") * 7.0]
        models = [make().fit(data.X, y, omics=data.gappy) for y in ys]
    else:
        letters = pd.Categorical(np.array(list("abcd"))[score], ordered=True)
        models = [
            make(ordered=True).fit(data.X, score, omics=data.gappy),
            make().fit(data.X, letters, omics=data.gappy),
        ]
    first = models[0]
    for model in models[1:]:
        assert_array_equal(model.predict_proba(data.X), first.predict_proba(data.X))
        assert_array_equal(model.thresholds_, first.thresholds_)


def test_probabilities_are_those_of_the_liability(data, score):
    """Recomputed from the draws: complete omics, then none."""
    model = make(ordered=True).fit(data.X, score, omics=data.omics)
    draws = {name: values[0] for name, values in model.posterior_.draws.items()}
    genotypes = np.where(data.X < 0, np.nan, data.X).astype(float)
    X = genotypes - np.nanmean(genotypes, axis=0)
    rows = ~np.isnan(X).any(axis=1)
    effects = np.stack([_dense(draws["snp_effects"], d) for d in range(60)])
    direct = np.stack([_dense(draws["direct_effects"], d) for d in range(60)])
    weights, scale = draws["omics_weights"], model.omics_scale_
    nodes = (data.omics - model.omics_mean_) / scale
    given = draws["centred_intercept"] + nodes @ weights.T + X @ direct.T
    expected = np.einsum("ij,djk->idk", X, effects) + draws["omics_centred_intercept"]
    expected = ((expected - model.omics_mean_) / scale * weights).sum(axis=2)
    spread = ((weights / scale) ** 2 * draws["omics_residual_variance"]).sum(axis=1)
    marginal = draws["centred_intercept"] + expected + X @ direct.T
    for mean, sd, omics in ((given, 1.0, data.omics), (marginal, np.sqrt(1 + spread), None)):
        above = [stats.norm.sf((t - mean) / sd).mean(axis=1) for t in draws["thresholds"].T]
        probability = -np.diff([np.ones(80), *above, np.zeros(80)], axis=0).T
        assert_allclose(
            model.predict_proba(data.X[rows], omics=None if omics is None else omics[rows]),
            probability[rows],
            atol=2e-6,
        )
        assert_allclose(
            model.decision_function(data.X[rows], omics=None if omics is None else omics[rows]),
            mean.mean(axis=1)[rows],
            atol=1e-5,
        )


def _dense(draws, d):
    """Return one draw of effects, held sparse or dense."""
    return (draws.toarray() if hasattr(draws, "toarray") else draws)[d]


def test_sampled_classes_have_the_predicted_probabilities(data, score):
    model = make(ordered=True).fit(data.X, score, omics=data.gappy)
    n_draws = 3000  # every held draw equally often
    sample = model.sample_posterior_predictive(data.X[:6], n_draws, random_state=1)
    probability = model.predict_proba(data.X[:6])
    shares = np.stack([(sample == label).mean(axis=1) for label in model.classes_], axis=1)
    error = np.sqrt(probability * (1 - probability) / n_draws)
    assert (np.abs(shares - probability) < 4 * error + 1e-12).all()


def test_a_missing_label_is_weight_zero(data, disease):
    weight = np.where(np.arange(80) % 9 == 0, 0.0, 1.0)
    labels = np.where(weight == 0, None, disease)
    missing = make().fit(data.X, labels, omics=data.gappy)
    zero = make().fit(data.X, disease, omics=data.gappy, sample_weight=weight)
    assert_array_equal(missing.predict_proba(data.X), zero.predict_proba(data.X))


def test_only_ratios_of_weights_matter(data, disease):
    weight = np.linspace(0.5, 2, 80)
    one = make().fit(data.X, disease, omics=data.gappy, sample_weight=weight)
    other = make().fit(data.X, disease, omics=data.gappy, sample_weight=8 * weight)
    assert_array_equal(one.predict_proba(data.X), other.predict_proba(data.X))
    assert other.residual_variance_ == pytest.approx(8 * one.residual_variance_)
    assert one.residual_variance_ == pytest.approx(weight.mean())


@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "RR-BLUP", "precision": "double"},
        {"method": "GBLUP", "activation": "tanh"},
        {"method": "BayesL", "omics_method": "BayesL"},
        {"activation": lambda z: 0.5 * z[:, 0] + z[:, 1] - 6, "direct_effects": False},
        {"n_latent": 1, "direct_effects": False},
    ],
    ids=["RR-BLUP", "tanh", "BayesL", "network function", "latent"],
)
def test_every_kind_of_network(parameters, data, disease):
    model = make(**parameters).fit(data.X, disease, omics=data.gappy)
    probability = model.predict_proba(data.X, omics=data.gappy)
    assert ((probability > 0) & (probability < 1)).all()
    auc = stats.mannwhitneyu(
        *(probability[disease == label, 1] for label in ("sick", "healthy"))
    ).statistic / np.prod(np.unique(disease, return_counts=True)[1])
    assert auc > 0.75
    assert model.residual_variance_ == 1


def test_chains_are_as_long_as_thresholds_need(data, score):
    model = make(
        method="RR-BLUP", ordered=True, n_iter="auto", min_ess=10, max_iter=2000, n_chains=2
    )
    model.fit(data.X, score, omics=data.gappy)
    table = model.diagnostics_
    assert list(table.index[1:4]) == [f"thresholds[{a}|{a + 1}]" for a in range(3)]
    assert list(table["target"].iloc[1:4]) == [False, True, True]  # the first is fixed
    free = table.loc[["thresholds[1|2]", "thresholds[2|3]"]]
    assert free["target"].all() and (free["ess_bulk"] >= 10).all()
    assert not table.loc["residual_variance", "target"]
    assert model.n_iter_ < 2000
    assert_allclose(model.thresholds_[1:], free["mean"], rtol=1e-6)


@pytest.mark.slow  # it starts processes
@pytest.mark.parametrize("kind", ["ordinal", "censored"])
def test_same_bits_for_any_number_of_jobs(kind, data, score, short):
    y, upper, new = data.y, np.where(data.y > 34, np.inf, data.y), short
    draws = []
    for n_jobs in (1, 2):
        if kind == "ordinal":
            model = make(ordered=True, n_chains=2, n_jobs=n_jobs).fit(data.X, score)
        else:
            model = new(n_chains=2, n_jobs=n_jobs).fit(data.X, y, y_upper=upper)
        draws.append(model.posterior_.draws)
    for name in ("heritability", "centred_intercept", "genetic_values"):
        assert_array_equal(draws[0][name], draws[1][name])


def test_classes_are_an_estimator_of_scikit_learn(data, disease):
    genotypes = np.where(data.X < 0, np.nan, data.X)
    X = pd.DataFrame(
        np.column_stack([genotypes, data.gappy]), columns=[*(f"s{j}" for j in range(24)), *"abc"]
    )
    grid = {"method__pi": [0.5, 0.9], "omics_method": ["BayesC", "RR-BLUP"]}
    model = make(method=BayesC(estimate_pi=False), omics_features=list("abc"))
    search = GridSearchCV(model, grid, scoring="roc_auc", cv=3).fit(X, disease)
    assert search.best_score_ > 0.8
    assert_array_equal(search.classes_, ["healthy", "sick"])
    again = clone(search.best_estimator_)
    assert again.get_params() == search.best_estimator_.get_params()


def test_classes_without_an_order_by_one_against_the_rest(data, score):
    with pytest.raises(ValueError, match="OneVsRestClassifier"):
        make().fit(data.X, score)
    X = np.column_stack([np.where(data.X < 0, np.nan, data.X), data.omics])
    model = OneVsRestClassifier(make(omics_features=[24, 25, 26])).fit(X, score % 3)
    assert model.predict_proba(X).shape == (80, 3)
    assert model.score(X, score % 3) > 0.5


@pytest.mark.parametrize("kind", ["binary", "ordinal", "censored"])
@pytest.mark.parametrize("way", ["checkpoint", "warm start"])
def test_chains_go_on_to_the_same_bits(kind, way, data, disease, score, short, tmp_path):
    limit = np.median(data.y)
    upper = np.where(data.y < limit, data.y, np.inf)
    y, more, factory = {
        "binary": (disease, {}, make),
        "ordinal": (score, {}, lambda **p: make(ordered=True, **p)),
        "censored": (np.minimum(data.y, limit), {"y_upper": upper}, short),
    }[kind]  # fmt: skip
    whole = factory().fit(data.X, y, omics=data.gappy, **more)
    if way == "warm start":
        model = factory(n_iter=50, warm_start=True).fit(data.X, y, omics=data.gappy, **more)
        model.set_params(n_iter=80).fit(data.X, y, omics=data.gappy, **more)
    else:
        factory(checkpoint=tmp_path).fit(data.X, y, omics=data.gappy, **more)
        model = factory(checkpoint=tmp_path).fit(data.X, y, omics=data.gappy, **more)
        changed = np.array(y)[::-1] if not more else y
        upper = {"y_upper": np.minimum(upper, 2 * limit)} if more else {}
        with pytest.raises(ValueError, match="checkpoint.*y"):
            factory(checkpoint=tmp_path).fit(data.X, changed, omics=data.gappy, **upper)
    for name in ("omics_weights", "residual_variance", "heritability"):
        assert_array_equal(model.posterior_.draws[name], whole.posterior_.draws[name])


def test_the_regressor_says_that_classes_are_none_of_its_business(data, disease, score, short):
    with pytest.warns(UserWarning, match="two values, 0, 1.*NNMMClassifier"):
        short().fit(data.X, (disease == "sick").astype(float))
    with pytest.warns(UserWarning, match=r"4 whole values.*NNMMClassifier\(ordered=True\)"):
        short().fit(data.X, score)


def test_a_censored_phenotype_is_better_than_its_bounds(data):
    """What lies beyond a limit is drawn there."""
    limit = np.quantile(data.y, 0.7)
    y = np.minimum(data.y, limit)
    upper = np.where(data.y > limit, np.inf, np.nan)
    model = NNMMRegressor(n_iter=400, burn_in=100, random_state=0)
    new = {"omics": data.omics, "covariates": data.covariates}
    predicted = model.fit(data.X, y, y_upper=upper, **new).predict(data.X, **new)
    cut = model.fit(data.X, y, **new).predict(data.X, **new)
    beyond = data.y > limit
    error, error_of_cut = (np.abs(p - data.y)[beyond].mean() for p in (predicted, cut))
    assert error < 0.6 * error_of_cut


@pytest.fixture(scope="module")
def below(data):
    """Return parameters and omics of a network with a detection limit and effects of herds."""
    limit = np.quantile(data.omics[:, 0], 0.3)
    omics = data.gappy.copy()
    omics[data.omics[:, 0] < limit, 0] = -np.inf
    herds = pd.DataFrame({"herd": np.repeat(list("abcdefgh"), 10)})
    parameters = {"ordered": True, "detection_limits": {0: limit}, "effects": [Random("herd")]}
    return parameters, omics, herds


def test_classes_with_detection_limits_and_random_effects(below, data, score):
    parameters, omics, herds = below
    model = make(**parameters).fit(data.X, score, omics, herds)
    is_below = np.isneginf(omics[:, 0])
    assert (model.omics_imputed_[is_below, 0] < parameters["detection_limits"][0]).all()
    assert (model.omics_imputed_std_[is_below, 0] > 0).all()
    residual = model.variance_components_.loc["phenotype", "y", "residual"]
    assert residual["mean"] == pytest.approx(1)
    known, unknown = (
        model.decision_function(data.X, omics, herds.assign(herd=name)) for name in ("a", "new")
    )
    own = model.random_effects_["herd"]["y", "mean"]["a"]
    is_complete = ~np.isnan(omics).any(axis=1) & ~is_below  # else herds act through omics too
    assert is_complete.any()
    assert_allclose((known - unknown)[is_complete], own, atol=1e-6)
    assert model.score(data.X, score, omics, herds) > 0.6  # 0.3 are in the largest class


def test_a_longer_fit_of_all_of_these_is_one_long_fit(below, data, score):
    parameters, omics, herds = below
    whole = make(**parameters).fit(data.X, score, omics, herds)
    model = make(**parameters, n_iter=50, warm_start=True).fit(data.X, score, omics, herds)
    model.set_params(n_iter=80).fit(data.X, score, omics, herds)
    for name in ("omics_weights", "herd_variance", "thresholds"):
        assert_array_equal(model.posterior_.draws[name], whole.posterior_.draws[name])


def test_classes_of_genotypes_in_a_file(data, score, tmp_path):
    """The same bits as in memory."""
    X = np.asfortranarray(data.X)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    one, other = (make(ordered=True).fit(G, score, omics=data.gappy) for G in (X, mapped))
    assert_array_equal(other.thresholds_, one.thresholds_)
    assert_array_equal(other.predict_proba(mapped), one.predict_proba(X))


def test_score_refuses_labels_of_which_fit_knows_none(data, disease):
    model = make().fit(data.X, disease)
    with pytest.raises(ValueError, match="y has none of the classes of fit"):
        model.score(data.X, np.where(disease == "sick", "ill", "well"))
