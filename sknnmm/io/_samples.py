"""What files say of individuals, and how they write what is unknown."""

import warnings

import numpy as np
import pandas as pd

from sknnmm.common.messages import counted, some

SAMPLE_COLUMNS = ["family", "father", "mother", "sex", "phenotype"]
SEXES = {"M": "1", "MALE": "1", "F": "2", "FEMALE": "2"}


def samples_of(ids):
    """Return the table of individuals of whom only the IDs are known."""
    samples = pd.DataFrame(index=pd.Index(list(ids), name="individual"))
    texts = {name: pd.Series(np.nan, samples.index, object) for name in SAMPLE_COLUMNS[:3]}
    return samples.assign(**texts, sex=np.nan, phenotype=np.nan)


def known(column):
    """Return a column of text, NaN where it is 0."""
    return column.where(column != "0")


def sexes(column, path):
    """Return 1 male, 2 female, NaN where unknown or, with a warning, where not understood."""
    text = column.str.upper()
    sexes = pd.to_numeric(text.replace(SEXES), errors="coerce").astype(float)
    other = column[~sexes.isin([0, 1, 2, -9]) & ~text.isin(["NA", ""])]
    if len(other):
        warnings.warn(
            f"{path}: the sex of {counted(len(other), 'line')} is none of 1, 2, M, F, male, female "
            f"({some(other.map(repr).unique())}) and is read as missing.",
            stacklevel=5,
        )
    return sexes.where(sexes.isin([1, 2]))


def numbers(column, path):
    """Return a column of numbers, NaN where it is NA or, with a warning, other text."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    numbers = numbers.where(np.isfinite(numbers))
    text = column[numbers.isna() & (column != "NA")]
    if len(text):
        warnings.warn(
            f"{path}: the {column.name} of {counted(len(text), 'line')} is not a number "
            f"({some(text.map(repr).unique())}) and is read as missing.",
            stacklevel=5,
        )
    return numbers


def phenotypes(column, path):
    """Return a column of phenotypes: as `numbers`, and NaN where it is -9."""
    values = numbers(column, path)
    return values.where(values != -9)
