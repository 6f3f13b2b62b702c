"""What all selectors of SNPs share: input, missing values, tags."""

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, _fit_context
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags, gen_batches
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_is_fitted

from sknnmm.common.typing import Table
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.features import check_features
from sknnmm.inputs.genotypes import CheckedGenotypes, check_genotypes
from sknnmm.inputs.missing_codes import warn_of_codes
from sknnmm.inputs.tables import as_pandas

Dosages = np.ndarray | PackedGenotypes  # (n, p), numeric

VALUES_AT_ONCE = 2**22  # widened at a time: 32 MB of doubles


class SNPSelector(SelectorMixin, BaseEstimator):
    """Base of the selectors: a subclass has `_learn` and `_get_support_mask`."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: object = None) -> Self:
        """Learn which SNPs to keep.

        Parameters
        ----------
        X : array-like of shape (n, p)
            Genotypes: floating with NaN = missing, or integer with negative = missing.
            PackedGenotypes are read a block of SNPs at a time.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        fitted = copy.copy(self)  # the selector changes only when the fit has succeeded
        genotypes = fitted._check(as_pandas(X), reset=True)
        fitted._warn_of_codes(genotypes)
        fitted._learn(genotypes)
        self.__dict__ = fitted.__dict__
        return self

    def transform(self, X: Table) -> np.ndarray | pd.DataFrame | PackedGenotypes:
        """Return the columns of X that are kept.

        Parameters
        ----------
        X : array-like of shape (n, p)

        Returns
        -------
        PackedGenotypes, DataFrame or array of shape (n, number of kept columns)
            PackedGenotypes if X is, a DataFrame with ``set_output(transform="pandas")``, whose
            columns keep their types. Else an array, floating with NaN = missing if any column is.
        """
        X = as_pandas(X)
        as_frame = _get_output_config("transform", estimator=self)["dense"] != "default"
        if as_frame and isinstance(X, pd.DataFrame):
            return super().transform(X)
        check_is_fitted(self)
        kept = self._transform(self._check(X, reset=False).values)
        if isinstance(kept, np.ndarray) and kept.dtype.kind == "i":
            kept = np.maximum(kept, -1)  # NA has a code of its own until here
        if as_frame and isinstance(X, PackedGenotypes):
            return pd.DataFrame(
                np.asarray(kept, np.int8), index=X.index
            )  # scikit-learn adds the names
        return kept

    def _check(self, X: Table, *, reset: bool) -> CheckedGenotypes:
        """Return CheckedGenotypes; check, or with `reset` set, what columns X has."""
        genotypes = check_genotypes(X, self)
        check_features(self, X if hasattr(X, "columns") else genotypes.values, reset=reset)
        return genotypes

    def _warn_of_codes(self, genotypes: CheckedGenotypes) -> None:
        warn_of_codes(genotypes, getattr(self, "feature_names_in_", None), fitting=True)

    @abstractmethod
    def _learn(self, genotypes: CheckedGenotypes) -> None:
        """Set the fitted attributes from CheckedGenotypes (n, p)."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def batches(X: Dosages) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield (slice of SNPs, some of their dosages) until all are seen; temporaries stay small."""
    n, p = X.shape
    if isinstance(X, PackedGenotypes):
        for snps in gen_batches(p, max(1, VALUES_AT_ONCE // n)):
            yield snps, X.snps(snps)
    else:
        for rows in gen_batches(n, max(1, VALUES_AT_ONCE // p)):
            yield slice(None), X[rows]
