"""Selection of SNPs by their share of missing values."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknnmm.genotypes.dosages import is_missing
from sknnmm.inputs.genotypes import CheckedGenotypes
from sknnmm.preprocessing._base import SNPSelector, batches


class MissingRateSelector(SNPSelector):
    """Keep SNPs with few missing values.

    Parameters
    ----------
    threshold : float, default=0.1
        Highest share of missing values of a SNP that is kept.

    Attributes
    ----------
    missing_rate_ : ndarray of shape (p,)
        Share of missing values of each column of X: NaN, or negative in an integer X.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (p,)
        Only if X has string column names.

    See Also
    --------
    MinorAlleleFrequencySelector : Selection by allele frequency.
    sklearn.impute.SimpleImputer : Imputation; `NNMMRegressor` needs none.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.preprocessing import MissingRateSelector
    >>> X = np.array([[0, 1, -1], [1, -1, -1], [2, 0, 1], [1, 2, 0]], dtype=np.int8)
    >>> selector = MissingRateSelector(threshold=0.25).fit(X)
    >>> selector.missing_rate_
    array([0.  , 0.25, 0.5 ])
    >>> selector.get_support()
    array([ True,  True, False])
    """

    _parameter_constraints = {"threshold": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = threshold

    def _learn(self, genotypes: CheckedGenotypes) -> None:
        X = genotypes.values
        n_missing = np.zeros(X.shape[1], np.int64)
        for snps, rows in batches(X):
            n_missing[snps] += is_missing(rows).sum(axis=0)
        self.missing_rate_ = n_missing / len(X)

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.missing_rate_ <= self.threshold
