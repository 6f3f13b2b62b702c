"""Genotypes in two bits each, in the order in which vectors of them are made.

A word holds eight codes: a dosage, or 3 if it is missing. A group of codes is as many words as a
vector has lanes. Its first vector is made of the lowest bits of the words, the next one of the bits
above these, and so on: `load_codes` moves bits to where they are those of a floating number, which
is as fast as to widen int8. A pass over all individuals then reads a quarter of the memory, and
leaves more of the cache to the rest of an iteration.
"""

import numpy as np
from numba import types
from numba.extending import overload

from sknnmm.kernels.passes import lowest_limit
from sknnmm.kernels.simd import WIDE, load, load_codes, splat, where_greater

WORD = np.uint16
GROUP = len(WIDE) * 8  # genotypes
RAISED = 2  # what `load_codes` adds to a code


def have_codes(dosages):
    """Return whether dosages are 0, 1 and 2 alone, or missing."""
    return dosages.dtype == np.int8 and dosages.max(initial=0) <= 2


def in_codes(dosages):
    """Return int8 dosages (..., groups * GROUP) as words (..., groups * lanes)."""
    codes = np.where(dosages < 0, 3, dosages).astype(WORD)
    codes = codes.reshape(*dosages.shape[:-1], -1, 8, len(WIDE))
    words = codes[..., 0, :]
    for k in range(1, codes.shape[-2]):
        words = words | codes[..., k, :] << WORD(2 * k)
    return words.reshape(*dosages.shape[:-1], -1)


def raised_by(stored):
    """Return what `raised_dosages` adds: RAISED to codes, nothing to dosages, of any scale."""


@overload(raised_by)
def _raised_by(stored):
    added = RAISED if stored.dtype == types.uint16 else 0
    return lambda stored: added


def raised_dosages(stored, index, mean, any_missing):
    """Return dosages from an index of a row on, which is of codes or of dosages, raised if so.

    As a vector like `mean`, which is raised too and replaces missing ones.
    """


@overload(raised_dosages)
def _raised_dosages(stored, index, mean, any_missing):
    number = np.float32 if mean.dtype.bitwidth == 32 else np.float64
    highest, lowest = number(5), lowest_limit(stored.dtype, mean.dtype)
    is_complete = isinstance(any_missing, types.NoneType)
    if stored.dtype == types.uint16:

        def in_codes(stored, index, mean, any_missing):
            values = load_codes(stored, index, mean)
            if is_complete:
                return values
            return where_greater(values, splat(highest, WIDE), mean, values)

        return in_codes

    def as_dosages(stored, index, mean, any_missing):
        values = load(stored, index, mean)
        return values if is_complete else where_greater(values, splat(lowest, WIDE), values, mean)

    return as_dosages
