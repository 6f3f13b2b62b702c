"""Regions of the genome as sets of SNPs."""

import re
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sknnmm.common.user_warnings import warn
from sknnmm.inputs.chromosomes import chromosome_codes
from sknnmm.inputs.positions import LONGEST_MAP, chromosomes_of_both, read_positions

UNITS = {"bp": 1, "kb": 1e3, "mb": 1e6, "cm": 1}  # of positions: bases, or centimorgans
_DISTANCE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(bp|kb|mb|cm)\s*", re.IGNORECASE)
ASKED = (
    'window must be a distance such as "1Mb" or "500kb", a number of SNPs, or a DataFrame with '
    "columns chromosome, start and end"
)


@dataclass(frozen=True)
class Region:
    """Some SNPs, by their positions among those of the model, in the order of the genome."""

    name: Any
    chromosome: Any
    start: float
    end: float
    snps: np.ndarray


def regions_of(window, positions, n_snps):
    """Return the regions that a user asks for, in the order of the genome or of his table.

    Parameters
    ----------
    window : str, int or DataFrame
    positions : DataFrame or None
        Chromosome and position of every SNP.
    n_snps : int
    """
    if isinstance(window, pd.DataFrame):
        return _of_table(window, _required(positions))
    if isinstance(window, str):
        found = _DISTANCE.fullmatch(window)
        if not found or not float(found[1]):
            raise ValueError(f"{ASKED}; got {window!r}.")
        unit, positions = found[2].lower(), _required(positions)
        size = float(found[1]) * UNITS[unit]
        _warn_of_other_unit(window, unit, size, positions["position"].max())
        return _of_distance(size, positions)
    if isinstance(window, Integral) and not isinstance(window, bool) and window >= 1:
        return _of_neighbours(int(window), positions, n_snps)
    raise ValueError(f"{ASKED}; got {window!r}.")


def _required(positions):
    if positions is None:
        raise ValueError("variants are needed for windows by position: pass them, or windows of n.")
    return positions


def _warn_of_other_unit(window, unit, size, furthest):
    """Warn of windows in centimorgans of positions that look like bases, or the reverse."""
    if unit == "cm" and furthest > LONGEST_MAP:
        warn(
            f"window={window!r} is in centimorgans, but positions up to {furthest:,.0f} look like "
            'bases. If they are, ask for bases, such as "1Mb".'
        )
    elif unit != "cm" and furthest < min(size, LONGEST_MAP):
        warn(
            f"window={window!r} holds whole chromosomes, for positions go up to {furthest:g}. If "
            'they are centimorgans, ask for these, such as "2cM"; if megabases, convert them.'
        )


def _in_order(positions):
    """Yield for each chromosome its name and its SNPs, by position; SNPs without one are left."""
    codes, _ = chromosome_codes(positions["chromosome"], positions["chromosome"].iloc[:0])
    codes = np.where(positions["position"].isna(), -1, codes)
    if (codes < 0).any():
        warn(f"{(codes < 0).sum()} SNPs without chromosome or position are in no window.")
    order = np.lexsort([positions["position"], codes])
    order = order[codes[order] >= 0]
    for snps in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        if snps.size:
            yield positions["chromosome"].iloc[snps[0]], snps


def _of_distance(size, positions):
    """Return windows that begin at multiples of a distance; those without SNPs are left out."""
    regions = []
    for chromosome, snps in _in_order(positions):
        number = np.floor(positions["position"].to_numpy()[snps] / size)
        for own in np.split(snps, np.flatnonzero(np.diff(number)) + 1):
            start = np.floor(positions["position"].iloc[own[0]] / size) * size
            regions.append(Region(len(regions), chromosome, start, start + size, own))
    return regions


def _of_neighbours(size, positions, n_snps):
    """Return windows of neighbouring SNPs; the last of a chromosome may have fewer."""
    regions = []
    if positions is None:
        for first in range(0, n_snps, size):
            own = np.arange(first, min(first + size, n_snps))
            regions.append(Region(len(regions), None, np.nan, np.nan, own))
        return regions
    for chromosome, snps in _in_order(positions):
        for first in range(0, len(snps), size):
            own = snps[first : first + size]
            start, end = positions["position"].iloc[own[[0, -1]]]
            regions.append(Region(len(regions), chromosome, start, end, own))
    return regions


def _of_table(table, positions):
    """Return the regions of a table, both ends included; they may overlap, or have no SNP."""
    rows = read_positions(table, "window", intervals=True)
    snps = {"chromosome": positions["chromosome"]}
    codes, own = chromosomes_of_both(snps, rows, "variants", "window")
    position = positions["position"].to_numpy()
    regions = []
    for row, name in enumerate(table.index):
        start, end = rows["start"][row], rows["end"][row]
        inside = (position >= start) & (position <= end) & (codes == own[row]) & (codes >= 0)
        within = np.flatnonzero(inside)
        within = within[np.argsort(position[within], kind="stable")]
        regions.append(Region(name, rows["chromosome"].iloc[row], start, end, within))
    return regions
