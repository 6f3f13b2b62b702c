"""What a chain keeps of the SNP effects of one term: sums, and draws to store."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.common.row_blocks import row_blocks
from sknnmm.kernels.simd import WIDE, load, splat, store, sum_of_lanes, where_greater

JOINED = 2**23  # bytes of effects made of coordinates at a time, or one draw if that has more


@dataclass
class EffectsMoments:
    """Sums over kept draws of the effects of one term, (p, C), or (m,) of connections."""

    mean: np.ndarray  # over all kept draws
    weighted_mean: list  # of effects times weights, for each response of the reader
    total: np.ndarray  # over `count` draws
    squares: np.ndarray
    included: np.ndarray | None  # None: nothing selects
    count: int


class _SweptRecord:
    """Running sums of the SNP effects of one term that are drawn as such."""

    def __init__(self, update, term, n_weighted):
        self.update = update
        self.count = 0
        self._layout = update.layout(term)
        self._total, self._squares, self._included = np.zeros((3, *self._layout.shape))
        self._weighted = np.zeros((n_weighted, *self._layout.shape))
        self._selects = all(prior.selects for prior in term.prior.parts)  # of all groups

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {
            "total": self._total,
            "squares": self._squares,
            "included": self._included,
            "weighted": self._weighted,
        }

    def add(self, state, weights, rng):
        """Add a draw; return its SNP effects.

        `weights` (C, R) are those that the responses of this layer have on the R of its reader.
        """
        self.count += 1
        effects = self.update.snp_effects(state, rng)
        sums = (self._total, self._squares, self._included, self._weighted[0])
        add_effects(
            effects.reshape(-1),
            self._layout.spread(weights[:, 0]).reshape(-1),
            *(values.reshape(-1) for values in sums),
        )
        for weighted, weight in zip(self._weighted[1:], weights.T[1:], strict=True):
            weighted += self._layout.spread(weight) * effects
        return effects

    def storable(self, effects, state):
        """Return a copy of effects to keep: whole, or (flat indices, values) if many are zero."""
        return _as_sparse(effects) if self._selects else effects.copy()

    def n_bytes(self, kept):
        """Return the bytes of a draw in the end, where a sparse value has four indices (int64)."""
        return kept[1].nbytes + 32 * len(kept[1]) if isinstance(kept, tuple) else kept.nbytes

    def finish(self, kept, n_kept, rng):
        """Return the effects that are kept, and the EffectsMoments over `n_kept` draws."""
        return kept, EffectsMoments(
            mean=self._total / n_kept,
            weighted_mean=list(self._weighted / n_kept),
            total=self._total,
            squares=self._squares,
            included=self._included,
            count=self.count,
        )


class _ConnectionsRecord(_SweptRecord):
    """The same for effects of single connections."""

    def __init__(self, update, term, n_weighted):
        super().__init__(update, term, n_weighted)
        self._positions = term.connections.positions

    def storable(self, effects, state):
        """Return (flat indices in (p, K), values) to keep."""
        if not self._selects:
            return self._positions, effects
        nonzero = np.flatnonzero(effects)
        return self._positions[nonzero], effects[nonzero]


class _SpectralRecord:
    """Running sums of the coordinates of the SNP effects of one term.

    Effects are made of the coordinates at the end of the chain, those of many draws together.
    """

    def __init__(self, update, term, n_weighted):
        self.update = update
        self.count = 0
        self._shape = (term.genotypes.shape[1], term.n_responses)
        self._in_model = term.genotypes.polymorphic[:, None]
        n_coordinates, n_columns = update.layout(term).shape
        self._coordinates = np.zeros((n_columns, n_coordinates))
        self._weighted = np.zeros((n_weighted, n_columns, n_coordinates))

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {"coordinates": self._coordinates, "weighted": self._weighted}

    def add(self, state, weights, rng):
        """Add a draw; return its coordinates of all rows."""
        self.count += 1
        add_coordinates(state.effects.T, weights, self._coordinates, self._weighted)
        return self.update.complete(state, rng)

    def storable(self, coordinates, state):
        """Return what effects are made of: the coordinates, and below them the variances."""
        return np.concatenate([coordinates, state.hyper.variance.astype(coordinates.dtype)])

    def n_bytes(self, kept):
        """Return the bytes of the effects of a draw."""
        return self._shape[0] * self._shape[1] * kept.itemsize

    def finish(self, kept, n_kept, rng):
        """Return the effects of kept draws, and the EffectsMoments.

        These hold means over `n_kept` draws, and the rest over the kept ones.
        """
        effects, at_once = [], max(1, JOINED // self.n_bytes(kept[0]))
        for first in range(0, len(kept), at_once):
            some = kept[first : first + at_once]
            coordinates, variances = [draw[:-1] for draw in some], [draw[-1] for draw in some]
            effects += self.update.effects_given(coordinates, variances, rng)
        total, squares = _sums_of(effects)
        return effects, EffectsMoments(
            mean=self._mean_of(self._coordinates.T / n_kept),
            weighted_mean=[self._mean_of(sums.T / n_kept) for sums in self._weighted],
            total=total,
            squares=squares,
            included=np.broadcast_to(len(effects) * self._in_model, self._shape),
            count=len(effects),
        )

    def _mean_of(self, coordinates):
        return self.update.mean_snp_effects(coordinates)


def _sums_of(draws):
    """Return the sums of draws (p, C), and those of their squares, in double precision."""
    total, squares = np.empty((2, *draws[0].shape))
    for rows in row_blocks(total):
        total[rows] = draws[0][rows]
        np.square(total[rows], out=squares[rows])
        for draw in draws[1:]:
            values = draw[rows].astype(float)
            total[rows] += values
            squares[rows] += np.square(values, out=values)
    return total, squares


class LevelsRecord:
    """Running sums of the effects of the levels of one term."""

    def __init__(self, term, n_weighted):
        shape = (term.levels.n_levels, term.n_responses)
        self.count = 0
        self._total, self._squares = np.zeros((2, *shape))
        self._weighted = np.zeros((n_weighted, *shape))

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {"total": self._total, "squares": self._squares, "weighted": self._weighted}

    def add(self, state, weights, rng):
        """Add a draw; return its effects (see _SweptRecord)."""
        self.count += 1
        add_moments(state.effects, self._total, self._squares)
        self._weighted += weights.T[:, None] * state.effects
        return state.effects

    def storable(self, effects, state):
        """Return a copy of the effects to keep."""
        return effects.astype(state.fit.dtype)

    def n_bytes(self, kept):
        """Return the bytes of a draw."""
        return kept.nbytes

    def finish(self, kept, n_kept, rng):
        """Return the effects that are kept, and the EffectsMoments over `n_kept` draws."""
        mean, weighted = self._total / n_kept, list(self._weighted / n_kept)
        return kept, EffectsMoments(mean, weighted, self._total, self._squares, None, self.count)


def effects_record(update, term, n_weighted):
    """Return the record that suits how an update holds the SNP effects of a term.

    `n_weighted` is the number of responses of the reader of its layer, at least 1.
    """
    if update.draws_coordinates:
        return _SpectralRecord(update, term, n_weighted)
    if len(update.layout(term).shape) == 1:
        return _ConnectionsRecord(update, term, n_weighted)
    return _SweptRecord(update, term, n_weighted)


@njit(nogil=True, cache=True)
def add_moments(values, total, squares):
    """Add the first columns of `values` and their squares to running sums."""
    for i in range(total.shape[0]):
        for c in range(total.shape[1]):
            value = np.float64(values[i, c])
            total[i, c] += value
            squares[i, c] += value * value


@njit(nogil=True, cache=True)
def add_moments_at(values, flat, total, squares):
    """Add the elements of `values` at flat positions, and their squares, to running sums."""
    values = values.reshape(-1)
    for e in range(flat.size):
        value = np.float64(values[flat[e]])
        total[e] += value
        squares[e] += value * value


@njit(nogil=True, cache=True)
def add_coordinates(coordinates, weights, total, weighted):
    """Add coordinates (C, r) to running sums, and times weights (C, R) to those of (R, C, r)."""
    for c in range(total.shape[0]):
        for i in range(total.shape[1]):
            total[c, i] += coordinates[c, i]
        for k in range(weighted.shape[0]):
            weight, of_column = weights[c, k], weighted[k, c]
            for i in range(of_column.size):
                of_column[i] += weight * coordinates[c, i]


@njit(nogil=True, cache=True)
def add_effects(effects, weights, total, squares, included, weighted):
    """Add one draw of effects (m,) to the running sums; an effect is included if it is not zero.

    `weights` are those of all effects, or (C,) of the columns, which effects go through in turn.
    """
    lanes, n_columns = len(WIDE), weights.size
    zero, one = splat(0.0, WIDE), splat(1.0, WIDE)
    # As often as a vector may begin at any column.
    repeated = np.empty(n_columns + lanes)
    for c in range(repeated.size):
        repeated[c] = weights[c % n_columns]
    whole = effects.size // lanes * lanes
    for i in range(0, whole, lanes):
        effect = load(effects, i, zero)
        square = effect * effect
        if sum_of_lanes(square) == 0:
            continue
        store(total, i, load(total, i, zero) + effect)
        store(squares, i, load(squares, i, zero) + square)
        store(included, i, load(included, i, zero) + where_greater(square, zero, one, zero))
        weight = load(repeated, i % n_columns, zero)
        store(weighted, i, load(weighted, i, zero) + weight * effect)
    for i in range(whole, effects.size):
        effect = float(effects[i])
        total[i] += effect
        squares[i] += effect * effect
        included[i] += effect != 0
        weighted[i] += weights[i % n_columns] * effect


def _as_sparse(array):
    """Return the flat indices and the values of the nonzero entries."""
    flat = np.ravel(array)
    indices = np.flatnonzero(flat != 0)  # of booleans it is many times faster
    return indices.astype(np.int32 if flat.size < 2**31 else np.int64), flat[indices]
