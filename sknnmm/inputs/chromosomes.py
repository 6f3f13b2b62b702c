"""Chromosomes by the usual spellings of their names."""

import re

import numpy as np
import pandas as pd

from sknnmm.common.user_warnings import warn

PLINK_CODES = {"23": "X", "24": "Y", "25": "XY", "26": "MT"}
_PREFIX = re.compile(r"^CHR(OM(OSOME)?)?[\s_.:-]*")
_MITOCHONDRIAL = dict.fromkeys(
    ["M", "MTDNA", "MITO", "MITOCHONDRIA", "MITOCHONDRIAL", "MITOCHONDRION"], "MT"
)
_NOT_HUMAN = re.compile(r"[ZW]|\d+[A-Z]+")  # of birds and butterflies; arms and subgenomes
_UNPLACED = {"", "0", ".", "UN", "UNKNOWN", "UNPLACED", "NA", "NAN", "NONE"}


def chromosome_codes(first, second):
    """Return integer codes of the chromosomes of two tables, the same for the same chromosome.

    Parameters
    ----------
    first, second : Series
        Names: numbers, text or categories.

    Returns
    -------
    list of two ndarrays of int
        -1: missing or unplaced.

    Warns
    -----
    UserWarning
        If 23 to 26 in one table are read as the X, Y, XY and MT of the other.
    """
    spelled = [pd.factorize(names.astype(object)) for names in (first, second)]
    names = [[_plain_name(name) for name in distinct] for _, distinct in spelled]
    if _are_plink_codes(*map(set, names)):
        warn(
            "Chromosomes 23 to 26 of one table were read as X, Y, XY and MT of the other: PLINK's "
            "codes of human chromosomes. If they are autosomes, leave X, Y and MT out of the other "
            "table; if they are not, write the letters in both."
        )
        names = [[PLINK_CODES.get(name, name) for name in of_table] for of_table in names]
    same, _ = pd.factorize(np.array([*names[0], *names[1]], dtype=object))
    same = np.split(same, [len(names[0])])
    return [np.append(own, -1)[codes] for own, (codes, _) in zip(same, spelled, strict=True)]


def _plain_name(name):
    """Return a chromosome's name without "chr", leading zeros and decimals; None if unplaced."""
    name = _PREFIX.sub("", str(name).strip().upper())
    number = re.fullmatch(r"0*(\d+)(?:\.0+|([A-Z]*))", name)
    name = number[1] + (number[2] or "") if number else name
    return None if name in _UNPLACED else _MITOCHONDRIAL.get(name, name)


def _are_plink_codes(first, second):
    """Return whether 23 to 26 of one table are X, Y, XY and MT of the other, not autosomes."""
    numbers, letters = set(PLINK_CODES), set(PLINK_CODES.values())
    for name in (first | second) - {None}:
        if _NOT_HUMAN.fullmatch(name) or (name.isdecimal() and int(name) > max(map(int, numbers))):
            return False
    return any(
        one & numbers and not one & letters and other & letters and not other & numbers
        for one, other in ((first, second), (second, first))
    )
