"""What a chain keeps of the SNP effects of one term: sums, and draws to store."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.kernels.simd import WIDE, load, splat, store, sum_of_lanes, where_greater


@dataclass
class EffectsMoments:
    """Sums over kept draws of the SNP effects of one term, (p, C), or (m,) of connections."""

    mean: np.ndarray  # over all kept draws
    weighted_mean: np.ndarray  # of effects times weights on each response of the reader, (R, ...)
    total: np.ndarray  # over `count` draws
    squares: np.ndarray
    included: np.ndarray
    count: int


class _SweptRecord:
    """Running sums of the SNP effects of one term that are drawn as such."""

    def __init__(self, update, term, n_weighted):
        self.update = update
        self.count = 0
        self._layout = update.layout(term)
        self._total, self._squares, self._included = np.zeros((3, *self._layout.shape))
        self._weighted = np.zeros((n_weighted, *self._layout.shape))
        self._selects = term.prior.selects

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {
            "total": self._total,
            "squares": self._squares,
            "included": self._included,
            "weighted": self._weighted,
        }

    def add(self, state, weights, store, rng):
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

    def storable(self, effects):
        """Return a copy of effects to keep: whole, or (flat indices, values) if many are zero."""
        return _as_sparse(effects) if self._selects else effects.copy()

    def moments(self, n_kept):
        """Return the EffectsMoments over `n_kept` draws."""
        return EffectsMoments(
            mean=self._total / n_kept,
            weighted_mean=self._weighted / n_kept,
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

    def storable(self, effects):
        """Return (flat indices in (p, K), values) to keep."""
        if not self._selects:
            return self._positions, effects
        nonzero = np.flatnonzero(effects)
        return self._positions[nonzero], effects[nonzero]


class _SpectralRecord:
    """Running sums of the coordinates of the SNP effects of one term, and of some effects."""

    def __init__(self, update, term, n_weighted):
        self.update = update
        self.count = 0
        shape = (term.genotypes.shape[1], term.n_responses)
        self._total, self._squares = np.zeros((2, *shape))
        self._in_model = np.broadcast_to(term.genotypes.polymorphic[:, None], shape)
        self._coordinates = np.zeros(update.layout(term).shape)
        self._weighted = np.zeros((n_weighted, *self._coordinates.shape))

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {
            "total": self._total,
            "squares": self._squares,
            "coordinates": self._coordinates,
            "weighted": self._weighted,
        }

    def add(self, state, weights, store, rng):
        """Add a draw; return its SNP effects if they are to be stored."""
        self._coordinates += state.effects
        self._weighted += weights.T[:, None] * state.effects
        if not store:
            return None
        effects = self.update.snp_effects(state, rng)
        self.count += 1
        self._total += effects
        self._squares += effects.astype(float) ** 2
        return effects

    def storable(self, effects):
        """Return a copy of effects to keep."""
        return effects.copy()

    def moments(self, n_kept):
        """Return the EffectsMoments: means over `n_kept` draws, the rest over the stored ones."""

        def mean_of(total):
            return self.update.mean_snp_effects(total / n_kept).astype(float)

        return EffectsMoments(
            mean=mean_of(self._coordinates),
            weighted_mean=np.array([mean_of(total) for total in self._weighted]),
            total=self._total,
            squares=self._squares,
            included=self.count * self._in_model,
            count=self.count,
        )


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
