"""Selection of SNPs by the frequency of their rarer allele."""

import warnings
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sknnmm.common.messages import some
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.dosages import is_missing
from sknnmm.inputs.genotypes import CheckedGenotypes
from sknnmm.inputs.missing_codes import likely_codes
from sknnmm.preprocessing._base import SNPSelector, batches

ENOUGH = 10  # columns that tell 0/1 coding from that of diploids


class MinorAlleleFrequencySelector(SNPSelector):
    """Keep SNPs whose rarer allele is frequent enough.

    Parameters
    ----------
    threshold : float, default=0.01
        Lowest minor allele frequency of a SNP that is kept, between 0 and 0.5.

    Attributes
    ----------
    minor_allele_frequency_ : ndarray of shape (p,)
        f, half the mean dosage of the observed values, or 1 - f if that is smaller. If no value is
        above 1, as of inbred lines or haploids coded 0 and 1, f is the mean. 0 for a column
        without observed values: no minor allele was seen. NaN for a column that does not hold
        allele dosages.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (p,)
        Only if X has string column names.

    See Also
    --------
    MissingRateSelector : Selection by the share of missing values.
    LDPruner : Removal of SNPs that are nearly copies of their neighbours.

    Notes
    -----
    A column with values outside [0, 2] does not hold dosages of a diploid: it may be an omic among
    the columns of X, or a SNP with an unusual code for missing values. Such columns are kept, with
    one warning that names them. (Negative integers are missing values, not outside.)

    Exchanging the counted allele does not change the selection, to the last bit if dosages are
    integers.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.preprocessing import MinorAlleleFrequencySelector
    >>> X = np.array([[0, 2, 0], [1, 2, 0], [-1, 1, 0], [1, 1, 0]], dtype=np.int8)
    >>> selector = MinorAlleleFrequencySelector(threshold=0.05).fit(X)
    >>> selector.minor_allele_frequency_.round(2)
    array([0.33, 0.25, 0.  ])
    >>> selector.transform(X)
    array([[ 0,  2],
           [ 1,  2],
           [-1,  1],
           [ 1,  1]], dtype=int8)
    """

    _parameter_constraints = {"threshold": [Interval(Real, 0, 0.5, closed="both")]}

    def __init__(self, threshold: float = 0.01) -> None:
        self.threshold = threshold

    def _learn(self, genotypes: CheckedGenotypes) -> None:
        X = genotypes.values
        p = X.shape[1]
        n_alleles, n_counted, outside = np.zeros(p), np.zeros(p), np.zeros(p, bool)
        above_one, whole = np.zeros(p, bool), np.ones(p, bool)
        for snps, rows in batches(X):
            observed = ~is_missing(rows)
            dosages = np.where(observed, rows, 0)
            n_alleles[snps] += 2 * observed.sum(axis=0)
            n_counted[snps] += dosages.sum(axis=0, dtype=np.float64)
            outside[snps] |= ((dosages < 0) | (dosages > 2)).any(axis=0)
            above_one[snps] |= (dosages > 1).any(axis=0)
            whole[snps] &= (dosages == np.rint(dosages)).all(axis=0)
        # Columns with values outside [0, 2] may be omics, if there are others to judge by.
        judges = ~outside if (~outside).sum() >= ENOUGH else whole | ~outside
        if not above_one[judges].any():
            n_alleles /= 2
        # Counts, not the mean, are folded: 1 - f would round differently for the other allele.
        frequency = np.minimum(n_counted, n_alleles - n_counted) / np.maximum(n_alleles, 1)
        self.minor_allele_frequency_ = np.where(outside, np.nan, frequency)
        if outside.any():
            shown = getattr(self, "feature_names_in_", np.arange(p))[outside]
            # Packed genotypes have no such values.
            codes, code = likely_codes(genotypes)
            likely = f" {code:g} looks like a code for missing genotypes." if len(codes) else ""
            warn(
                f"X has {outside.sum()} columns with values outside [0, 2] ({some(shown)}); they "
                f"do not hold allele dosages and are kept.{likely} Code missing genotypes as NaN "
                "or as negative integers."
            )

    def _warn_of_codes(self, genotypes: CheckedGenotypes) -> None:
        # Codes are among the columns that `_learn` warns of, and so are negative floating values.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X has whole numbers|.* is taken so")
            super()._warn_of_codes(genotypes)

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return ~(self.minor_allele_frequency_ < self.threshold)  # NaN: kept
