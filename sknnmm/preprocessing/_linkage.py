"""Removal of SNPs that are nearly copies of their neighbours."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknnmm.common.constant import is_constant
from sknnmm.genotypes.dosages import columns_of, is_missing
from sknnmm.inputs.genotypes import CheckedGenotypes
from sknnmm.preprocessing._base import VALUES_AT_ONCE, SNPSelector

WIDEST_BLOCK = 128  # SNPs per matrix product; wider ones compute many pairs beyond a usual window
TOLERANCE = 1e-9  # above rounding in a squared correlation, so that ties fall on the same side


class LDPruner(SNPSelector):
    """Drop SNPs in strong linkage disequilibrium with a SNP just before them.

    SNPs are visited in the order of the columns, which should be that of the genome. A SNP is
    dropped if its squared correlation with any SNP that was kept among the `window` columns before
    it exceeds `r2`.

    Parameters
    ----------
    r2 : float, default=0.8
        Highest squared correlation that is tolerated.
    window : int, default=100
        Number of columns before a SNP, dropped ones included, in which it is compared with those
        kept.

    Attributes
    ----------
    support_ : ndarray of shape (p,)
        Whether each column is kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (p,)
        Only if X has string column names.

    See Also
    --------
    MinorAlleleFrequencySelector : Selection by allele frequency.

    Notes
    -----
    Missing values count as the mean of their SNP. A SNP without variance is correlated with none
    and kept; the minor allele frequency removes it. Windows extend over the ends of chromosomes,
    across which SNPs are hardly correlated.

    Time is proportional to n p window; memory does not depend on p and window beyond a few blocks
    of SNPs in double precision.

    Pruning in pairs follows ``--indep-pairwise`` of PLINK [1]_, but keeps the first SNP of a pair,
    not the one of higher allele frequency, and slides by one SNP.

    References
    ----------
    .. [1] Purcell, S. et al. (2007). PLINK: a tool set for whole-genome association and
       population-based linkage analyses. American Journal of Human Genetics, 81, 559-575,
       doi 10.1086/519795.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.preprocessing import LDPruner
    >>> X = np.array([[0, 0, 2, 1], [1, 1, 1, 0], [2, 2, 0, 1], [2, 1, 0, 2]], dtype=np.int8)
    >>> LDPruner(r2=0.8).fit(X).get_support()
    array([ True,  True, False,  True])
    """

    _parameter_constraints = {
        "r2": [Interval(Real, 0, 1, closed="both")],
        "window": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, r2: float = 0.8, window: int = 100) -> None:
        self.r2 = r2
        self.window = window

    def _learn(self, genotypes: CheckedGenotypes) -> None:
        X = genotypes.values
        n, p = X.shape
        self.support_ = np.zeros(p, bool)
        width = min(max(VALUES_AT_ONCE // n, 1), WIDEST_BLOCK)
        for block in gen_batches(p, width):
            snps = np.arange(p)[block]
            standardised = _standardised(columns_of(X, block))
            free = np.ones(len(snps), bool)
            before = max(0, block.start - self.window)
            kept_before = before + np.flatnonzero(self.support_[before : block.start])
            for part in gen_batches(len(kept_before), width):
                kept = kept_before[part]
                clash = self._clash(kept, _standardised(columns_of(X, kept)), snps, standardised)
                free &= ~clash.any(axis=0)
            clash = self._clash(snps, standardised, snps, standardised)
            for j in range(len(snps)):
                if free[j]:
                    free[j + 1 :] &= ~clash[j, j + 1 :]
            self.support_[block] = free

    def _clash(
        self,
        first: np.ndarray,
        standardised_first: np.ndarray,
        second: np.ndarray,
        standardised_second: np.ndarray,
    ) -> np.ndarray:
        """Return which pairs of SNPs cannot both be kept, (len(first), len(second))."""
        near = second - first[:, None] <= self.window
        squared = (standardised_first.T @ standardised_second) ** 2
        return near & (squared > self.r2 + TOLERANCE)

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.support_


def _standardised(X: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and sum of squares 1, missing at the mean; 0 without variance."""
    missing = is_missing(X)
    values = X.astype(np.float64)
    values[missing] = 0
    largest = np.abs(values).max(axis=0)
    values -= values.sum(axis=0) / np.maximum(len(X) - missing.sum(axis=0), 1)
    values[missing] = 0
    norm = np.sqrt(np.einsum("ij,ij->j", values, values))
    varies = ~is_constant(norm / np.sqrt(len(X)), largest)
    return values * np.where(varies, 1 / np.where(varies, norm, 1), 0)
