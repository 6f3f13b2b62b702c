"""What a chain keeps of the SNP effects of one path: sums, and draws to store."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.priors._layout import SparseColumns
from sknnmm.sampling.kernels.simd import WIDE, load, splat, store, sum_of_lanes, where_greater
from sknnmm.sampling.snp.spectral import SpectralDraw


@dataclass
class EffectsMoments:
    """Sums over kept draws of the SNP effects of one path, (p, C), or (m,) of connections."""

    mean: np.ndarray  # over all kept draws
    weighted_mean: np.ndarray  # of effects times omics weights
    total: np.ndarray  # over `count` draws
    squares: np.ndarray
    included: np.ndarray
    count: int


class _SweptRecord:
    """Running sums of the SNP effects of one path that are drawn as such."""

    def __init__(self, update, path, model):
        self.update = update
        self.count = 0
        self._columns = update.columns(path)
        self._total, self._squares, self._included, self._weighted = np.zeros(
            (4, *self._columns.shape)
        )
        self._selects = path.prior.selects

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
        """Add a draw, `weights` (C,) those of the columns on y; return its SNP effects."""
        self.count += 1
        effects = self.update.snp_effects(state, rng)
        sums = (self._total, self._squares, self._included, self._weighted)
        add_effects(
            effects.reshape(-1),
            self._columns.spread(weights).reshape(-1),
            *(values.reshape(-1) for values in sums),
        )
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

    def __init__(self, update, path, model):
        super().__init__(update, path, model)
        self._positions = path.connections.positions

    def storable(self, effects):
        """Return (flat indices in (p, K), values) to keep."""
        if not self._selects:
            return self._positions, effects
        nonzero = np.flatnonzero(effects)
        return self._positions[nonzero], effects[nonzero]


class _SpectralRecord:
    """Running sums of the coordinates of the SNP effects of one path, and of some effects."""

    def __init__(self, update, path, model):
        self.update = update
        self.count = 0
        shape = (model.genotypes.shape[1], path.n_columns)
        self._total, self._squares = np.zeros((2, *shape))
        self._in_model = np.broadcast_to(model.genotypes.polymorphic[:, None], shape)
        self._coordinates, self._weighted = np.zeros((2, *update.columns(path).shape))

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
        self._weighted += weights * state.effects
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
        dtype = self.update.basis.dtype
        mean, weighted = (
            self.update.mean_snp_effects((total / n_kept).astype(dtype)).astype(float)
            for total in (self._coordinates, self._weighted)
        )
        return EffectsMoments(
            mean=mean,
            weighted_mean=weighted,
            total=self._total,
            squares=self._squares,
            included=self.count * self._in_model,
            count=self.count,
        )


def effects_record(update, path, model):
    """Return the record that suits how an update holds the SNP effects of a path."""
    if isinstance(update, SpectralDraw):
        return _SpectralRecord(update, path, model)
    if isinstance(update.columns(path), SparseColumns):
        return _ConnectionsRecord(update, path, model)
    return _SweptRecord(update, path, model)


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
