"""What the posterior says of every SNP."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sknnmm.inputs.positions import positions_of_snps
from sknnmm.prediction.effect_draws import DIRECT, TOTAL, EffectDraws, moments_of

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor


def snp_table(
    model: "NNMMRegressor | NNMMClassifier",
    variants: pd.DataFrame | None = None,
    response: str | Sequence[str] | None = "total",
) -> pd.DataFrame:
    """Return effect, inclusion probability and variance of every SNP, response by response.

    Parameters
    ----------
    model : NNMMRegressor or NNMMClassifier
        Fitted.
    variants : DataFrame or None, default=None
        Chromosome and position (columns as in `sknnmm.cis_mask`) of the SNPs: by their names in
        the index, in any order, or a row for each SNP in the order of the fit.
    response : str, sequence of str or None, default="total"
        Effects on what: the name of a node, or of an effect on y: "direct", "mediated" (by way of
        all nodes) or "total", their sum. A sequence of these, or None for all.

    Returns
    -------
    DataFrame
        A row for each response and SNP; under a sparse `mask`, of a node only its own SNPs.

        - ``response``, ``snp``, and with `variants` ``chromosome``, ``position``.
        - ``effect``, ``sd``: posterior mean and SD, units of the response per allele.
        - ``inclusion_probability``: that the effect is not zero.
        - ``lfdr``: local false discovery rate, 1 - inclusion probability. NaN where the prior
          lets every effect differ from zero: then nothing can be falsely discovered.
        - ``fdr``: the expected share of false discoveries among the SNPs of the response with an
          lfdr of at most this one's, their mean lfdr (Newton et al. 2004). NaN as `lfdr`.
        - ``lfsr``: local false sign rate, the probability that the effect is zero or has not the
          more probable sign (Stephens 2017). It has a meaning under every prior.
        - ``variance``: what the SNP explains by itself, its training variance times the posterior
          mean of the squared effect, in squared units of the response.
        - ``variance_share``: `variance` over the posterior mean of the genetic variance: of the
          node, or of y for every effect on y. In linkage disequilibrium shares do not sum to 1.

    Raises
    ------
    TypeError, ValueError
        If `model` is no fitted estimator, has no such response, or `variants` do not fit.

    See Also
    --------
    windows : Regions, among whose SNPs an effect may be divided.
    credible_sets : Sets of SNPs that hold an effect.

    Notes
    -----
    Effects on nodes and direct ones are means over all draws. Those that are mediated or total
    (but for the mean of the total effect of linear networks), and `lfsr`, are from the draws whose
    SNP effects are held: see `effects_memory` of `NNMMRegressor`. A nonlinear network is linearised
    in each draw, with the mean slope of y by every node over the training rows.

    Zero is a probability of BayesB, BayesC and BayesR alone. A SNP in strong linkage
    disequilibrium with others shares its inclusion probability with them.

    References
    ----------
    Newton et al. (2004), doi 10.1093/biostatistics/5.2.155.
    Stephens (2017), doi 10.1093/biostatistics/kxw041.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.association import snp_table
    >>> from sknnmm.datasets import make_omics_network
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> table = snp_table(model, response=["omic_0", "total"])
    >>> table.shape
    (60, 10)
    >>> best = table.sort_values("lfdr").groupby("response").head(1)
    >>> bool((best.fdr == best.lfdr).all())
    True
    """
    draws = EffectDraws(model)
    labels = pd.DataFrame({"snp": np.asarray(model.snp_names_, dtype=object)})
    positions = positions_of_snps(model, variants)
    if positions is not None:
        labels = pd.concat([labels, positions], axis=1)
    tables = [_of_response(model, draws, name, labels) for name in draws.chosen(response)]
    return pd.concat(tables, ignore_index=True)


def _of_response(model, draws, response, labels):
    """Return the rows of one response."""
    of_draws = moments_of(draws.effects(response))
    effect, sd, included = of_draws[:3]
    snps = np.arange(draws.n_snps)
    if response in draws.nodes:
        k = draws.nodes.index(response)
        if sparse.issparse(model.snp_effects_):
            snps = model.snp_effects_[:, [k]].tocsc().indices
        tables = (model.snp_effects_, model.snp_effects_std_, model.inclusion_probability_)
        effect, sd, included = (_column(table, k) for table in tables)
    elif response == DIRECT:
        effect, sd = model.direct_effects_, model.direct_effects_std_
        included = model.direct_inclusion_probability_
    elif response == TOTAL and model._coef is not None:
        effect = model.coef_
    lfdr = np.where((included == 1) & _is_never_zero(model, draws, response), np.nan, 1 - included)
    variance = draws.snp_variance * (effect**2 + sd**2)
    genetic = draws.genetic_variance(response).mean()
    columns = {
        "effect": effect,
        "sd": sd,
        "inclusion_probability": included,
        "lfdr": lfdr,
        "fdr": np.full(len(lfdr), np.nan),
        "lfsr": 1 - np.maximum(of_draws.positive, of_draws.negative),
        "variance": variance,
        "variance_share": variance / genetic if genetic > 0 else np.zeros(len(variance)),
    }
    table = pd.concat([labels, pd.DataFrame(columns)], axis=1).iloc[snps]
    table.insert(0, "response", response)
    return table.assign(fdr=_mean_of_lower(table["lfdr"].to_numpy()))


def _column(table, k):
    column = table[:, [k]]
    return (column.toarray() if sparse.issparse(column) else column)[:, 0]


def _is_never_zero(model, draws, response):
    """Return whether a prior on the way to a response does not select, of any group of SNPs."""
    priors = []
    if response in draws.nodes:
        priors.append(model.pi_[..., draws.nodes.index(response)])
    else:
        if response != DIRECT and draws.nodes:
            priors.append(model.pi_)
        if response in (DIRECT, TOTAL) and DIRECT in draws.responses:
            priors.append(model.direct_pi_)
    return any(not np.all(np.asarray(pi) > 0) for pi in priors)  # NaN: without pi


def _mean_of_lower(lfdr):
    """Return for every SNP the mean lfdr of those with at most its own; NaN where it is NaN."""
    if not len(lfdr):
        return lfdr
    ordered = np.sort(lfdr)  # NaN last
    means = np.cumsum(ordered) / np.arange(1, len(lfdr) + 1)
    last = np.searchsorted(ordered, lfdr, side="right") - 1
    return np.where(np.isnan(lfdr), np.nan, means[last])
