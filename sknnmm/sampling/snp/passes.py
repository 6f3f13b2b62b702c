"""SNP effects, one connection of a SNP and a column at a time, node after node."""

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays
from sknnmm.priors._layout import DenseColumns
from sknnmm.sampling.kernels.passes import (
    GROUP,
    add_connections,
    group_grams,
    sweep_connections,
)
from sknnmm.sampling.kernels.variates import standard_normals
from sknnmm.sampling.snp.blocked import prior_variances
from sknnmm.sampling.snp.prepared_draws import prepare


class _PassingSweep(ReadOnlyArrays):
    """Gibbs sweep over effects, each from passes over its SNP as stored, for any prior.

    Its cost is in proportion to the connections. For priors of scaled SNPs (GBLUP) the effects of
    the state are those of scaled SNPs.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath or DirectPath
    indptr : ndarray of shape (C + 1,)
        Column c owns connections indptr[c] to indptr[c + 1].
    snps : ndarray
        SNP of every connection.
    """

    keeps_fit = True

    def __init__(self, model, path, indptr, snps):
        self.paths = [path]
        self._genotypes = model.genotypes
        self._indptr, self._snps = indptr, snps
        seen = model.genotypes_for(path.prior)
        per_allele = 1 / getattr(seen, "scale", np.ones(seen.shape[1]))
        self._mean = model.genotypes.mean.astype(model.dtype)
        self._per_allele = per_allele.astype(model.dtype)
        self._any_missing = model.genotypes.any_missing or None  # None: a kernel without checks
        self._row_weight = path.row_weight.astype(model.dtype)
        sizes = np.diff(indptr)
        self._grams = np.empty((np.sum(-(-sizes // GROUP)), GROUP, GROUP), model.dtype)
        self._squares = np.empty(len(snps))
        group_grams(
            model.genotypes.dosages,
            model.genotypes.mean,
            per_allele,
            path.row_weight,
            indptr,
            snps,
            self._grams,
            self._squares,
        )
        self._column_of = np.repeat(np.arange(len(sizes)), sizes) if len(sizes) > 1 else None
        self._multipliers = tuple(path.prior.multipliers)
        self.freeze()

    def draw(self, chain, rng):
        """Draw every effect once."""
        (path,) = self.paths
        state, s2 = path.state(chain), path.residual_variance(chain)
        target = path.target(chain)
        residual = np.subtract(target.T, state.fit.T, order="C")
        variance = prior_variances(path.prior, state.hyper, s2)
        tables = prepare(
            self._squares,
            self._multipliers,
            self._spread(state.hyper.weights),
            self._spread(variance[0]) if len(variance) == 1 else variance.reshape(-1),
            self._spread(s2),
            rng,
            state.effects.dtype,
        )
        sweep_connections(
            self._genotypes.dosages,
            self._any_missing,
            self._mean,
            self._per_allele,
            self._grams,
            self._row_weight,
            self._indptr,
            self._snps,
            residual,
            state.effects.reshape(-1),
            state.component.reshape(-1),
            s2,
            *tables,
            standard_normals(self._squares.shape, rng, residual.dtype),
        )
        np.subtract(target, residual.T, out=state.fit)

    def _spread(self, per_column):
        """Return values (..., C) so that they broadcast against the effects, (..., m)."""
        return per_column if self._column_of is None else per_column[..., self._column_of]

    def refresh(self, chain):
        """Recompute the maintained fit, which rounding has moved."""
        state = self.paths[0].state(chain)
        fit = np.zeros(state.fit.shape[::-1], state.fit.dtype)
        add_connections(
            self._genotypes.dosages,
            self._any_missing,
            self._mean,
            self._indptr,
            self._snps,
            self.snp_effects(state, None).reshape(-1),
            fit,
        )
        state.fit[:] = fit.T

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows, (n, C)."""
        return state.fit


class ConnectionSweep(_PassingSweep):
    """The effects of a partially connected network.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath
        With connections.
    """

    def __init__(self, model, path):
        self._connections = path.connections
        super().__init__(model, path, path.connections.columns.indptr, path.connections.snps)

    def columns(self, path):
        """Return the layout of the effects."""
        return self._connections.columns

    def in_model(self, path):
        """Return which connections can have an effect, (m,)."""
        return self._genotypes.polymorphic[self._snps]

    def snp_effects(self, state, rng):
        """Return the SNP effects per allele of every connection (m,)."""
        return state.effects * self._per_allele[self._snps]


class OneColumnSweep(_PassingSweep):
    """The effects of all SNPs on a single column: widening blocks of SNPs would not pay.

    Parameters
    ----------
    model : NetworkModel
    path : DirectPath, or NodePath of one node
    """

    def __init__(self, model, path):
        n_snps = model.genotypes.shape[1]
        super().__init__(model, path, np.array([0, n_snps]), np.arange(n_snps, dtype=np.int32))

    @staticmethod
    def pays(model, paths):
        """Return whether the paths are one of one column."""
        return len(paths) == 1 and paths[0].n_columns == 1

    def columns(self, path):
        """Return the layout of the effects."""
        return DenseColumns(len(self._snps), 1)

    def in_model(self, path):
        """Return which effects can be nonzero, (p, 1)."""
        return self._genotypes.polymorphic[:, None] & path.connected

    def snp_effects(self, state, rng):
        """Return the SNP effects (p, 1) of a state."""
        return state.effects
