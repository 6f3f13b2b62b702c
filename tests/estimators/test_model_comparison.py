"""Pointwise log likelihood and leave-one-out predictive densities."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from scipy.special import logsumexp
from sklearn.exceptions import NotFittedError

from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.activations import ACTIVATIONS
from sknnmm.datasets import make_omics_network
from sknnmm.effects import Random
from sknnmm.priors import RRBLUP, ScaledInverseChi2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def data():
    return make_omics_network(80, 30, 3, missing_omics=0.3, random_state=0)


def short(**parameters):
    return NNMMRegressor(**{"n_iter": 60, "burn_in": 20, "random_state": 0, **parameters})


def held(model, name):
    """Return the held draws of a variable, dense and (draws, ...)."""
    draws = model.posterior_.draws[name]
    draws = draws.toarray() if sparse.issparse(draws) else draws
    if draws.shape[1] > len(model.posterior_.effects_draw):
        draws = draws[:, model.posterior_.effects_draw]
    return draws.reshape(-1, *draws.shape[2:]).astype(float)


def moments(model, X):
    """Return what is not through the omics (S, n), and means (S, n, K) of standardised omics."""
    centred = X - X.mean(axis=0)
    direct = held(model, "direct_effects") @ centred.T + held(model, "centred_intercept")[:, None]
    expected = np.einsum("nj,sjk->snk", centred, held(model, "snp_effects"))
    expected += held(model, "omics_centred_intercept")[:, None]
    return direct, (expected - model.omics_mean_) / model.omics_scale_


def moments_of_response(model, data, weight):
    """Return mean and SD (S, n) of the response given the linear omics that are given."""
    direct, expected = moments(model, data.X)
    weights, missing = held(model, "omics_weights")[:, None], np.isnan(data.omics)
    given = (np.nan_to_num(data.omics) - model.omics_mean_) / model.omics_scale_
    mean = direct + (weights * np.where(missing, expected, given)).sum(axis=2)
    spread = held(model, "omics_residual_variance")[:, None] / model.omics_scale_**2
    variance = (weights**2 * spread * missing).sum(axis=2)
    return mean, np.sqrt(variance + held(model, "residual_variance")[:, None] / weight)


@pytest.mark.parametrize("memory", [256, 0.05])
def test_linear_omics_that_are_missing_are_integrated_exactly(data, memory):
    weight = np.random.default_rng(0).uniform(0.5, 2, 80)
    model = short(effects_memory=memory).fit(data.X, data.y, data.omics, sample_weight=weight)
    found = model.log_likelihood(data.X, data.y, data.omics, sample_weight=weight)
    assert found.shape == (2, len(model.posterior_.effects_draw), 80)
    assert (found.shape[1] < 40) == (memory < 1)
    density = stats.norm.logpdf(data.y, *moments_of_response(model, data, weight))
    assert_allclose(found.reshape(-1, 80), density, rtol=1e-9)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_one_curved_omic_is_integrated_as_by_quadrature(data, activation):
    omics = data.omics[:, [1]]
    missing = np.isnan(omics[:, 0])
    model = short(activation=activation, omics_method="RR-BLUP", n_iter=25)
    model.fit(data.X, data.y, omics)
    found = model.log_likelihood(data.X, data.y, omics).reshape(-1, 80)
    direct, expected = moments(model, data.X)
    sd = np.sqrt(held(model, "omics_residual_variance")) / model.omics_scale_
    nodes = np.linspace(-8, 8, 1001)
    grid = expected + sd[:, None] * nodes  # (S, n, nodes)
    value = ACTIVATIONS[activation].value(grid) * held(model, "omics_weights")[:, None]
    residual_sd = np.sqrt(held(model, "residual_variance"))[:, None, None]
    density = stats.norm.pdf(data.y[:, None], direct[:, :, None] + value, residual_sd)
    exact = np.log(np.trapezoid(density * stats.norm.pdf(nodes), nodes, axis=2))
    # The spread of densities over the node, times 1 / sqrt(128), is the Monte Carlo error.
    squares = np.trapezoid(density**2 * stats.norm.pdf(nodes), nodes, axis=2)
    error = np.sqrt(np.maximum(squares / np.exp(2 * exact) - 1, 0) / 128)
    assert (np.abs(found - exact) < 5 * error + 1e-3)[:, missing].all()
    assert (error[:, missing] > 1e-2).any()
    given = ACTIVATIONS[activation].value((omics - model.omics_mean_) / model.omics_scale_)
    mean = direct + held(model, "omics_weights") * given[:, 0]
    expected = stats.norm.logpdf(data.y, mean, residual_sd[:, :, 0])
    assert_allclose(found[:, ~missing], expected[:, ~missing], rtol=1e-9)


def test_a_network_function_is_integrated_as_a_linear_one(data):
    """A linear function given as a network function, against the exact density."""

    def total(z):
        return 2 * z[:, 0] - z[:, 1]

    model = short(activation=total, n_iter=25).fit(data.X, data.y, data.omics)
    found = model.log_likelihood(data.X, data.y, data.omics).reshape(-1, 80)
    direct, expected = moments(model, data.X)
    slopes, missing = np.array([2.0, -1, 0]), np.isnan(data.omics)
    expected = expected * model.omics_scale_ + model.omics_mean_
    nodes = np.where(missing, expected, np.nan_to_num(data.omics))
    spread = held(model, "omics_residual_variance")[:, None] * missing * slopes**2
    residual = held(model, "residual_variance")[:, None]
    exact = stats.norm.logpdf(
        data.y, direct + nodes @ slopes, np.sqrt(spread.sum(axis=2) + residual)
    )
    # Second moments of a normal density over its mean, with variance v: known in closed form.
    v, r = spread.sum(axis=2), residual
    z2 = (data.y - direct - nodes @ slopes) ** 2
    relative = (r + v) / np.sqrt(r * (r + 2 * v)) * np.exp(z2 * v / ((r + v) * (r + 2 * v)))
    error = np.sqrt((relative - 1) / 128)
    assert (np.abs(found - exact) < 5 * error + 1e-6).all()


# --- records that bound the response: its probability ------------------------------------------


def log_mass(lower, upper, mean, sd):
    return np.log(stats.norm.cdf(upper, mean, sd) - stats.norm.cdf(lower, mean, sd))


def test_classes_have_the_probability_of_their_interval_of_the_liability(data):
    weight = np.random.default_rng(0).uniform(0.5, 2, 80)
    classes = np.digitize(data.y, np.quantile(data.y, [0.3, 0.7]))
    model = NNMMClassifier(ordered=True, n_iter=60, burn_in=20, random_state=0)
    model.fit(data.X, classes, data.omics, sample_weight=weight)
    y = np.where(np.arange(80) == 5, None, classes)
    found = model.log_likelihood(data.X, y, data.omics, sample_weight=weight).reshape(-1, 80)
    mean, sd = moments_of_response(model, data, weight)
    edges = np.pad(held(model, "thresholds"), ((0, 0), (1, 1)), constant_values=np.inf)
    edges[:, 0] = -np.inf
    expected = log_mass(edges[:, classes], edges[:, classes + 1], mean, sd)
    expected[:, 5] = np.nan
    assert_allclose(found, expected, rtol=1e-7)


def test_intervals_have_their_probability_beside_densities_of_exact_records(data):
    end = np.median(data.y)
    y, upper = np.minimum(data.y, end), np.where(data.y > end, np.inf, np.nan)
    y[:20], upper[:20] = data.y[:20] - 0.5, data.y[:20] + 0.1
    model = short().fit(data.X, y, data.omics, y_upper=upper)
    found = model.log_likelihood(data.X, y, data.omics, y_upper=upper).reshape(-1, 80)
    mean, sd = moments_of_response(model, data, 1.0)
    exact = np.isnan(upper)
    expected = log_mass(y, upper, mean, sd)
    expected[:, exact] = stats.norm.logpdf(y, mean, sd)[:, exact]
    assert 10 < exact.sum() < 70
    assert_allclose(found, expected, rtol=1e-7)
    with pytest.warns(UserWarning, match="every y counts as measured"):
        as_measured = model.log_likelihood(data.X, y, data.omics).reshape(-1, 80)
    assert_allclose(as_measured, stats.norm.logpdf(y, mean, sd), rtol=1e-7)


@pytest.mark.parametrize("family", ["classes", "intervals"])
def test_probabilities_over_a_curved_omic_are_those_of_quadrature(data, family):
    omics, end = data.omics[:, [1]], np.median(data.y)
    missing, is_high = np.isnan(omics[:, 0]), data.y > end
    settings = {"activation": "tanh", "omics_method": "RR-BLUP", "n_iter": 25, "burn_in": 20}
    if family == "classes":
        model = NNMMClassifier(**settings, random_state=0).fit(data.X, is_high, omics)
        found, end = model.log_likelihood(data.X, is_high, omics), 0.0
    else:
        model = NNMMRegressor(**settings, random_state=0).fit(data.X, data.y, omics)
        y, upper = np.where(is_high, end, -np.inf), np.where(is_high, np.inf, end)
        found = model.log_likelihood(data.X, y, omics, y_upper=upper)
    direct, expected = moments(model, data.X)
    sd = np.sqrt(held(model, "omics_residual_variance")) / model.omics_scale_
    nodes = np.linspace(-8, 8, 1001)
    value = np.tanh(expected + sd[:, None] * nodes) * held(model, "omics_weights")[:, None]
    residual_sd = np.sqrt(held(model, "residual_variance"))[:, None, None]
    distance = (direct[:, :, None] + value - end) / residual_sd
    probability = stats.norm.cdf(np.where(is_high, 1, -1)[:, None] * distance)
    exact, square = (
        np.trapezoid(power * stats.norm.pdf(nodes), nodes, axis=2)
        for power in (probability, probability**2)
    )
    error = np.sqrt(np.maximum(square / exact**2 - 1, 0) / 128)
    found = found.reshape(-1, 80)
    assert (np.abs(found - np.log(exact)) < 5 * error + 1e-3)[:, missing].all()
    assert (error[:, missing] > 1e-2).any()


def test_labels_that_fit_has_not_seen_are_refused(data):
    model = NNMMClassifier(n_iter=20, burn_in=10, random_state=0)
    with pytest.raises(NotFittedError):
        model.log_likelihood(data.X, data.y)
    model.fit(data.X, np.where(data.y > 0, "ill", "well"))
    with pytest.raises(ValueError, match=r"not among the classes of fit, \['ill', 'well'\]: dead"):
        model.log_likelihood(data.X, np.where(data.y > 0, "dead", "well"))
    with pytest.raises(ValueError, match="y has no observed value"):
        model.loo(data.X, np.full(80, None))


def test_loo_of_classes_is_that_of_quadrature():
    """One SNP with an effect N(0, v), a flat intercept, as in the tests of families."""
    pytest.importorskip("arviz_stats.loo")
    x = np.repeat([0, 1, 2.0], 6)
    y = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1])
    model = NNMMClassifier(
        RRBLUP(scale=1.5, estimate_variance=False), n_iter=4500, burn_in=500, n_chains=1,
        precision="double", random_state=0,
    ).fit(x[:, None], y)  # fmt: skip
    found = model.loo(x[:, None], y)
    intercept, effect = (
        axis.ravel() for axis in np.meshgrid(np.linspace(-6, 6, 401), np.linspace(-7, 7, 401))
    )
    liability = intercept + effect * (x - x.mean())[:, None]
    of_records = stats.norm.logcdf(np.where(y[:, None] == 1, 1, -1) * liability)
    log_posterior = of_records.sum(axis=0) - 0.5 * effect**2 / 1.5
    exact = logsumexp(log_posterior) - logsumexp(log_posterior - of_records, axis=1)
    # Errors are those of means of inverse probabilities over some 2,000 effective draws.
    assert_allclose(found.elpd_i, exact, atol=0.05)
    assert abs(found.elpd - exact.sum()) < 0.1


def test_random_effects_new_levels_and_missing_records(data):
    cages = pd.DataFrame({"cage": np.arange(80) // 8})
    model = short(effects=[Random("cage", layer="phenotype")])
    model.fit(data.X, data.y, covariates=cages)
    y, new = data.y.copy(), cages.copy()
    y[3], new.loc[5, "cage"] = np.nan, 99
    found = model.log_likelihood(data.X, y, covariates=new).reshape(-1, 80)
    assert_array_equal(np.isnan(found).all(axis=0), np.arange(80) == 3)
    assert not np.isnan(np.delete(found, 3, axis=1)).any()
    genetic = held(model, "direct_effects") @ (data.X - data.X.mean(axis=0)).T
    mean = genetic + held(model, "centred_intercept")[:, None]
    variance = held(model, "residual_variance")
    of_level = held(model, "cage_effects")[:, 0]
    assert_allclose(
        found[:, 4], stats.norm.logpdf(y[4], mean[:, 4] + of_level, np.sqrt(variance)), rtol=1e-6
    )
    variance = variance + held(model, "cage_variance")
    assert_allclose(found[:, 5], stats.norm.logpdf(y[5], mean[:, 5], np.sqrt(variance)), rtol=1e-6)


def test_a_record_does_not_depend_on_those_beside_it(data):
    model = short(activation="tanh").fit(data.X, data.y, data.omics)
    found = model.log_likelihood(data.X, data.y, data.omics)
    one = model.log_likelihood(data.X[[7]], data.y[[7]], data.omics[[7]])
    assert_allclose(one[..., 0], found[..., 7], rtol=1e-12)


def test_errors_name_the_argument(data):
    model = short().fit(data.X, data.y, data.omics)
    with pytest.raises(ValueError, match="y has 79 values but X has 80"):
        model.log_likelihood(data.X, data.y[1:])
    with pytest.raises(ValueError, match="y has no observed value"):
        model.log_likelihood(data.X, np.full(80, np.nan))


# --- leave-one-out ------------------------------------------------------------------------------


def exact_loo(y, covariance):
    """Return the leave-one-out densities of y ~ N(mu, covariance), mu flat (Sundararajan 2001)."""
    inverse = np.linalg.inv(covariance)
    of_ones = inverse.sum(axis=1)
    precision = inverse - np.outer(of_ones, of_ones) / of_ones.sum()
    variance = 1 / np.diag(precision)
    return stats.norm.logpdf((precision @ y) * variance, 0, np.sqrt(variance))


@pytest.fixture(scope="module")
def ridge():
    """Return data, a model with fixed variances, and the exact leave-one-out densities."""
    data = make_omics_network(120, 30, 1, random_state=1)
    model = NNMMRegressor(
        RRBLUP(scale=0.02, estimate_variance=False),
        residual_prior=ScaledInverseChi2(scale=0.6, estimate_variance=False),
        n_iter=2100,
        burn_in=100,
        precision="double",
        random_state=0,
    ).fit(data.X, data.y)
    centred = data.X - data.X.mean(axis=0)
    covariance = data.y.var() * (0.02 * centred @ centred.T + 0.6 * np.eye(120))
    return data, model, exact_loo(data.y, covariance)


def test_loo_is_that_of_the_closed_form(ridge):
    pytest.importorskip("arviz_stats.loo")
    data, model, exact = ridge
    found = model.loo(data.X, data.y)
    error = found.elpd_i.values - exact
    # 4,000 independent draws: where Pareto k is below 0.5, errors are about 1 / sqrt(4000).
    assert np.sqrt(np.mean(error**2)) < 0.02
    assert abs(found.elpd - exact.sum()) < 0.5
    assert found.n_data_points == 120 and found.n_samples == 4000
    densities = model.log_likelihood(data.X, data.y)
    within = logsumexp(densities, axis=(0, 1)).sum() - 120 * np.log(4000)
    assert_allclose(found.p, within - found.elpd)


def test_loo_is_that_of_arviz_and_can_be_compared(ridge):
    stats_of_arviz = pytest.importorskip("arviz_stats.loo")
    import arviz_stats
    import xarray

    data, model, _ = ridge
    y = data.y.copy()
    y[:3] = np.nan
    found = model.loo(data.X, y)
    densities = model.log_likelihood(data.X, y)[:, :, 3:]
    tree = xarray.DataTree.from_dict(
        {
            "posterior": xarray.Dataset({"x": (("chain", "draw"), densities[..., 0])}),
            "log_likelihood": xarray.Dataset({"y": (("chain", "draw", "row"), densities)}),
        }
    )
    theirs = stats_of_arviz.loo(tree, reff=1.0, pointwise=True)
    assert_allclose(found.elpd_i, theirs.elpd_i, atol=0.02)  # it has another reff
    assert_allclose(found.se, theirs.se, rtol=0.01)
    assert found.elpd_i["record"].values[0] == "3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, to ArviZ
        table = arviz_stats.compare({"ours": found, "theirs": theirs})
    assert table["elpd_diff"].abs().max() < 0.5
    assert "Pareto k" in str(found)


def test_loo_goes_in_parts_to_the_same_numbers(ridge, monkeypatch):
    pytest.importorskip("arviz_stats.loo")
    from sknnmm.estimators import leave_one_out

    data, model, _ = ridge
    whole = model.loo(data.X, data.y)
    monkeypatch.setattr(leave_one_out, "CELLS", 50 * 4000)
    assert_array_equal(model.loo(data.X, data.y).elpd_i, whole.elpd_i)


def test_loo_warns_of_records_it_cannot_leave_out(data):
    pytest.importorskip("arviz_stats.loo")
    y = data.y.copy()
    y[11] += 40
    model = short(n_iter=120).fit(data.X, y)
    with pytest.warns(UserWarning, match=r"loo: Pareto k is above 0\.\d+ for \d+ of 80 records"):
        found = model.loo(data.X, y)
    assert found.warning and found.pareto_k.values[11] > found.good_k


def test_loo_says_that_omics_of_the_fit_are_not_given(data):
    model = short().fit(data.X, data.y, omics=data.omics)
    with pytest.warns(UserWarning, match="fitted with omics, and loo gets none"):
        model.loo(data.X, data.y)
