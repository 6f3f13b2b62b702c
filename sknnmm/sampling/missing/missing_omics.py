"""Missing omics and latent nodes, drawn given genotypes, observed omics and y.

Every cell has the prior N(eta, s2_k) from the first layer; those of one individual meet in its y.
"""

import numpy as np

from sknnmm.activations import require_finite
from sknnmm.common.compiled import njit
from sknnmm.sampling.missing.step_size import StepSize

PATH_LENGTH = np.pi / 2  # a quarter turn: independent draws where the prior dominates
MAX_STEPS = 50
PLAUSIBLE = 10.0  # prior SDs: beyond, a function that is not finite is a matter of the path
DIVERGED = np.exp(-100.0)  # acceptance probability below which a path counts as diverged


class Cells:
    """Cells of (n, K) arrays, row by row; a flat position is found much faster than a pair.

    Parameters
    ----------
    chosen : ndarray of shape (n, K), bool
    """

    def __init__(self, chosen):
        self.rows, self.columns = np.nonzero(chosen)
        self.flat = np.flatnonzero(chosen)

    def of(self, values):
        """Return the cells of `values` (n, K)."""
        return np.take(values, self.flat)


class MissingOmics:
    """Draws of the missing cells; a subclass says how the cells that inform y are drawn."""

    def __init__(self, model):
        self.activation = model.activation
        self._y = model.y_column
        missing = ~model.omics_observed & model.informative[:, None]
        self._free = Cells(missing & ~model.y_observed[:, None])
        self._coupled = Cells(missing & model.y_observed[:, None])
        # Coupled cells are sorted by row: sums over the cells of a row are segment sums.
        self._rows, self._starts, self._row_of_cell = np.unique(
            self._coupled.rows, return_index=True, return_inverse=True
        )
        self._row_weight = model.y_weight[self._rows].astype(model.dtype)

    def draw(self, chain, rng, tuning):
        """Draw every missing cell once; `tuning` during burn-in."""
        if self._free.flat.size:
            mean, sd = self._prior(chain, self._free)
            draws = mean + sd * rng.standard_normal(mean.shape, dtype=mean.dtype)
            self._store(chain, self._free, draws)
        if self._coupled.flat.size:
            mean, sd = self._prior(chain, self._coupled)
            draws = self.draw_coupled(chain, mean, sd, rng, tuning)
            self._store(chain, self._coupled, draws)

    def _residual(self, chain):
        """Return y minus all its parts, for the coupled rows."""
        residual = self._y - chain.fixed.fit - chain.omics_part()
        if chain.direct is not None:
            residual -= chain.direct.fit
        return residual[self._rows, 0]

    def _residual_variance(self, chain):
        """Return the residual variance of y in the coupled rows."""
        return chain.residual_variance.astype(self._row_weight.dtype) / self._row_weight

    def _prior(self, chain, cells):
        """Return the prior mean and SD of cells."""
        mean = cells.of(chain.omics_fixed.fit) + cells.of(chain.snp.fit)
        return mean, np.sqrt(chain.omics_residual_variance).astype(mean.dtype)[cells.columns]

    def _sum_by_row(self, cells):
        return segment_sums(cells, self._starts)

    def _weights_and_rest(self, chain):
        """Return the weights of the coupled cells, and y minus everything but these cells."""
        weights = chain.weights.effects[self._coupled.columns, 0]
        now = self._sum_by_row(weights * self._coupled.of(chain.activated))
        return weights, self._residual(chain) + now

    def _store(self, chain, cells, draws):
        np.put(chain.omics, cells.flat, draws)
        if self.activation.by_rows:
            rows = np.unique(cells.rows)
            chain.activated[rows] = self.activation.value(chain.omics[rows])
        elif chain.activated is not chain.omics:
            np.put(chain.activated, cells.flat, self.activation.value(draws))


@njit(nogil=True, cache=True)
def segment_sums(values, starts):
    """Return the sums of segments of values, of which segment r begins at starts[r]."""
    sums = np.zeros(starts.size, values.dtype)
    for r in range(starts.size):
        stop = starts[r + 1] if r + 1 < starts.size else values.size
        for e in range(starts[r], stop):
            sums[r] += values[e]
    return sums


class ExactMissingOmics(MissingOmics):
    """Exact joint draw of the missing cells of each row, for the linear activation.

    A draw from the joint prior of cells and residual is moved onto the observed y (conditioning
    by kriging), so no matrix is formed per row.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells, whose prior has this mean and SD."""
        weights, rest = self._weights_and_rest(chain)
        residual_variance = self._residual_variance(chain)
        cells = mean + sd * rng.standard_normal(mean.shape, dtype=mean.dtype)
        noise = np.sqrt(residual_variance) * rng.standard_normal(rest.shape, dtype=mean.dtype)
        move_onto(rest - noise, cells, sd * sd, weights, residual_variance, self._starts)
        return cells


@njit(nogil=True, cache=True)
def move_onto(rest, cells, variance, weights, residual_variance, starts):
    """Move draws of the cells from their prior, in place, so that those of row r explain rest[r].

    Parameters
    ----------
    rest, residual_variance : (rows,), y without everything but the cells and a draw of its noise
    cells, variance, weights : (cells,), sorted by row
    starts : (rows,), first cell of each row
    """
    explained = segment_sums(weights * cells, starts)
    informed = segment_sums(weights * weights * variance, starts)
    for r in range(starts.size):
        gap = (rest[r] - explained[r]) / (informed[r] + residual_variance[r])
        stop = starts[r + 1] if r + 1 < starts.size else cells.size
        for e in range(starts[r], stop):
            cells[e] += variance[e] * weights[e] * gap


class HamiltonianMissingOmics(MissingOmics):
    """Hamiltonian Monte Carlo (Neal 2011, arXiv 1206.1901) in the whitened cells.

    u = (z - eta) / sqrt(s2) is standard normal a priori. All rows move together, each accepted on
    its own; the common step size is tuned in burn-in (dual averaging), the path length jittered.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells, whose prior has this mean and SD."""
        potential, gradient = self.potential(chain, mean, sd)
        if chain.step_size is None:
            chain.step_size = StepSize()

        def energy(u, momentum):
            return potential(u) + 0.5 * self._sum_by_row(momentum * momentum)

        step = chain.step_size.value
        path = PATH_LENGTH * rng.uniform(0.5, 1.5)
        n_steps = int(np.clip(np.ceil(path / step), 1, MAX_STEPS))
        start = (self._coupled.of(chain.omics) - mean) / sd
        momentum = rng.standard_normal(mean.shape, dtype=mean.dtype)
        before = energy(start, momentum)
        with np.errstate(over="ignore", invalid="ignore"):  # a path may diverge
            end, momentum = leapfrog(gradient, start, momentum, mean.dtype.type(step), n_steps)
            acceptance = np.exp(np.minimum(before - energy(end, momentum), 0))
        diverged = ~(acceptance > DIVERGED)
        acceptance = np.nan_to_num(acceptance)  # a diverged path is refused
        accepted = rng.random(len(acceptance), dtype=mean.dtype) < acceptance
        if tuning:
            chain.step_size.tune(acceptance.mean())
        else:
            chain.step_size.freeze()
            chain.step_size.count(acceptance.mean(), np.count_nonzero(diverged))
        # Cells that stay keep their bits: mean + sd * u would round them.
        return np.where(accepted[self._row_of_cell], mean + sd * end, self._coupled.of(chain.omics))

    def potential(self, chain, mean, sd):
        """Return minus the log density by row, and its gradient, as functions of the cells u."""
        weights, rest = self._weights_and_rest(chain)
        residual_variance = self._residual_variance(chain)
        value, derivative = self.activation.value, self.activation.derivative
        if self.activation.by_rows:
            value = self._of_cells(chain, self.activation.evaluate, mean, sd, "activation")
            name = "the derivative of activation"
            derivative = self._of_cells(chain, self.activation.evaluate_derivative, mean, sd, name)

        def residual(u):
            return rest - self._sum_by_row(weights * value(mean + sd * u))

        def potential(u):
            return 0.5 * (residual(u) ** 2 / residual_variance + self._sum_by_row(u * u))

        def gradient(u):
            pull = (residual(u) / residual_variance)[self._row_of_cell]
            return u - pull * weights * sd * derivative(mean + sd * u)

        return potential, gradient

    def _of_cells(self, chain, evaluate, mean, sd, name):
        """Return a user's function, which takes whole rows, as one of the coupled cells.

        A value that is not finite is an error where the prior may lead; farther out it belongs to
        a diverged path, which will be refused.
        """
        rows, cells = chain.omics[self._rows], (self._row_of_cell, self._coupled.columns)

        def of_cells(z):
            reached = np.isfinite(z)
            rows[cells] = np.where(reached, z, mean)
            values = evaluate(rows)[cells]
            plausible = np.abs(z - mean) <= PLAUSIBLE * sd
            require_finite(values[plausible], z[plausible], name)
            values[~reached] = np.nan
            return values

        return of_cells


class SliceMissingOmics(MissingOmics):
    """Elliptical slice sampling (Murray, Adams & MacKay 2010, arXiv 1001.0175).

    Needs no gradient and no tuning; serves any activation and network functions. All rows move
    together, each with its own bracket of angles.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells, whose prior has this mean and SD."""
        log_likelihood = self._log_likelihood(chain)
        now = self._coupled.of(chain.omics)
        deviation, ellipse = now - mean, sd * rng.standard_normal(mean.shape, dtype=mean.dtype)
        rows = np.arange(len(self._rows))
        level = log_likelihood(now, rows, slice(None)) - rng.standard_exponential(len(rows))
        angle = rng.uniform(0, 2 * np.pi, len(rows))
        low, high = angle - 2 * np.pi, angle.copy()
        draws = now.copy()
        while rows.size:
            cells = np.flatnonzero(np.isin(self._row_of_cell, rows))
            turn = angle[self._row_of_cell[cells]].astype(mean.dtype)
            draws[cells] = (
                mean[cells] + np.cos(turn) * deviation[cells] + np.sin(turn) * ellipse[cells]
            )
            refused = ~(log_likelihood(draws[cells], rows, cells) >= level[rows])
            rows = rows[refused]
            ahead = angle[rows] > 0
            high[rows[ahead]], low[rows[~ahead]] = angle[rows[ahead]], angle[rows[~ahead]]
            # A bracket shrunk to nothing is the present state, which rounding may have refused.
            spent = high[rows] - low[rows] < 1e-9
            stay = np.isin(self._row_of_cell, rows[spent])
            draws[stay] = now[stay]
            rows = rows[~spent]
            angle[rows] = rng.uniform(low[rows], high[rows])
        return draws

    def _log_likelihood(self, chain):
        """Return the log density of y as a function of the cells of some coupled rows."""
        residual_variance = self._residual_variance(chain).astype(float)
        value, columns = self.activation.value, self._coupled.columns
        if self.activation.is_network:
            rest = self._residual(chain) + chain.activated[self._rows, 0]
        else:
            weights, rest = self._weights_and_rest(chain)

        def explained(values, rows, cells):
            row_of_cell = self._row_of_cell[cells]
            if self.activation.by_rows:
                omics = chain.omics[self._rows[rows]]
                place = np.searchsorted(rows, row_of_cell), columns[cells]
                omics[place] = values
                activated = value(omics)
                if self.activation.is_network:
                    return activated[:, 0]
                activated = activated[place]
            else:
                activated = value(values)
            return np.add.reduceat(weights[cells] * activated, np.searchsorted(row_of_cell, rows))

        def log_likelihood(values, rows, cells):
            misfit = (rest[rows] - explained(values, rows, cells)).astype(float)
            return -0.5 * misfit**2 / residual_variance[rows]

        return log_likelihood


LATENT_SAMPLERS = {
    "gibbs": ExactMissingOmics,
    "hmc": HamiltonianMissingOmics,
    "slice": SliceMissingOmics,
}


def choose_latent_sampler(name, activation):
    """Return the name of the sampler of missing omics that "auto" stands for, or check a choice.

    Raises
    ------
    ValueError
        If the sampler cannot serve the activation.
    """
    if name == "auto":
        if activation.is_linear:
            return "gibbs"
        return "hmc" if activation.has_derivative else "slice"
    if name == "gibbs" and not activation.is_linear:
        raise ValueError(
            "latent_sampler='gibbs' is exact for the linear activation only; use 'hmc', 'slice' "
            "or 'auto'."
        )
    if name == "hmc" and not activation.has_derivative:
        raise ValueError(
            "latent_sampler='hmc' needs a derivative: pass activation=Activation(function, "
            "derivative), or use 'slice' or 'auto'."
        )
    return name


def leapfrog(gradient, position, momentum, step, n_steps):
    """Return position and momentum after `n_steps` leapfrog steps of Hamiltonian dynamics."""
    momentum = momentum - step / 2 * gradient(position)
    for _ in range(n_steps - 1):
        position = position + step * momentum
        momentum = momentum - step * gradient(position)
    position = position + step * momentum
    return position, momentum - step / 2 * gradient(position)
