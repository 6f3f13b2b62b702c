"""Missing responses: omics and latent nodes, drawn given the layer that reads them; phenotypes.

Every cell has a normal prior from its own layer; those of one individual meet in its phenotype.
"""

from abc import ABC, abstractmethod

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.kernels.truncated_normal import fill_truncated_normal
from sknnmm.sampling.residual import expected_response


class Cells:
    """Some responses of a layer, row by row; a flat position is found much faster than a pair.

    Parameters
    ----------
    layer : Layer
    chosen : ndarray of shape (n, K), bool

    Attributes
    ----------
    upper : ndarray of shape (cells,), or None
        Bounds of the cells, infinite where they have none; None if none has.
    is_bounded : ndarray of shape (cells,), bool
    """

    def __init__(self, layer, chosen):
        self.rows, self.columns = np.nonzero(chosen)
        self.flat = np.flatnonzero(chosen)
        self._layer = layer
        self.upper, self.is_bounded = None, np.zeros(self.flat.size, bool)
        if layer.limits is not None:
            self.upper = np.take(layer.limits, self.flat).astype(layer.dtype)
            self.is_bounded = np.isfinite(self.upper)
        self.any_bounded = self.is_bounded.any()
        self._root_weight = None  # where all rows weigh the same
        if not layer.has_equal_weights:
            self._root_weight = np.sqrt(layer.row_weight[self.rows]).astype(layer.dtype)

    def of(self, values):
        """Return the cells of `values` (n, K)."""
        return np.take(values, self.flat)

    def prior(self, own):
        """Return the mean and SD of the cells given their own LayerState."""
        mean = expected_response(self._layer, own, self.of)
        sd = np.sqrt(own.residual_variance).astype(mean.dtype)[self.columns]
        return mean, sd if self._root_weight is None else sd / self._root_weight

    def draw_from_prior(self, own, rng):
        """Return draws of the cells given their own LayerState."""
        mean, sd = self.prior(own)
        draws = mean + sd * rng.standard_normal(mean.shape, dtype=mean.dtype)
        if self.any_bounded:
            bounded = self.is_bounded
            drawn, lower = draws[bounded], np.full(bounded.sum(), -np.inf, draws.dtype)
            prior = mean[bounded], sd[bounded]
            fill_truncated_normal(rng, *prior, lower, self.upper[bounded], drawn)
            draws[bounded] = drawn
        return draws


class MissingPhenotypes:
    """Draws of the missing cells of a layer that no other reads.

    Parameters
    ----------
    layer : Layer
    """

    def __init__(self, layer):
        self._layer = layer
        self._cells = Cells(layer, ~layer.observed & layer.informed[:, None])

    def draw(self, chain, rng, tuning):
        """Draw every missing cell once."""
        own = chain.layers[self._layer.name]
        np.put(own.response, self._cells.flat, self._cells.draw_from_prior(own, rng))


class MissingOmics(ABC):
    """Draws of the missing cells; a subclass says how the cells that inform the reader are drawn.

    Parameters
    ----------
    layer : Layer
        Of the nodes.
    reader : Layer
        The layer with a term on these nodes, C responses.
    nodes : Nodes
        This term.
    residual : RowResidual or SummedResidual
        Of the reader.
    """

    def __init__(self, layer, reader, nodes, residual):
        self.activation = nodes.activation
        self._layer, self._reader, self._nodes, self._residual = layer, reader, nodes, residual
        missing = ~layer.observed & layer.informed[:, None]
        self.free = Cells(layer, missing & ~reader.informed[:, None])
        self.coupled = Cells(layer, missing & reader.informed[:, None])
        # Coupled cells are sorted by row: sums over the cells of a row are segment sums.
        self.rows, self._starts, self._row_of_cell = np.unique(
            self.coupled.rows, return_index=True, return_inverse=True
        )
        self._row_weight = reader.row_weight[self.rows, None].astype(layer.dtype)

    def draw(self, chain, rng, tuning):
        """Draw every missing cell once; `tuning` during burn-in."""
        own = chain.layers[self._layer.name]
        if self.free.flat.size:
            self._store(chain, self.free, self.free.draw_from_prior(own, rng))
        if self.coupled.flat.size:
            mean, sd = self.coupled.prior(own)
            draws = self.draw_coupled(chain, mean, sd, rng, tuning)
            self._store(chain, self.coupled, draws)

    @abstractmethod
    def draw_coupled(self, chain, mean, sd, rng, tuning):
        """Return draws of the coupled cells, whose prior has this mean and SD."""

    def _unexplained(self, chain):
        """Return the residuals of the reader in the coupled rows, (rows, C)."""
        return self._residual.rows(chain.layers[self._reader.name])[self.rows]

    def _residual_variance(self, chain):
        """Return the residual variances of the reader in the coupled rows, (rows, C)."""
        variance = chain.layers[self._reader.name].residual_variance
        return variance.astype(self._row_weight.dtype) / self._row_weight

    def _sum_by_row(self, cells):
        """Return the sums (rows,) of values of the coupled cells."""
        return segment_sums(cells, self._starts)

    def _weights_and_target(self, chain):
        """Return the weights of the coupled cells, (C, cells), and what these are to explain.

        That is the response of the reader minus everything but these cells, (rows, C).
        """
        state = self._nodes.of(chain)
        weights = np.take(state.effects.T, self.coupled.columns, axis=1)
        now = weighted_sums(weights, self.coupled.of(state.activated), self._starts)
        return weights, self._unexplained(chain) + now

    def _store(self, chain, cells, draws):
        nodes = chain.layers[self._layer.name].response
        put_at(cells.flat, draws, nodes)
        self._nodes.reactivate(self._nodes.of(chain), nodes, cells)


@njit(nogil=True, cache=True)
def put_at(flat, values, out):
    """Write values to flat positions of an array."""
    out = out.reshape(-1)
    for e in range(flat.size):
        out[flat[e]] = values[e]


@njit(nogil=True, cache=True)
def segment_sums(values, starts):
    """Return the sums of segments of values, of which segment r begins at starts[r]."""
    sums = np.zeros(starts.size, values.dtype)
    for r in range(starts.size):
        stop = starts[r + 1] if r + 1 < starts.size else values.size
        for e in range(starts[r], stop):
            sums[r] += values[e]
    return sums


@njit(nogil=True, cache=True)
def weighted_sums(weights, values, starts):
    """Return the sums over segments of values times weights (C, cells): (segments, C)."""
    sums = np.empty((starts.size, len(weights)), values.dtype)
    for c in range(len(weights)):
        of_cells = weights[c]
        for r in range(starts.size):
            stop = starts[r + 1] if r + 1 < starts.size else values.size
            total = values.dtype.type(0)
            for e in range(starts[r], stop):
                total += of_cells[e] * values[e]
            sums[r, c] = total
    return sums
