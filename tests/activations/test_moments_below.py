"""Moments of activations of normal nodes below a bound, against numerical integration."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sknnmm.activations import ACTIVATIONS, NetworkFunction, network_moments

TOLERANCE = {"linear": 1e-6, "relu": 1e-6, "leaky_relu": 1e-6}  # those with a closed form


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(
    ("mean", "sd", "upper"),
    [(0.2, 0.8, -0.5), (0.2, 0.8, 0.6), (-1.5, 0.5, 2.0), (3.0, 0.4, 0.3), (3.0, 0.4, -2.0)],
)
def test_moments_match_numerical_integration(name, mean, sd, upper):
    probability = (np.arange(200_000) + 0.5) / 200_000
    log_share = stats.norm.logcdf((upper - mean) / sd)
    z = mean + sd * stats.norm.ppf(probability * np.exp(log_share))
    activation = ACTIVATIONS[name]
    expected = activation.value(z)
    first, second = activation.moments_below(*map(np.array, (mean, sd**2, upper)))
    rtol = TOLERANCE.get(name, 1e-4)
    assert_allclose(first, expected.mean(), rtol=rtol, atol=2e-5)
    assert_allclose(second, (expected**2).mean(), rtol=rtol, atol=5e-5)


def test_a_network_function_sees_nodes_below_their_limits():
    seen = []

    def f(z):
        seen.append(z.copy())
        return z.sum(axis=1)

    activation = NetworkFunction(f, np.zeros(3), np.ones(3), 1.0)
    normals = np.random.default_rng(0).standard_normal((4000, 3))
    given = np.array([[0.5, -np.inf, np.nan]])
    limits = np.array([np.nan, -1.0, np.nan])
    mean, sd = np.array([[0.0, 0.3, 1.0]]), np.array([1.0, 0.5, 0.7])
    first, variance = network_moments(activation, mean, sd, normals, given, limits)
    seen = np.concatenate(seen)
    assert (seen[:, 0] == 0.5).all()
    assert (seen[:, 1] <= -1).all()
    truncated = stats.truncnorm(-np.inf, (-1 - 0.3) / 0.5, 0.3, 0.5)
    error = 4 * np.sqrt((truncated.var() + 0.49) / len(normals))
    assert_allclose(first[0, 0], 0.5 + truncated.mean() + 1.0, atol=error)
    assert_allclose(variance[0, 0], truncated.var() + 0.49, rtol=0.1)
