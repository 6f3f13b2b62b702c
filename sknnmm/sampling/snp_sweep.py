"""SNP effects, one at a time given the others, in blocks and all columns together."""

from itertools import pairwise

import numpy as np

from sknnmm.columns import DenseColumns
from sknnmm.sampling.sweep_kernels import sweep_genotypes


class DenseSweep:
    """What sweeps over all SNPs and all columns of one or both paths share.

    A subclass sets `genotypes` and `paths` and implements `draw`.
    """

    keeps_fit = True

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


class BlockedSweep(DenseSweep):
    """Gibbs sweep over the SNP effects of one or both paths, for any mixture prior.

    Parameters
    ----------
    model : NetworkModel
    paths : list of NodePath, DirectPath
    """

    def __init__(self, model, paths):
        self.genotypes = model.genotypes
        self.paths = paths
        self._mean = model.genotypes.mean.astype(model.dtype)
        same_rows = all(np.array_equal(p.row_weight, paths[0].row_weight) for p in paths)
        row_weights = [p.row_weight for p in (paths[:1] if same_rows else paths)]
        self._grams = model.genotypes.block_grams(row_weights, model.dtype)
        self._reweighted = _rows_off_one(row_weights, model.dtype)
        starts = np.cumsum([0] + [p.n_columns for p in paths])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        self._columns = starts[[0, -1]] if same_rows else starts
        n_components = max(len(p.prior.multipliers) for p in paths)
        self._multipliers = np.concatenate(
            [
                _padded(
                    np.repeat([p.prior.multipliers], p.n_columns, 0).T.astype(float), n_components
                )
                for p in paths
            ],
            axis=1,
        )

    def draw(self, chain, rng):
        """Draw every SNP effect of the paths once."""
        states = [path.state(chain) for path in self.paths]
        targets = [path.target(chain) for path in self.paths]
        residual_variances = [path.residual_variance(chain) for path in self.paths]
        effects = _side_by_side([s.effects for s in states])
        component = _side_by_side([s.component for s in states])
        residual = np.empty((effects.shape[1], len(targets[0])), effects.dtype)
        for state, target, columns in zip(states, targets, self._slices, strict=True):
            np.subtract(target.T, state.fit.T, out=residual[columns])
        sweep_genotypes(
            self.genotypes.dosages,
            self._mean,
            self._grams,
            self._columns,
            self._reweighted,
            residual,
            effects,
            component,
            self._multipliers,
            _mixture_weights(states),
            _variances(self.paths, states, residual_variances),
            np.concatenate(residual_variances),
            rng,
        )
        for state, target, columns in zip(states, targets, self._slices, strict=True):
            np.subtract(target, residual[columns].T, out=state.fit)
            if len(states) > 1:
                state.effects[:] = effects[:, columns]
                state.component[:] = component[:, columns]


def _rows_off_one(row_weights, dtype):
    """Return (first, rows, weights) of the rows whose weight is not 1, set after set."""
    rows = [np.flatnonzero(w != 1) for w in row_weights]
    first = np.cumsum([0] + [len(r) for r in rows])
    weights = [w[r] for w, r in zip(row_weights, rows, strict=True)]
    return first, np.concatenate(rows), np.concatenate(weights).astype(dtype)


def _padded(rows, n_rows):
    """Return rows (M, C) with zeros below, for priors with fewer components than others."""
    return np.pad(rows, ((0, n_rows - len(rows)), (0, 0)))


def _mixture_weights(states):
    """Return mixture weights (M, C) of the columns of all states; padding has weight 0."""
    n_components = max(len(state.hyper.weights) for state in states)
    return _side_by_side(
        [
            state.hyper.weights
            if len(state.hyper.weights) == n_components
            else _padded(state.hyper.weights, n_components)
            for state in states
        ]
    )


def prior_variances(prior, hyper, residual_variance):
    """Return the prior variances of effects, shaped like hyper.variance, in absolute units."""
    if not prior.relative_to_residual:
        return hyper.variance
    return hyper.variance * hyper.columns.spread(residual_variance)


def _variances(paths, states, residual_variances):
    """Return prior variances side by side: (1, C), or (p, C) if any prior has one per effect."""
    variances = [
        prior_variances(path.prior, state.hyper, s2)
        for path, state, s2 in zip(paths, states, residual_variances, strict=True)
    ]
    n_rows = max(len(v) for v in variances)
    return _side_by_side([v if len(v) == n_rows else np.repeat(v, n_rows, 0) for v in variances])


def _side_by_side(arrays):
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)
