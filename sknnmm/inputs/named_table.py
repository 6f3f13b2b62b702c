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
    if values.ndim != 2:
        raise ValueError(
            f"{argument} must have two dimensions, rows and columns, but has {values.ndim}; "
            "reshape a single column with .reshape(-1, 1) or .to_frame()."
        )
    if len(values) != n_samples:
        raise ValueError(
            f"{argument} has {len(values)} rows but X has {n_samples} samples: rows must be the "
            f"same individuals. {ALIGN}"
        )
    if names is None:
        stem = {"omics": "omic", "covariates": "covariate"}[argument]
        names = [f"{stem}_{k}" for k in range(values.shape[1])]
    return values, np.asarray(names, dtype=object)
