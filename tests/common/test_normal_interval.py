"""The probability of an interval, in the bulk, far out in the tail, and of narrow intervals."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import integrate, stats

from sknnmm.common.normal_interval import log_probability


def test_log_probabilities_are_integrals_of_the_density():
    for lower, width in ((-1.0, 2.0), (0.5, 1e-7), (-0.1, 0.1), (8.0, 1.0), (35.0, 0.01)):
        at_end = stats.norm.logpdf(lower)
        relative, _ = integrate.quad(
            lambda x, lower=lower: np.exp(-0.5 * x * (x + 2 * lower)), 0, width, epsrel=1e-12
        )
        expected = at_end + np.log(relative)
        ends = np.array([lower, -lower - width]), np.array([lower + width, -lower])
        assert_allclose(log_probability(*ends), expected, rtol=1e-7)


def test_infinite_ends():
    ends = np.array([[-np.inf, -3.0], [2.0, np.inf], [-40.0, np.inf]]).T
    assert_allclose(log_probability(*ends), [*stats.norm.logsf([3, 2]), 0], atol=1e-300)
