"""Derivatives and normal moments of the activation functions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad

from sknnmm.activations import ACTIVATIONS, tabulated_moments

KINK = 0.0  # of the rectified ones
everyone = pytest.mark.parametrize("g", ACTIVATIONS.values(), ids=ACTIVATIONS)


@everyone
def test_derivative_is_the_limit_of_differences(g):
    z = np.linspace(-6, 6, 240)  # without the kink
    step = 1e-5
    assert_allclose(
        g.derivative(z), (g.value(z + step) - g.value(z - step)) / (2 * step), atol=1e-8
    )


@everyone
def test_extreme_values_are_finite(g):
    z = np.array([-1e4, -800.0, 0.0, 800.0, 1e4])
    assert np.isfinite(g.value(z)).all()
    assert np.isfinite(g.derivative(z)).all()


@everyone
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(g, dtype):
    z = np.linspace(-3, 3, 7, dtype=dtype)
    assert g.value(z).dtype == dtype
    assert g.derivative(z).dtype == dtype


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("linear", -1.5, -1.5),
        ("sigmoid", 0.0, 0.5),
        ("sigmoid", 1.0, 1 / (1 + np.exp(-1))),
        ("tanh", 1.0, np.tanh(1)),
        ("relu", -2.0, 0.0),
        ("relu", 2.0, 2.0),
        ("leaky_relu", -2.0, -0.02),
        ("leaky_relu", 2.0, 2.0),
    ],
)
def test_known_values(name, at, value):
    assert_allclose(ACTIVATIONS[name].value(np.array([at])), value, rtol=1e-15)


def integrated(g, power, mean, sd):
    def integrand(z):
        density = np.exp(-0.5 * ((z - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        return g.value(np.float64(z)) ** power * density

    limits = mean - 12 * sd, mean + 12 * sd
    points = [mean] + ([KINK] if limits[0] < KINK < limits[1] else [])
    return quad(integrand, *limits, points=points, epsabs=1e-12, epsrel=1e-12, limit=200)[0]


@everyone
@pytest.mark.parametrize("sd", [0.05, 0.4, 1.0, 1.5])
def test_normal_moments_are_the_integrals(g, sd):
    means = np.array([-3, -0.7, 0.0, 0.2, 3])
    moments = g.normal_moments(means, sd**2)
    for power, moment, atol in zip((1, 2), moments, (1e-6, 5e-6), strict=True):
        expected = [integrated(g, power, m, sd) for m in means]
        assert_allclose(moment, expected, rtol=0, atol=atol)


@everyone
def test_normal_moments_of_a_point_mass(g):
    means = np.array([-2.0, -1e-3, 0.0, 1e-3, 2.0])
    first, second = g.normal_moments(means, 0.0)
    assert_allclose(first, g.value(means), rtol=1e-12, atol=1e-15)
    assert_allclose(second, g.value(means) ** 2, rtol=1e-12, atol=1e-15)


@everyone
def test_normal_moments_broadcast_elementwise(g):
    mean = np.linspace(-2, 2, 12).reshape(2, 3, 2)
    variance = np.array([[0.5, 0.0], [1.0, 0.8], [0.1, 0.3]])
    moments = g.normal_moments(mean, variance)
    for index in np.ndindex(mean.shape):
        alone = g.normal_moments(mean[index], variance[index[1:]])
        for moment, expected in zip(moments, alone, strict=True):
            assert_allclose(moment[index], expected, rtol=1e-13, atol=1e-16)


@everyone
def test_normal_moments_of_one_element_do_not_depend_on_the_others(g):
    mean = np.random.default_rng(0).normal(size=(17, 5))
    variance = np.linspace(0, 1, 5)
    for moment, alone in zip(
        g.normal_moments(mean, variance), g.normal_moments(mean[:1], variance), strict=True
    ):
        assert_array_equal(moment[:1], alone)


@everyone
def test_tabulated_moments_are_the_quadrature(g):
    mean = 2 * np.random.default_rng(0).normal(size=(3000, 4))
    variance = np.array([0.0, 0.01, 0.5, 1.0])
    for moment, expected in zip(
        tabulated_moments(g, mean, variance), g.normal_moments(mean, variance), strict=True
    ):
        assert_allclose(moment, expected, rtol=0, atol=5e-7)


def test_a_table_larger_than_the_rows_is_not_made():
    mean, variance = np.array([[-40.0], [0.1], [50.0]]), np.array([0.5])
    g = ACTIVATIONS["tanh"]
    for moment, expected in zip(
        tabulated_moments(g, mean, variance), g.normal_moments(mean, variance), strict=True
    ):
        assert_array_equal(moment, expected)
