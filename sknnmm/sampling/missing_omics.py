"""Missing omics and latent nodes, drawn given genotypes, observed omics and y.

Every cell has the prior N(eta, s2_k) from the first layer; those of one individual meet in its y.
"""

import numpy as np

from sknnmm.sampling.step_size import StepSize

PATH_LENGTH = np.pi / 2  # a quarter turn: independent draws where the prior dominates
MAX_STEPS = 50


class MissingOmics:
    """Draws of the missing cells; a subclass says how the cells that inform y are drawn."""

    def __init__(self, model):
        self.activation = model.activation
        self._y = model.y_column
        missing = ~model.omics_observed & model.informative[:, None]
        self._free = np.nonzero(missing & ~model.y_observed[:, None])
        self._coupled = np.nonzero(missing & model.y_observed[:, None])
        # Coupled cells are sorted by row: sums over the cells of a row are segment sums.
        self._rows, self._starts, self._row_of_cell = np.unique(
            self._coupled[0], return_index=True, return_inverse=True
        )

    def draw(self, chain, rng, tuning):
        """Draw every missing cell once; `tuning` during burn-in."""
        if self._free[0].size:
            mean, sd = self._prior(chain, self._free)
            draws = mean + sd * rng.standard_normal(mean.shape, dtype=mean.dtype)
            self._store(chain, self._free, draws)
        if self._coupled[0].size:
            mean, sd = self._prior(chain, self._coupled)
            weights = chain.weights.effects[self._coupled[1], 0]
            rest = self._residual(chain) + self._sum_by_row(
                weights * chain.activated[self._coupled]
            )
            draws = self.draw_coupled(chain, rest, mean, sd, weights, rng, tuning)
            self._store(chain, self._coupled, draws)

    def _residual(self, chain):
        """Return y minus all its parts, for the coupled rows."""
        residual = self._y - chain.fixed.fit - chain.omics_part()
        if chain.direct is not None:
            residual -= chain.direct.fit
        return residual[self._rows, 0]

    def _prior(self, chain, cells):
        """Return the prior mean and SD of cells."""
        mean = chain.omics_fixed.fit[cells] + chain.snp.fit[cells]
        return mean, np.sqrt(chain.omics_residual_variance).astype(mean.dtype)[cells[1]]

    def _sum_by_row(self, cells):
        return np.add.reduceat(cells, self._starts)

    def _store(self, chain, cells, draws):
        chain.omics[cells] = draws
        if chain.activated is not chain.omics:
            chain.activated[cells] = self.activation.value(draws)


class ExactMissingOmics(MissingOmics):
    """Exact joint draw of the missing cells of each row, for the linear activation.

    A draw from the joint prior of cells and residual is moved onto the observed y (conditioning
    by kriging), so no matrix is formed per row.
    """

    def draw_coupled(self, chain, rest, mean, sd, weights, rng, tuning):
        """Return draws of the coupled cells given `rest` = y minus everything but them."""
        residual_variance = chain.residual_variance.astype(mean.dtype)
        cells = mean + sd * rng.standard_normal(mean.shape, dtype=mean.dtype)
        noise = np.sqrt(residual_variance) * rng.standard_normal(rest.shape, dtype=mean.dtype)
        gain = sd * sd * weights
        gap = (rest - self._sum_by_row(weights * cells) - noise) / (
            self._sum_by_row(gain * weights) + residual_variance
        )
        return cells + gain * gap[self._row_of_cell]


class HamiltonianMissingOmics(MissingOmics):
    """Hamiltonian Monte Carlo (Neal 2011, arXiv 1206.1901) in the whitened cells.

    u = (z - eta) / sqrt(s2) is standard normal a priori. All rows move together, each accepted on
    its own; the common step size is tuned in burn-in (dual averaging), the path length jittered.
    """

    def draw_coupled(self, chain, rest, mean, sd, weights, rng, tuning):
        """Return draws of the coupled cells given `rest` = y minus everything but them."""
        if chain.step_size is None:
            chain.step_size = StepSize()
        residual_variance = chain.residual_variance.astype(mean.dtype)[0]

        def residual(u):
            return rest - self._sum_by_row(weights * self.activation.value(mean + sd * u))

        def gradient(u):
            pull = residual(u)[self._row_of_cell] / residual_variance
            return u - pull * weights * sd * self.activation.derivative(mean + sd * u)

        def energy(u, momentum):
            misfit = residual(u) ** 2 / residual_variance
            return 0.5 * (misfit + self._sum_by_row(u * u + momentum * momentum))

        step = chain.step_size.value
        path = PATH_LENGTH * rng.uniform(0.5, 1.5)
        n_steps = int(np.clip(np.ceil(path / step), 1, MAX_STEPS))
        start = (chain.omics[self._coupled] - mean) / sd
        momentum = rng.standard_normal(mean.shape, dtype=mean.dtype)
        before = energy(start, momentum)
        end, momentum = leapfrog(gradient, start, momentum, mean.dtype.type(step), n_steps)
        with np.errstate(over="ignore"):
            acceptance = np.exp(np.minimum(before - energy(end, momentum), 0))
        acceptance = np.nan_to_num(acceptance)  # a diverged path is refused
        accepted = rng.random(len(acceptance), dtype=mean.dtype) < acceptance
        if tuning:
            chain.step_size.tune(acceptance.mean())
        else:
            chain.step_size.freeze()
        # Cells that stay keep their bits: mean + sd * u would round them.
        return np.where(accepted[self._row_of_cell], mean + sd * end, chain.omics[self._coupled])


def leapfrog(gradient, position, momentum, step, n_steps):
    """Return position and momentum after `n_steps` leapfrog steps of Hamiltonian dynamics."""
    momentum = momentum - step / 2 * gradient(position)
    for _ in range(n_steps - 1):
        position = position + step * momentum
        momentum = momentum - step * gradient(position)
    position = position + step * momentum
    return position, momentum - step / 2 * gradient(position)
