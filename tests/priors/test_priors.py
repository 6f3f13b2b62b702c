"""Prior objects, and where scale="auto" puts the prior modes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknnmm import NNMMRegressor, priors
from sknnmm.activations import ACTIVATIONS
from sknnmm.priors import (
    GBLUP,
    METHODS,
    RRBLUP,
    BayesA,
    BayesB,
    BayesC,
    BayesL,
    BayesR,
    Prior,
    ScaledInverseChi2,
    as_prior,
)
from sknnmm.priors._layout import DenseLayout

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OBJECTS = [RRBLUP, GBLUP, BayesA, BayesB, BayesC, BayesR, ScaledInverseChi2]
every_object = pytest.mark.parametrize("kind", OBJECTS)


# --- objects ----------------------------------------------------------------------------------


@every_object
def test_parameters_equality_clone_and_repr(kind):
    prior = kind()
    assert prior == kind() and hash(prior) == hash(kind())
    changed = kind(df=7, scale=0.25, estimate_variance=False)
    assert changed != prior
    assert clone(changed) == changed and clone(changed) is not changed
    for name in ("df=7", "scale=0.25", "estimate_variance=False"):
        assert name in repr(changed)
    assert prior.set_params(df=7, scale=0.25, estimate_variance=False) is prior
    assert prior == changed
    assert prior.get_params()["scale"] == 0.25
    assert repr(kind()) == f"{kind.__name__}()"


def test_equality_is_of_one_class():
    assert RRBLUP() != ScaledInverseChi2()
    assert BayesC(pi=0.0, estimate_pi=False) != RRBLUP()
    assert BayesC() != "BayesC"


def test_strings_stand_for_defaults():
    assert as_prior("RR-BLUP") == RRBLUP() and as_prior("BayesC") == BayesC()
    assert set(METHODS) == {
        "RR-BLUP", "GBLUP", "BayesA", "BayesB", "BayesC", "BayesL", "BayesR"
    }  # fmt: skip
    mine = BayesC(pi=0.9)
    assert as_prior(mine) is mine
    assert all(issubclass(kind, Prior) for kind in METHODS.values())
    for name in ("RRBLUP", "BayesC", "ScaledInverseChi2"):
        assert name in priors.__all__


def test_defaults_are_those_documented():
    assert RRBLUP().get_params() == {"df": 5, "scale": "auto", "estimate_variance": True}
    assert BayesC().get_params() == RRBLUP().get_params() | {"pi": 0.5, "estimate_pi": True}
    assert ScaledInverseChi2().get_params() == RRBLUP().get_params()
    assert BayesA().get_params() == RRBLUP().get_params() | {"estimate_scale": True}
    assert BayesB().get_params() == BayesC().get_params() | {"estimate_scale": True}


# --- set_params of the estimator --------------------------------------------------------------


def test_nested_names_turn_a_string_into_its_object():
    model = NNMMRegressor(omics_method="RR-BLUP")
    assert model.set_params(method__pi=0.9, omics_method__df=7) is model
    assert model.method == BayesC(pi=0.9)
    assert model.omics_method == RRBLUP(df=7)
    model.set_params(method="RR-BLUP", method__scale=0.1)
    assert model.method == RRBLUP(scale=0.1)
    model.set_params(method="BayesC")
    assert model.method == "BayesC"
    model.set_params(direct_effects=BayesC(), direct_effects__pi=0.2)
    assert model.direct_effects == BayesC(pi=0.2)
    with pytest.raises(ValueError, match="Invalid parameter 'pi' for estimator RRBLUP"):
        model.set_params(method="RR-BLUP", method__pi=0.1)


def test_nested_names_leave_other_estimators_alone():
    model = NNMMRegressor(method=BayesC())
    twin = clone(model).set_params(method__pi=0.9)
    assert model.method == BayesC() and twin.method == BayesC(pi=0.9)
    assert clone(twin).get_params()["method__pi"] == 0.9


def test_grid_search_from_a_string(data, short):
    search = GridSearchCV(
        short(n_iter=40, burn_in=10, method="BayesC"),
        {"method__pi": [0.1, 0.9], "method__estimate_pi": [False]},
        cv=2,
        error_score="raise",
    ).fit(data.X, data.y)
    best = search.best_estimator_
    assert best.method == BayesC(pi=search.best_params_["method__pi"], estimate_pi=False)
    assert_array_equal(best.posterior_.draws["direct_pi"], search.best_params_["method__pi"])
    assert search.estimator.method == "BayesC"
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all() and scores[0] != scores[1]


def test_fit_leaves_priors_as_they_are(data, short):
    parameters = {
        "method": BayesC(pi=0.3),
        "omics_method": RRBLUP(),
        "direct_effects": BayesC(estimate_pi=False),
        "residual_prior": ScaledInverseChi2(),
    }
    model = short(**parameters)
    before = {name: (vars(prior).copy(), clone(prior)) for name, prior in parameters.items()}
    model.fit(data.X, data.y, omics=data.omics)
    for name, prior in parameters.items():
        assert getattr(model, name) is prior
        assert (vars(prior), prior) == before[name]


# --- scale="auto" -----------------------------------------------------------------------------

KNOWN_MODE = [  # either way the variance stays where the prior puts it
    {"estimate_variance": False},
    {"df": 1e12},  # scale = mode (df + 2) / df; the data cannot move it
]
known_mode = pytest.mark.parametrize("fixed", KNOWN_MODE, ids=["fixed", "df"])


def standardised(values):
    return (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)


def snp_variances(X):
    """Return the sum of the variances of the SNPs, missing values at the mean."""
    X = np.where(X < 0, np.nan, X)
    return np.where(np.isnan(X), np.nanmean(X, axis=0), X).var(axis=0).sum()


def variances_of(short, data, omics, fixed, **parameters):
    fixed_pi = {"estimate_pi": False}
    model = short(
        method=BayesC(pi=0.3, **fixed_pi, **fixed),
        omics_method=BayesC(pi=0.2, **fixed_pi, **fixed),
        n_iter=12,
        burn_in=2,
        **parameters,
    )
    draws = model.fit(data.X, data.y, omics=omics).posterior_.draws
    return {name: draws[name] for name in draws if name.endswith("effects_variance")} | {
        name: draws[name] for name in draws if name == "omics_weights_variance"
    }


@known_mode
def test_auto_mode_without_nodes(fixed, data, short):
    drawn = variances_of(short, data, None, fixed)
    assert set(drawn) == {"direct_effects_variance"}
    expected = 0.5 / snp_variances(data.X) / (1 - 0.3)
    assert_allclose(drawn["direct_effects_variance"], expected, rtol=1e-5)


@known_mode
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "relu"])
def test_auto_modes_with_nodes(activation, fixed, data, short):
    drawn = variances_of(short, data, data.gappy, fixed, activation=activation)
    per_snp = 1 / snp_variances(data.X) / (1 - 0.3)
    assert_allclose(drawn["snp_effects_variance"], np.full((1, 10, 3), 0.5 * per_snp), rtol=1e-5)
    assert_allclose(drawn["direct_effects_variance"], 0.25 * per_snp, rtol=1e-5)
    g = ACTIVATIONS[activation].value(standardised(data.gappy))
    expected = 0.25 / np.nanvar(g, axis=0).sum() / (1 - 0.2)
    assert_allclose(drawn["omics_weights_variance"], expected, rtol=1e-5)


@known_mode
@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_auto_modes_of_latent_nodes(activation, fixed, data, short):
    drawn = variances_of(
        short, data, data.omics, fixed, activation=activation, n_latent=2, direct_effects=False
    )
    assert "direct_effects_variance" not in drawn
    per_snp = 0.5 / snp_variances(data.X) / (1 - 0.3)
    assert_allclose(drawn["snp_effects_variance"], np.full((1, 10, 5), per_snp), rtol=1e-5)
    g = ACTIVATIONS[activation].value
    z = np.linspace(-10, 10, 2001)
    of_latent = np.average(g(z) ** 2, weights=norm.pdf(z))  # under N(0, 1), where E g = 0
    total = g(standardised(data.omics)).var(axis=0).sum() + 2 * of_latent
    assert_allclose(drawn["omics_weights_variance"], 0.5 / total / (1 - 0.2), rtol=1e-5)


def test_auto_scale_of_a_direct_prior_of_its_own(data, short):
    drawn = variances_of(
        short, data, data.omics, KNOWN_MODE[0], direct_effects=RRBLUP(estimate_variance=False)
    )
    assert_allclose(drawn["direct_effects_variance"], 0.25 / snp_variances(data.X), rtol=1e-5)


@pytest.mark.parametrize("df", [1, 5, 40])
@pytest.mark.parametrize("kind", [RRBLUP, ScaledInverseChi2])
def test_auto_scale_puts_the_mode_at_the_expected_variance(kind, df):
    scale = kind(df=df).numeric_scale(0.3)
    assert_allclose(df * scale / (df + 2), 0.3)
    assert kind(df=df, scale=0.9).numeric_scale(0.3) == 0.9
    assert kind(scale=0.9).starting_variance(0.3) == 0.9
    assert kind().starting_variance(0.3) == 0.3


def test_start_of_bayes_c():
    expected = np.array([0.1, 0.2, 0.4])
    hyper = BayesC(pi=0.75, df=4).start(expected, DenseLayout(10, 1))
    assert_allclose(hyper.variance, [expected * 4])
    assert_allclose(hyper.scale, expected * 4 * 1.5)
    assert_allclose(hyper.weights, [[0.75] * 3, [0.25] * 3])
    given = BayesC(pi=0.75, scale=0.01).start(expected, DenseLayout(10, 1))
    assert_allclose(given.variance, [[0.01] * 3])


def test_residual_scale_is_0_7():
    assert_allclose(ScaledInverseChi2().numeric_scale(0.5), 0.7)


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (ScaledInverseChi2(estimate_variance=False), 0.5),
        (ScaledInverseChi2(df=1e12), 0.5),
        (ScaledInverseChi2(estimate_variance=False, scale=0.2), 0.2),
        (ScaledInverseChi2(df=1e12, scale=0.2), 0.2),
    ],
)
def test_residual_variances(prior, expected, data, short):
    model = short(residual_prior=prior, n_iter=12, burn_in=2, n_latent=1)
    draws = model.fit(data.X, data.y, omics=data.gappy).posterior_.draws
    assert_allclose(draws["residual_variance"], expected * data.y.var(), rtol=1e-5)
    of_omics = expected * np.append(np.nanvar(data.gappy, axis=0), 1)
    assert_allclose(draws["omics_residual_variance"] / of_omics, 1, rtol=1e-5)


def test_numeric_scale_is_on_the_standardised_scale(data, short):
    model = short(method=RRBLUP(scale=0.03, estimate_variance=False), n_iter=12, burn_in=2)
    draws = model.fit(data.X, 1000 * data.y, omics=data.omics).posterior_.draws
    assert_array_equal(draws["snp_effects_variance"], 0.03)
    assert_array_equal(draws["direct_effects_variance"], 0.03)


@pytest.mark.parametrize("method", ["BayesA", "BayesB"])
def test_named_methods_estimate_their_scale(method, data, short):
    """As the objects that say so; a fixed scale gives other effects."""
    fits = [
        short(method=prior).fit(data.X, data.y).direct_effects_
        for prior in (method, METHODS[method](estimate_scale=True))
    ]
    fixed = short(method=METHODS[method](estimate_scale=False)).fit(data.X, data.y)
    assert_array_equal(*fits)
    assert (fits[0] != fixed.direct_effects_).all()


@pytest.mark.parametrize("method", METHODS)
def test_pi_is_reported_where_there_is_one(method, data, short):
    weights = "RR-BLUP" if method == "GBLUP" else method
    model = short(method=method, omics_method=weights).fit(data.X, data.y, omics=data.omics)
    values = np.array([*model.pi_, model.omics_pi_, model.direct_pi_])
    if method in ("BayesB", "BayesC", "BayesR"):
        assert ((values > 0) & (values < 1)).all()
        assert (model.inclusion_probability_ < 1).any()
    else:
        assert np.isnan(values).all()
        assert_array_equal(model.inclusion_probability_, 1)
        assert_array_equal(model.omics_inclusion_probability_, 1)
        assert_array_equal(model.direct_inclusion_probability_, 1)


def test_automatic_scales_of_the_rest_of_the_alphabet():
    """DESIGN: the mode of v (of each v_j) at the expected share, over 1 - pi or the mean of c."""
    expected = np.array([0.02])
    assert_allclose(BayesA(df=4).start(expected, DenseLayout(10, 1)).scale, 0.02 * 6 / 4)
    assert BayesA().start(expected, DenseLayout(10, 1)).variance.shape == (10, 1)
    assert_allclose(BayesB(pi=0.8).start(expected, DenseLayout(10, 1)).scale, 0.1 * 7 / 5)
    assert_allclose(BayesR().start(expected, DenseLayout(10, 1)).scale, 0.02 / (1.11 / 4) * 7 / 5)
    lasso = BayesL().start(expected, DenseLayout(10, 1))
    mode = 2 * 0.5 / 0.02
    assert_allclose((1.1 - 1) / lasso.rate, mode)
    assert_allclose(lasso.squared_penalty, mode)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize(
    "prior",
    [
        BayesB(df=0.1),
        BayesC(df=0.1),
        BayesC(df=1e8),
        BayesC(scale=1e-30),
        BayesA(scale=1e30, estimate_variance=False),
        BayesC(pi=1 - 1e-16, estimate_pi=False),
        BayesR(components=(0, 1e-12, 1)),
        BayesL(shape=1e8, rate=1e-20),
        BayesL(shape=1e-8, rate=1e20),
    ],
    ids=repr,
)
def test_extreme_priors_give_finite_fits(prior, precision, data, short):
    model = short(method=prior, omics_method=prior, precision=precision, residual_prior=FLAT)
    model.fit(data.X, data.y, omics=data.gappy)
    spread = model.predict(data.X, return_std=True)[1]
    assert (spread > 0).all() and np.isfinite(spread).all()
    assert np.isfinite(model.predict(data.X)).all()


FLAT = ScaledInverseChi2(df=0.1)


@pytest.mark.parametrize(
    ("prior", "named"),
    [
        (BayesR(components=(0.1, 0)), "components"),
        (BayesR(components=(-1, 1)), "components"),
        (BayesR(components=("a", 1)), "components"),
        (BayesR(components=(0, 1e-300, 1)), "components"),
        (BayesR(components=(0, 1, 1e300)), "components"),
        (BayesR(components=(0,)), "components"),
        (BayesL(shape=1.0), "shape"),
        (BayesL(rate=-1.0), "rate"),
        (BayesB(pi=1.0), "pi"),
        (BayesL(shape=1e300, rate=1.0), "shape"),
        (BayesL(rate=1e-300), "rate"),
        *(
            (kind(**{name: value}), f"'{name}' parameter of {kind.__name__}")
            for kind in OBJECTS
            for name, value in (("df", 1e-8), ("scale", 1e-300), ("scale", 1e300))
        ),
    ],
)
def test_bad_hyperparameters_are_named(prior, named):
    with pytest.raises(ValueError, match=named):
        prior.check()


@pytest.mark.parametrize("prior", [BayesB, BayesC])
def test_an_integer_pi_is_a_number_like_others(prior):
    hyper = prior(pi=0).start(np.ones(2), DenseLayout(5, 2))
    assert hyper.weights.dtype == float
