"""Covariates as passed: columns of numbers and of labels."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.validation import _get_feature_names

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import some
from sknnmm.inputs.named_table import check_table_shape, column_names
from sknnmm.inputs.tables import (
    as_doubles,
    as_pandas,
    kind_of,
    refuse_sparse,
    table_of_doubles,
    unmasked,
)

LABELS = ("text", "categorical")  # kinds of columns that are factors, besides booleans


@dataclass(frozen=True)
class Covariates:
    """A table of covariates, n rows.

    A column has numbers, float64 with NaN = missing, or is a factor, a Categorical of text.
    """

    columns: dict[str, pd.Series]
    passed: pd.DataFrame

    @property
    def names(self):
        """Return the names of the columns, (q,)."""
        return np.array(list(self.columns), dtype=object)

    @property
    def factors(self):
        """Return whether columns are factors, by their name."""
        return {name: self.is_factor(name) for name in self.columns}

    def is_factor(self, name):
        """Return whether a column has labels, not numbers."""
        return isinstance(self.columns[name].dtype, pd.CategoricalDtype)

    def refuse_missing(self, names, needed, where=""):
        """Raise, naming columns and rows, where any of some columns is missing in rows `needed`."""
        missing = {name: self.columns[name].isna().to_numpy() & needed for name in names}
        incomplete = [name for name in names if missing[name].any()]
        if incomplete:
            rows = np.flatnonzero(np.any([missing[name] for name in incomplete], axis=0))
            raise ValueError(
                f"covariates has NaN or infinity in {some(incomplete)} (rows {some(rows)}), but "
                f"must be complete{where}: impute these values or drop their rows."
            )

    def raw(self, name):
        """Return a column as passed, a Series."""
        return self.passed.iloc[:, list(self.columns).index(name)]


NO_COVARIATES = Covariates({}, pd.DataFrame())


def check_covariates(covariates, n_samples, factors=None):
    """Return Covariates; None: without columns.

    Parameters
    ----------
    covariates : table
        A column of text, categories or booleans in a DataFrame is a factor, and so is one of text
        or categories in an array of objects.
    n_samples : int
    factors : dict of str to bool, or None
        Which columns were factors in fit. They are now, whatever their type; others must have
        numbers. A table without names has these columns, if it has as many.

    Raises
    ------
    TypeError, ValueError
        For other tables, other kinds of columns and infinite values.
    """
    if covariates is None:
        return NO_COVARIATES
    table = as_pandas(covariates)
    refuse_sparse(table, "covariates")
    refuse_duplicates(getattr(table, "columns", ()), "covariates", "column names", "Rename them.")
    if not isinstance(table, pd.DataFrame | pd.Series):
        table = _array(table)
        if table.ndim == 2 and table.dtype == object:
            table = pd.DataFrame(table)
    check_table_shape(table, "covariates", n_samples)
    names = _get_feature_names(table)
    if names is None and factors is not None and len(factors) == table.shape[1]:
        names = list(factors)
    names = column_names(names, "covariates", table.shape[1])
    if isinstance(table, np.ndarray):
        passed = pd.DataFrame(table_of_doubles(table, "covariates"))
    else:
        passed = table
    columns = {
        name: _column(passed.iloc[:, k], name, (factors or {}).get(name))
        for k, name in enumerate(names)
    }
    infinite = [name for name in names if _is_infinite(columns[name])]
    if infinite:
        raise ValueError(
            f"covariates has NaN or infinity in {some(infinite)}: impute these values or drop "
            "their rows."
        )
    return Covariates(columns, passed)


def _array(table):
    """Return a table without column types as an array, of objects if it holds text."""
    if not isinstance(table, np.ndarray):
        try:
            array = np.asarray(table)
        except ValueError as error:
            raise ValueError(f"covariates must be a table of rows and columns: {error}") from error
        return np.asarray(table, dtype=object) if array.dtype.kind in "US" else array
    if table.dtype.kind in "US":
        raise ValueError(
            "covariates is an array of text, in which numbers are text too: pass a DataFrame, or "
            "an array of objects."
        )
    return np.asarray(unmasked(table))


def _is_infinite(column):
    return column.dtype == np.float64 and np.isinf(column.to_numpy()).any()


def _column(column, name, is_factor):
    """Return a column as numbers or as labels, without its index; None: as its type says."""
    what = f"covariates column {name!r}"
    kind = kind_of(column)
    if is_factor is False and kind in LABELS:
        raise ValueError(f"{what} must be numeric, as in fit, but holds {kind} values.")
    if kind in ("date", "time span") or kind.startswith("period"):
        raise ValueError(
            f"{what} holds {kind} values: for a regression make numbers of them, e.g. days since "
            "the first; for the levels of a factor or of Random make text, e.g. with .astype(str)."
        )
    is_bool = pd.api.types.is_bool_dtype(column.dtype) or (
        column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean"
    )
    if is_factor or (is_factor is None and (is_bool or kind in LABELS)):
        return pd.Series(labels(column))
    return pd.Series(as_doubles(column, what))


def labels(column):
    """Return the values of any column as a Categorical of text, its categories in their order.

    In order are those that have one: of pandas' categories; else they are sorted.
    """
    values = pd.Categorical(column)
    texts = [label_text(category) for category in values.categories]
    return pd.Categorical.from_codes(values.codes, categories=texts)


def label_text(label):
    """Return a label as text: whole numbers alike, whatever their type."""
    is_whole = isinstance(label, float) and label.is_integer()
    return str(int(label) if is_whole else label)
