"""What regions of the genome explain."""

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_scalar

from sknnmm.association._regions import regions_of
from sknnmm.association._window_moments import WindowMoments
from sknnmm.common.typing import Table
from sknnmm.genotypes.centred import Genotypes
from sknnmm.inputs.positions import positions_of_snps
from sknnmm.prediction.effect_draws import EffectDraws, mean_and_interval

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

NEGLIGIBLE = 1e-12  # of the largest variance in a draw: rounding


def windows(
    model: "NNMMRegressor | NNMMClassifier",
    X: Table,
    variants: pd.DataFrame | None = None,
    window: str | int | pd.DataFrame = "1Mb",
    *,
    threshold: float = 0.01,
    response: str | Sequence[str] | None = "total",
    correlated_with: str | None = None,
    interval: float = 0.9,
) -> pd.DataFrame:
    """Return the posterior of the genetic variance that regions of the genome explain.

    In each draw a window explains the variance of the genetic values by its SNPs alone, and its
    share is this over the variance by all SNPs (Fernando & Garrick 2013).

    Parameters
    ----------
    model : NNMMRegressor or NNMMClassifier
        Fitted.
    X : array-like of shape (n, p)
        Genotypes of the individuals over whom variances are taken, as in `predict`: usually those
        of `fit`. Missing ones count as the mean. Never copied to a wider type as a whole.
    variants : DataFrame or None, default=None
        Chromosome and position (columns as in `sknnmm.cis_mask`) of the SNPs: by their names in
        the index, in any order, or a row for each SNP in the order of the fit. May be left out if
        `window` is a number; windows then go over the ends of chromosomes.
    window : str, int or DataFrame, default="1Mb"
        - A distance: "1Mb", "500kb", "20000bp" if positions are in bases, "2cM" if they are in
          centimorgans. Windows begin at its multiples; those without SNPs are left out.
        - A number of neighbouring SNPs.
        - A table with chromosome, start and end (both included; or position), for example of
          genes. Its regions may overlap, and its index names them.
    threshold : float, default=0.01
        The share of the genetic variance that a window is to exceed.
    response : str, sequence of str or None, default="total"
        The genetic values of what: the name of a node, or, of y, "direct", "mediated" (by way of
        all nodes) or "total". A sequence of these, or None for all.
    correlated_with : str or None, default=None
        Another response: also return the genetic correlation with it in each window.
    interval : float, default=0.9
        Probability of the intervals, which leave as much below as above.

    Returns
    -------
    DataFrame
        A row for each response and window, in the order of the genome or of the table.

        - ``response``, ``window`` (its number, or name in the table), ``chromosome``, ``start``,
          ``end`` (NaN without `variants`), ``n_snps``, ``first_snp``, ``last_snp``.
        - ``wppa``: window posterior probability of association, the share of draws in which the
          window explains more than `threshold` of the genetic variance of the response.
        - ``inclusion_probability``: that any SNP of the window has an effect.
        - ``share``, ``share_low``, ``share_high``: posterior mean and interval of the share. Shares
          do not sum to 1 where values of windows are correlated.
        - ``variance``, ``variance_low``, ``variance_high``: of the variance, in squared units of
          the response.
        - With `correlated_with` ``correlation``, ``correlation_low``, ``correlation_high``: of the
          genetic correlation, over the draws in which the window explains both responses; and
          ``both``, the share of these draws. NaN if there are none.

    Raises
    ------
    TypeError, ValueError
        If `model` is no fitted estimator, has no such response, or another argument does not
        fit.

    Warns
    -----
    UserWarning
        If SNPs have no chromosome or position: they are in no window. If positions seem to be in
        another unit than `window`.

    Notes
    -----
    Everything is computed from the draws whose SNP effects are held (`effects_memory` of
    `NNMMRegressor`), one response at a time. Of a nonlinear network the mediated effects are those
    of its linearisation in each draw, with the mean slope of y by every node over the training
    rows. If many windows with a WPPA of at least t are reported, the expected share of false ones
    is at most 1 - t (Fernando et al. 2017).

    References
    ----------
    Fernando & Garrick (2013), doi 10.1007/978-1-62703-447-0_10.
    Fernando, Toosi, Wolc, Garrick & Dekkers (2017), doi 10.1007/s13253-017-0277-6.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.association import windows
    >>> from sknnmm.datasets import make_omics_network
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> variants = pd.DataFrame({"chromosome": 1, "position": range(0, 3_000_000, 100_000)})
    >>> table = windows(model, data.X, variants, correlated_with="omic_0")
    >>> list(table.columns[:9])
    ['response', 'window', 'chromosome', 'start', 'end', 'n_snps', 'first_snp', 'last_snp', 'wppa']
    >>> table[["start", "end", "n_snps"]].to_numpy().tolist()
    [[0.0, 1000000.0, 10.0], [1000000.0, 2000000.0, 10.0], [2000000.0, 3000000.0, 10.0]]
    >>> windows(model, data.X, window=15, response=None)["response"].unique().tolist()
    ['omic_0', 'omic_1', 'mediated', 'direct', 'total']
    """
    check_scalar(threshold, "threshold", Real, min_val=0, max_val=1, include_boundaries="left")
    check_scalar(interval, "interval", Real, min_val=0, max_val=1, include_boundaries="neither")
    draws = EffectDraws(model)
    responses = draws.chosen(response)
    names = np.asarray(model.snp_names_, dtype=object)
    positions = positions_of_snps(model, variants)
    regions = regions_of(window, positions, draws.n_snps)
    moments = WindowMoments(Genotypes(model._check_predict_genotypes(X)))
    other = None
    if correlated_with is not None:
        (chosen,) = draws.chosen([correlated_with])
        other = _Response(draws.effects(chosen), moments)
    tables = []
    for name in responses:
        own = _Response(draws.effects(name), moments)
        rows = [_describe(own, other, region, threshold, interval) for region in regions]
        table = pd.concat([_labels(regions, names), pd.DataFrame(rows)], axis=1)
        table.insert(0, "response", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


class _Response:
    """The draws of the effects on one response, and the genetic variance in each."""

    def __init__(self, effects, moments):
        self.effects, self.moments = effects, moments
        self.total = moments.total(effects)
        self._negligible = NEGLIGIBLE * self.total.max(initial=0)

    def variance(self, region):
        """Return what a region explains in each draw, (draws,)."""
        variance = self.moments.covariance(region.snps, self.effects, self.effects)
        return np.where(variance > self._negligible, variance, 0)

    def share(self, variance):
        """Return variances over the genetic variance; 0 in draws without any."""
        return np.divide(variance, self.total, out=np.zeros_like(variance), where=self.total > 0)

    def included(self, region):
        """Return the share of draws in which any SNP of a region has an effect."""
        own = self.effects[region.snps]
        if sparse.issparse(own):
            return len(np.unique(own.indices)) / own.shape[1]
        return float((own != 0).any(axis=0).mean())


def _labels(regions, names):
    """Return what says where the regions are."""
    table = pd.DataFrame(
        {
            "window": [region.name for region in regions],
            "chromosome": [region.chromosome for region in regions],
            "start": [region.start for region in regions],
            "end": [region.end for region in regions],
            "n_snps": [len(region.snps) for region in regions],
        }
    )
    for column, place in (("first_snp", 0), ("last_snp", -1)):
        table[column] = [
            names[region.snps[place]] if len(region.snps) else None for region in regions
        ]
    return table


def _describe(own, other, region, threshold, interval):
    """Return what the draws say of one region and response."""
    variance = own.variance(region)
    share = own.share(variance)
    row = {
        "wppa": (share > threshold).mean(),
        "inclusion_probability": own.included(region),
        **mean_and_interval("share", share, interval),
        **mean_and_interval("variance", variance, interval),
    }
    if other is None:
        return row
    of_other = other.variance(region)
    both = (variance > 0) & (of_other > 0)
    covariance = own.moments.covariance(region.snps, own.effects, other.effects)
    correlation = covariance[both] / np.sqrt(variance[both] * of_other[both])
    return {**row, **mean_and_interval("correlation", correlation, interval), "both": both.mean()}
