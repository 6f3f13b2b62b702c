"""The standardised data and the specification of the network: all that the sampler sees."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sknnmm.activations import BaseActivation
from sknnmm.genotypes import Genotypes, ScaledGenotypes
from sknnmm.model.connections import Connections
from sknnmm.priors import GENETIC_SHARE, Prior, ScaledInverseChi2


@dataclass(frozen=True)
class NetworkModel:
    """Data on the sampling scale and the specification of the network.

    n individuals, p SNPs, K nodes (observed omics, then latent), q covariates.
    """

    genotypes: Genotypes  # (n, p)
    y: np.ndarray  # (n,), NaN = missing
    omics: np.ndarray  # (n, K), NaN = missing; latent nodes all NaN
    n_latent: int
    covariates: np.ndarray  # (n, q), centred, double precision
    activation: BaseActivation
    snp_prior: Prior
    weight_prior: Prior
    direct_prior: Prior | None  # None: no direct path
    residual_prior: ScaledInverseChi2
    sample_weight: np.ndarray | None = None  # (n,), y has residual variance s2_e / weight
    connections: Connections | None = None  # None: every SNP acts on every node
    dtype: type = np.float32
    latent_sampler: str = "auto"
    intercept_variance: float = np.inf  # infinite: the flat prior of the estimator
    idle: np.ndarray | None = None  # (K,) bool, nodes that have no weight; None: all have one

    @property
    def n_samples(self):
        """Return n."""
        return len(self.y)

    @property
    def n_nodes(self):
        """Return K."""
        return self.omics.shape[1]

    @property
    def n_observed_nodes(self):
        """Return the number of nodes with data, the first ones."""
        return self.n_nodes - self.n_latent

    @cached_property
    def y_observed(self):
        """Return the rows that inform the phenotype layer, (n,) bool."""
        return ~np.isnan(self.y)

    @cached_property
    def y_column(self):
        """Return y as all updates read it, (n, 1) in the working precision; missing as 0."""
        return np.nan_to_num(self.y).astype(self.dtype)[:, None]

    @cached_property
    def y_weight(self):
        """Return the weight of every row in the phenotype layer, (n,); 0 where y is missing."""
        weight = 1.0 if self.sample_weight is None else self.sample_weight
        return np.where(self.y_observed, weight, 0.0)

    @cached_property
    def mean_inverse_weight(self):
        """Return the mean of 1 / weight over the records: their residual variance over s2_e."""
        return float((1 / self.y_weight[self.y_observed]).mean())

    @property
    def has_equal_weights(self):
        """Return whether every observed y has weight 1."""
        return bool((self.y_weight[self.y_observed] == 1).all())

    @cached_property
    def omics_observed(self):
        """Return the cells of the middle layer with data, (n, K) bool."""
        return ~np.isnan(self.omics)

    @cached_property
    def informative(self):
        """Return the rows with y or any omic: the others enter no conditional, (n,) bool."""
        return self.y_observed | self.omics_observed.any(axis=1)

    @cached_property
    def omics_complete(self):
        """Return whether every informative row has every node: then none is ever drawn."""
        return bool(self.omics_observed[self.informative].all())

    @property
    def design(self):
        """Return the constant and the covariates, (n, 1 + q)."""
        return np.column_stack([np.ones(self.n_samples), self.covariates])

    @property
    def omics_as_read(self):
        """Return the omics as all updates read them, (n, K) in the working precision; missing 0."""
        return np.nan_to_num(self.omics).astype(self.dtype)

    # Expected variances: where "auto" puts the prior modes ---------------------------------

    def genotypes_for(self, prior):
        """Return the genotypes as `prior` sees them."""
        return ScaledGenotypes(self.genotypes) if prior.scales_genotypes else self.genotypes

    @property
    def expected_snp_variance(self):
        """Return the expected variance of one SNP effect on a node, (K,)."""
        variance = self.genotypes_for(self.snp_prior).variance
        if self.connections is None:
            return np.full(self.n_nodes, GENETIC_SHARE / variance.sum())
        return GENETIC_SHARE / self.connections.sums(variance)

    @property
    def phenotype_share(self):
        """Return the share of the variance of y expected of each genetic term."""
        n_terms = (self.n_nodes > 0) + (self.direct_prior is not None)
        return GENETIC_SHARE / n_terms

    @property
    def expected_direct_variance(self):
        """Return the expected variance of one direct SNP effect, (1,)."""
        variance_sum = self.genotypes_for(self.direct_prior).variance.sum()
        return np.array([self.phenotype_share / variance_sum])

    @property
    def expected_weight_variance(self):
        """Return the expected variance of one omics weight, (1,)."""
        latent = np.arange(self.n_nodes) >= self.n_observed_nodes
        zero, one = np.zeros((1, self.n_nodes)), np.ones(self.n_nodes)
        first, second = self.activation.normal_moments(zero, one)
        variance_sum = (second - first**2)[0, latent].sum()
        activated = self.activation.value(np.nan_to_num(self.omics))
        for k in range(self.n_observed_nodes):
            variance_sum += activated[self.omics_observed[:, k], k].var()
        return np.array([self.phenotype_share / variance_sum])

    @property
    def expected_residual_variance(self):
        """Return the expected residual variance of a node or of y."""
        return 1 - GENETIC_SHARE
