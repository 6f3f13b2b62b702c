"""The normal family."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import stats

from sknnmm.families import Gaussian


def test_log_density_is_that_of_scipy_and_broadcasts():
    record = np.array([[-3.0], [0.2], [40.0]])
    mean, variance = np.array([[0.0, 1.0], [2.0, -1.0], [0.0, 0.5]]), np.array([0.25, 9.0])
    expected = stats.norm.logpdf(record, mean, np.sqrt(variance))
    assert_allclose(Gaussian().log_density(record, mean, variance), expected, rtol=1e-14)
