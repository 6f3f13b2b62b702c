"""Sets of SNPs in linkage disequilibrium that hold an effect."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_scalar

from sknnmm.common.typing import Table
from sknnmm.genotypes.centred import Genotypes
from sknnmm.inputs.chromosomes import chromosome_codes
from sknnmm.inputs.positions import positions_of_snps
from sknnmm.prediction.effect_draws import EffectDraws

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

COLUMNS = [
    "response", "lead_snp", "chromosome", "start", "end", "n_snps", "snps", "probability",
    "chance", "bayes_factor", "min_correlation",
]  # fmt: skip


def credible_sets(
    model: "NNMMRegressor | NNMMClassifier",
    X: Table,
    variants: pd.DataFrame | None = None,
    *,
    coverage: float = 0.95,
    min_correlation: float = 0.5,
    min_bayes_factor: float = 20,
    response: str | Sequence[str] | None = "total",
    neighbours: int = 500,
) -> pd.DataFrame:
    """Return sets of SNPs in linkage disequilibrium that hold an effect with a given probability.

    Around the SNP of the highest inclusion probability, SNPs that are correlated with it are added
    in the order of theirs, until the share of draws in which **at least one** of the set has an
    effect reaches `coverage`. The next set begins with the best SNP that is in none so far.

    Parameters
    ----------
    model : NNMMRegressor or NNMMClassifier
        Fitted with a prior that selects: BayesB, BayesC or BayesR.
    X : array-like of shape (n, p)
        Genotypes of which correlations are taken, as in `predict`: usually those of `fit`.
    variants : DataFrame or None, default=None
        Chromosome and position (columns as in `sknnmm.cis_mask`) of the SNPs: by their names in
        the index, in any order, or a row for each SNP in the order of the fit. With it a set is
        within a chromosome, and neighbours are those by position. None: those in the order of the
        columns.
    coverage : float, default=0.95
        Probability that a set holds an effect.
    min_correlation : float, default=0.5
        Least absolute correlation of every SNP of a set with its first one.
    min_bayes_factor : float, default=20
        Least odds that the set holds an effect, over the odds of as many SNPs taken at random.
        Where the model gives many SNPs small effects, any dozen of them holds one with 95 %; such
        sets say nothing and are left out.
    response : str, sequence of str or None, default="total"
        The name of a node, or an effect on y: "direct", "mediated" or "total". A sequence of these,
        or None for all.
    neighbours : int, default=500
        How many SNPs on each side of the first one may be in its set.

    Returns
    -------
    DataFrame
        A row for each set, the most probable first within a response. ``table.explode("snps")``
        has a row for each SNP.

        - ``response``, ``lead_snp`` (of the highest inclusion probability), ``chromosome``,
          ``start``, ``end`` (None and NaN without `variants`), ``n_snps``, ``snps`` (a tuple, by
          falling inclusion probability).
        - ``probability``: that at least one SNP of the set has an effect.
        - ``chance``: the same of as many SNPs taken at random from all, ``1 - E[(1 - f)^n_snps]``
          with f the share of SNPs that have an effect in a draw.
        - ``bayes_factor``: the odds of the first over those of the second. To the draws with an
          effect in the set, and to those without, half a draw is added: few draws are weak
          evidence.
        - ``min_correlation``: the least absolute correlation with the first SNP.

    Raises
    ------
    TypeError, ValueError
        If `model` is no fitted estimator, has no such response, gives every SNP an effect on
        it in every draw, or another argument does not fit.

    See Also
    --------
    windows : Regions of equal size, with the variance that they explain.

    Notes
    -----
    The inclusion probabilities of a set are not added up: in a draw with two SNPs of the set a sum
    would count both. As the sets are made of the held draws (`effects_memory` of `NNMMRegressor`),
    their probability has a Monte Carlo error, and chains that have not moved between SNPs in strong
    linkage disequilibrium make sets too small. `diagnostics_` does not show this; compare the sets
    of fits with other seeds.

    The sets follow the local credible sets of Wu et al. (2025), with the probability of the draws
    in place of sums, and are not the single effects of SuSiE (Wang et al. 2020): of two effects in
    one block of linkage disequilibrium the first set holds at least one.

    References
    ----------
    Wang, Sarkar, Carbonetto & Stephens (2020), doi 10.1111/rssb.12388.
    Wu et al. (2025), doi 10.1101/2024.07.18.24310667.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.association import credible_sets
    >>> from sknnmm.datasets import make_omics_network
    >>> data = make_omics_network(n_samples=400, n_snps=40, n_omics=1, random_state=1)
    >>> model = NNMMRegressor(n_iter=400, burn_in=100, random_state=0)
    >>> sets = credible_sets(model.fit(data.X, data.y, omics=data.omics), data.X, response="omic_0")
    >>> bool((sets.probability >= 0.95).all() and (sets.min_correlation >= 0.5).all())
    True
    """
    check_scalar(coverage, "coverage", Real, min_val=0, max_val=1, include_boundaries="neither")
    check_scalar(min_correlation, "min_correlation", Real, min_val=0, max_val=1)
    check_scalar(min_bayes_factor, "min_bayes_factor", Real, min_val=0)
    check_scalar(neighbours, "neighbours", Integral, min_val=0)
    draws = EffectDraws(model)
    responses = draws.chosen(response)
    names = np.asarray(model.snp_names_, dtype=object)
    positions = positions_of_snps(model, variants)
    genotypes = Genotypes(model._check_predict_genotypes(X))
    order = _Order(positions, draws.n_snps, neighbours)
    rows = []
    for name in responses:
        included = _included(draws.effects(name), name)
        found = [
            _row(name, cluster, included, names, positions)
            for cluster in _clusters(included, genotypes, order, coverage, min_correlation)
        ]
        found = [row for row in found if row["bayes_factor"] >= min_bayes_factor]
        rows += sorted(found, key=lambda row: -row["probability"])
    return pd.DataFrame(rows, columns=COLUMNS)


def _included(effects, response):
    """Return in which draws SNPs have an effect, csr (p, draws) of bool."""
    if not sparse.issparse(effects):
        effects = sparse.csr_array(effects)
    included = sparse.csr_array(
        (np.ones(effects.nnz, bool), effects.indices, effects.indptr), effects.shape
    )
    per_snp = np.diff(included.indptr)
    if included.nnz and (per_snp[per_snp > 0] == effects.shape[1]).all():
        raise ValueError(
            f"All SNPs have an effect on {response} in every draw: credible sets need a prior that "
            "selects (BayesB, BayesC, BayesR). See windows for what regions explain."
        )
    return included


class _Order:
    """The SNPs in the order of the genome."""

    def __init__(self, positions, n_snps, reach):
        self._reach = reach
        self._codes = np.zeros(n_snps, int)
        self._order = np.arange(n_snps)
        if positions is not None:
            chromosomes = positions["chromosome"]
            self._codes, _ = chromosome_codes(chromosomes, chromosomes.iloc[:0])
            self._order = np.lexsort([positions["position"], self._codes])
        self._place = np.argsort(self._order)

    def near(self, snp):
        """Return the SNPs near one, itself included."""
        place = self._place[snp]
        near = self._order[max(0, place - self._reach) : place + self._reach + 1]
        return near[self._codes[near] == self._codes[snp]]


def _clusters(included, genotypes, order, coverage, min_correlation):
    """Yield (SNPs by falling inclusion probability, their correlations with the first)."""
    probability = np.diff(included.indptr) / included.shape[1]
    free = (probability > 0) & genotypes.polymorphic
    for lead in np.argsort(-probability, kind="stable"):
        if not free[lead]:
            continue
        near = order.near(lead)
        near = near[free[near]]
        near = near[np.argsort(-probability[near], kind="stable")]
        near = np.concatenate([[lead], near[near != lead]])
        if probability[near].sum() < coverage:
            continue
        correlation = _correlations(genotypes, near)
        linked = np.abs(correlation) >= min_correlation
        near, correlation = near[linked], correlation[linked]
        held = np.maximum.accumulate(included[near].toarray(), axis=0).mean(axis=1)
        if held[-1] < coverage:
            continue
        size = np.searchsorted(held, coverage) + 1
        free[near[:size]] = False  # also if chance explains the set
        yield near[:size], correlation[:size]


def _correlations(genotypes, snps):
    """Return the correlations of SNPs with the first of them."""
    x = genotypes.columns(snps, np.float64)
    return x.T @ x[:, 0] / np.sqrt((x**2).sum(axis=0) * (x[:, 0] ** 2).sum())


def _row(response, cluster, included, names, positions):
    """Return what is said of a set."""
    snps, correlation = cluster
    holds = included[snps].toarray().any(axis=0)
    probability, odds = holds.mean(), (holds.sum() + 0.5) / ((~holds).sum() + 0.5)
    per_draw = np.bincount(included.indices, minlength=included.shape[1]) / included.shape[0]
    chance = 1 - ((1 - per_draw) ** len(snps)).mean()
    chromosome, start, end = None, np.nan, np.nan
    if positions is not None:
        own = positions.iloc[snps]
        chromosome = own["chromosome"].iloc[0]
        start, end = own["position"].min(), own["position"].max()
    values = [
        response, names[snps[0]], chromosome, start, end, len(snps), tuple(names[snps]),
        probability, chance, odds / (chance / (1 - chance)), np.abs(correlation).min(),
    ]  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
