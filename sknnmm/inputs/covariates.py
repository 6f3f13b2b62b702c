"""Checks of covariates."""

import numpy as np

from sknnmm.common.messages import some
from sknnmm.inputs.named_table import named_table


def check_covariates(covariates, n_samples, needed=None):
    """Return covariates (n, q) in double precision, and their names.

    They must be complete in the rows `needed` (n,) bool, by default all.
    """
    values, names = named_table(covariates, "covariates", n_samples)
    bad = np.isnan(values) if needed is None else np.isnan(values) & needed[:, None]
    incomplete = (bad | np.isinf(values)).any(axis=0)
    if incomplete.any():
        where = "" if needed is None else " where y is observed"
        raise ValueError(
            f"covariates has NaN or infinity in {some(names[incomplete])}, but must be "
            f"complete{where}: impute these values or drop their rows."
        )
    return values, names
