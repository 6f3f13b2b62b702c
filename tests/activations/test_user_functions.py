"""User-defined activations and network functions, through the estimator."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm import NNMMRegressor
from sknnmm.activations import Activation
from sknnmm.datasets import make_omics_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def ratio(z):
    return 10 * np.sqrt(z[:, 0] ** 2 / (z[:, 0] ** 2 + z[:, 1] ** 2 + 1e-8))


@pytest.fixture(scope="module")
def data():
    return make_omics_network(n_samples=80, n_snps=30, n_omics=2, missing_omics=0.3, random_state=0)


def fit(data, activation, **options):
    settings = {"n_iter": 80, "burn_in": 30, "random_state": 0} | options
    return NNMMRegressor(activation=activation, **settings).fit(data.X, data.y, omics=data.omics)


FEW = {"n_iter": 30, "burn_in": 10, "n_chains": 1}  # to compare numbers


def test_numpy_tanh_is_tanh(data):
    assert_array_equal(fit(data, np.tanh).predict(data.X), fit(data, "tanh").predict(data.X))


def test_a_derivative_brings_hamiltonian_monte_carlo(data):
    with_derivative = fit(data, Activation(np.sin, np.cos))
    assert len(with_derivative.latent_sampler_diagnostics_) == 2
    assert with_derivative.latent_sampler_diagnostics_["acceptance_rate"].between(0.5, 1).all()
    assert len(fit(data, np.sin).latent_sampler_diagnostics_) == 0


def test_network_function_with_all_omics_given(data):
    model = fit(data, ratio)
    predicted = model.predict(data.X, omics=data.omics_complete)
    expected = model.intercept_ + ratio(data.omics_complete) + data.X @ model.direct_effects_
    assert_allclose(predicted, expected, rtol=1e-9)
    assert_allclose(model.breeding_value(data.X).mean(), 0, atol=1e-12)
    assert_array_equal(model.predict(data.X[:1]), model.predict(data.X)[:1])
    assert 0 < model.heritability_ < 1


def test_network_function_integrates_missing_omics(data):
    """Against brute-force Monte Carlo over the posterior draws."""
    model = fit(data, ratio, n_iter=400, burn_in=100)
    draws = model.posterior_.draws
    rng = np.random.default_rng(0)
    rows = slice(5)
    X = data.X[rows] - data.X.mean(axis=0)
    b = draws["snp_effects"].todense().reshape(-1, 30, 2)
    mean = X @ b + draws["omics_centred_intercept"].reshape(-1, 1, 2)
    sd = np.sqrt(draws["omics_residual_variance"].reshape(-1, 1, 2))
    values = np.stack(
        [[ratio(z) for z in mean + sd * rng.standard_normal(mean.shape)] for _ in range(20)]
    )
    expected = values.mean(axis=(0, 1)) + model.intercept_ + data.X[rows] @ model.direct_effects_
    error = values.std() / np.sqrt(len(b))  # of the fixed normals, one per draw
    assert np.abs(model.predict(data.X[rows]) - expected).max() < 4 * error


def test_network_function_has_no_weights(data):
    model = fit(data, "linear")
    assert model.coef_.shape == (30,)
    model.set_params(activation=ratio).fit(data.X, data.y, omics=data.omics)
    for name in ("coef_", "omics_weights_", "omics_weights_std_", "mediated_variance_"):
        assert not hasattr(model, name)


@pytest.mark.slow  # it starts processes
def test_lambdas_reach_worker_processes(data):
    scale = 2.0
    one = fit(data, lambda z: np.sin(scale * z))
    two = fit(data, lambda z: np.sin(scale * z), n_jobs=2)
    assert_array_equal(one.predict(data.X), two.predict(data.X))


class Recorded:
    """A function that notes how it is called."""

    def __init__(self, function, calls):
        self.function, self.calls = function, calls

    def __call__(self, z):
        self.calls.append((type(z), z.ndim, z.shape[1], z.shape[0] >= 1, z.flags.writeable))
        return self.function(z)


def by_node(z):
    return np.column_stack([np.tanh(z[:, 0]), z[:, 1:]])


@pytest.mark.parametrize("n_latent", [0, 2])
@pytest.mark.parametrize(
    ("function", "derivative", "options"),
    [
        (np.tanh, lambda z: 1 - np.tanh(z) ** 2, {}),
        (np.sin, np.cos, {"latent_sampler": "slice", "precision": "double"}),
        (by_node, None, {}),
        (ratio, None, {}),
    ],
    ids=["hmc", "slice", "by node", "network"],
)
def test_functions_get_read_only_rows_of_all_nodes(
    function, derivative, options, n_latent, data, tmp_path
):
    of_function, of_derivative = [], []
    activation = Recorded(function, of_function)
    if derivative is not None:
        activation = Activation(activation, Recorded(derivative, of_derivative))
    settings = {"n_latent": n_latent, "checkpoint": tmp_path, "n_iter": 60, "n_chains": 1}
    model = fit(data, activation, **(options | settings))
    expected = {(np.ndarray, 2, 2 + n_latent, True, False)}
    assert set(of_function) == expected
    assert set(of_derivative) == (expected if derivative else set())
    if "latent_sampler" not in options and derivative:
        assert len(of_derivative) > 60  # Hamiltonian Monte Carlo, not the checks alone
    of_function.clear()
    model.predict(data.X)
    model.predict(data.X[:1], omics=data.omics[:1], return_std=True)
    model.breeding_value(data.X, return_std=True)
    model.sample_posterior_predictive(data.X, 2, omics=data.omics)
    assert set(of_function) == expected and len(of_function) > 10


def test_a_user_tanh_by_hamiltonian_monte_carlo_is_tanh(data):
    mine = Activation(np.tanh, lambda z: 1 - np.tanh(z) * np.tanh(z))
    assert_array_equal(fit(data, mine).predict(data.X), fit(data, "tanh").predict(data.X))


@pytest.fixture(scope="module")
def copying(data):
    """Return a fit with a function that returns a copy of its values."""
    return fit(data, lambda z: z.copy(), **FEW)


@pytest.mark.parametrize(
    "function",
    [
        lambda z: z,
        lambda z: z[:],
        lambda z: z.tolist(),
        lambda z: np.broadcast_to(z, z.shape),
        lambda z: z.astype(object),
        lambda z: pd.DataFrame(z),
    ],
    ids=["itself", "view", "list", "read-only", "objects", "DataFrame"],
)
def test_any_array_of_the_values_will_do(function, data, copying):
    model = fit(data, function, **FEW)
    assert_array_equal(model.predict(data.X), copying.predict(data.X))
    assert model.residual_variance_ == copying.residual_variance_


def test_a_reused_buffer_is_copied(data):
    """The function returns the array of its last call, written anew."""
    buffers = {}

    def reuses(z):
        out = buffers.setdefault((z.shape, z.dtype), np.empty_like(z))
        return np.sin(z, out=out)

    assert_array_equal(fit(data, reuses).predict(data.X), fit(data, np.sin).predict(data.X))


def in_place(z):
    z *= 0.5
    return z


def cosine_in_place(z):
    return np.cos(z, out=z)


class Stateful:
    n_calls = 0

    def __call__(self, z):
        self.n_calls += 1
        return z + 0.01 * self.n_calls


BAD_FUNCTIONS = {
    "a column": (lambda z: z[:, :1], "activation must return an array of shape"),
    "a number": (lambda z: 1.0, "activation must return an array of shape"),
    "squeezed": (np.squeeze, r"of the shape it is given, \(1, 2\); it returned shape \(2,\)"),
    "complex": (lambda z: z + 0j, "activation must return an array of real numbers"),
    "text": (lambda z: z.astype(str), "activation must return an array of real numbers"),
    "logarithm": (np.log, "activation is not finite everywhere: it returned"),
    "not finite far out": (lambda z: np.exp(np.exp(z)), "activation is not finite everywhere"),
    "masked": (lambda z: np.ma.masked_greater(z, 1), "activation is not finite everywhere"),
    "in place": (in_place, "activation changes its argument in place"),
    "out": (lambda z: np.tanh(z, out=z), "activation changes its argument in place"),
    "random": (lambda z: z + RNG.normal(size=z.shape) / 1000, "when it was called again"),
    "stateful": (Stateful(), "when it was called again"),
    "centred": (lambda z: z - z.mean(), "must not depend on the others"),
    "centred columns": (lambda z: z - z.mean(axis=0), "must not depend on the others"),
    "scaled": (lambda z: z / np.abs(z).max(), "must not depend on the others"),
    "ranks": (lambda z: z.argsort(0).argsort(0) / len(z), "must not depend on the others"),
    "by position": (lambda z: z * np.arange(len(z))[:, None], "must not depend on the others"),
    "network of ranks": (lambda z: z[:, 0] - np.median(z[:, 0]), "must not depend on the others"),
    "softmax": (lambda z: np.exp(z) / np.exp(z).sum(axis=1)[:, None], "when other columns changed"),
    "constant": (np.ones_like, "activation has no variance"),
    "zero": (lambda z: np.maximum(z - 50, 0), "activation has no variance"),
    "far off": (lambda z: z + 1e9, "activation has no variance"),
    "large": (lambda z: z * 1e30, "activation has a standard deviation of 1e\\+30"),
    "small": (lambda z: z * 1e-30, "activation has a standard deviation of 1e-30"),
    "large network": (lambda z: z[:, 0] * 1e30, "activation returned values up to"),
    "derivative NaN": (Activation(np.sin, lambda z: z * np.nan), "derivative .* is not finite"),
    "derivative shape": (Activation(np.sin, lambda z: z[:, 0]), "derivative of activation must"),
    "derivative in place": (
        Activation(np.sin, cosine_in_place),
        "the derivative of activation changes its argument",
    ),
    "derivative centred": (Activation(np.sin, lambda z: z - z.mean()), "must not depend"),
}
RNG = np.random.default_rng(0)


@pytest.mark.filterwarnings("error::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("case", BAD_FUNCTIONS)
def test_bad_functions(case, data, monkeypatch):
    monkeypatch.setattr("sknnmm.estimators.base.Sampler", None)  # before any sampling
    function, message = BAD_FUNCTIONS[case]
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        fit(data, function)


@pytest.mark.parametrize(
    "function", [lambda z: z - z.mean(), lambda z: z - z.mean(axis=0), np.ones_like]
)
def test_bad_functions_of_latent_nodes(function, data):
    """At 0, where latent nodes are before sampling, nothing is to be seen."""
    with pytest.raises(ValueError, match="activation"):
        NNMMRegressor(activation=function, n_latent=2, n_iter=4, burn_in=1).fit(data.X, data.y)


def test_a_factor_of_the_activation_does_not_matter(data):
    expected = fit(data, np.sin, **FEW)
    for factor in (2.0**-40, 2.0**40):
        model = fit(data, lambda z, factor=factor: np.sin(z) * factor, **FEW)
        assert_allclose(model.predict(data.X), expected.predict(data.X), rtol=1e-4)
        assert_allclose(model.omics_weights_ * factor, expected.omics_weights_, rtol=1e-3)
    model = fit(data, lambda z: np.sin(z) * 1e30, precision="double", **FEW)
    in_double = fit(data, np.sin, precision="double", **FEW)
    assert_allclose(model.predict(data.X), in_double.predict(data.X), rtol=1e-6)


def fails_after(n_calls, function):
    calls = []

    def fails(z):
        calls.append(z)
        return np.full_like(z, np.nan) if len(calls) > n_calls else function(z)

    return fails


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (fails_after(200, np.sin), "activation"),
        (Activation(fails_after(200, np.sin), np.cos), "activation"),
        (Activation(np.sin, fails_after(100, np.cos)), "the derivative of activation"),
    ],
    ids=["slice", "hmc", "derivative"],
)
def test_not_finite_later_stops_the_chain(activation, name, data):
    message = (
        rf"At iteration \d+ the chain cannot continue: {name} is not finite everywhere: .* nan"
    )
    with pytest.raises(FloatingPointError, match=message):
        fit(data, activation, n_chains=1)


def test_not_finite_in_a_prediction_is_an_error(data):
    low = np.nanmin(data.omics[:, 0]) - 1000
    model = fit(data, lambda z: np.sqrt(z[:, 0] - low))
    omics = data.omics.copy()
    omics[3] = low - 1
    message = "activation is not finite everywhere"
    with pytest.raises(FloatingPointError, match=message), np.errstate(invalid="ignore"):
        model.predict(data.X, omics=omics)


def test_diverged_paths_are_refused(data):
    """The first, long steps lead where the exponential overflows: no error, and the chain moves."""
    steep = Activation(lambda z: np.exp(2 * z), lambda z: 2 * np.exp(2 * z))
    model = fit(data, steep, n_chains=1)
    assert model.latent_sampler_diagnostics_["acceptance_rate"].between(0.3, 1).all()
    assert np.isfinite(model.predict(data.X)).all()


def test_exceptions_pass_through_with_a_note(data):
    def fails(z):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        fit(data, fails)
    assert "activation, called with an array of shape (80, 2)" in caught.value.__notes__[0]


def test_a_wrong_derivative_is_a_warning(data):
    with pytest.warns(UserWarning, match="derivative of activation is .* but differences"):
        fit(data, Activation(np.sin, np.sin), n_iter=4, burn_in=1)


def test_one_node(data):
    y, omics = data.y, data.omics[:, :1]
    settings = {"n_iter": 40, "burn_in": 10, "random_state": 0}
    column = NNMMRegressor(activation=lambda z: np.sin(z), **settings).fit(data.X, y, omics=omics)
    assert column.omics_weights_.shape == (1,) and column.omics_weights_[0] != 0
    row = NNMMRegressor(activation=lambda z: z[:, 0], **settings).fit(data.X, y, omics=omics)
    assert not hasattr(row, "omics_weights_")


def test_samplers_that_cannot_serve(data):
    with pytest.raises(ValueError, match="latent_sampler='gibbs'"):
        fit(data, "tanh", latent_sampler="gibbs")
    with pytest.raises(ValueError, match="latent_sampler='hmc' needs a derivative"):
        fit(data, np.sin, latent_sampler="hmc")
    with pytest.raises(ValueError, match="omics_method='GBLUP' is refused"):
        fit(data, "linear", omics_method="GBLUP")
