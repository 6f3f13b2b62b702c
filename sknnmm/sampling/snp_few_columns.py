"""SNP effects, one at a time given the others, four SNPs and four columns to a pass."""

from itertools import pairwise

import numpy as np

from sknnmm.memory_map import ReadOnlyArrays
from sknnmm.sampling.connection_kernels import group_grams
from sknnmm.sampling.few_columns_kernels import GROUP, sweep_few_columns
from sknnmm.sampling.prepared_draws import prepare
from sknnmm.sampling.snp_sweep import DenseSweep, prior_variances

MAX_COLUMNS = 24  # with more, matrix products of widened blocks are as fast
CHUNK = 1024  # SNPs whose draws are prepared at a time


class FewColumnsSweep(ReadOnlyArrays, DenseSweep):
    """Gibbs sweep over the SNP effects of one or both paths, for any mixture prior.

    Parameters
    ----------
    model : NetworkModel
    paths : list of NodePath, DirectPath
    """

    def __init__(self, model, paths):
        self.genotypes = model.genotypes
        self.paths = paths
        self._dtype = model.dtype
        starts = np.cumsum([0] + [p.n_columns for p in paths])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        self._n_columns = -(-int(starts[-1]) // GROUP) * GROUP  # the last ones may be idle
        self._mean = model.genotypes.mean.astype(model.dtype)
        self._any_missing = model.genotypes.any_missing or None  # None: a kernel without checks
        self._row_weights = np.stack([p.row_weight for p in paths]).astype(model.dtype)
        self._set_of = np.zeros(self._n_columns, np.int64)
        self._set_of[: starts[-1]] = np.repeat(np.arange(len(paths)), [p.n_columns for p in paths])
        self._grams = np.stack([_grams(model.genotypes, p.row_weight) for p in paths], axis=1)
        n_snps = model.genotypes.shape[1]
        squares = np.diagonal(self._grams, axis1=2, axis2=3)  # (n_groups, G, 4)
        self._squares = squares.transpose(0, 2, 1).reshape(-1, len(paths))[:n_snps]
        self._multipliers = [np.array(p.prior.multipliers, float) for p in paths]
        self.freeze()

    @staticmethod
    def pays(model, paths):
        """Return whether columns are few, and genotypes int8.

        Not where they lie in memory: that must not change the draws, but for rounding.
        """
        n_columns = sum(path.n_columns for path in paths)
        return 1 < n_columns <= MAX_COLUMNS and model.genotypes.dosages.dtype == np.int8

    def draw(self, chain, rng):
        """Draw every SNP effect of the paths once."""
        states = [path.state(chain) for path in self.paths]
        targets = [path.target(chain) for path in self.paths]
        variances = [path.residual_variance(chain) for path in self.paths]
        n_snps, shape = len(self._mean), (len(self._mean), self._n_columns)
        effects, component = np.zeros(shape, self._dtype), np.full(shape, -1, np.int8)
        residual = np.zeros((self._n_columns, len(targets[0])), self._dtype)
        s2 = np.ones(self._n_columns)
        for state, target, variance, own in zip(
            states, targets, variances, self._slices, strict=True
        ):
            effects[:, own], component[:, own], s2[own] = state.effects, state.component, variance
            np.subtract(target.T, state.fit.T, out=residual[own])
        for first in range(0, n_snps, CHUNK):
            snps = slice(first, first + CHUNK)
            sweep_few_columns(
                self.genotypes.dosages,
                self._any_missing,
                self._mean,
                self._grams,
                self._set_of,
                self._row_weights,
                first,
                residual,
                effects[snps],
                component[snps],
                s2,
                *self._prepare(snps, states, variances, rng),
            )
        for state, target, own in zip(states, targets, self._slices, strict=True):
            state.effects[:], state.component[:] = effects[:, own], component[:, own]
            np.subtract(target, residual[own].T, out=state.fit)

    def _prepare(self, snps, states, residual_variances, rng):
        """Return the prepared draws of some SNPs, all columns side by side."""
        shape = (len(self._squares[snps]), self._n_columns)
        n_components = max(map(len, self._multipliers))
        score = np.full((n_components, *shape), -np.inf)
        shrinkage, normal = np.zeros_like(score), np.zeros(shape)
        for g, (path, state, s2, own) in enumerate(
            zip(self.paths, states, residual_variances, self._slices, strict=True)
        ):
            variance = prior_variances(path.prior, state.hyper, s2)
            multipliers = self._multipliers[g]
            drawn = prepare(
                self._squares[snps, g, None],
                multipliers,
                state.hyper.weights[:, None],
                variance[snps] if len(variance) > 1 else variance,
                s2,
                rng,
            )
            used = slice(len(multipliers))
            score[used, :, own], shrinkage[used, :, own], normal[:, own] = drawn
        return score, shrinkage, normal


def _grams(genotypes, row_weight):
    """Return X'WX of every four neighbouring SNPs, (n_groups, 4, 4)."""
    n_snps = genotypes.shape[1]
    return group_grams(
        genotypes.dosages,
        genotypes.mean,
        np.ones(n_snps),
        row_weight,
        np.array([0, n_snps]),
        np.arange(n_snps, dtype=np.int32),
    )
