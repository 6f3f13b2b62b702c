"""Detection limits of omics: every form of `detection_limits` becomes one array.

A cell of omics that is -inf was measured and lies below the limit of its omic.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import counted, some
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.labels import as_labels, look_up
from sknnmm.inputs.tables import column_of_doubles


def measured(omics):
    """Return omics (n, n_omics) with NaN where they lie below their limit, too."""
    below = np.isneginf(omics)
    return np.where(below, np.nan, omics) if below.any() else omics


def resolve_limits(limits, names):
    """Return the detection limit of every omic, (n_omics,), NaN where it has none.

    Parameters
    ----------
    limits : None, mapping, Series or array-like
        As the parameter `detection_limits` of `NNMMRegressor`.
    names : ndarray of str of shape (n_omics,)

    Raises
    ------
    ValueError, TypeError
        For limits that are no numbers, or infinite, for omics that do not exist, and for an array
        of another length.
    """
    if limits is None:
        return np.full(len(names), np.nan)
    if not len(names):
        raise ValueError(
            "detection_limits are those of omics, but there are none: pass omics to fit, say in "
            "omics_features which columns of X they are, or leave detection_limits out."
        )
    if isinstance(limits, Mapping | pd.Series):
        values = _by_name(limits, names)
    else:
        if np.ndim(limits) == 0:
            raise TypeError(
                f"detection_limits is {limits!r}: pass one limit for each omic (NaN: none), or a "
                "mapping from omics to their limits."
            )
        values = column_of_doubles(limits, "detection_limits")
        if len(values) != len(names):
            raise ValueError(
                f"detection_limits has {len(values)} limits but there are {len(names)} omics: pass "
                "one for each (NaN: none), or a mapping from omics to their limits."
            )
    if np.isposinf(values).any():
        raise ValueError(
            f"detection_limits has an infinite limit of {some(names[np.isposinf(values)])}: use "
            "NaN for an omic that has none."
        )
    return np.where(np.isneginf(values), np.nan, values)


def _by_name(limits, names):
    named = list(limits.items())
    labels = as_labels([name for name, _ in named], "detection_limits")
    refuse_duplicates(labels, "detection_limits", "omics", "Give each one limit.")
    positions = look_up(labels, pd.Index(names), "detection_limits", "omic")
    if (positions < 0).any():
        raise ValueError(
            f"detection_limits names {some(labels[positions < 0])}, but the omics are "
            f"{some(names)}."
        )
    values = np.full(len(names), np.nan)
    values[positions] = column_of_doubles([limit for _, limit in named], "detection_limits")
    return values


def check_below(omics, limits, names):
    """Raise if an omic without a limit has cells that are -inf; warn of values below a limit.

    Parameters
    ----------
    omics : ndarray of shape (n, n_omics)
    limits : ndarray of shape (n_omics,)
    names : ndarray of shape (n_omics,)
    """
    below = np.isneginf(omics)
    without = below.any(axis=0) & np.isnan(limits)
    if without.any():
        raise ValueError(
            f"omics has -inf, which means below its detection limit, in {some(names[without])}, of "
            "which detection_limits has no limit: give it there, in the unit of the omic, or use "
            "NaN for missing values."
        )
    contradicting = ~below & (omics < limits)
    if contradicting.any():
        of_omics = contradicting.any(axis=0)
        warn(
            f"omics has {counted(contradicting.sum(), 'value')} below the limits in "
            f"detection_limits, of {some(names[of_omics])}. Such values are used as measured: pass "
            "-inf for what was not detected, and check that detection_limits is in the unit of the "
            "omics."
        )
