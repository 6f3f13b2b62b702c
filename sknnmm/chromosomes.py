"""Chromosomes by the usual spellings of their names."""

import re

import numpy as np
import pandas as pd

PLINK_CODES = {"23": "X", "24": "Y", "25": "XY", "26": "MT"}
_PREFIX = re.compile(r"^CHR(OM(OSOME)?)?[\s_.:-]*")
_MITOCHONDRIAL = dict.fromkeys(["M", "MITO", "MITOCHONDRION", "MITOCHONDRIAL"], "MT")
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
    """
    spelled = [pd.factorize(names.astype(object)) for names in (first, second)]
    names = [[_plain_name(name) for name in distinct] for _, distinct in spelled]
    if _are_plink_codes(*names):
        names = [[PLINK_CODES.get(name, name) for name in of_table] for of_table in names]
    same, _ = pd.factorize(np.array([*names[0], *names[1]], dtype=object))
    same = np.split(same, [len(names[0])])
    return [np.append(own, -1)[codes] for own, (codes, _) in zip(same, spelled, strict=True)]


def _plain_name(name):
    """Return a chromosome's name without "chr", leading zeros and decimals; None if unplaced."""
    name = _PREFIX.sub("", str(name).strip().upper())
    number = re.fullmatch(r"0*(\d+)(\.0+)?", name)
    name = number[1] if number else name
    return None if name in _UNPLACED else _MITOCHONDRIAL.get(name, name)


def _are_plink_codes(*tables):
    """Return whether 23 to 26 are sex and mitochondrial chromosomes, not autosomes."""
    known = [set(names) - {None} for names in tables]
    numbers = [int(name) for names in known for name in names if name.isdecimal()]
    letters = set(PLINK_CODES.values())
    mixed = any(names & letters and names & set(PLINK_CODES) for names in known)
    return max(numbers, default=0) <= max(map(int, PLINK_CODES)) and not mixed
