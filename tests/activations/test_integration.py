"""Moments and slopes of functions of normal nodes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.activations import (
    ACTIVATIONS,
    NetworkFunction,
    fixed_normals,
    mean_slopes,
    network_moments,
    network_slopes,
)

MEAN, SD = np.array([-0.5, 0.2, 1.0]), np.array([0.7, 1.0, 1.4])
N_DRAWS = 200_000


def network(function):
    return NetworkFunction(function, np.zeros(3), np.ones(3), 1.0)


def test_antithetic_normals_are_pairs_of_opposites():
    normals = fixed_normals(10, 3, antithetic=True)
    assert_array_equal(normals[:5], -normals[5:])
    assert_array_equal(normals[:5], fixed_normals(5, 3))


def test_moments_are_mean_and_variance_over_the_draws():
    mean = np.random.default_rng(1).normal(size=(4, 3))
    normals = fixed_normals(50, 3)
    values = np.prod(mean + SD * normals[:, None], axis=2)
    first, variance = network_moments(network(lambda z: z.prod(axis=1)), mean, SD, normals)
    assert first.shape == variance.shape == (4, 1)
    assert_allclose(first[:, 0], values.mean(axis=0), rtol=1e-12)
    assert_allclose(variance[:, 0], values.var(axis=0), rtol=1e-12)


def test_moments_of_a_product_of_normals():
    """E = product of means; E of the square = product of mean^2 + variance."""
    product = network(lambda z: z.prod(axis=1))
    first, variance = network_moments(product, MEAN[None], SD, fixed_normals(N_DRAWS // 10, 3))
    expected = np.prod(MEAN)
    spread = np.prod(MEAN**2 + SD**2) - expected**2
    assert abs(first[0, 0] - expected) < 4 * np.sqrt(spread / (N_DRAWS // 10))
    assert_allclose(variance[0, 0], spread, rtol=0.1)  # kurtosis of about 20: an SE of 3 %


def test_given_nodes_are_not_integrated_over():
    given = np.array([[1.0, np.nan, 2.0], [1.0, 0.5, 2.0]])
    normals = fixed_normals(30, 3)
    mean = np.zeros((2, 3))
    first, variance = network_moments(network(lambda z: z.prod(axis=1)), mean, SD, normals, given)
    assert_allclose(first[:, 0], [2 * SD[1] * normals[:, 1].mean(), 1])
    assert variance[0] > 0 and variance[1] == 0


@pytest.mark.parametrize("rows", [slice(0, 1), slice(2, 5), slice(None, None, -1)])
def test_a_row_has_the_same_bits_whatever_stands_beside_it(rows):
    mean = np.random.default_rng(2).normal(size=(9, 40))
    function = NetworkFunction(lambda z: np.sin(z).sum(axis=1), np.zeros(40), np.ones(40), 1.0)
    normals = fixed_normals(20, 40)
    for order in ("C", "F"):
        whole = network_moments(function, np.asarray(mean, order=order), 1.0, normals)
        part = network_moments(function, np.asarray(mean[rows], order=order), 1.0, normals)
        for of_all, of_part in zip(whole, part, strict=True):
            assert_array_equal(of_all[rows], of_part)


@pytest.mark.parametrize("name", ["linear", "tanh", "sigmoid"])
def test_mean_slopes_are_the_mean_of_the_derivative(name):
    activation = ACTIVATIONS[name]
    expected = activation.derivative(MEAN + SD * fixed_normals(N_DRAWS, 3)).mean(axis=0)
    # SD of a mean of derivatives between 0 and 1 over 200,000 draws: at most 0.0012
    assert_allclose(mean_slopes(activation, MEAN, SD), expected, atol=0.005)
    assert_array_equal(mean_slopes(activation, MEAN, np.zeros(3)), 0)


def test_slopes_of_a_network_function():
    """Of 2 a + b c: 2, mean of c, mean of b."""
    function = network(lambda z: 2 * z[:, 0] + z[:, 1] * z[:, 2])
    normals = fixed_normals(N_DRAWS, 3)
    slopes = network_slopes(function, MEAN, SD, normals)
    # (f - E f) normal / SD has an SD of at most 8 here, over 200,000 draws: 0.018
    assert_allclose(slopes, [[2], [MEAN[2]], [MEAN[1]]], atol=4 * 0.018)
    assert_array_equal(network_slopes(function, MEAN, np.zeros(3), normals), 0)
