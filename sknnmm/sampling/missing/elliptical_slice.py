"""Elliptical slice sampling of missing omics, for any activation or network function."""

import numpy as np

from sknnmm.sampling.missing.base import MissingOmics
from sknnmm.sampling.missing.whitening import Whitening


class SliceMissingOmics(MissingOmics):
    """Elliptical slice sampling (Murray, Adams & MacKay 2010, arXiv 1001.0175).

    Needs no gradient and no tuning; serves any activation and network functions. All rows move
    together, each with its own bracket of angles. Ellipses are those of whitened cells (see
    Whitening), which have no bounds.
    """

    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells (see MissingOmics)."""
        log_likelihood = self._log_likelihood(chain)
        now = self.coupled.of(chain.layers[self._layer.name].response)
        whitening = Whitening(mean, sd, self.coupled.upper)
        start = whitening.whitened(now)
        ellipse = rng.standard_normal(mean.shape, dtype=mean.dtype)
        rows = np.arange(len(self.rows))
        level = log_likelihood(now, rows, slice(None)) - rng.standard_exponential(len(rows))
        angle = rng.uniform(0, 2 * np.pi, len(rows))
        low, high = angle - 2 * np.pi, angle.copy()
        draws = now.copy()
        while rows.size:
            cells = np.flatnonzero(np.isin(self._row_of_cell, rows))
            turn = angle[self._row_of_cell[cells]].astype(mean.dtype)
            u = np.cos(turn) * start[cells] + np.sin(turn) * ellipse[cells]
            draws[cells] = whitening.take(cells).cells(u)
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
        """Return the log density of the reader as a function of the cells of some coupled rows."""
        residual_variance = self._residual_variance(chain).astype(float)
        value, columns = self.activation.value, self.coupled.columns
        if self.activation.is_network:
            target = self._unexplained(chain) + self._nodes.of(chain).activated[self.rows]
        else:
            weights, target = self._weights_and_target(chain)

        def explained(values, rows, cells):
            row_of_cell = self._row_of_cell[cells]
            if self.activation.by_rows:
                omics = chain.layers[self._layer.name].response[self.rows[rows]]
                place = np.searchsorted(rows, row_of_cell), columns[cells]
                omics[place] = values
                activated = value(omics)
                if self.activation.is_network:
                    return activated
                activated = activated[place]
            else:
                activated = value(values)
            terms = weights[:, cells] * activated
            return np.add.reduceat(terms, np.searchsorted(row_of_cell, rows), axis=1).T

        def log_likelihood(values, rows, cells):
            misfit = (target[rows] - explained(values, rows, cells)).astype(float)
            return -0.5 * (misfit**2 / residual_variance[rows]).sum(axis=1)

        return log_likelihood
