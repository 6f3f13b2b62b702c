"""What a missing genotype leaves unknown of a prediction.

Predictions put a missing genotype at its training mean. Its deviation from there acts on y through
the nodes that are not given and directly; here is the variance of that.
"""

import numpy as np
from scipy import sparse

from sknnmm.activations import quadrature
from sknnmm.genotypes.dosages import columns_of, is_missing
from sknnmm.prediction.fitted_network import columns_by_draw

BLOCK = 256  # SNPs looked through at a time
QUADRATURE_NODES = 32
NETWORK_SAMPLE = 512  # normal draws for the mean slopes of a network function


class MissingGenotypes:
    """Variance of y due to the missing genotypes of some individuals, in every posterior draw.

    Parameters
    ----------
    network : FittedNetwork
    dosages : ndarray of shape (n, p), or PackedGenotypes
        Missing: negative integers or NaN.
    given : ndarray of shape (n, K), bool
        Nodes whose value is known, so that genotypes tell nothing more about them.

    Notes
    -----
    In one draw, SNP j has the total effect ``beta_ij = sum_k w_k s_k b_jk + a_j`` on y, over the
    nodes that are not given, with s_k the mean slope of the activation over the distribution of
    the node. Missing genotypes are treated as independent: ``sum_j var(x_j) beta_ij^2``. The sum is
    rescaled so that an individual without genotypes and omics has the genetic variance, which
    accounts for linkage disequilibrium on average.
    """

    def __init__(self, network, dosages, given):
        if len(network.genotypes_variance) != dosages.shape[1]:
            raise ValueError(
                f"The model has variances of {len(network.genotypes_variance)} SNPs, but X has "
                f"{dosages.shape[1]}: the model is damaged."
            )
        self._network, self._dosages = network, dosages
        self._blocks = []  # (SNPs, rows that lack some of them)
        with_missing = np.zeros(len(dosages), bool)
        for start in range(0, dosages.shape[1], BLOCK):
            snps = slice(start, min(start + BLOCK, dosages.shape[1]))
            lacking = is_missing(columns_of(dosages, snps)).any(axis=1)
            with_missing |= lacking
            if lacking.any():
                self._blocks.append((snps, lacking))
        # Individuals with the same nodes given share the effects of SNPs.
        rows = np.flatnonzero(with_missing)
        patterns, which = np.unique(given[rows], axis=0, return_inverse=True)
        self._groups = [
            (~pattern, rows[which.reshape(-1) == k]) for k, pattern in enumerate(patterns)
        ]
        if network.activation.is_network:
            normals = np.random.default_rng(0).standard_normal((NETWORK_SAMPLE, network.n_nodes))
            self._normals = (normals - normals.mean(axis=0)) / normals.std(axis=0)
        if rows.size and network.n_nodes:
            self._snp_effects = columns_by_draw(network.posterior.draws["snp_effects"])
        direct = network.posterior.draws.get("direct_effects")
        self._direct_effects = 0
        if rows.size and direct is not None:
            self._direct_effects = columns_by_draw(direct.reshape(*direct.shape, 1))

    def variance(self, batch):
        """Return the variance for every individual and draw of a batch, (n, draws)."""
        variance = np.zeros((len(self._dosages), batch.stop - batch.start))
        if not self._groups:
            return variance
        slopes = self._slopes(batch)
        whole = self._of_snps(batch, slopes).sum(axis=0)
        for unknown, rows in self._groups:
            of_snps = self._of_snps(batch, np.where(unknown, slopes, 0))
            in_group = np.zeros(len(variance), bool)
            in_group[rows] = True
            for snps, lacking in self._blocks:
                own = np.flatnonzero(in_group & lacking)
                missing = is_missing(columns_of(self._dosages, snps)[own])
                variance[own] += missing.astype(float) @ of_snps[snps]
        genetic = self._network.posterior.at_stored("genetic_variance")[batch]
        return variance * np.divide(genetic, whole, out=np.zeros_like(whole), where=whole > 0)

    def _of_snps(self, batch, slopes):
        """Return var(x_j) beta_j^2 of every SNP and draw, (p, draws), given slopes (draws, K)."""
        effects = self._direct_effects
        if not np.isscalar(effects):
            effects = _dense(effects[:, batch])
        n_nodes = slopes.shape[1]
        if n_nodes:
            columns = slice(batch.start * n_nodes, batch.stop * n_nodes)
            by_draw = sparse.block_diag([slope[:, None] for slope in slopes], format="csc")
            effects = effects + _dense(self._snp_effects[:, columns] @ by_draw)
        return self._network.genotypes_variance[:, None] * effects**2

    def _slopes(self, batch):
        """Return the mean slopes of y by each node, (draws, K), y units per omic unit."""
        network = self._network
        posterior, scales = network.posterior, network.scales
        n_draws = batch.stop - batch.start
        if not network.n_nodes:
            return np.empty((n_draws, 0))
        if network.activation.is_network:
            weights = scales.y_scale
        else:
            weights = posterior.at_stored("omics_weights")[batch]
        if network.activation.is_linear:
            return weights / scales.omics_scale
        mean = posterior.at_stored("omics_centred_intercept")[batch] - scales.omics_mean
        residual = posterior.at_stored("omics_residual_variance")[batch] / scales.omics_scale**2
        genetic_share = posterior.at_stored("omics_heritability")[batch]
        sd = np.sqrt(residual / (1 - genetic_share))
        normals = self._normals if network.activation.is_network else None
        slopes = [
            mean_slopes(network.activation, *of_draw, normals)
            for of_draw in zip(mean / scales.omics_scale, sd, strict=True)
        ]
        return weights * np.array(slopes) / scales.omics_scale


def mean_slopes(activation, mean, sd, normals=None):
    """Return E[dg/dz_k] for independent normal z_k, (K,).

    By Stein's identity, E[g'(z)] = E[g(z) (z - mean)] / variance, which needs no derivative.

    Parameters
    ----------
    activation : BaseActivation
    mean, sd : ndarray of shape (K,)
        Of the standardised nodes.
    normals : ndarray of shape (draws, K) or None
        Standard normal draws, to integrate a network function with.
    """
    if activation.is_network:
        value = activation.value(mean + sd * normals)
        slopes = normals.T @ (value[:, 0] - value.mean()) / len(normals)
    else:
        nodes, weights = (np.array(part) for part in quadrature(QUADRATURE_NODES))
        slopes = (weights * nodes) @ activation.value(mean + sd * nodes[:, None])
    return np.divide(slopes, sd, out=np.zeros_like(slopes), where=sd > 0)


def _dense(effects):
    return effects.toarray() if sparse.issparse(effects) else effects
