"""Tables of omics and covariates: their values, and the names of their columns."""

import numpy as np
from sklearn.utils.validation import _get_feature_names

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.inputs.alignment import ALIGN
from sknnmm.inputs.tables import as_pandas, table_of_doubles


def named_table(table, argument, n_samples):
    """Return a table in double precision, and its column names."""
    table = as_pandas(table)
    columns = getattr(table, "columns", ())
    refuse_duplicates(columns, argument, "column names", "Rename them.")
    try:
        names = _get_feature_names(table)
        values = table_of_doubles(table, argument)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{argument} must be a numeric table (code categories as 0/1 columns): {error}"
        ) from error
    check_table_shape(values, argument, n_samples)
    return values, column_names(names, argument, values.shape[1])


def check_table_shape(table, argument, n_samples):
    """Raise unless a table has two dimensions and one row per row of X."""
    if table.ndim != 2:
        raise ValueError(
            f"{argument} must have two dimensions, rows and columns, but has {table.ndim}; "
            "reshape a single column with .reshape(-1, 1) or .to_frame()."
        )
    if len(table) != n_samples:
        raise ValueError(
            f"{argument} has {len(table)} rows but X has {n_samples} samples: rows must be the "
            f"same individuals. {ALIGN}"
        )


def column_names(names, argument, n_columns):
    """Return the names of columns, (n_columns,), made up if there are none."""
    if names is None:
        stem = {"omics": "omic", "covariates": "covariate"}[argument]
        names = [f"{stem}_{k}" for k in range(n_columns)]
    return np.asarray(names, dtype=object)
