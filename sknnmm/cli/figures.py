"""Figures of the report, as SVG text."""

import io

import numpy as np
import pandas as pd

from sknnmm.common.optional import import_optional

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"  # told apart by colour-blind readers
SIZE = 7.0, 2.8  # inches
MARKED = 0.5  # inclusion probability from which SNPs are marked


def manhattan(snps: pd.DataFrame) -> str:
    """Draw what every SNP does to the phenotype along the genome."""
    selects = snps["lfdr"].notna().any()
    value = snps["inclusion_probability"] if selects else snps["variance_share"]
    name = "inclusion probability" if selects else "share of the genetic variance"
    places, ticks = _places(snps)
    figure, axes = _axes()
    codes = pd.factorize(snps["chromosome"] if "chromosome" in snps else np.zeros(len(snps)))[0]
    for parity, colour in ((0, BLUE), (1, GREY)):
        rows = codes % 2 == parity
        axes.scatter(places[rows], value[rows], s=6, color=colour)
    if selects:
        axes.axhline(MARKED, color=ORANGE, linewidth=0.8, linestyle="--")
    axes.set_xticks(list(ticks.values()), list(ticks))
    axes.set(xlabel="chromosome" if ticks else "SNP", ylabel=name)
    axes.set_ylim(bottom=0)
    return _svg(figure)


def _places(snps):
    """Return where to draw every SNP, and the middle of every chromosome by its name."""
    places = np.arange(len(snps), dtype=float)
    if "chromosome" not in snps:
        return places, {}
    order = np.lexsort([snps["position"], pd.factorize(snps["chromosome"])[0]])
    places[order] = np.arange(len(snps))
    names = snps["chromosome"].astype(str).to_numpy()
    return places, {name: places[names == name].mean() for name in dict.fromkeys(names)}


def bars(names: list[str], means: pd.Series, low: pd.Series, high: pd.Series, label: str) -> str:
    """Draw means with intervals, one bar under the other."""
    figure, axes = _axes(height=0.8 + 0.28 * len(names))
    rows = np.arange(len(names))[::-1]
    axes.barh(rows, means, color=BLUE, height=0.6)
    axes.hlines(rows, low, high, color=ORANGE, linewidth=2)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(rows, names)
    axes.set(xlabel=label)
    return _svg(figure)


def observed_and_predicted(observed: pd.Series, predicted: pd.Series, trait: str) -> str:
    """Draw observed values against predicted ones, with the line on which they are equal."""
    figure, axes = _axes(height=3.6)
    axes.scatter(predicted, observed, s=8, color=BLUE, alpha=0.6)
    ends = [np.nanmin(predicted), np.nanmax(predicted)]
    axes.plot(ends, ends, color=ORANGE, linewidth=1)
    axes.set(xlabel=f"predicted {trait}", ylabel=f"observed {trait}")
    return _svg(figure)


def _axes(height=SIZE[1]):
    figure_class = import_optional("matplotlib.figure", "The report").Figure
    figure = figure_class(figsize=(SIZE[0], height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure):
    """Return a figure as an element that scales with the page."""
    import_optional("matplotlib", "The report").rcParams["svg.hashsalt"] = "sknnmm"
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
