"""User-defined activations and network functions, through the estimator."""

import numpy as np
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
    settings = {"n_iter": 120, "burn_in": 40, "random_state": 0} | options
    return NNMMRegressor(activation=activation, **settings).fit(data.X, data.y, omics=data.omics)


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


def test_lambdas_reach_worker_processes(data):
    scale = 2.0
    one = fit(data, lambda z: np.sin(scale * z))
    two = fit(data, lambda z: np.sin(scale * z), n_jobs=2)
    assert_array_equal(one.predict(data.X), two.predict(data.X))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda z: z[:, :1], "activation must return an array of shape"),
        (lambda z: 1.0, "activation must return an array of shape"),
        (lambda z: np.log(z), "not finite"),
    ],
)
def test_bad_functions(data, function, message):
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        fit(data, function)


def test_samplers_that_cannot_serve(data):
    with pytest.raises(ValueError, match="latent_sampler='gibbs'"):
        fit(data, "tanh", latent_sampler="gibbs")
    with pytest.raises(ValueError, match="latent_sampler='hmc' needs a derivative"):
        fit(data, np.sin, latent_sampler="hmc")
    with pytest.raises(ValueError, match="omics_method='GBLUP' is refused"):
        fit(data, "linear", omics_method="GBLUP")
