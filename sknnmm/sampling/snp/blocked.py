"""SNP effects, one at a time given the others, in blocks and all columns together."""

from itertools import pairwise

import numpy as np

from sknnmm.genotypes.kernels import LINE
from sknnmm.genotypes.memory_map import ReadOnlyArrays
from sknnmm.priors._layout import DenseColumns
from sknnmm.sampling.kernels.blocked import PANEL, sweep_blocks
from sknnmm.sampling.kernels.simd import WIDE
from sknnmm.sampling.kernels.variates import standard_normals
from sknnmm.sampling.snp.prepared_draws import Draws, prepare_together

BLOCK = 32  # SNPs swept together; it divides TILE
CHUNK = 2**16  # effects whose draws are prepared at a time, or a block of SNPs if that is more


class BlockedSweep(ReadOnlyArrays):
    """Gibbs sweep over the SNP effects of one or both paths, all columns side by side.

    Parameters
    ----------
    model : NetworkModel
    paths : list of NodePath, DirectPath
    """

    keeps_fit = True

    def __init__(self, model, paths):
        self.genotypes = model.genotypes
        self.paths = paths
        self._dtype = model.dtype
        starts = np.cumsum([0] + [p.n_columns for p in paths])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        self._n_lanes = lanes(int(starts[-1]))
        self._chunk = BLOCK * max(1, CHUNK // (BLOCK * self._n_lanes))
        self._any_missing = model.genotypes.any_missing or None  # None: a kernel without checks
        self._mean = model.genotypes.mean.astype(model.dtype)
        self._multipliers = [tuple(p.prior.multipliers) for p in paths]
        # Cross-products within blocks, for the rows of each path, or once if all have the same.
        same_rows = all(np.array_equal(p.row_weight, paths[0].row_weight) for p in paths)
        row_weights = [p.row_weight for p in (paths[:1] if same_rows else paths)]
        ends = starts[-1:] if same_rows else starts[1:]
        self._columns = np.array([0, *ends])  # where each set of row weights begins, and the end
        self._grams = model.genotypes.block_grams(row_weights, model.dtype, BLOCK)
        squares = np.diagonal(self._grams, axis1=2, axis2=3)  # (n_blocks, G, b)
        squares = squares.transpose(0, 2, 1).reshape(-1, len(row_weights))
        self._squares = squares[: model.genotypes.shape[1]]  # (p, G)
        self._row_weights = np.stack(row_weights).astype(model.dtype)
        self._is_one = (self._row_weights == 1).all(axis=1)
        self.freeze()

    def draw(self, chain, rng):
        """Draw every SNP effect of the paths once."""
        states = [path.state(chain) for path in self.paths]
        targets = [path.target(chain) for path in self.paths]
        residual_variances = [path.residual_variance(chain) for path in self.paths]
        n = len(targets[0])
        residual, x = self._room(self._n_lanes, n), self._room(BLOCK, n)
        s2 = np.ones(self._n_lanes)
        for state, target, of_path, own in zip(
            states, targets, residual_variances, self._slices, strict=True
        ):
            s2[own] = of_path
            np.subtract(target.T, state.fit.T, out=residual[own, :n])
        variances = [
            prior_variances(path.prior, state.hyper, of_path)
            for path, state, of_path in zip(self.paths, states, residual_variances, strict=True)
        ]
        for first in range(0, len(self._mean), self._chunk):
            snps = slice(first, first + self._chunk)
            tables = self._prepare(snps, states, variances, residual_variances, rng)
            shape = (len(self._squares[snps]), self._n_lanes)
            effects, component = np.empty(shape, self._dtype), np.empty(shape, np.int8)
            effects[:, self._columns[-1] :], component[:, self._columns[-1] :] = 0, -1  # idle
            for state, own in zip(states, self._slices, strict=True):
                effects[:, own], component[:, own] = state.effects[snps], state.component[snps]
            normal = standard_normals(shape, rng, self._dtype)
            sweep_blocks(
                self.genotypes.dosages,
                self._any_missing,
                self._mean,
                self._grams,
                self._columns,
                self._row_weights,
                self._is_one,
                first,
                residual,
                x,
                effects,
                component,
                s2,
                *tables,
                normal,
                WIDE[: self._n_lanes],
            )
            for state, own in zip(states, self._slices, strict=True):
                state.effects[snps], state.component[snps] = effects[:, own], component[:, own]
        for state, target, own in zip(states, targets, self._slices, strict=True):
            np.subtract(target, residual[own, :n].T, out=state.fit)

    def _room(self, n_columns, n):
        """Return zeros (n_columns, N), N >= n; rows begin at cache lines."""
        size = np.dtype(self._dtype).itemsize
        n_panels = -(-n // PANEL) | 1  # odd: else the rows might share few places in the cache
        width = n_panels * PANEL * size
        room = np.zeros(n_columns * width + LINE, np.int8)
        start = -room.ctypes.data % LINE
        return room[start : start + n_columns * width].view(self._dtype).reshape(n_columns, -1)

    def _prepare(self, snps, states, variances, residual_variances, rng):
        """Return the prepared draws of some SNPs, all columns side by side."""
        squares = [self._squares[snps, g, None] for g in range(self._squares.shape[1])]
        parts = [
            Draws(
                squares[min(g, len(squares) - 1)],
                self._multipliers[g],
                state.hyper.weights[:, None],
                variance[snps] if len(variance) > 1 else variance,
                residual_variance[None],
            )
            for g, (state, variance, residual_variance) in enumerate(
                zip(states, variances, residual_variances, strict=True)
            )
        ]
        n_idle = self._n_lanes - self._columns[-1]
        if n_idle:
            ones = np.ones((1, n_idle))
            multipliers = self._multipliers[0]
            weights = np.ones((len(multipliers), 1, n_idle))
            parts.append(Draws(squares[0], multipliers, weights, ones, ones))
        return prepare_together(parts, -1, rng, self._dtype)

    def refresh(self, chain):
        """Recompute the maintained fits, which rounding has moved."""
        for path in self.paths:
            state = path.state(chain)
            state.fit[:] = self.genotypes.dot(state.effects)

    def columns(self, path):
        """Return the layout of the effects of a path."""
        return DenseColumns(self.genotypes.shape[1], path.n_columns)

    def in_model(self, path):
        """Return which effects of a path can be nonzero, (p, C)."""
        return self.genotypes.polymorphic[:, None] & path.connected

    def snp_effects(self, state, rng):
        """Return the SNP effects (p, C) of a state."""
        return state.effects

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows, (n, C)."""
        return state.fit


def lanes(n_columns):
    """Return to how many columns some are filled up: whole vectors, short ones if they are few."""
    whole = -(-n_columns // len(WIDE)) * len(WIDE)
    return next((size for size in (4, 8) if n_columns <= size), whole)


def prior_variances(prior, hyper, residual_variance):
    """Return the prior variances of effects, shaped like hyper.variance, in absolute units."""
    if not prior.relative_to_residual:
        return hyper.variance
    return hyper.variance * hyper.columns.spread(residual_variance)
