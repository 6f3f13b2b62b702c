"""What a chain keeps: every draw of the small quantities, moments and some draws of the large."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from sknnmm.sampling.genetic_variance import variance_shares
from sknnmm.sampling.snp_connections import ConnectionSweep
from sknnmm.sampling.snp_spectral import SpectralDraw


@dataclass
class EffectsMoments:
    """Sums over kept draws of the SNP effects of one path, (p, C), or (m,) of connections."""

    mean: np.ndarray  # over all kept draws
    weighted_mean: np.ndarray  # of effects times omics weights
    total: np.ndarray  # over `count` draws
    squares: np.ndarray
    included: np.ndarray
    count: int


@dataclass
class ChainResult:
    """Kept quantities of one chain, on the standardised scale."""

    n_kept: int
    draws: dict  # name -> (n_kept, ...)
    snp: EffectsMoments | None
    direct: EffectsMoments | None
    weights_included: np.ndarray  # (K,) share of draws
    omics_total: np.ndarray  # (n, n_observed) sums over kept draws
    omics_squares: np.ndarray
    step_size: object  # of Hamiltonian Monte Carlo, or None
    stored: "ThinnedDraws"


class Recorder:
    """Collects the kept draws of one chain."""

    def __init__(self, sampler, n_kept, effects_budget):
        self._sampler = sampler
        self._n_kept = n_kept
        self._n_recorded = 0
        self._draws = {}
        self._effects = {
            path: _effects_record(update, path, sampler.model)
            for update in sampler.snp_updates
            for path in update.paths
        }
        self._names = {sampler.node_path: "snp", sampler.direct_path: "direct"}
        self._stored = ThinnedDraws(effects_budget)
        model = sampler.model
        self._weights_included = np.zeros(model.n_nodes)
        self._omics_total = np.zeros((model.n_samples, model.n_observed_nodes))
        self._omics_squares = np.zeros_like(self._omics_total)
        self._uninformative = np.flatnonzero(~model.informative)

    def record(self, chain, rng):
        """Keep the present state."""
        model, sampler = self._sampler.model, self._sampler
        weights = chain.weights.effects[:, 0].astype(float) if sampler.has_weights else None
        store = self._stored.wants(self._n_recorded)
        effects, fits = {}, {}
        for path, record in self._effects.items():
            state = path.state(chain)
            mediated = path is sampler.node_path and sampler.has_weights
            on_y = weights if mediated else np.zeros(path.n_columns)
            effects[path] = record.add(state, on_y, store, rng)
            fits[path] = record.update.fit_everywhere(state, rng, effects[path])
        if store:
            self._stored.add(
                self._n_recorded,
                {
                    self._names[path]: self._effects[path].storable(drawn)
                    for path, drawn in effects.items()
                },
            )
        snp_fit, direct_fit = fits.get(sampler.node_path), fits.get(sampler.direct_path)
        shares = variance_shares(model, chain, snp_fit, direct_fit)
        self._keep(_small_quantities(sampler, chain) | shares)
        if sampler.has_weights:
            self._weights_included += weights != 0
        if model.n_nodes:
            self._add_omics(chain, snp_fit)
        self._n_recorded += 1

    def _keep(self, quantities):
        for name, value in quantities.items():
            if name not in self._draws:
                self._draws[name] = np.empty((self._n_kept, *np.shape(value)))
            self._draws[name][self._n_recorded] = value

    def _add_omics(self, chain, snp_fit):
        n_observed = self._omics_total.shape[1]
        _add_moments(chain.omics, self._omics_total, self._omics_squares)
        rows = self._uninformative
        if rows.size:
            # Outside the chain: their moments given the other parameters are known.
            mean = (snp_fit + chain.omics_fixed.fit)[rows, :n_observed]
            self._omics_total[rows] += mean
            self._omics_squares[rows] += mean**2 + chain.omics_residual_variance[:n_observed]

    def result(self, chain):
        """Return the ChainResult, given the last state."""
        sampler = self._sampler
        moments = {path: record.moments(self._n_kept) for path, record in self._effects.items()}
        return ChainResult(
            n_kept=self._n_kept,
            draws=self._draws,
            snp=moments.get(sampler.node_path),
            direct=moments.get(sampler.direct_path),
            weights_included=self._weights_included / self._n_kept,
            omics_total=self._omics_total,
            omics_squares=self._omics_squares,
            step_size=chain.step_size,
            stored=self._stored,
        )


def _small_quantities(sampler, chain):
    """Return scalars, weights, variances and fixed effects by name."""
    model = sampler.model
    kept = {
        "residual_variance": chain.residual_variance[0],
        "centred_intercept": chain.fixed.coefficients[0, 0],
        "covariate_effects": chain.fixed.coefficients[1:, 0],
    }
    layers = [("direct_", "direct_effects", chain.direct, model.direct_prior)]
    if model.n_nodes:
        kept |= {
            "omics_residual_variance": chain.omics_residual_variance,
            "omics_centred_intercept": chain.omics_fixed.coefficients[0],
            "omics_covariate_effects": chain.omics_fixed.coefficients[1:],
        }
        layers.append(("", "snp_effects", chain.snp, model.snp_prior))
    if sampler.has_weights:
        kept["omics_weights"] = chain.weights.effects[:, 0]
        layers.append(("omics_", "omics_weights", chain.weights, model.weight_prior))
    for prefix, effects, state, prior in layers:
        if state is None:
            continue
        scalar = effects != "snp_effects"  # one column
        common = state.hyper.variance.ndim == 2 and len(state.hyper.variance) == 1
        if common and not prior.relative_to_residual:
            variance = state.hyper.variance[0]
            kept[f"{effects}_variance"] = variance[0] if scalar else variance
        pi = prior.zero_weight(state.hyper)
        if pi is not None:
            kept[f"{prefix}pi"] = pi[0] if scalar else pi
    return kept


class _SweptRecord:
    """Running sums of the SNP effects of one path that are drawn as such."""

    def __init__(self, update, path, model):
        self.update = update
        self.count = 0
        columns = update.columns(path)
        self._total, self._squares, self._included, self._weighted = np.zeros((4, *columns.shape))
        self._multipliers = np.asarray(path.prior.multipliers, float)
        self._selects = path.prior.selects

    def add(self, state, weights, store, rng):
        """Add a draw, `weights` (C,) those of the columns on y; return its SNP effects."""
        self.count += 1
        add_effects(
            state.effects, state.component, self._multipliers, weights,
            self._total, self._squares, self._included, self._weighted,
        )  # fmt: skip
        return state.effects

    def storable(self, effects):
        """Return a copy of effects to keep: whole, or (flat indices, values) if many are zero."""
        return as_sparse(effects) if self._selects else effects.copy()

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
        self._columns = update.columns(path)
        self._positions = path.connections.positions

    def add(self, state, weights, store, rng):
        """Add a draw; return its SNP effects per allele."""
        effects = self.update.snp_effects(state, rng)
        self.count += 1
        self._total += effects
        self._squares += np.square(effects, dtype=float)
        chosen = np.maximum(state.component, 0)
        self._included += (state.component >= 0) & (self._multipliers[chosen] > 0)
        self._weighted += self._columns.spread(weights) * effects
        return effects

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


def _effects_record(update, path, model):
    if isinstance(update, SpectralDraw):
        return _SpectralRecord(update, path, model)
    if isinstance(update, ConnectionSweep):
        return _ConnectionsRecord(update, path, model)
    return _SweptRecord(update, path, model)


@njit(nogil=True, cache=True)
def add_effects(
    effects, component, multipliers, weights, total, squares, included, weighted
):  # fmt: skip
    """Add one draw of effects (p, C) to the running sums."""
    for j in range(effects.shape[0]):
        for c in range(effects.shape[1]):
            chosen = component[j, c]
            if chosen < 0 or multipliers[chosen] == 0:
                continue
            effect = float(effects[j, c])
            total[j, c] += effect
            squares[j, c] += effect * effect
            included[j, c] += 1
            weighted[j, c] += weights[c] * effect


@njit(nogil=True, cache=True)
def _add_moments(values, total, squares):
    """Add the first columns of `values` and their squares to running sums."""
    for i in range(total.shape[0]):
        for c in range(total.shape[1]):
            value = float(values[i, c])
            total[i, c] += value
            squares[i, c] += value * value


class ThinnedDraws:
    """Evenly spaced draws of large arrays within a number of bytes.

    When the draws outgrow the budget, every second one is dropped and the spacing doubles, so the
    number of draws to come need not be known.
    """

    def __init__(self, budget):
        self._budget = budget
        self._bytes = 0
        self.spacing = 1
        self.draws = {}  # index of the kept draw -> {name: array or (indices, values)}

    def wants(self, index):
        """Return whether kept draw `index` falls on the present spacing."""
        return index % self.spacing == 0

    def add(self, index, arrays):
        """Store the arrays of a draw: {name: array or (flat indices, values)}."""
        self.draws[index] = arrays
        self._bytes += _n_bytes(arrays)
        while self._bytes > self._budget and len(self.draws) > 1:
            self.spacing *= 2
            self.thin(self.spacing)

    def thin(self, spacing):
        """Keep the draws on a wider spacing only."""
        self.spacing = spacing
        self.draws = {index: draw for index, draw in self.draws.items() if index % spacing == 0}
        self._bytes = sum(_n_bytes(draw) for draw in self.draws.values())


def as_sparse(array):
    """Return the flat indices and the values of the nonzero entries."""
    flat = np.ravel(array)
    indices = np.flatnonzero(flat)
    return indices.astype(np.int32 if flat.size < 2**31 else np.int64), flat[indices]


def _n_bytes(draw):
    """Return the bytes of a draw in the end, where a sparse value has four indices (int32)."""
    return sum(
        array[1].nbytes + 16 * len(array[1]) if isinstance(array, tuple) else array.nbytes
        for array in draw.values()
    )
