"""The paths from SNPs through omics to y."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like
from scipy import sparse
from sklearn.utils import check_scalar

from sknnmm.common.messages import some
from sknnmm.inputs.positions import positions_of_snps
from sknnmm.prediction.effect_draws import EffectDraws, moments_of, tails_of

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor


def snp_paths(
    model: "NNMMRegressor | NNMMClassifier",
    variants: pd.DataFrame | None = None,
    *,
    top: int | None = 100,
    omics: str | Sequence[str] | None = None,
    interval: float = 0.9,
) -> pd.DataFrame:
    """Return the strongest paths SNP -> omic -> y: what an allele does to y through an omic.

    In each draw the effect of a path is the product of the effect of the SNP on the omic and the
    slope of y by the omic, ``s_k b_jk``. So its posterior contains the uncertainty of both and
    their correlation; it is no product of two posterior means.

    Parameters
    ----------
    model : NNMMRegressor or NNMMClassifier
        Fitted with omics or latent nodes.
    variants : DataFrame or None, default=None
        Chromosome and position (columns as in `sknnmm.cis_mask`) of the SNPs: by their names in
        the index, in any order, or a row for each SNP in the order of the fit.
    top : int or None, default=100
        Number of paths, those of the largest posterior mean effect of one training SD of the
        genotypes. None: all with any effect.
    omics : str, sequence of str or None, default=None
        The nodes whose paths are looked at; None: all.
    interval : float, default=0.9
        Probability of the intervals, which leave as much below as above.

    Returns
    -------
    DataFrame
        A row for each path, the strongest first.

        - ``snp``, ``omic``, and with `variants` ``chromosome``, ``position``.
        - ``effect``, ``sd``, ``low``, ``high``: posterior mean, SD and interval of the effect on y
          through the omic, y units per allele.
        - ``inclusion_probability``: that it is not zero: the SNP acts on the omic, and the omic
          on y.
        - ``sign_probability``: of the more probable sign. What is lacking to 1 is the local false
          sign rate.
        - ``snp_effect``: posterior mean effect of the SNP on the omic, omic units per allele.
        - ``slope``: posterior mean slope of y by the omic, y units per unit of the omic.

    Raises
    ------
    TypeError, ValueError
        If `model` is no fitted estimator, has no nodes or no such node, or another argument
        does not fit.

    See Also
    --------
    omics_table : The same paths summed over SNPs, as shares of variance.
    sknnmm.association.snp_table : Sums over omics, with direct effects.

    Notes
    -----
    From the draws whose SNP effects are held (`effects_memory` of `NNMMRegressor`), one omic at a
    time. A nonlinear network is linearised in each draw: the slope is the mean slope of y by the
    node over the training rows.

    Products of coefficients are the indirect effects of mediation analysis (MacKinnon, Lockwood,
    Hoffman, West & Sheets 2002). What it takes to call them causal: the guide on mediation.

    References
    ----------
    MacKinnon et al. (2002), doi 10.1037/1082-989x.7.1.83.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.mediation import snp_paths
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> paths = snp_paths(model.fit(data.X, data.y, omics=data.omics), top=3)
    >>> paths.shape
    (3, 10)
    >>> bool((paths["low"] <= paths["effect"]).all())
    True
    """
    if top is not None:
        check_scalar(top, "top", Integral, min_val=1)
    check_scalar(interval, "interval", Real, min_val=0, max_val=1, include_boundaries="neither")
    draws = EffectDraws(model)
    nodes = _chosen(draws, omics)
    names = np.asarray(model.snp_names_, dtype=object)
    positions = positions_of_snps(model, variants)
    slopes, snp_sd = draws.slopes(), np.sqrt(draws.snp_variance)
    best = []
    for node in nodes:
        best.append(_strongest(draws, node, slopes, snp_sd, top, interval))
        if top is not None:  # of the nodes so far
            best = [_first(pd.concat(best, ignore_index=True), top)]
    table = _first(pd.concat(best, ignore_index=True), top).drop(columns="strength")
    snps = table["snp"].to_numpy()
    table["snp"] = names[snps]
    if positions is not None:
        for column in ("position", "chromosome"):
            table.insert(2, column, positions[column].to_numpy()[snps])
    return table


def _chosen(draws, omics):
    if not draws.nodes:
        raise ValueError("snp_paths needs a model fitted with omics or latent nodes.")
    if omics is None:
        return draws.nodes
    names = list(omics) if is_list_like(omics) else [omics]
    unknown = [name for name in names if name not in draws.nodes]
    if unknown or not names:
        raise ValueError(f"omics={omics!r}: the nodes of the model are {some(draws.nodes)}.")
    return names


def _strongest(draws, node, slopes, snp_sd, top, interval):
    """Return the strongest paths through a node."""
    slope = slopes[:, draws.nodes.index(node)]
    effects = draws.effects(node)
    products = _times(effects, slope)
    moments = moments_of(products)
    strength = np.abs(moments.mean) * snp_sd
    snps = np.argsort(-strength, kind="stable")[:top]
    snps = snps[moments.included[snps] > 0]
    low, high = _quantiles(products, snps, tails_of(interval))
    return pd.DataFrame(
        {
            "snp": snps,
            "omic": node,
            "effect": moments.mean[snps],
            "sd": moments.sd[snps],
            "low": low,
            "high": high,
            "inclusion_probability": moments.included[snps],
            "sign_probability": np.maximum(moments.positive, moments.negative)[snps],
            "snp_effect": moments_of(effects).mean[snps],
            "slope": slope.mean(),
            "strength": strength[snps],
        }
    )


def _times(effects, slope):
    """Return the effects of draws (p, draws) times a number for each draw."""
    if not sparse.issparse(effects):
        return effects * slope
    products = effects.copy()
    products.data = products.data * slope[products.indices]
    products.eliminate_zeros()
    return products


def _quantiles(products, snps, tails, at_once=1000):
    """Return quantiles over the draws of some SNPs, (2, len(snps))."""
    quantiles = [np.empty((2, 0))]
    for first in range(0, len(snps), at_once):
        some = products[snps[first : first + at_once]]
        quantiles.append(
            np.quantile(some.toarray() if sparse.issparse(some) else some, tails, axis=1)
        )
    return np.hstack(quantiles)


def _first(table, top):
    """Return the strongest paths of a table in their order."""
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)[:top]
