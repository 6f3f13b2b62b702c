"""Exact joint draws of the missing omics of every individual, for the linear activation."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.kernels.variates import standard_normals
from sknnmm.sampling.missing.base import MissingOmics, weighted_sums


class ExactMissingOmics(MissingOmics):
    """Exact joint draw of the missing cells of each row, for the linear activation.

    A draw from the joint prior of cells and residuals is moved onto the observed responses
    (conditioning by kriging), so no matrix of the size of the cells is formed.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells (see MissingOmics)."""
        weights, target = self._weights_and_target(chain)
        residual_variance = self._residual_variance(chain)
        cells = mean + sd * standard_normals(mean.shape, rng, mean.dtype)
        noise = np.sqrt(residual_variance) * standard_normals(target.shape, rng, mean.dtype)
        gap = target - noise - weighted_sums(weights, cells, self._starts)
        move_onto(gap, cells, sd * sd, weights, residual_variance, self._starts)
        return cells


@njit(nogil=True, cache=True, error_model="numpy")
def move_onto(gap, cells, variance, weights, residual_variance, starts):
    """Move draws of the cells from their prior, in place, so that those of a row close its gap.

    Parameters
    ----------
    gap, residual_variance : (rows, C), the responses minus all that is drawn of them
    cells, variance : (cells,), sorted by row
    weights : (C, cells)
    starts : (rows,), first cell of each row
    """
    if gap.shape[1] > 1:
        solve_rows(gap, variance, weights, residual_variance, starts)
    else:
        for r in range(starts.size):
            stop = starts[r + 1] if r + 1 < starts.size else cells.size
            total = residual_variance[r, 0]
            for e in range(starts[r], stop):
                total += weights[0, e] * weights[0, e] * variance[e]
            gap[r, 0] /= total
    for c in range(gap.shape[1]):
        for r in range(starts.size):
            stop = starts[r + 1] if r + 1 < starts.size else cells.size
            for e in range(starts[r], stop):
                cells[e] += variance[e] * weights[c, e] * gap[r, c]


@inlined(error_model="numpy")
def solve_rows(gap, variance, weights, residual_variance, starts):
    """Divide the gaps of every row by their covariance matrix, in place; see `move_onto`."""
    n_responses = gap.shape[1]
    covariance = np.empty((n_responses, n_responses), gap.dtype)
    for r in range(starts.size):
        stop = starts[r + 1] if r + 1 < starts.size else variance.size
        for c in range(n_responses):
            for d in range(n_responses):
                total = residual_variance[r, c] if c == d else gap.dtype.type(0)
                for e in range(starts[r], stop):
                    total += weights[c, e] * weights[d, e] * variance[e]
                covariance[c, d] = total
        solve(covariance, gap[r])


@inlined(error_model="numpy")
def solve(matrix, right):
    """Solve a small positive definite system by elimination, in place."""
    n = right.size
    for i in range(n):
        for j in range(i + 1, n):
            factor = matrix[j, i] / matrix[i, i]
            for k in range(i, n):
                matrix[j, k] -= factor * matrix[i, k]
            right[j] -= factor * right[i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
