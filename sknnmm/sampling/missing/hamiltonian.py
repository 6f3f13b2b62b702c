"""Hamiltonian Monte Carlo for missing omics, for any activation with a derivative."""

import numpy as np

from sknnmm.activations import require_finite
from sknnmm.common.compiled import njit
from sknnmm.sampling.missing.base import MissingOmics, weighted_sums
from sknnmm.sampling.missing.step_size import StepSize
from sknnmm.sampling.missing.whitening import Whitening

PATH_LENGTH = np.pi / 2  # a quarter turn: independent draws where the prior dominates
MAX_STEPS = 50
PLAUSIBLE = 10.0  # prior SDs: beyond, a function that is not finite is a matter of the path
DIVERGED = np.exp(-100.0)  # acceptance probability below which a path counts as diverged


class HamiltonianMissingOmics(MissingOmics):
    """Hamiltonian Monte Carlo (Neal 2011, arXiv 1206.1901) in the whitened cells.

    u = (z - eta) / sqrt(s2) is standard normal a priori (where z has a bound, see Whitening). All
    rows move together, each accepted on its own; the common step size is tuned in burn-in (dual
    averaging), the path length jittered.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells (see MissingOmics)."""
        whitening = Whitening(mean, sd, self.coupled.upper)
        potential, gradient = self.potential(chain, whitening)
        own = chain.layers[self._layer.name]
        if own.step_size is None:
            own.step_size = StepSize()

        def energy(u, momentum):
            return potential(u) + 0.5 * self._sum_by_row(momentum * momentum)

        step = own.step_size.value
        path = PATH_LENGTH * rng.uniform(0.5, 1.5)
        n_steps = int(np.clip(np.ceil(path / step), 1, MAX_STEPS))
        start = whitening.whitened(self.coupled.of(own.response))
        momentum = rng.standard_normal(mean.shape, dtype=mean.dtype)
        before = energy(start, momentum)
        with np.errstate(over="ignore", invalid="ignore"):  # a path may diverge
            end, momentum = leapfrog(gradient, start, momentum, mean.dtype.type(step), n_steps)
            acceptance = np.exp(np.minimum(before - energy(end, momentum), 0))
            moved = whitening.cells(end)
        diverged = ~(acceptance > DIVERGED)
        acceptance = np.nan_to_num(acceptance)  # a diverged path is refused
        accepted = rng.random(len(acceptance), dtype=mean.dtype) < acceptance
        if tuning:
            own.step_size.tune(acceptance.mean())
        else:
            own.step_size.freeze()
            own.step_size.count(acceptance.mean(), np.count_nonzero(diverged))
        # Cells that stay keep their bits: mean + sd * u would round them.
        return np.where(accepted[self._row_of_cell], moved, self.coupled.of(own.response))

    def potential(self, chain, whitening):
        """Return minus the log density by row, and its gradient, as functions of the cells u."""
        weights, target = self._weights_and_target(chain)
        residual_variance = self._residual_variance(chain)
        value, derivative = self.activation.value, self.activation.derivative
        if self.activation.by_rows:
            value = self._of_cells(chain, self.activation.evaluate, whitening, "activation")
            name = "the derivative of activation"
            derivative = self._of_cells(chain, self.activation.evaluate_derivative, whitening, name)

        def residual(cells):
            return target - weighted_sums(weights, value(cells), self._starts)

        def potential(u):
            misfit = half_misfit(residual(whitening.cells(u)), residual_variance)
            return misfit + 0.5 * self._sum_by_row(u * u)

        def gradient(u):
            cells, slopes = whitening.cells_and_slopes(u)
            pull = pull_on_cells(residual(cells) / residual_variance, weights, self._row_of_cell)
            return u - pull * slopes * derivative(cells)

        return potential, gradient

    def _of_cells(self, chain, evaluate, whitening, name):
        """Return a user's function, which takes whole rows, as one of the coupled cells.

        A value that is not finite is an error where the prior may lead; farther out it belongs to
        a diverged path, which will be refused.
        """
        mean, sd = whitening.mean, whitening.sd
        rows = chain.layers[self._layer.name].response[self.rows]
        cells = (self._row_of_cell, self.coupled.columns)

        def of_cells(z):
            reached = np.isfinite(z)
            rows[cells] = np.where(reached, z, mean)
            values = evaluate(rows)[cells]
            plausible = np.abs(z - mean) <= PLAUSIBLE * sd
            require_finite(values[plausible], z[plausible], name)
            values[~reached] = np.nan
            return values

        return of_cells


@njit(nogil=True, cache=True)
def pull_on_cells(pull, weights, row_of_cell):
    """Return the sums over responses of weights (C, cells) times the pull (rows, C) of the row."""
    sums = np.zeros(row_of_cell.size, pull.dtype)
    for c in range(len(weights)):
        of_cells, of_rows = weights[c], pull[:, c]
        for e in range(row_of_cell.size):
            sums[e] += of_rows[row_of_cell[e]] * of_cells[e]
    return sums


@njit(nogil=True, cache=True, error_model="numpy")
def half_misfit(residual, variance):
    """Return half the sums over responses of residual^2 / variance, (rows,)."""
    sums = np.empty(len(residual), residual.dtype)
    half = residual.dtype.type(0.5)
    for r in range(len(residual)):
        total = residual.dtype.type(0)
        for c in range(residual.shape[1]):
            total += residual[r, c] * residual[r, c] / variance[r, c]
        sums[r] = half * total
    return sums


def leapfrog(gradient, position, momentum, step, n_steps):
    """Return position and momentum after `n_steps` leapfrog steps of Hamiltonian dynamics."""
    momentum = momentum - step / 2 * gradient(position)
    for _ in range(n_steps - 1):
        position = position + step * momentum
        momentum = momentum - step * gradient(position)
    position = position + step * momentum
    return position, momentum - step / 2 * gradient(position)
