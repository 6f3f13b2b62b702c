"""SNP effects, one connection of a SNP and a column at a time, node after node."""

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays
from sknnmm.kernels.passes import (
    GROUP,
    add_connections,
    group_grams,
    sweep_connections,
)
from sknnmm.kernels.variates import standard_normals
from sknnmm.sampling.snp.base import SNPUpdate
from sknnmm.sampling.snp.prepared_draws import prepare
from sknnmm.sampling.snp.unexplained import UnexplainedRows, times_change, work_of_iteration


class _PassingSweep(SNPUpdate, ReadOnlyArrays):
    """Gibbs sweep over effects, each from passes over its SNP as stored, for any prior.

    Its cost is in proportion to the connections. For priors of scaled SNPs (GBLUP) the effects of
    the state are those of scaled SNPs.

    Parameters
    ----------
    network : Network
    term : SNPs
    indptr : ndarray of shape (C + 1,)
        Column c owns connections indptr[c] to indptr[c + 1].
    snps : ndarray
        SNP of every connection.
    """

    def __init__(self, network, term, indptr, snps):
        super().__init__(network, [term])
        self._indptr, self._snps = indptr, snps
        per_allele = term.genotypes.per_allele
        self._mean = network.genotypes.mean.astype(network.dtype)
        self._per_allele = per_allele.astype(network.dtype)
        self._any_missing = network.genotypes.any_missing or None  # None: a kernel without checks
        self._row_weight = term.row_weight.astype(network.dtype)
        sizes = np.diff(indptr)
        self._grams = np.empty((np.sum(-(-sizes // GROUP)), GROUP, GROUP), network.dtype)
        self._squares = np.empty(len(snps))
        group_grams(
            network.genotypes.dosages,
            network.genotypes.mean,
            per_allele,
            term.row_weight,
            indptr,
            snps,
            self._grams,
            self._squares,
        )
        self._column_of = np.repeat(np.arange(len(sizes)), sizes) if len(sizes) > 1 else None
        self._multipliers = tuple(term.prior.multipliers)
        self._work = work_of_iteration(len(snps), len(snps) * network.genotypes.shape[0])
        self.freeze()

    def sweep(self, parts, rng):
        """Draw every effect once (see SNPUpdate)."""
        (part,) = parts
        state, s2 = part.state, part.residual_variance
        target = part.target.rows()
        residual = np.subtract(target.T, state.fit.T, order="C")
        prior = self.terms[0].prior
        weights = prior.effect_weights(state.hyper)
        variance = prior.effect_variances(state.hyper, s2)
        tables = prepare(
            self._squares,
            self._multipliers,
            weights.reshape(len(weights), -1),
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
        return [UnexplainedRows(state, target, residual, self._row_weight, self._times, self._work)]

    def _times(self, change):
        """Return genotypes times a Change of the effects, (C, n)."""
        snps = self._snps[change.entries]
        per_allele = change._replace(amounts=change.amounts * self._per_allele[snps])
        return times_change(self._genotypes, self._mean, self._any_missing, snps, per_allele)

    def _spread(self, per_column):
        """Return values (..., C) so that they broadcast against the effects, (..., m)."""
        return per_column if self._column_of is None else per_column[..., self._column_of]

    def refresh(self, states):
        """Recompute the maintained fit (see SNPUpdate)."""
        (state,) = states
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


class ConnectionSweep(_PassingSweep):
    """The effects of a partially connected network.

    Parameters
    ----------
    network : Network
    terms : list of one SNPs
        With connections.
    """

    def __init__(self, network, terms):
        (term,) = terms
        self._connections = term.connections
        indptr, snps = term.connections.layout.indptr, term.connections.snps
        super().__init__(network, term, indptr, snps)

    def layout(self, term):
        """Return the layout of the connections (see SNPUpdate)."""
        return self._connections.layout

    def in_model(self, term):
        """Return which connections can have an effect, (m,) (see SNPUpdate)."""
        return self._genotypes.polymorphic[self._snps]

    def snp_effects(self, state, rng):
        """Return the effects per allele of every connection, (m,) (see SNPUpdate)."""
        return state.effects * self._per_allele[self._snps]


class OneColumnSweep(_PassingSweep):
    """The effects of all SNPs on a single column: widening blocks of SNPs would not pay.

    Parameters
    ----------
    network : Network
    terms : list of one SNPs
        Of one response.
    """

    def __init__(self, network, terms):
        (term,) = terms
        n_snps = network.genotypes.shape[1]
        snps = np.arange(n_snps, dtype=np.int32)
        super().__init__(network, term, np.array([0, n_snps]), snps)

    @staticmethod
    def pays(terms):
        """Return whether there is one term of one response."""
        return len(terms) == 1 and terms[0].n_responses == 1
