"""Draws of the effects of SNPs on every response they act on, original units.

The responses are the nodes and y: "direct", "mediated" by all nodes, or "total".
"""

from typing import NamedTuple

import numpy as np
from pandas.api.types import is_list_like
from scipy import sparse

from sknnmm.common.fitted import check_is_fitted_network
from sknnmm.common.layer_names import OMICS
from sknnmm.common.messages import some
from sknnmm.prediction.parts import at_held, batches

TOTAL, DIRECT, MEDIATED = "total", "direct", "mediated"  # effects on y


class EffectDraws:
    """The held draws of the SNP effects of a fitted model, response by response.

    In a draw the total effect of SNP j on y is ``sum_k s_k b_jk + a_j``. The slope s_k of y by node
    k is its weight if the nodes act linearly. Otherwise it is the mean slope over the distribution
    of the nodes in the training rows: the network is linearised in each draw.

    Parameters
    ----------
    model : NNMMRegressor or NNMMClassifier
        Fitted.

    Attributes
    ----------
    nodes : list of str
        Names of the nodes.
    responses : list of str
        Names of the nodes, then of the effects on y that the model has.
    n_draws : int
    """

    def __init__(self, model):
        check_is_fitted_network(model)
        self._network = model._network
        self.posterior = self._network.phenotype.posterior
        self.nodes = [str(name) for name in model.omics_names_]
        effects = [MEDIATED] if self.nodes else []
        if "direct_effects" in self.posterior.draws:
            effects.append(DIRECT)
        self.responses = [*self.nodes, *effects, TOTAL]
        self.n_snps = len(self._network.genotypes_variance)
        self.n_draws = len(at_held(self.posterior, self._network.phenotype.residual))

    @property
    def snp_variance(self):
        """Return the variance of the genotypes of each SNP in the training rows, (p,)."""
        return self._network.genotypes_variance

    def chosen(self, response):
        """Return names of responses; None: all of them.

        Raises
        ------
        ValueError
            If the model has no such response, or one is called like an effect on y.
        """
        reserved = {TOTAL, DIRECT, MEDIATED}.intersection(self.nodes)
        if reserved:
            raise ValueError(
                f"An omic is named {some(sorted(reserved))}, which stands for an effect on y here: "
                "fit with another name."
            )
        if response is None:
            return self.responses
        names = list(response) if is_list_like(response) else [response]
        unknown = [name for name in names if name not in self.responses]
        if unknown or not names:
            raise ValueError(
                f"response={response!r}: the model has no effects on {some(unknown) or 'nothing'}. "
                f"There are {', '.join(self.responses[len(self.nodes) :])}"
                + (f", and the omics {some(self.nodes)}." if self.nodes else ".")
            )
        return names

    def effects(self, response):
        """Return the draws of the effects on one response, (p, draws), dense or csr.

        In units of the response per allele. Zeros of a csr array are not stored.
        """
        if response in self.nodes:
            return self._of_variable("snp_effects", self.nodes.index(response))
        if response == DIRECT:
            return self._of_variable("direct_effects")
        if response == MEDIATED:
            return self._mediated()
        parts = [self.effects(r) for r in (MEDIATED, DIRECT) if r in self.responses]
        total = sum(parts[1:], start=parts[0])
        return _without_zeros(total.tocsr()) if sparse.issparse(total) else np.asarray(total)

    def slopes(self):
        """Return the slopes of y by the nodes, (draws, K), y units per unit of the node."""
        nodes, average = self._network.phenotype.nodes, self._network.average_row
        return np.concatenate(
            [nodes.slopes(average, batch)[:, :, 0] for batch in batches(self.n_draws)]
        )

    def genetic_variance(self, response):
        """Return the variance of the genetic values in every kept draw, (chains * draws,).

        Over the training rows: of a node, or of y for any effect on y.
        """
        draws = self.posterior.draws
        if response not in self.nodes:
            return draws["genetic_variance"].reshape(-1)
        k = self.nodes.index(response)
        heritability = draws["omics_heritability"][..., k]
        residual = draws["omics_residual_variance"][..., k]
        return (residual * heritability / (1 - heritability)).reshape(-1)

    def at_held(self, values):
        """Return those of every kept draw (chains * draws, ...) that belong to the held effects."""
        n_chains = self.posterior.draws["heritability"].shape[0]
        by_chain = values.reshape(n_chains, -1, *values.shape[1:])
        return np.concatenate(by_chain[:, self.posterior.effects_draw])

    def _of_variable(self, name, k=None):
        """Return the draws of one response of a variable, (p, draws)."""
        draws = self.posterior.draws[name]
        n_chains, per_chain = draws.shape[:2]
        if not sparse.issparse(draws):
            of_response = draws if k is None else draws[..., k]
            return of_response.reshape(n_chains * per_chain, self.n_snps).T
        chain, draw, snp, *response = draws.coords
        values = draws.data
        if k is not None:
            own = np.flatnonzero(response[0] == k)
            chain, draw, snp, values = chain[own], draw[own], snp[own], values[own]
        shape = (self.n_snps, n_chains * per_chain)
        columns = chain * per_chain + draw
        return _without_zeros(sparse.csr_array((values, (snp, columns)), shape=shape))

    def _mediated(self):
        """Return the draws of the effects on y through all nodes, (p, draws)."""
        draws, slopes = self.posterior.draws["snp_effects"], self.slopes()
        if not sparse.issparse(draws):
            by_draw = draws.reshape(self.n_draws, self.n_snps, -1)
            products = (effects @ slope for effects, slope in zip(by_draw, slopes, strict=True))
            return np.column_stack(list(products))
        below = next(part for part in self._layer_of_nodes.parts if part.acts_by_snps)
        of_batches = []
        for batch in batches(self.n_draws):
            by_draw = sparse.block_diag(list(slopes[batch][:, :, None]), format="csc")
            of_batches.append(below.snp_effects(batch) @ by_draw)  # (p, draws * K) times slopes
        return _without_zeros(sparse.hstack(of_batches, format="csr"))

    @property
    def _layer_of_nodes(self):
        return next(layer for layer in self._network.layers if layer.name == OMICS)


class EffectMoments(NamedTuple):
    """Of every SNP, over the draws: (p,) arrays."""

    mean: np.ndarray
    sd: np.ndarray
    included: np.ndarray  # share of draws in which the effect is not zero
    positive: np.ndarray  # share of draws in which it is above zero
    negative: np.ndarray


def moments_of(effects):
    """Return the EffectMoments of draws (p, draws), dense or csr."""
    n_snps, n_draws = effects.shape
    if sparse.issparse(effects):
        snp = np.repeat(np.arange(n_snps), np.diff(effects.indptr))
        values = effects.data.astype(float)

        def total(weights):
            return np.bincount(snp, weights=weights, minlength=n_snps)

        mean = total(values) / n_draws
        squares, positive, negative = total(values**2), total(values > 0), total(values < 0)
    else:
        mean = effects.mean(axis=1, dtype=float)
        squares = np.einsum("js,js->j", effects, effects, dtype=float)
        positive, negative = (effects > 0).sum(axis=1), (effects < 0).sum(axis=1)
    sd = np.sqrt(np.maximum(squares / n_draws - mean**2, 0))
    included = (positive + negative) / n_draws
    return EffectMoments(mean, sd, included, positive / n_draws, negative / n_draws)


def mean_and_interval(name, values, interval):
    """Return posterior mean and equal-tailed interval of draws, by name; NaN without any."""
    low = high = mean = np.nan
    if values.size:
        mean = values.mean()
        low, high = np.quantile(values, tails_of(interval))
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def tails_of(interval):
    """Return the probabilities below the ends of an interval of a given probability."""
    return (1 - interval) / 2, (1 + interval) / 2


def _without_zeros(effects):
    effects.eliminate_zeros()
    return effects
