"""SNP effects, one at a time given the others, in blocks and all columns together."""

from itertools import pairwise

import numpy as np

from sknnmm.genotypes.kernels import LINE
from sknnmm.genotypes.memory_map import ReadOnlyArrays
from sknnmm.kernels.blocked import PANEL, sweep_blocks
from sknnmm.kernels.simd import WIDE
from sknnmm.kernels.variates import standard_normals
from sknnmm.sampling.snp.base import SNPUpdate
from sknnmm.sampling.snp.prepared_draws import Draws, prepare_together
from sknnmm.sampling.snp.unexplained import UnexplainedRows, times_change, work_of_iteration

BLOCK = 32  # SNPs swept together; it divides TILE
MAX_WEIGHTINGS = 2  # sets of row weights that one sweep can serve
CHUNK = 2**16  # effects whose draws are prepared at a time, or a block of SNPs if that is more


class BlockedSweep(SNPUpdate, ReadOnlyArrays):
    """Gibbs sweep over the SNP effects of some terms, the columns of all side by side.

    Parameters
    ----------
    network : Network
    terms : list of SNPs
        Neighbours of `MAX_WEIGHTINGS` kinds of row weights at most.
    """

    def __init__(self, network, terms):
        super().__init__(network, terms)
        self.sweep_moves = not any(term.prior.groups for term in terms)  # these move in turn
        starts = np.cumsum([0] + [term.n_responses for term in terms])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        self._n_lanes = lanes(int(starts[-1]))
        self._chunk = BLOCK * max(1, CHUNK // (BLOCK * self._n_lanes))
        self._any_missing = network.genotypes.any_missing or None  # None: a kernel without checks
        self._mean = network.genotypes.mean.astype(network.dtype)
        self._multipliers = [tuple(term.prior.multipliers) for term in terms]
        # Cross-products within blocks, once for neighbours that weigh the rows alike.
        weightings = _runs(terms)
        if len(weightings) > MAX_WEIGHTINGS:
            raise ValueError(f"one sweep serves {MAX_WEIGHTINGS} weightings, not {len(weightings)}")
        row_weights = [run[0].row_weight for run in weightings]
        self._weighting_of = np.repeat(np.arange(len(weightings)), [len(run) for run in weightings])
        widths = [sum(term.n_responses for term in run) for run in weightings]
        self._columns = np.cumsum([0, *widths])  # where each weighting begins, and the end
        self._grams = network.genotypes.block_grams(row_weights, network.dtype, BLOCK)
        squares = np.diagonal(self._grams, axis1=2, axis2=3)  # (n_blocks, G, b)
        squares = squares.transpose(0, 2, 1).reshape(-1, len(row_weights))
        self._squares = squares[: network.genotypes.shape[1]]  # (p, G)
        self._row_weights = np.stack(row_weights).astype(network.dtype)
        self._is_one = (self._row_weights == 1).all(axis=1)
        n, p = network.genotypes.shape
        self._work = work_of_iteration(p * int(starts[-1]), n * p * int(starts[-1]))
        self.freeze()

    @staticmethod
    def groups(terms):
        """Yield terms in groups, in their order, of no more weightings than one sweep serves."""
        runs = _runs(terms)
        for first in range(0, len(runs), MAX_WEIGHTINGS):
            yield [term for run in runs[first : first + MAX_WEIGHTINGS] for term in run]

    def sweep(self, parts, rng, moves=(), backward=False):
        """Draw every SNP effect once (see SNPUpdate).

        `moves`: a SweepMove of every term, or None. `backward`: from the last SNP to the first.
        """
        states = [part.state for part in parts]
        targets = [part.target.rows() for part in parts]
        n = len(targets[0])
        residual, x = self._room(self._n_lanes, n), self._room(BLOCK, n)
        s2 = np.ones(self._n_lanes)
        for part, target, own in zip(parts, targets, self._slices, strict=True):
            s2[own] = part.residual_variance
            np.subtract(target.T, part.state.fit.T, out=residual[own, :n])
        variances = [
            term.prior.effect_variances(part.state.hyper, part.residual_variance)
            for term, part in zip(self.terms, parts, strict=True)
        ]
        weights = [
            term.prior.effect_weights(state.hyper)
            for term, state in zip(self.terms, states, strict=True)
        ]
        chunks = range(0, len(self._mean), self._chunk)
        for first in reversed(chunks) if backward else chunks:
            snps = slice(first, first + self._chunk)
            tables = self._prepare(snps, parts, variances, weights, rng)
            shape = (len(self._squares[snps]), self._n_lanes)
            effects, component = np.empty(shape, self._dtype), np.empty(shape, np.int8)
            effects[:, self._columns[-1] :], component[:, self._columns[-1] :] = 0, -1  # idle
            for state, own in zip(states, self._slices, strict=True):
                effects[:, own], component[:, own] = state.effects[snps], state.component[snps]
            normal = standard_normals(shape, rng, self._dtype)
            seen = np.empty(shape, self._dtype)
            sweep_blocks(
                self._genotypes.dosages,
                self._genotypes.any_missing,
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
                seen,
                backward,
            )
            for move, own, weighting in zip(moves, self._slices, self._weighting_of, strict=False):
                if move is not None:
                    move.weigh(snps, seen[:, own], self._squares[snps, weighting])
            for state, own in zip(states, self._slices, strict=True):
                state.effects[snps], state.component[snps] = effects[:, own], component[:, own]
        row_weights = (self._row_weights[weighting] for weighting in self._weighting_of)
        return [
            UnexplainedRows(state, target, residual[own, :n], row_weight, self._times, self._work)
            for state, target, own, row_weight in zip(
                states, targets, self._slices, row_weights, strict=True
            )
        ]

    def _times(self, change):
        """Return genotypes times a Change of the effects of a term, (C, n)."""
        snps = change.entries // (len(change.indptr) - 1)
        return times_change(self._genotypes, self._mean, self._any_missing, snps, change)

    def _room(self, n_columns, n):
        """Return zeros (n_columns, N), N >= n; rows begin at cache lines."""
        size = np.dtype(self._dtype).itemsize
        n_panels = -(-n // PANEL) | 1  # odd: else the rows might share few places in the cache
        width = n_panels * PANEL * size
        room = np.zeros(n_columns * width + LINE, np.int8)
        start = -room.ctypes.data % LINE
        return room[start : start + n_columns * width].view(self._dtype).reshape(n_columns, -1)

    def _prepare(self, snps, parts, variances, weights, rng):
        """Return the prepared draws of some SNPs, all columns side by side."""
        squares = [self._squares[snps, g, None] for g in range(self._squares.shape[1])]
        draws = [
            Draws(
                squares[weighting],
                multipliers,
                weight[:, snps] if weight.shape[1] > 1 else weight,
                variance[snps] if len(variance) > 1 else variance,
                part.residual_variance[None],
            )
            for weighting, multipliers, part, variance, weight in zip(
                self._weighting_of, self._multipliers, parts, variances, weights, strict=True
            )
        ]
        n_idle = self._n_lanes - self._columns[-1]
        if n_idle:
            ones = np.ones((1, n_idle))
            multipliers = self._multipliers[0]
            weights = np.ones((len(multipliers), 1, n_idle))
            draws.append(Draws(squares[0], multipliers, weights, ones, ones))
        return prepare_together(draws, -1, rng, self._dtype)

    def refresh(self, states):
        """Recompute the maintained fits (see SNPUpdate)."""
        for state in states:
            state.fit[:] = self._genotypes.dot(state.effects)


def _runs(terms):
    """Return lists of neighbouring terms that weigh the rows alike."""
    runs = []
    for term in terms:
        if runs and np.array_equal(runs[-1][0].row_weight, term.row_weight):
            runs[-1].append(term)
        else:
            runs.append([term])
    return runs


def lanes(n_columns):
    """Return to how many columns some are filled up: whole vectors, short ones if they are few."""
    whole = -(-n_columns // len(WIDE)) * len(WIDE)
    return next((size for size in (4, 8) if n_columns <= size), whole)
