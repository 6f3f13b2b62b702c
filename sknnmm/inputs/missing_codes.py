"""Warnings of genotypes that look like a code for missing ones, or like -1/0/1 coding."""

import numpy as np

from sknnmm.common.messages import counted, some
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.genotype_array import NOT_KNOWN

FEW_ROWS = 50  # by which most columns are told


def warn_of_codes(X, names, *, fitting):
    """Warn once if values look like a code for missing genotypes, or like -1/0/1 coding.

    Suspicious are whole numbers above 2, and whole negative ones in a floating X with values above
    1, in columns that have no fractions outside [0, 2].

    Parameters
    ----------
    X : CheckedGenotypes
    names : sequence of length p, or None
    fitting : bool
        Whether to look at -1/0/1 coding: of a few individuals to predict it cannot be told.
    """
    if X.low is None or X.low.dtype == bool:
        return
    odd, code = likely_codes(X)
    if odd.size:
        shown = odd if names is None else np.asarray(names)[odd]
        where = f"{counted(len(odd), 'column')} ({some(shown)})"
        warn(
            f"X has whole numbers other than 0, 1 and 2 in {where}: "
            f"{code:g} looks like a code for missing genotypes, but counts as an allele dosage. "
            "Recode missing values to NaN in floating columns, to negative numbers in integer ones."
        )
    elif fitting and X.low.min() < 0 and X.high.max() <= 1:
        _warn_of_negative_coding(X.values)


def likely_codes(X):
    """Return the columns (positions) with values that may be codes, and the farthest of these.

    Parameters
    ----------
    X : CheckedGenotypes
        Not PackedGenotypes, which have no such values.
    """
    low, high = X.low, X.high
    floating = low.dtype.kind == "f"
    lowest, highest = low.min(), high.max()
    below = (low < 0) & (floating and (highest > 1 or lowest < -1))
    odd = np.flatnonzero((high > 2) | below)
    if floating:  # of imputed genotypes the codes are whole, of standardised ones nothing is
        whole = [_is_whole_outside(ends) for ends in zip(low[odd], high[odd], strict=True)]
        odd = _columns_that(_is_whole_outside, X.values, odd[np.array(whole, bool)])
    if not odd.size:
        return odd, None
    extremes = np.where(high[odd] > 2, high[odd], low[odd])
    return odd, extremes[np.abs(extremes).argmax()]


def _warn_of_negative_coding(X):
    if X.dtype.kind != "f":
        if ((X < 0) & (X != NOT_KNOWN)).any():
            warn(
                "X has negative values and none above 1: this looks like -1/0/1 coding, but "
                "negative integers mean missing. Recode to 0/1/2 (X + 1), or pass floats."
            )
    elif len(_columns_that(_is_whole, X, np.arange(X.shape[1]))) == X.shape[1]:
        warn(
            "X has negative values and none above 1: this looks like -1/0/1 coding, and is "
            "taken so. If negative values mean missing, code them as NaN."
        )


def _columns_that(condition, X, columns):
    """Return those of some columns (positions) that meet a condition."""
    for rows in (slice(FEW_ROWS), slice(None)):  # most that do not show it early
        part = X[rows]
        with np.errstate(invalid="ignore"):  # of R's NA
            meets = [condition(part[:, j]) for j in columns]
        columns = columns[np.array(meets, bool)]
    return columns


def _is_whole(column):
    return (np.isnan(column) | (column == np.rint(column))).all()


def _is_whole_outside(column):
    column = np.asarray(column)
    return _is_whole(column[(column < 0) | (column > 2)])
