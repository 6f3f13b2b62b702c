"""Fitted attributes over a matrix of configurations: shapes, finiteness, identities, units."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.activations import ACTIVATIONS
from sknnmm.priors import RRBLUP, BayesC, ScaledInverseChi2
from tests.helpers.moments import assert_same_distribution

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def with_gaps(array, *cells):
    changed = np.array(array, float)
    for cell in cells:
        changed[cell] = np.nan
    return changed


def two_observed(data):
    return with_gaps(data.omics, (slice(2, None), 1))


def unphenotyped(data):
    return with_gaps(data.y, slice(0, 6), slice(70, 76))


PATHS = ("snp_effects", "direct_effects")
CONFIGURATIONS = {
    # name: (parameters, inputs other than X and y; "gappy" and the like are looked up in data)
    "defaults": ({}, {"omics": "gappy"}),
    "omics complete": ({}, {"omics": "omics"}),
    "omics None": ({}, {}),
    "omics None, RR-BLUP": ({"method": "RR-BLUP"}, {"covariates": "covariates"}),
    "one latent": ({"n_latent": 1}, {}),
    "two latent, no direct": ({"n_latent": 2, "direct_effects": False}, {"y": unphenotyped}),
    "latent and omics": ({"n_latent": 2}, {"omics": "gappy", "covariates": "covariates"}),
    "latent, tanh": ({"n_latent": 1, "activation": "tanh"}, {"covariates": "covariates"}),
    "no direct": ({"direct_effects": False}, {"omics": "gappy"}),
    "no direct, relu": ({"direct_effects": False, "activation": "relu"}, {"omics": "omics"}),
    "direct prior": ({"direct_effects": RRBLUP()}, {"omics": "gappy"}),
    "node prior RR-BLUP": ({"method": RRBLUP(), "direct_effects": BayesC()}, {"omics": "gappy"}),
    "RR-BLUP throughout": (
        {"method": "RR-BLUP", "omics_method": "RR-BLUP"},
        {"omics": "gappy", "y": unphenotyped},
    ),
    "tanh": ({"activation": "tanh"}, {"omics": "gappy", "covariates": "covariates"}),
    "sigmoid": ({"activation": "sigmoid", "n_latent": 1}, {"omics": "gappy", "y": unphenotyped}),
    "relu": ({"activation": "relu"}, {"omics": "gappy", "y": unphenotyped}),
    "leaky_relu, RR-BLUP": (
        {"activation": "leaky_relu", "method": "RR-BLUP"},
        {"omics": "gappy", "covariates": "covariates"},
    ),
    "missing y": ({}, {"omics": "omics", "y": unphenotyped, "covariates": "covariates"}),
    "rows without anything": ({}, {"omics": "gappy", "y": unphenotyped}),
    "two observed values": ({}, {"omics": two_observed, "covariates": "covariates"}),
    "two observed values, tanh": ({"activation": "tanh"}, {"omics": two_observed}),
    "many covariates": ({}, {"omics": "gappy", "covariates": lambda d: np.eye(80)[:, :70]}),
    "double, thinned": (
        {"precision": "double", "thin": 7, "n_chains": 2},
        {"omics": "gappy", "covariates": "covariates"},
    ),
    "fixed variances": (
        {
            "method": BayesC(estimate_pi=False, estimate_variance=False),
            "residual_prior": ScaledInverseChi2(estimate_variance=False),
        },
        {"omics": "gappy"},
    ),
}


def inputs_of(data, changes):
    found = {k: v(data) if callable(v) else getattr(data, v) for k, v in changes.items()}
    return {"X": data.X, "y": data.y, **found}


@pytest.fixture(scope="module")
def fits(data, short):
    """Return a function from the name of a configuration to its fit, made once, and its inputs."""

    @cache
    def fit(name):
        parameters, changes = CONFIGURATIONS[name]
        inputs = inputs_of(data, changes)
        return short(**parameters).fit(**inputs), inputs

    return fit


@pytest.fixture
def fitted(request, fits):
    return fits(request.param)


def of_configurations(condition=lambda parameters, inputs: True):
    """Parametrise `fitted` by the configurations that a condition holds for."""
    names = [name for name, configuration in CONFIGURATIONS.items() if condition(*configuration)]
    return pytest.mark.parametrize("fitted", names, indirect=True)


def is_linear(parameters, _):
    return "activation" not in parameters


def has_direct_effects(parameters, _):
    return parameters.get("direct_effects") is not False


def has_nodes(parameters, inputs):
    return "omics" in inputs or "n_latent" in parameters


def every_prior_selects(parameters, inputs):
    """Whether all draws of SNP effects are exact, as those of BayesC are."""
    method = parameters.get("method", "BayesC")
    priors = [method] if has_nodes(parameters, inputs) else []
    if has_direct_effects(parameters, inputs):
        priors.append(parameters.get("direct_effects", method))
    return all(prior == "BayesC" or isinstance(prior, BayesC) for prior in priors)


def sizes(model, inputs):
    n_omics = inputs["omics"].shape[1] if "omics" in inputs else 0
    q = inputs["covariates"].shape[1] if "covariates" in inputs else 0
    return n_omics, n_omics + model.n_latent, q


def dosages(X):
    return np.where(X < 0, np.nan, X)


def at_the_mean(X):
    """Return X with missing genotypes at the training mean."""
    X = dosages(X)
    return np.where(np.isnan(X), np.nanmean(X, axis=0), X)


def without_x(inputs):
    return {k: v for k, v in inputs.items() if k not in ("X", "y")}


@of_configurations()
def test_shapes_and_finiteness(fitted):
    model, inputs = fitted
    (n, p), (n_omics, K, q) = inputs["X"].shape, sizes(*fitted)
    shapes = {
        "snp_effects_": (p, K),
        "snp_effects_std_": (p, K),
        "inclusion_probability_": (p, K),
        "direct_effects_": (p,),
        "direct_effects_std_": (p,),
        "direct_inclusion_probability_": (p,),
        "omics_weights_": (K,),
        "omics_weights_std_": (K,),
        "omics_inclusion_probability_": (K,),
        "intercept_": (),
        "omics_intercept_": (K,),
        "covariate_effects_": (q,),
        "omics_covariate_effects_": (q, K),
        "covariates_mean_": (q,),
        "omics_mean_": (K,),
        "omics_scale_": (K,),
        "residual_variance_": (),
        "omics_residual_variance_": (K,),
        "heritability_": (),
        "omics_heritability_": (K,),
        "mediated_variance_": (K,),
        "omics_imputed_": (n, n_omics),
        "omics_imputed_std_": (n, n_omics),
    }
    for name, shape in shapes.items():
        assert np.shape(getattr(model, name)) == shape, name
        assert np.isfinite(getattr(model, name)).all(), name
    assert hasattr(model, "coef_") == (model.activation == "linear")
    if model.activation == "linear":
        assert model.coef_.shape == (p,)
    assert model.pi_.shape == (K,) and np.ndim(model.omics_pi_) == np.ndim(model.direct_pi_) == 0
    latent = [f"latent_{k}" for k in range(model.n_latent)]
    assert list(model.omics_names_) == [f"omic_{k}" for k in range(n_omics)] + latent
    assert list(model.snp_names_) == [f"snp_{j}" for j in range(p)]
    assert model.n_features_in_ == p


@of_configurations()
def test_ranges(fitted):
    model, _ = fitted
    for name in ("inclusion_probability_", "direct_inclusion_probability_", "heritability_",
                 "omics_inclusion_probability_", "omics_heritability_"):  # fmt: skip
        values = np.asarray(getattr(model, name))
        assert ((values >= 0) & (values <= 1)).all(), name
    for name in ("residual_variance_", "omics_residual_variance_"):
        assert (np.asarray(getattr(model, name)) > 0).all(), name
    for name in ("snp_effects_std_", "direct_effects_std_", "omics_imputed_std_"):
        assert (getattr(model, name) >= 0).all(), name
    if model.direct_effects is False:
        for name in ("effects", "effects_std", "inclusion_probability"):
            assert_array_equal(getattr(model, f"direct_{name}_"), 0)


@of_configurations(has_nodes)
def test_predict_omics_is_linear_in_the_genotypes(fitted):
    model, inputs = fitted
    X = at_the_mean(inputs["X"])
    expected = model.omics_intercept_ + X @ model.snp_effects_
    assert_allclose(model.predict_omics(inputs["X"]), expected, rtol=1e-9, atol=1e-9)


@of_configurations(lambda parameters, _: "n_latent" not in parameters)
def test_predict_with_all_omics(fitted, data):
    model, inputs = fitted
    X, (_, K, q) = at_the_mean(inputs["X"]), sizes(*fitted)
    Z, C = data.omics[:, :K], inputs.get("covariates", np.empty((80, 0)))
    g = ACTIVATIONS[model.activation].value
    expected = (
        model.intercept_
        + g((Z - model.omics_mean_) / model.omics_scale_) @ model.omics_weights_
        + X @ model.direct_effects_
        + (C - model.covariates_mean_) @ model.covariate_effects_
    )
    given = {"omics": Z if K else None, "covariates": C if q else None}
    assert_allclose(model.predict(inputs["X"], **given), expected, rtol=1e-9)


@of_configurations(is_linear)
def test_linear_predictions_are_total_effects(fitted):
    model, inputs = fitted
    X = at_the_mean(inputs["X"])
    values = model.breeding_value(inputs["X"])
    assert_allclose(values, (X - X.mean(axis=0)) @ model.coef_, rtol=1e-6, atol=1e-6)
    predicted = model.predict(inputs["X"], covariates=covariates_at_mean(inputs))
    assert_allclose(predicted - predicted.mean(), values - values.mean(), rtol=1e-6, atol=1e-6)


def covariates_at_mean(inputs):
    if "covariates" not in inputs:
        return None
    return np.broadcast_to(inputs["covariates"].mean(axis=0), inputs["covariates"].shape)


@of_configurations()
def test_standardisation(fitted):
    model, inputs = fitted
    n_omics, _, _ = sizes(*fitted)
    if n_omics:
        assert_allclose(model.omics_mean_[:n_omics], np.nanmean(inputs["omics"], axis=0))
        assert_allclose(model.omics_scale_[:n_omics], np.nanstd(inputs["omics"], axis=0))
    assert_array_equal(model.omics_mean_[n_omics:], 0)
    assert_array_equal(model.omics_scale_[n_omics:], 1)
    if "covariates" in inputs:
        assert_allclose(model.covariates_mean_, inputs["covariates"].mean(axis=0))


def genetic_values(X, effects):
    """Return (chain, draw, n, ...) genotypes times the draws of effects (chain, draw, p, ...)."""
    return np.moveaxis(np.tensordot(X - X.mean(axis=0), effects, axes=(1, 2)), 0, 2)


@of_configurations(lambda *configuration: not has_direct_effects(*configuration))
def test_without_direct_effects_the_nodes_share_all_genetic_variance(fitted):
    draws = fitted[0].posterior_.draws
    assert_allclose(draws["mediated_variance"].sum(axis=-1), 1, rtol=1e-5)


@of_configurations(every_prior_selects)
def test_shares_of_variance(fitted):
    """Shares equal those computed from the draws of SNP effects; over all paths they sum to 1."""
    model, inputs = fitted
    draws, X = model.posterior_.draws, at_the_mean(inputs["X"])
    snp_effects, direct_effects = (
        draws[path].todense() if path in draws else None for path in PATHS
    )
    direct = 0 if direct_effects is None else genetic_values(X, direct_effects)
    mediated, environmental = np.zeros((1, 1, 80, 0)), draws["residual_variance"]
    if snp_effects is not None:
        scale, weights = model.omics_scale_, draws["omics_weights"]
        intercepts = draws["omics_centred_intercept"] - model.omics_mean_
        of_nodes = genetic_values(X, snp_effects)
        residual = draws["omics_residual_variance"]
        first, second = ACTIVATIONS[model.activation].normal_moments(
            (of_nodes + intercepts[:, :, None]) / scale, residual[:, :, None] / scale**2
        )
        mediated = weights[:, :, None] * first
        spread = np.mean(second - first**2, axis=2) * np.ones_like(weights)
        environmental = environmental + (weights**2 * spread).sum(axis=-1)
        explained = of_nodes.var(axis=2)
        expected = explained / (explained + residual)
        assert_allclose(draws["omics_heritability"], expected, rtol=1e-3, atol=1e-6)
    genetic = mediated.sum(axis=-1) + direct
    total = genetic.var(axis=2)
    assert_allclose(draws["heritability"], total / (total + environmental), rtol=1e-3, atol=1e-6)
    mean = draws["genetic_mean"]
    assert_allclose(mean, genetic.mean(axis=2), rtol=0, atol=1e-4 * genetic.std())
    some = total > 1e-6 * environmental  # draws with genetic variance to share out
    assert some.any()
    if snp_effects is not None:
        deviation = (genetic - genetic.mean(axis=2, keepdims=True))[..., None]
        shares = (mediated * deviation).mean(axis=2)[some] / total[some][:, None]
        assert_allclose(draws["mediated_variance"][some], shares, rtol=1e-3, atol=1e-4)
        direct_share = (direct * deviation[..., 0]).mean(axis=2)[some] / total[some]
        assert_allclose(draws["mediated_variance"][some].sum(axis=-1) + direct_share, 1, rtol=1e-4)


@of_configurations(lambda _, inputs: "omics" in inputs)
def test_imputed_omics(fitted):
    model, inputs = fitted
    observed = ~np.isnan(inputs["omics"])
    assert_array_equal(model.omics_imputed_[observed], inputs["omics"][observed])
    assert_array_equal(model.omics_imputed_std_[observed], 0)
    assert (model.omics_imputed_std_[~observed] > 0).all()


def leaves_rows_empty(parameters, inputs):
    return inputs.get("y") is unphenotyped and inputs.get("omics") == "gappy"


@of_configurations(lambda *c: leaves_rows_empty(*c) and every_prior_selects(*c))
def test_imputed_omics_of_rows_without_anything_are_the_predicted(fitted):
    model, inputs = fitted
    n_omics = inputs["omics"].shape[1]
    nothing = np.isnan(inputs["y"]) & np.isnan(inputs["omics"]).all(axis=1)
    assert nothing.any()
    expected = model.predict_omics(inputs["X"])[nothing, :n_omics]
    assert_allclose(model.omics_imputed_[nothing], expected, rtol=1e-4, atol=1e-4)
    variances = model.omics_residual_variance_[:n_omics]
    assert (model.omics_imputed_std_[nothing] ** 2 > variances * (1 - 1e-6)).all()


@of_configurations()
def test_attributes_are_means_of_the_draws(fitted):
    model, _ = fitted
    n_chains, n_kept = model.n_chains, (model.n_iter - model.burn_in) // model.thin
    for name, draws in model.posterior_.draws.items():
        if name in ("snp_effects", "direct_effects"):
            selects = hasattr(draws, "todense")
            draws = draws.todense() if selects else draws
            attribute = getattr(model, f"{name}_")
            if selects:  # else the mean is that of the part that the data determine
                assert_allclose(attribute, draws.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
                included = "direct_" if name == "direct_effects" else ""
                assert_allclose(
                    getattr(model, f"{included}inclusion_probability_"),
                    (draws != 0).mean(axis=(0, 1)),
                    rtol=1e-12,
                )
            assert_allclose(
                getattr(model, f"{name}_std_"), draws.std(axis=(0, 1)), rtol=2e-4, atol=1e-5
            )
        elif name != "genetic_values" and hasattr(model, f"{name}_"):  # those are of some rows
            assert_allclose(getattr(model, f"{name}_"), draws.mean(axis=(0, 1)), rtol=1e-12)
            assert draws.shape[2:] == np.shape(getattr(model, f"{name}_")), name
        assert draws.shape[:2] == (n_chains, n_kept), name
    if sizes(*fitted)[1]:
        weights = model.posterior_.draws["omics_weights"]
        assert_allclose(model.omics_weights_std_, weights.std(axis=(0, 1)), rtol=1e-12)
        assert_allclose(model.omics_inclusion_probability_, (weights != 0).mean(axis=(0, 1)))


@of_configurations()
def test_diagnostics(fitted):
    model, _ = fitted
    table = model.diagnostics_
    assert list(table.columns) == [
        "mean", "sd", "ess_bulk", "ess_tail", "r_hat", "mcse", "target",
    ]  # fmt: skip
    assert table.index.is_unique
    expected = {name: getattr(model, f"{name}_") for name in ("residual_variance", "heritability")}
    for name in ("omics_weights", "omics_residual_variance", "mediated_variance"):
        of_nodes = zip(model.omics_names_, getattr(model, f"{name}_"), strict=True)
        expected |= {f"{name}[{node}]": value for node, value in of_nodes}
    for c, value in enumerate(model.covariate_effects_):
        expected[f"covariate_effects[covariate_{c}]"] = value
    assert_allclose(table.loc[list(expected), "mean"], list(expected.values()), rtol=1e-9)
    of_omics = np.isin(["omics_weights_variance", "omics_pi"], table.index)
    assert of_omics.any() == (len(model.omics_names_) > 0)


@of_configurations()
def test_predictions_are_finite(fitted):
    model, inputs = fitted
    X, rest = inputs["X"], without_x(inputs)
    everything = [model.breeding_value(X), model.predict(X, **rest)]
    if "covariates" in rest:
        everything.append(model.predict(X, covariates=rest["covariates"]))
    assert all(v.shape == (80,) and v.dtype == float for v in everything)
    assert np.isfinite(everything).all()
    observed = ~np.isnan(inputs["y"])
    assert model.score(X, inputs["y"], **rest) > 0
    by_chance = 1 / np.sqrt(observed.sum())  # the SE of the correlation of unrelated variables
    correlation = np.corrcoef(inputs["y"][observed], everything[1][observed])[0, 1]
    assert correlation > 4 * by_chance


# --- units ------------------------------------------------------------------------------------

UNITS = {
    "linear": {},
    "tanh": {"activation": "tanh"},
    "sigmoid, RR-BLUP": {"activation": "sigmoid", "method": "RR-BLUP"},
    "latent": {"n_latent": 1},
}


@pytest.mark.parametrize("precision", ["single", pytest.param("double", marks=pytest.mark.slow)])
@pytest.mark.parametrize("parameters", UNITS.values(), ids=UNITS)
def test_units(parameters, precision, data, short):
    tolerance = {"single": 2e-4, "double": 1e-8}[precision]
    y_unit, y_shift = 1000, 7
    unit, shift = np.array([2, 0.01, 300]), np.array([5, -0.3, 40])
    per_covariate, moved = np.array([3, 0.5]), np.array([10, -2])
    y, omics = y_unit * data.y + y_shift, unit * data.gappy + shift
    covariates = per_covariate * data.covariates + moved
    model = short(precision=precision, **parameters)
    model.fit(data.X, data.y, data.gappy, data.covariates)
    other = short(precision=precision, **parameters).fit(data.X, y, omics, covariates)

    latent = np.ones(model.n_latent)
    node = np.append(unit, latent)
    expected = {
        "snp_effects": model.snp_effects_ * node,
        "snp_effects_std": model.snp_effects_std_ * node,
        "direct_effects": model.direct_effects_ * y_unit,
        "direct_effects_std": model.direct_effects_std_ * y_unit,
        "omics_weights": model.omics_weights_ * y_unit,
        "omics_weights_std": model.omics_weights_std_ * y_unit,
        "intercept": model.intercept_ * y_unit + y_shift,
        "omics_intercept": model.omics_intercept_ * node + np.append(shift, 0 * latent),
        "residual_variance": model.residual_variance_ * y_unit**2,
        "omics_residual_variance": model.omics_residual_variance_ * node**2,
        "covariate_effects": model.covariate_effects_ * y_unit / per_covariate,
        "omics_covariate_effects": (model.omics_covariate_effects_ * node / per_covariate[:, None]),
        "omics_imputed": model.omics_imputed_ * unit + shift,
        "omics_imputed_std": model.omics_imputed_std_ * unit,
    }
    if hasattr(model, "coef_"):
        expected["coef"] = model.coef_ * y_unit
    for name in ("heritability", "omics_heritability", "mediated_variance", "pi", "direct_pi",
                 "inclusion_probability", "direct_inclusion_probability"):  # fmt: skip
        expected[name] = getattr(model, f"{name}_")
    for name, value in expected.items():
        atol = tolerance * np.max(np.abs(value))
        assert_allclose(getattr(other, f"{name}_"), value, rtol=0, atol=atol, err_msg=name)
    close = {"rtol": tolerance}
    predicted = model.predict(data.X, data.gappy, data.covariates)
    assert_allclose(other.predict(data.X, omics, covariates), predicted * y_unit + y_shift, **close)
    values = model.breeding_value(data.X)
    spread = tolerance * y_unit * np.abs(values).max()
    assert_allclose(other.breeding_value(data.X), values * y_unit, rtol=0, atol=spread)


# --- covariates -------------------------------------------------------------------------------


@pytest.mark.slow
def test_collinear_covariates_change_nothing_but_their_own_effects(data, short):
    """Draws may differ, for the basis may; their distribution does not."""
    C, rows = data.covariates, [0, 1, 20, 79]
    model = short(n_iter=2000, burn_in=200, method="BayesC")
    of_covariates, predicted = [], []
    for table in (C, np.hstack([C, C[:, :1], C @ [[0.3], [20]], np.full((80, 1), 0.1)])):
        model.fit(data.X, data.y, data.omics, table)
        draws = model.posterior_.draws
        effects = draws["covariate_effects"][0]
        of_covariates.append(effects @ (table - table.mean(axis=0))[rows].T)
        z = (data.omics[rows] - model.omics_mean_) / model.omics_scale_
        direct = draws["direct_effects"].todense()[0] @ at_the_mean(data.X)[rows].T
        predicted.append(of_covariates[-1] + draws["omics_weights"][0] @ z.T + direct)
    assert_same_distribution(*of_covariates)
    assert_same_distribution(*(values - values.mean(axis=1, keepdims=True) for values in predicted))


@pytest.mark.parametrize(
    ("alone", "at"),
    [
        pytest.param(True, 0.1, id="one covariate, up to rounding"),
        pytest.param(False, 0.0, id="two covariates, exactly"),
        pytest.param(True, 0.0, id="one covariate, exactly", marks=pytest.mark.slow),
        pytest.param(False, 0.1, id="two covariates, up to rounding", marks=pytest.mark.slow),
    ],
)
def test_covariate_that_is_constant_where_an_omic_is_measured(alone, at, data, short):
    measured = np.arange(80) < 37
    omics = np.where(measured[:, None] | [False, True, True], data.omics, np.nan)
    covariate = np.where(measured, at, data.covariates[:, 0] / 30)[:, None]
    table = covariate if alone else np.hstack([covariate, data.covariates[:, 1:]])
    model = short(n_iter=300, burn_in=50).fit(data.X, data.y, omics, table)
    # It cannot be told apart from the intercept of that omic.
    assert_allclose(model.omics_covariate_effects_[0, 0] / model.omics_scale_[0], 0, atol=1e-9)
    assert model.omics_covariate_effects_[0, 1:].all()
    spread = np.abs(model.omics_imputed_[:, 0] - model.omics_mean_[0]) / model.omics_scale_[0]
    assert spread.max() < 10  # draws of an effect that nothing determines have no bounds
    assert np.isfinite(model.predict(data.X, omics, table)).all()


def test_constant_covariate_has_no_effect(data, short):
    table = np.column_stack([data.covariates, np.full(80, 0.1)])
    model = short().fit(data.X, data.y, data.gappy, table)
    assert_allclose(model.covariate_effects_[2], 0, atol=1e-9)
    assert_allclose(model.omics_covariate_effects_[2], 0, atol=1e-9)
    alone = short().fit(data.X, data.y, data.gappy, table[:, 2:])
    assert_allclose(alone.covariate_effects_, 0, atol=1e-9)
    assert_allclose(alone.omics_covariate_effects_, 0, atol=1e-9)


# --- kept draws -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_iter", "burn_in", "thin", "n_kept"),
    [(30, 10, 1, 20), (30, 10, 3, 6), (31, 0, 5, 6), (30, 29, 1, 1), (12, 10, 2, 1)],
)
def test_number_of_kept_draws(n_iter, burn_in, thin, n_kept, data, short):
    lengths = {"n_iter": n_iter, "burn_in": burn_in, "thin": thin}
    model = short(**lengths, n_chains=2, n_latent=1).fit(data.X, data.y, data.gappy)
    draws = model.posterior_.draws
    assert draws["residual_variance"].shape == (2, n_kept)
    assert draws["omics_weights"].shape == (2, n_kept, 4)
    assert draws["snp_effects"].shape == (2, n_kept, 24, 4)
    assert draws["direct_effects"].shape == (2, n_kept, 24)
    assert_array_equal(model.posterior_.effects_draw, np.arange(n_kept))
    assert np.isfinite(model.predict(data.X)).all()
    assert f"residual_variance: (2, {n_kept})" in repr(model.posterior_)


def test_thinning_keeps_every_so_manieth_iteration(data, short):
    every = short(n_iter=30, burn_in=10).fit(data.X, data.y, data.gappy).posterior_.draws
    third = short(n_iter=30, burn_in=10, thin=3).fit(data.X, data.y, data.gappy).posterior_.draws
    assert_array_equal(third["omics_weights"], every["omics_weights"][:, 2::3])
    assert_array_equal(third["snp_effects"].todense(), every["snp_effects"].todense()[:, 2::3])


def stored_bytes(draws):
    arrays = [draws[name] for name in PATHS]
    return sum(a.data.nbytes if hasattr(a, "todense") else a.nbytes for a in arrays)


@pytest.mark.parametrize(
    ("budget", "method", "activation"),
    [
        (8000, "BayesC", "tanh"),
        (8000, "RR-BLUP", "linear"),
        (1, "BayesC", "linear"),
        (1, "RR-BLUP", "tanh"),
        *(
            pytest.param(*others, marks=pytest.mark.slow)
            for others in (
                (8000, "BayesC", "linear"),
                (8000, "RR-BLUP", "tanh"),
                (1, "BayesC", "tanh"),
                (1, "RR-BLUP", "linear"),
            )
        ),
    ],
)
def test_draws_of_snp_effects_within_a_budget(budget, method, activation, data, short):
    parameters = {"method": method, "activation": activation, "n_chains": 2}
    full = short(**parameters, effects_memory=np.inf).fit(data.X, data.y, data.gappy)
    model = short(**parameters, effects_memory=budget / 2**20).fit(data.X, data.y, data.gappy)
    draws, held = model.posterior_.draws, model.posterior_.effects_draw
    assert draws["omics_weights"].shape == (2, 60, 3)
    assert draws["snp_effects"].shape == (2, len(held), 24, 3)
    assert draws["direct_effects"].shape == (2, len(held), 24)
    assert 1 <= len(held) < 60 and held[0] == 0
    assert len(set(np.diff(held))) <= 1
    if budget == 1:
        assert list(held) == [0]
    else:
        assert len(held) > 1 and stored_bytes(draws) <= budget
    assert f"direct_effects: {draws['direct_effects'].shape}, {len(held)} of 60 draws" in repr(
        model.posterior_
    )
    assert repr(full.posterior_).count(" of 60 draws") == 0
    if method == "BayesC":  # RR-BLUP draws what lies outside the data only for held draws
        assert_array_equal(model.snp_effects_, full.snp_effects_)
        held_effects = full.posterior_.draws["snp_effects"].todense()[:, held]
        assert_array_equal(draws["snp_effects"].todense(), held_effects)
    for values in (model.predict(data.X), model.breeding_value(data.X), model.snp_effects_std_):
        assert np.isfinite(values).all()
    if activation == "tanh":  # SNP effects meet the weights and variances of their own draw
        held_draws = {name: draws[name][:, held] for name in draws if name not in PATHS}
        effects = draws["snp_effects"]
        effects = effects.todense() if method == "BayesC" else effects
        z = genetic_values(at_the_mean(data.X), effects)
        z += (held_draws["omics_centred_intercept"] - model.omics_mean_)[:, :, None]
        variance = (held_draws["omics_residual_variance"] / model.omics_scale_**2)[:, :, None]
        first, _ = ACTIVATIONS["tanh"].normal_moments(z / model.omics_scale_, variance)
        mediated = (held_draws["omics_weights"][:, :, None] * first).sum(axis=-1)
        direct = at_the_mean(data.X) @ model.direct_effects_
        value = mediated.mean(axis=(0, 1)) + direct
        predicted = model.breeding_value(data.X)
        close = {"rtol": 0, "atol": 1e-4 * value.std()}
        assert_allclose(predicted - predicted[0], value - value[0], **close)
