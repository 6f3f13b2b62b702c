"""The two ways genotypes act: on the nodes of the middle layer, and directly on y.

A path tells an update what its columns are to explain; the update itself serves either.
"""

from sknnmm.sampling.complete_data import CompleteOmics, CompletePhenotype
from sknnmm.sampling.incomplete_data import IncompleteOmics, PhenotypeRows


class NodePath:
    """SNP effects on the K nodes.

    Parameters
    ----------
    model : NetworkModel
    fixed : FixedEffects
        Of the nodes.
    """

    def __init__(self, model, fixed):
        self.fixed = fixed
        self.prior = model.snp_prior
        self.expected_variance = model.expected_snp_variance
        self.row_weight = model.informative.astype(float)
        self.n_columns = model.n_nodes
        self.connections = model.connections

    @property
    def connected(self):
        """Return which SNPs act on which nodes: (p, K) bool, or True for all."""
        return True if self.connections is None else self.connections.dense()

    def state(self, chain):
        """Return the EffectsState of this path."""
        return chain.snp

    def target(self, chain):
        """Return what the SNPs are to explain, (n, K)."""
        return chain.omics - chain.omics_fixed.fit

    def summed_target(self, model, update):
        """Return what gives an update X'W target."""
        kind = CompleteOmics if model.omics_complete else IncompleteOmics
        return kind(model, self, update)

    def residual_variance(self, chain):
        """Return the residual variance of each column, (K,)."""
        return chain.omics_residual_variance


class DirectPath:
    """SNP effects on y that do not pass through the nodes.

    Parameters
    ----------
    model : NetworkModel
    fixed : FixedEffects
        Of the phenotype.
    """

    n_columns = 1
    connections = None  # never masked
    connected = True

    def __init__(self, model, fixed):
        self.fixed = fixed
        self.prior = model.direct_prior
        self.expected_variance = model.expected_direct_variance
        self.row_weight = model.y_weight
        self._y = model.y_column

    def state(self, chain):
        """Return the EffectsState of this path."""
        return chain.direct

    def target(self, chain):
        """Return what the SNPs are to explain, (n, 1)."""
        return self._y - chain.fixed.fit - chain.omics_part()

    def summed_target(self, model, update):
        """Return what gives an update X'W target."""
        kind = CompletePhenotype if model.omics_complete else PhenotypeRows
        return kind(model, self, update)

    def residual_variance(self, chain):
        """Return the residual variance of y, (1,)."""
        return chain.residual_variance
