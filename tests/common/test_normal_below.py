"""The normal distribution below a bound, in the bulk and far out in the tail."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sknnmm.common.normal_below import below, moments_below, normal_of, slope_below

BOUNDS = [60.0, 3.0, 0.0, -2.0, -8.0, -35.0]
NORMALS = np.linspace(-4, 4, 41)


@pytest.mark.parametrize("bound", BOUNDS)
def test_quantiles_have_the_probability_of_the_normal_below_them(bound):
    values = below(NORMALS, np.array(bound))
    assert (values <= bound).all()
    assert (np.diff(values) > 0).all()
    log_share = stats.norm.logcdf(values) - stats.norm.logcdf(bound)
    assert_allclose(log_share, stats.norm.logcdf(NORMALS), rtol=1e-9, atol=1e-10)
    assert_allclose(normal_of(values, np.array(bound), 1e-16), NORMALS, atol=1e-8)


@pytest.mark.parametrize("bound", BOUNDS)
def test_slope_is_that_of_the_quantiles(bound):
    step, bound = 1e-5, np.array(bound)
    differences = (below(NORMALS + step, bound) - below(NORMALS - step, bound)) / (2 * step)
    slopes = slope_below(NORMALS, below(NORMALS, bound), bound)
    assert_allclose(slopes, differences, rtol=1e-6, atol=1e-8)


def test_a_value_on_its_bound_is_finite():
    value = normal_of(np.array([-2.0]), np.array([-2.0]), np.finfo(np.float32).eps)
    assert_allclose(value, stats.norm.isf(np.finfo(np.float32).eps))


@pytest.mark.parametrize("bound", BOUNDS)
def test_moments_are_those_of_the_truncated_normal(bound):
    mean, sd = 0.3, 0.7
    expected = stats.truncnorm.stats(-np.inf, bound, moments="mv")
    found = moments_below(np.array(mean), np.array(sd**2), np.array(mean + sd * bound))
    assert_allclose(found[0], mean + sd * expected[0], rtol=1e-9)
    assert_allclose(found[1], sd**2 * expected[1], rtol=1e-6)
