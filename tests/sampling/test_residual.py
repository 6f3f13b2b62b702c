"""Sums of squared residuals, by whole vectors of numbers, against their definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.sampling.residual import weighted_squares


@pytest.mark.parametrize("n_columns", [1, 10, 16, 20])
@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weighted_squares(n, n_columns, dtype):
    """Of some rows; the others are not finite."""
    rng = np.random.default_rng(0)
    residual, weight = rng.standard_normal((n, n_columns)).astype(dtype), rng.random(n)
    rows = np.flatnonzero(np.arange(n) % 3 != 1)
    residual[1::3] = np.inf
    expected = weight[rows] @ np.square(residual[rows], dtype=float)
    assert_allclose(weighted_squares(residual, rows, weight), expected, rtol=1e-12)
