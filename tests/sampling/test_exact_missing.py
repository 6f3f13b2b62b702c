"""The compiled draw of missing omics, against the formula of conditioning by kriging."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.sampling.missing.exact import move_onto


@pytest.mark.parametrize("n_responses", [1, 2])
def test_draws_are_those_of_the_formula(n_responses):
    rng = np.random.default_rng(0)
    row_of_cell, columns = np.nonzero(rng.random((40, 5)) < 0.5)
    rows, starts, place = np.unique(row_of_cell, return_index=True, return_inverse=True)

    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    prior, sd = normal(columns.size), normal(columns.size) ** 2
    weights, left = normal(5, n_responses), normal(len(rows), n_responses)
    residual_variance = 0.3 + normal(len(rows), n_responses) ** 2
    cells = prior.copy()
    move_onto(left.copy(), cells, sd, weights, residual_variance, columns, place, starts)
    for r, row in enumerate(rows):
        own = np.flatnonzero(row_of_cell == row)
        w, D = weights[columns[own]].astype(float), np.diag(sd[own].astype(float) ** 2)
        covariance = w.T @ D @ w + np.diag(residual_variance[r])
        expected = prior[own] + D @ w @ np.linalg.solve(covariance, left[r])
        assert_allclose(cells[own], expected, rtol=1e-4, atol=1e-5)
