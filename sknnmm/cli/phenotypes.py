"""Columns of the table of phenotypes: the trait, the upper ends of intervals, weights."""

import re
import warnings

import numpy as np
import pandas as pd

from sknnmm.cli.journal import current
from sknnmm.cli.options import Data, Family
from sknnmm.cli.tables import column, number_column, numbers, place, read, to_numbers
from sknnmm.common.messages import counted, some
from sknnmm.inputs.intervals import check_intervals

PLINK_MISSING = -9


def read_phenotypes(data: Data) -> pd.DataFrame:
    """Return y, y_upper of censored traits, and the weights, in the order of the file."""
    path, records = data.phenotypes, read(data.phenotypes, data)
    _check_options(data)
    if data.family is not Family.GAUSSIAN:
        found = {"y": _classes(column(records, data.trait, path, "--trait"), data)}
    elif data.trait_upper is not None:
        found = {
            "y": number_column(records, data.trait, path, "--trait", data, infinite=True),
            "y_upper": number_column(
                records, data.trait_upper, path, "--trait-upper", data, infinite=True
            ),
        }
        _check_ends(found["y"], found["y_upper"], data)
    else:
        found = {"y": _measured(column(records, data.trait, path, "--trait"), data)}
    if data.weight is not None:
        found["weight"] = number_column(records, data.weight, path, "--weight", data)
    return pd.DataFrame(found)


def _measured(values, data):
    """Return measurements, and say where classes or the missing code of PLINK may be meant."""
    if not to_numbers(values, data).notna().any() and values.notna().any():
        raise ValueError(
            f"{data.phenotypes}: column {data.trait} holds text: {some(values.dropna().unique())}. "
            "If these are classes, pass --family binary or ordinal; if numbers with another "
            "decimal point, pass --decimal."
        )
    y = numbers(values.to_frame(), data.phenotypes, data)[data.trait]
    if y.nunique() == 2:
        low, high = sorted(y.dropna().unique())
        current().step(
            f"{data.trait}: {low:g} and {high:g} are taken as measurements; --family binary "
            "takes them as classes"
        )
    if n := int((y == PLINK_MISSING).sum()):
        warnings.warn(
            f"{data.phenotypes}: {data.trait} is {PLINK_MISSING} in {counted(n, 'row')}, which "
            "is a missing value in PLINK but a measurement here. Leave the field empty if missing.",
            stacklevel=2,
        )
    return y


def _check_options(data):
    is_measured = data.family is Family.GAUSSIAN
    if data.trait_upper is not None and not is_measured:
        raise ValueError(
            f"--trait-upper is for censored measurements, not for --family {data.family}. Leave "
            "one of them out."
        )
    if data.classes is not None and is_measured:
        raise ValueError("--classes needs --family binary or ordinal.")


def _classes(values, data):
    """Return labels as ordered categories, the classes from low to high."""
    labels = _labels(values, data)
    known = sorted(labels.dropna().unique())
    if data.classes is not None:
        known = _in_order(labels, known, data)
    elif data.family is Family.ORDINAL and known and isinstance(known[0], str):
        raise ValueError(
            f"{data.phenotypes}: the classes in column {data.trait} are text: {some(known)}. Give "
            f"their order from low to high: --classes {','.join(known)}"
        )
    _check_number(known, data)
    categories = pd.Index(known, dtype=object)  # whole numbers stay so beside missing ones
    classed = pd.Series(pd.Categorical(labels, categories, ordered=True), labels.index)
    counts = classed.value_counts(sort=False)
    names = ", ".join(f"{label} ({n})" for label, n in counts.items())
    current().step(f"{data.trait}: classes from low to high {names}")
    current().facts["classes"] = [str(label) for label in known]
    return classed


def _labels(values, data):
    """Return labels as in the file: whole numbers, or text."""
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return values.map(str, na_action="ignore")
    broken = values.notna() & ~(np.isfinite(values.astype(float)) & (values == np.floor(values)))
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise ValueError(
            f"{place(data.phenotypes, row)}: {values.iloc[row]:g} in column {data.trait} is no "
            "class: --family binary and ordinal take whole numbers or text. Without --family "
            "these are measurements."
        )
    return values.astype("Int64").astype(object)


def _in_order(labels, known, data):
    """Return the classes in the order of --classes."""
    of_name = {str(label): label for label in known}
    names = [name.strip() for name in data.classes.split(",")]
    if len(set(names)) < len(names):
        raise ValueError(f"--classes {data.classes} has a class twice. Write each once.")
    unknown = labels.notna() & ~labels.map(str).isin(names)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise ValueError(
            f"{place(data.phenotypes, row)}: {labels.iloc[row]} in column {data.trait} is none of "
            f"--classes {data.classes}. Add it, or leave the field empty if the class is missing."
        )
    return [of_name[name] for name in names if name in of_name]


def _check_number(known, data):
    wanted = "two" if data.family is Family.BINARY else "two or more"
    if len(known) < 2 or (data.family is Family.BINARY and len(known) > 2):
        raise ValueError(
            f"{data.phenotypes}: column {data.trait} has {len(known)} classes ({some(known)}), but "
            f"--family {data.family} needs {wanted}. A missing class is an empty field."
        )


def _check_ends(lower, upper, data):
    """Raise if the two ends of a record are no interval."""
    try:
        check_intervals(lower.to_numpy(float), upper.to_numpy(float))
    except ValueError as error:
        reason, _, rows = str(error).partition(" Rows: ")
        row = re.search(r"the first is (\d+)", rows)
        where = place(data.phenotypes, int(row[1])) if row else data.phenotypes
        raise ValueError(f"{where}: {reason}") from error


def exact(y: pd.Series, y_upper: pd.Series | None) -> pd.Series:
    """Return the phenotypes that are not censored; the others are missing."""
    return y if y_upper is None else y.where(y_upper.isna() | (y_upper == y))
