"""SNP effects of a partially connected network, one connection at a time."""

import numpy as np

from sknnmm.sampling.connection_kernels import add_connections, sweep_connections
from sknnmm.sampling.snp_sweep import prior_variances


class ConnectionSweep:
    """Gibbs sweep over the connections of SNPs and nodes, node after node, for any prior.

    Its cost is in proportion to the connections. For priors of scaled SNPs (GBLUP) the effects of
    the state are those of scaled SNPs.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath
        With connections.
    """

    def __init__(self, model, path):
        self.paths = [path]
        self._genotypes = model.genotypes
        self._connections = path.connections
        dtype = model.dtype
        seen = model.genotypes_for(path.prior)
        scale = getattr(seen, "scale", np.ones(seen.shape[1]))
        self._mean = model.genotypes.mean.astype(dtype)
        self._per_allele = (1 / scale).astype(dtype)
        self._squares = seen.column_squares(path.row_weight)
        self._unused = np.flatnonzero(path.row_weight == 0)
        self._multipliers = np.array(path.prior.multipliers, float)

    def draw(self, chain, rng):
        """Draw the effect of every connection once."""
        (path,) = self.paths
        state, s2 = path.state(chain), path.residual_variance(chain)
        target = path.target(chain)
        residual = np.subtract(target.T, state.fit.T, order="C")
        sweep_connections(
            self._genotypes.dosages,
            self._mean,
            self._per_allele,
            self._squares,
            self._unused,
            self._connections.columns.indptr,
            self._connections.snps,
            residual,
            state.effects,
            state.component,
            self._multipliers,
            state.hyper.weights,
            prior_variances(path.prior, state.hyper, s2),
            s2,
            rng,
        )
        np.subtract(target, residual.T, out=state.fit)

    def refresh(self, chain):
        """Recompute the maintained fit, which rounding has moved."""
        state = self.paths[0].state(chain)
        fit = np.zeros(state.fit.shape[::-1], state.fit.dtype)
        add_connections(
            self._genotypes.dosages,
            self._mean,
            self._connections.columns.indptr,
            self._connections.snps,
            self.snp_effects(state, None),
            fit,
        )
        state.fit[:] = fit.T

    def columns(self, path):
        """Return the layout of the effects."""
        return self._connections.columns

    def in_model(self, path):
        """Return which connections can have an effect, (m,)."""
        return self._genotypes.polymorphic[self._connections.snps]

    def snp_effects(self, state, rng):
        """Return the SNP effects per allele of every connection (m,)."""
        return state.effects * self._per_allele[self._connections.snps]

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows, (n, C)."""
        return state.fit
