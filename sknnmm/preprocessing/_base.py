"""What all selectors of SNPs share: input, missing values, tags."""

from abc import abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import gen_batches

from sknnmm.validation import check_genotypes

VALUES_AT_ONCE = 2**22  # widened at a time: 32 MB of doubles


class SNPSelector(SelectorMixin, BaseEstimator):
    """Base of the selectors: a subclass has `_learn` and `_get_support_mask`."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn which SNPs to keep.

        Parameters
        ----------
        X : array-like of shape (n, p)
            Genotypes: floating with NaN = missing, or integer with negative = missing.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        self._learn(check_genotypes(self, X, fitting=True))
        return self

    @abstractmethod
    def _learn(self, X):
        """Set the fitted attributes from a numeric array (n, p)."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def is_missing(X):
    """Return where genotypes are missing: NaN, or negative integers."""
    return np.isnan(X) if X.dtype.kind == "f" else X < 0


def row_batches(X):
    """Yield X some rows at a time, so that temporaries stay small."""
    n, p = X.shape
    for rows in gen_batches(n, max(1, VALUES_AT_ONCE // p)):
        yield X[rows]
