"""What a missing genotype leaves unknown of a prediction.

Predictions put a missing genotype at its training mean. Its deviation from there acts on y through
the nodes that are not given and directly; here is the variance of that.
"""

import numpy as np
from scipy import sparse

from sknnmm.genotypes.dosages import columns_of, is_missing
from sknnmm.prediction.parts import at_held, plain_products

BLOCK = 256  # SNPs looked through at a time; a multiple of 8
CELLS = 2**24  # of rows times SNPs at a time


class MissingGenotypes:
    """Variance of y due to the missing genotypes of some individuals, in every posterior draw.

    Parameters
    ----------
    network : FittedNetwork
    rows : NewRows

    Notes
    -----
    In one draw, SNP j has the total effect ``beta_ij = sum_k w_k s_k b_jk + a_j`` on y, over the
    nodes of which no value is given (it may lie below a detection limit), with s_k the mean slope
    of the activation over the distribution of the node. Missing genotypes are treated as
    independent: ``sum_j var(x_j) beta_ij^2``. The sum is rescaled so that an individual without
    genotypes and omics has the genetic variance, which accounts for linkage disequilibrium on
    average.
    """

    def __init__(self, network, rows):
        if len(network.genotypes_variance) != rows.dosages.shape[1]:
            raise ValueError(
                f"The model has variances of {len(network.genotypes_variance)} SNPs, but X has "
                f"{rows.dosages.shape[1]}: the model is damaged."
            )
        self._network, self._n_rows = network, len(rows)
        self._lacking, self._missing_bits = _missing(rows.dosages)
        self._groups = self._same_nodes_given(rows)

    def variance(self, batch):
        """Return the variance for every individual and draw of a batch, (n, draws, C)."""
        network, layer = self._network, self._network.phenotype
        variance = np.zeros((self._n_rows, batch.stop - batch.start, layer.n_responses))
        if not self._lacking.size:
            return variance
        effects = {each.name: _snp_effects(each, batch) for each in network.layers}
        slopes = {
            each.name: each.nodes.slopes(network.average_row, batch)
            for each in network.layers
            if each.nodes is not None
        }
        every_snp = np.arange(len(network.genotypes_variance))
        whole = self._of_snps(every_snp, effects, slopes, {}).sum(axis=0)
        for known, members in self._groups:
            for some in _parts_of(members, CELLS // len(every_snp)):
                bits = self._missing_bits[some]
                missing = np.unpackbits(bits, axis=1, count=len(every_snp)).view(np.int8)
                snps = np.flatnonzero(missing.any(axis=0))
                of_snps = self._of_snps(snps, effects, slopes, known)
                summed = plain_products(missing[:, snps], of_snps)
                variance[self._lacking[some]] = summed.reshape(-1, *variance.shape[1:])
        genetic = at_held(layer.posterior, "genetic_variance", layer.n_responses)[batch]
        return variance * np.divide(genetic, whole, out=np.zeros_like(whole), where=whole > 0)

    def _same_nodes_given(self, rows):
        """Return (nodes given by layer, positions in `_lacking`) of rows that share effects."""
        names = list(rows.given)
        known = [np.isfinite(rows.given[name][self._lacking]) for name in names]
        if not names:
            return [({}, np.arange(len(self._lacking)))]
        ends = np.cumsum([of_layer.shape[1] for of_layer in known])[:-1]
        patterns, which = np.unique(np.hstack(known), axis=0, return_inverse=True)
        return [
            (
                dict(zip(names, np.split(pattern, ends), strict=True)),
                np.flatnonzero(which.reshape(-1) == k),
            )
            for k, pattern in enumerate(patterns)
        ]

    def _of_snps(self, snps, effects, slopes, known):
        """Return var(x_j) beta_j^2 of some SNPs in every draw, (m, draws, C)."""
        layer = self._network.phenotype
        total = 0.0
        on_y = np.eye(layer.n_responses)[None]  # slopes of y by the responses of a layer
        while True:
            if effects[layer.name] is not None:
                total = total + _times_slopes(effects[layer.name][snps], on_y)
            if layer.nodes is None:
                break
            on_y = slopes[layer.name] @ on_y
            layer = layer.nodes.layer_below
            if layer.name in known:
                on_y = np.where(known[layer.name][:, None], 0, on_y)
        return self._network.genotypes_variance[snps][:, None, None] * total**2


def _missing(dosages):
    """Return the rows that lack genotypes, and which these are, as bits (rows, p / 8)."""
    lacking = np.zeros(len(dosages), bool)
    blocks = [slice(start, start + BLOCK) for start in range(0, dosages.shape[1], BLOCK)]
    for snps in blocks:
        lacking |= _missing_of(dosages, snps).any(axis=1)
    lacking = np.flatnonzero(lacking)
    bits = np.empty((len(lacking), -(-dosages.shape[1] // 8)), np.uint8)
    for snps in blocks if lacking.size else ():
        own = slice(snps.start // 8, snps.stop // 8)
        bits[:, own] = np.packbits(_missing_of(dosages, snps)[lacking], axis=1)
    return lacking, bits


def _missing_of(dosages, snps):
    last = min(snps.stop, dosages.shape[1])
    return is_missing(columns_of(dosages, slice(snps.start, last)))


def _parts_of(positions, size):
    """Yield a few of the positions at a time."""
    size = max(1, size)
    for first in range(0, len(positions), size):
        yield positions[first : first + size]


def _snp_effects(layer, batch):
    """Return the effects of SNPs on the responses of a layer, (p, draws * C), or None.

    Of several parts the sum; dense or csr, of which some SNPs are quickly taken.
    """
    effects = [part.snp_effects(batch) for part in layer.parts]
    effects = [of_part for of_part in effects if of_part is not None]
    if not effects:
        return None
    total = sum(effects[1:], start=effects[0])
    return total.tocsr() if sparse.issparse(total) else np.ascontiguousarray(total)


def _times_slopes(effects, slopes):
    """Return effects (m, draws * K) times slopes (draws, K, C) of y, (m, draws, C)."""
    n_nodes, n_responses = slopes.shape[1:]
    n_draws = effects.shape[1] // n_nodes
    slopes = np.broadcast_to(slopes, (n_draws, n_nodes, n_responses))
    if sparse.issparse(effects):
        blocks = np.ascontiguousarray(slopes), np.arange(n_draws), np.arange(n_draws + 1)
        by_draw = sparse.bsr_array(blocks).tocsr()  # block diagonal
        return (effects @ by_draw).toarray().reshape(-1, n_draws, n_responses)
    effects = effects.reshape(-1, n_draws, n_nodes)
    total = 0.0
    for k in range(n_nodes):
        total = total + effects[:, :, k, None] * slopes[:, k]
    return total
