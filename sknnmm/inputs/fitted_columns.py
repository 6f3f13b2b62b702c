"""What `fit` saw of its arguments: what those of `predict` are compared with."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.messages import counted, some
from sknnmm.inputs.fixed_columns import FixedColumns
from sknnmm.inputs.random_columns import RandomLevels


@dataclass(frozen=True)
class FittedColumns:
    """Columns of the arguments of `fit`, and the range of the omics."""

    feature_names: np.ndarray | None  # of X; None: it had none
    positions: dict[str, np.ndarray]  # in X, of "omics" and "covariates" among its columns
    snps: np.ndarray  # (p,), names
    omics: np.ndarray  # (n_omics,), names
    covariates: np.ndarray  # names of the columns of the table
    factors: dict[str, bool]  # whether they have labels, not numbers
    fixed: dict[str, FixedColumns]  # the design matrix of each layer, by its name
    random: list[RandomLevels]
    omics_mean: np.ndarray  # (n_omics,)
    omics_scale: np.ndarray  # (n_omics,)
    omics_low: np.ndarray  # (n_omics,)
    omics_high: np.ndarray  # (n_omics,)
    omics_limits: np.ndarray  # (n_omics,), detection limits, NaN where there is none
    omics_idle: np.ndarray  # (n_omics,) bool, their values make no difference

    @property
    def read_covariates(self):
        """Return the columns of covariates that some term reads, in the order of fit."""
        read = {name for columns in self.fixed.values() for name in columns.reads}
        read |= {name for levels in self.random for name in (levels.column, levels.slope)}
        return [name for name in self.covariates if name in read]


def check_same_columns(names, fitted, argument, frame):
    """Raise if the columns at predict are not those at fit; names count only for DataFrames."""
    if len(names) and not len(fitted):
        raise ValueError(
            f"{argument} has {counted(len(names), 'column')} but the model was fitted without "
            f"{argument}: leave it out."
        )
    unknown = [name for name in names if name not in set(fitted)]
    if len(names) != len(fitted) and (unknown or not hasattr(frame, "columns")):
        other = f", {some(unknown)} not among them" if hasattr(frame, "columns") else ""
        absent = " What was not measured may be NaN." if argument == "omics" else ""
        raise ValueError(
            f"{argument} has {counted(len(names), 'column')} but the model was fitted with "
            f"{len(fitted)}: {some(fitted)}{other}.{absent}"
        )
    if hasattr(frame, "columns") and list(names) != list(fitted):
        raise ValueError(
            f"{argument} must have the columns seen in fit, in that order: {some(fitted)}; got "
            f"{some(names)}."
        )
