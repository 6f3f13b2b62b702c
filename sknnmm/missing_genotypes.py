"""What a missing genotype leaves unknown of a prediction.

Predictions put a missing genotype at its training mean. Its deviation from there acts on y through
the nodes that are not given and directly; here is the variance of that.
"""

import numpy as np
from scipy import sparse

from sknnmm.compiled import njit
from sknnmm.packed import PackedGenotypes
from sknnmm.prediction import columns_by_draw

BLOCK = 256  # SNPs looked through at a time
QUADRATURE = 32  # nodes of the rule for average slopes of an elementwise activation
NETWORK_SAMPLE = 2048  # normal draws for those of a network function


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
    the node. Genotypes that are missing together are taken as independent, and their variance
    ``sum_j var(x_j) beta_ij^2`` is then multiplied by what makes it the genetic variance for an
    individual without any genotype or omic: linkage disequilibrium adds to it or takes from it.
    """

    def __init__(self, network, dosages, given):
        self._network = network
        if network.n_nodes:
            self._snp_effects = columns_by_draw(network.posterior.draws["snp_effects"])
        direct = network.posterior.draws.get("direct_effects")
        self._direct_effects = (
            None if direct is None else columns_by_draw(direct.reshape(*direct.shape, 1))
        )
        self._rows, self._indptr, self._snps = _missing_cells(dosages)
        self._n = len(dosages)
        self._unknown = np.column_stack([~given[self._rows], np.ones(len(self._rows), bool)])

    def variance(self, batch):
        """Return the variance for every individual and draw of a batch, (n, draws)."""
        variance = np.zeros((self._n, batch.stop - batch.start))
        if self._rows.size:
            for column, draw in enumerate(range(batch.start, batch.stop)):
                variance[self._rows, column] = self._of_draw(draw)
        return variance

    def _of_draw(self, draw):
        network = self._network
        effects = self._effects_on_phenotype(draw)
        per_snp = network.genotypes_variance
        whole = float(per_snp @ effects.sum(axis=1) ** 2)
        if whole == 0:
            return 0.0
        sums = _sums_of_squares(self._indptr, self._snps, per_snp, effects, self._unknown)
        return sums * (network.posterior.at_stored("genetic_variance")[draw] / whole)

    def _effects_on_phenotype(self, draw):
        """Return the effects of the SNPs on y, (p, K + 1): through each node, and directly."""
        network = self._network
        n_nodes = network.n_nodes
        effects = np.zeros((len(network.genotypes_mean), n_nodes + 1))
        if n_nodes:
            of_draw = self._snp_effects[:, draw * n_nodes : (draw + 1) * n_nodes]
            effects[:, :-1] = _dense(of_draw) * self._slopes(draw)
        if self._direct_effects is not None:
            effects[:, -1:] = _dense(self._direct_effects[:, draw : draw + 1])
        return effects

    def _slopes(self, draw):
        """Return the mean slope of y by each node, (K,), y units per omic unit."""
        network = self._network
        posterior, scales = network.posterior, network.scales
        if network.activation.is_network:
            weights = scales.y_scale
        else:
            weights = posterior.at_stored("omics_weights")[draw]
        if network.activation.is_linear:
            return weights / scales.omics_scale
        mean = posterior.at_stored("omics_centred_intercept")[draw] - scales.omics_mean
        residual = posterior.at_stored("omics_residual_variance")[draw] / scales.omics_scale**2
        genetic_share = posterior.at_stored("omics_heritability")[draw]
        variance = residual / (1 - genetic_share)
        slopes = mean_slopes(network.activation, mean / scales.omics_scale, variance)
        return weights * slopes / scales.omics_scale


def _dense(effects):
    return effects.toarray() if sparse.issparse(effects) else effects


def _missing_cells(dosages):
    """Return rows with missing genotypes, and where in (snps) those of each begin; the SNPs."""
    n_snps = dosages.shape[1]
    rows, snps = [], []
    for start in range(0, n_snps, BLOCK):
        block = np.arange(start, min(start + BLOCK, n_snps))
        values = dosages.snps(block) if isinstance(dosages, PackedGenotypes) else dosages[:, block]
        row, column = np.nonzero(np.isnan(values) if values.dtype.kind == "f" else values < 0)
        rows.append(row)
        snps.append(start + column)
    rows, snps = np.concatenate(rows), np.concatenate(snps)
    order = np.argsort(rows, kind="stable")
    with_missing, counts = np.unique(rows, return_counts=True)
    return with_missing, np.append(0, np.cumsum(counts)), snps[order]


@njit(nogil=True, cache=True)
def _sums_of_squares(indptr, snps, per_snp, effects, unknown):
    """Return sum_j per_snp[j] (sum_k unknown[i, k] effects[j, k])^2 over the SNPs of each row."""
    sums = np.zeros(indptr.size - 1)
    for i in range(sums.size):
        for e in range(indptr[i], indptr[i + 1]):
            total = 0.0
            for k in range(effects.shape[1]):
                if unknown[i, k]:
                    total += effects[snps[e], k]
            sums[i] += per_snp[snps[e]] * total * total
    return sums


def mean_slopes(activation, mean, variance):
    """Return E[dg/dz_k] for independent z_k ~ N(mean_k, variance_k), (K,).

    By Stein's identity, E[g'(z)] = E[g(z) (z - mean)] / variance, which needs no derivative.

    Parameters
    ----------
    activation : BaseActivation
    mean, variance : ndarray of shape (K,)
        Standardised.
    """
    sd = np.sqrt(variance)
    if activation.is_network:
        normals = np.random.default_rng(0).standard_normal((NETWORK_SAMPLE // 2, len(mean)))
        normals = np.concatenate([normals, -normals])
        value = activation.value(mean + sd * normals)[:, 0]
        slopes = np.linalg.lstsq(normals, value - value.mean(), rcond=None)[0]
    else:
        nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE)
        weights = weights / weights.sum()
        slopes = (weights * nodes) @ activation.value(mean + sd * nodes[:, None])
    return np.divide(slopes, sd, out=np.zeros_like(slopes), where=sd > 0)
