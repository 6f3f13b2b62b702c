"""Exact draws of the missing omics of every individual, for the linear activation."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.kernels.truncated_normal import truncated_standard_normal
from sknnmm.kernels.variates import standard_normals
from sknnmm.sampling.missing.base import MissingOmics, weighted_sums


class ExactMissingOmics(MissingOmics):
    """Exact joint draw of the missing cells of each row, for the linear activation.

    A draw from the joint prior of cells and residuals is moved onto the observed responses
    (conditioning by kriging), so no matrix of the size of the cells is formed.

    Cells with a bound are drawn before, one by one, each given the others of its row that have one,
    with those that have none integrated out; then these are drawn jointly given the former. The
    first step leaves the distribution of the bounded cells as it is, the second is a draw from the
    conditional of all others, so both together leave the joint distribution as it is. The values
    that the others had before play no part: what has been drawn with them integrated out (see
    ResidualExchange) may come right before.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells (see MissingOmics)."""
        residual_variance, weights = self._residual_variance(chain), self._nodes.of(chain).effects
        if self.coupled.any_bounded:
            mean, sd = self._with_bounded_cells(chain, mean, sd, residual_variance, rng)
        n_cells = mean.size
        normals = standard_normals((n_cells + residual_variance.size,), rng, mean.dtype)
        cells = mean + sd * normals[:n_cells]
        errors = np.sqrt(residual_variance) * normals[n_cells:].reshape(residual_variance.shape)
        self._store(chain, self.coupled, cells)
        gap = self._unexplained(chain) - errors
        columns, rows = self.coupled.columns, self._row_of_cell
        move_onto(gap, cells, sd, weights, residual_variance, columns, rows, self._starts)
        return cells

    def _with_bounded_cells(self, chain, mean, sd, residual_variance, rng):
        """Return mean and SD of the cells given draws of those that have a bound: SD 0."""
        weights, target = self._weights_and_target(chain)
        bounded = self.coupled.is_bounded
        now = self.coupled.of(chain.layers[self._layer.name].response)
        cells = np.where(bounded, now, mean)
        draw_bounded(
            target - weighted_sums(weights, cells, self._starts),
            cells,
            self.coupled.upper,
            bounded,
            mean,
            sd * sd,
            weights,
            residual_variance,
            self._starts,
            rng,
        )
        return cells, np.where(bounded, sd.dtype.type(0), sd)


@njit(nogil=True, cache=True, error_model="numpy")
def draw_bounded(
    rest, cells, upper, bounded, mean, variance, weights, residual_variance, starts, rng
):
    """Draw the cells that have a bound one by one, in place, the others integrated out.

    Parameters
    ----------
    rest, residual_variance : (rows, C), the responses minus all cells, those without a bound at
        their prior mean
    cells, upper, bounded, mean, variance : (cells,), sorted by row
    weights : (C, cells)
    starts : (rows,), first cell of each row
    """
    n_responses = rest.shape[1]
    covariance, precision = np.empty((2, n_responses, n_responses))
    for r in range(starts.size):
        stop = starts[r + 1] if r + 1 < starts.size else cells.size
        n_bounded = 0
        for e in range(starts[r], stop):
            n_bounded += bounded[e]
        if n_bounded == 0:
            continue
        precision[:] = 0
        for d in range(n_responses):
            precision[d, d] = 1
            for b in range(n_responses):
                for c in range(n_responses):
                    total = float(residual_variance[r, b]) if b == c else 0.0
                    for e in range(starts[r], stop):
                        if not bounded[e]:
                            total += float(weights[b, e]) * weights[c, e] * variance[e]
                    covariance[b, c] = total
            solve(covariance, precision[d])
        for e in range(starts[r], stop):
            if not bounded[e]:
                continue
            information, pull = 0.0, 0.0
            for c in range(n_responses):
                of_weights = 0.0
                for d in range(n_responses):
                    of_weights += precision[c, d] * weights[d, e]
                information += of_weights * weights[c, e]
                pull += of_weights * (rest[r, c] + weights[c, e] * cells[e])
            own = variance[e] / (1 + information * variance[e])
            centre, sd = mean[e] + own * (pull - information * mean[e]), np.sqrt(own)
            draw = centre + sd * truncated_standard_normal(rng, -np.inf, (upper[e] - centre) / sd)
            draw = upper[e] if draw > upper[e] else cells.dtype.type(draw)
            for c in range(n_responses):
                rest[r, c] -= weights[c, e] * (draw - cells[e])
            cells[e] = draw


# Cell by cell: the cells of a row are so few that no processor could predict the end of a loop.


@njit(nogil=True, cache=True, error_model="numpy")
def move_onto(gap, cells, sd, weights, residual_variance, columns, row_of_cell, starts):
    """Move draws of the cells from their prior, in place, so that those of a row close its gap.

    Parameters
    ----------
    gap, residual_variance : (rows, C), the responses minus all that is drawn of them; changed
    cells, sd : (cells,), sorted by row
    weights : (K, C)
    columns, row_of_cell : (cells,)
    starts : (rows,), first cell of each row
    """
    if gap.shape[1] > 1:
        solve_rows(gap, sd, weights, residual_variance, columns, starts)
    else:
        total = residual_variance.copy()
        for e in range(cells.size):
            total[row_of_cell[e], 0] += (weights[columns[e], 0] * sd[e]) ** 2
        for r in range(starts.size):
            gap[r, 0] /= total[r, 0]
    for e in range(cells.size):
        r, k, variance = row_of_cell[e], columns[e], sd[e] * sd[e]
        for c in range(gap.shape[1]):
            cells[e] += variance * weights[k, c] * gap[r, c]


@inlined(error_model="numpy")
def solve_rows(gap, sd, weights, residual_variance, columns, starts):
    """Divide the gaps of every row by their covariance matrix, in place; see `move_onto`."""
    n_responses = gap.shape[1]
    covariance = np.empty((n_responses, n_responses), gap.dtype)
    for r in range(starts.size):
        stop = starts[r + 1] if r + 1 < starts.size else sd.size
        for c in range(n_responses):
            for d in range(n_responses):
                total = residual_variance[r, c] if c == d else gap.dtype.type(0)
                for e in range(starts[r], stop):
                    k = columns[e]
                    total += weights[k, c] * weights[k, d] * sd[e] * sd[e]
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
