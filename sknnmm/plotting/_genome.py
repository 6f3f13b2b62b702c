"""Where positions on the genome are drawn."""

from typing import NamedTuple

import numpy as np

from sknnmm.inputs.chromosomes import chromosome_codes
from sknnmm.inputs.positions import LONGEST_MAP
from sknnmm.plotting._style import plain

GAP = 0.01  # between chromosomes, of the length of the genome


class Genome(NamedTuple):
    """The places of rows of a table along an axis."""

    x: np.ndarray  # NaN of rows that have no place
    chromosome: np.ndarray  # number of the chromosome in the order of the axis, -1 of no place
    ticks: list  # middles of chromosomes
    tick_labels: list
    label: str  # of the axis


def genome_of(table):
    """Return the Genome of a table of SNPs or windows, in any order.

    Without chromosomes, or if none is known, rows are placed by their number.
    """
    middle = _middle(table)
    if middle is not None:
        names = table["chromosome"]
        codes, _ = chromosome_codes(names, names.iloc[:0])
        codes = np.where(np.isnan(middle), -1, codes)
    if middle is None or (codes < 0).all():
        what = "SNP" if "snp" in table else "window"
        x = np.arange(len(table), dtype=float)
        return Genome(x, np.zeros(len(table), int), [], [], f"{what} (order of the fit)")
    present = sorted(
        np.unique(codes[codes >= 0]), key=lambda code: natural_order(names[codes == code].iloc[0])
    )
    length = sum(np.ptp(middle[codes == code]) for code in present)
    x, number = np.full(len(table), np.nan), np.full(len(table), -1)
    start, ticks, labels = 0.0, [], []
    for k, code in enumerate(present):
        own = codes == code
        low, span = middle[own].min(), np.ptp(middle[own])
        offset = start - low if len(present) > 1 else 0.0
        x[own], number[own] = middle[own] + offset, k
        ticks.append(start + span / 2)
        labels.append(plain(names[own].iloc[0]))
        start += span + (GAP * length or 1.0)
    if len(present) > 1:
        return Genome(x, number, ticks, labels, "chromosome")
    unit = ""
    if middle[codes >= 0].max(initial=0) > LONGEST_MAP:
        x, unit = x / 1e6, " (Mb)"
    return Genome(x, number, [], [], f"position on chromosome {', '.join(labels)}{unit}")


def _middle(table):
    """Return the position of a SNP, or the middle of a window; None if there are none."""
    if "position" in table:
        return table["position"].to_numpy(float)
    if "start" not in table or table["start"].isna().all():
        return None
    return (table["start"].to_numpy(float) + table["end"].to_numpy(float)) / 2


def natural_order(name):
    """Return what sorts chromosomes by number, then those with letters."""
    digits = "".join(filter(str.isdigit, str(name)))
    return not digits, int(digits or 0), str(name)
