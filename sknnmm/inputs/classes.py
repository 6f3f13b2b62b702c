"""Checks of a y of class labels."""

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import type_of_target

from sknnmm.common.messages import some
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.alignment import check_n_values
from sknnmm.inputs.phenotype import (
    refuse_missing_argument,
    refuse_one_sample,
    warn_of_column,
    without_weightless,
)
from sknnmm.inputs.record import Record
from sknnmm.inputs.tables import as_pandas, plain_column, refuse_infinite


class Classes:
    """A y of labels as passed.

    Parameters
    ----------
    y : column
        As passed.
    ordered : bool
        Whether the sorted labels are in the order of the liability.
    """

    def __init__(self, y, ordered):
        self.passed = {"y": y}
        self._ordered = ordered

    def check(self, n_samples, weight):
        """Return the Record: numbers of the classes, NaN = missing; also where the weight is 0."""
        labels, categories = labels_of(self.passed["y"], n_samples)
        missing = np.where(pd.isna(labels), np.nan, 0.0)
        observed = ~np.isnan(without_weightless(missing, weight))
        refuse_one_sample(n_samples)
        classes = _classes(labels[observed], categories)
        is_ordered = self._ordered or getattr(categories, "ordered", False)
        _check_number(classes, is_ordered)
        if len(classes) > 2 and categories is None and isinstance(classes[0], str):
            order = " < ".join(classes)
            warn(
                f"Labels of y are text, in the order {order}: pass ordered categories for another."
            )
        numbers = np.full(n_samples, np.nan)
        numbers[observed] = pd.Index(classes).get_indexer(pd.Index(labels[observed]))
        return Record(numbers, 0.0, 1.0, classes=classes)


class KnownClasses:
    """A y of labels as passed, of the classes of a fit.

    Parameters
    ----------
    y : column
        As passed.
    classes : ndarray of shape (M,)
        Their labels.
    """

    def __init__(self, y, classes):
        self.passed = {"y": y}
        self._classes = classes

    def values(self, n_samples, weight):
        """Return the numbers of the classes (n,), NaN = missing, and None for upper ends.

        Missing also where the weight is 0.
        """
        labels, _ = labels_of(self.passed["y"], n_samples)
        observed = ~pd.isna(labels)
        number = pd.Index(self._classes).get_indexer(pd.Index(labels[observed]))
        if (number < 0).any():
            unknown = pd.unique(labels[observed][number < 0])
            raise ValueError(
                f"y has labels that are not among the classes of fit, {self._classes.tolist()}: "
                f"{some(list(unknown))}."
            )
        numbers = np.full(n_samples, np.nan)
        numbers[observed] = number
        return without_weightless(numbers, weight), None


def labels_of(y, n_samples):
    """Return labels (n,), missing ones as pandas knows them, and the type of their categories.

    The latter None where y is not categorical.
    """
    refuse_missing_argument(y)
    y = as_pandas(y)
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    y = plain_column(y)
    warn_of_column(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.ravel()
    if y.ndim != 1:
        raise ValueError(
            "y must have one dimension: y should be a 1d array, one label per individual, but its "
            f"shape is {y.shape}."
        )
    check_n_values(y, "y", n_samples)
    categories = y.dtype if isinstance(y.dtype, pd.CategoricalDtype) else None
    if categories is not None and y.isna().any():  # pandas would make whole numbers floating ones
        labels = np.append(categories.categories.astype(object), None)[pd.Series(y).cat.codes]
    else:
        labels = y if isinstance(y, np.ndarray) else y.to_numpy(dtype=_plain_dtype(y, categories))
    if labels.dtype == object:
        missing = pd.isna(labels)
        labels = np.where(missing, None, labels)
    return labels, categories


def _plain_dtype(y, categories):
    """Return the NumPy type of the labels of a pandas column, object if it can miss values."""
    dtype = y.dtype if categories is None else categories.categories.dtype
    return dtype if isinstance(dtype, np.dtype) and not y.isna().any() else object


def _classes(labels, categories):
    """Return the labels that occur, in the order of categories, or sorted."""
    plain = np.array(labels.tolist()) if labels.dtype == object else labels
    if plain.dtype.kind == "c":
        raise ValueError("Complex data not supported: labels of y are complex numbers.")
    if plain.dtype.kind == "f":
        refuse_infinite(plain, "y")
    is_plain = plain.ndim == 1 and plain.dtype.kind != "S"
    kind = type_of_target(plain, input_name="y") if is_plain else "unknown"
    if kind == "continuous":
        raise ValueError(
            "Unknown label type: continuous. y has numbers that are not whole: NNMMClassifier "
            "takes labels of classes, NNMMRegressor measurements."
        )
    if kind == "unknown":
        raise ValueError(
            "Unknown label type: y holds labels that are no numbers, text or booleans, as "
            f"{labels[:1].tolist()[0]!r}: make text or numbers of them. Of ordered categories, as "
            "those of pd.cut, .cat.rename_categories(str) keeps the order."
        )
    try:
        classes = np.unique(labels)
    except TypeError as error:
        raise ValueError(f"y mixes labels of different types: {error}.") from error
    if labels.dtype == object and plain.dtype.kind in "biuf":  # numbers beside missing ones
        classes = np.unique(plain)
    if categories is None:
        return classes
    in_order = [label for label in categories.categories if label in set(classes)]
    absent = [label for label in categories.categories if label not in set(classes)]
    if absent:
        warn(f"No record of y is in the classes {some(absent)}: they are left out.")
    in_order = np.array(in_order, dtype=classes.dtype)
    if (in_order != classes).any():
        warn(
            f"classes_ are {in_order.tolist()}, in the order of the categories of y. Metrics of "
            "scikit-learn, as roc_auc and log_loss, take sorted labels for the order: number the "
            "labels where you use these."
        )
    return in_order


def _check_number(classes, is_ordered):
    if len(classes) == 1:
        raise ValueError(
            f"y has one class only, {classes[0]}: NNMMClassifier needs records of two at least "
            "to tell them apart. In cross-validation, stratify."
        )
    if len(classes) > 2 and not is_ordered:
        raise ValueError(
            "Only binary classification is supported unless classes are ordered; y has "
            f"{len(classes)}: {some(list(classes))}. If they are ordered, pass ordered categories "
            "of pandas, or ordered=True if the sorted labels are in order (cross_val_predict "
            "numbers sorted labels before fit gets them: number them yourself). If not, use "
            "sklearn.multiclass.OneVsRestClassifier(NNMMClassifier(...))."
        )
