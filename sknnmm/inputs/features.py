"""Number and names of the columns of X, as scikit-learn records and compares them."""

import pandas as pd
from sklearn.utils.validation import _get_feature_names, validate_data

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.genotypes.plink_bits import PackedGenotypes


def feature_names(X):
    """Return the names of the columns of X, (n_features,) of str, or None if it has none.

    Raises
    ------
    TypeError, ValueError
        If names are duplicated, or only some are text.
    """
    refuse_duplicates(getattr(X, "columns", ()), "X", "column names", "Rename them.")
    return _get_feature_names(_named(X))


def check_features(estimator, X, *, reset=False):
    """Raise unless X, a table or an array, has the columns seen in fit.

    Parameters
    ----------
    estimator : estimator
        Fitted; scikit-learn reads `n_features_in_` and `feature_names_in_`.
    X : DataFrame, PackedGenotypes or ndarray
    reset : bool
        Whether to set these attributes instead.
    """
    refuse_duplicates(getattr(X, "columns", ()), "X", "column names", "Rename them.")
    validate_data(estimator, _named(X), reset=reset, skip_check_array=True)


def _named(X):
    return pd.DataFrame(columns=X.columns) if isinstance(X, PackedGenotypes) else X
