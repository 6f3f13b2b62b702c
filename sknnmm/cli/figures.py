"""Figures of the report: those of sknnmm.plotting, as SVG text."""

import io

import pandas as pd

from sknnmm.common.optional import import_optional
from sknnmm.plotting import (
    ManhattanDisplay,
    MediationDisplay,
    PredictionDisplay,
    VariancePartitionDisplay,
)
from sknnmm.plotting._style import text_of

WIDTH = 7.0  # inches
ROW = 0.32  # of bars
MOST = 20  # bars in a figure
DOTS_PER_INCH = 200  # of points that are drawn as pixels


def manhattan(snps: pd.DataFrame, trait: str) -> str:
    """Draw the total effects of SNPs on the trait along the genome."""
    selects = snps["lfdr"].notna().any()
    value = "inclusion_probability" if selects else "variance_share"
    figure, ax = _axes(3.0)
    ManhattanDisplay(snps, value=value, y_name=text_of(trait)).plot(ax)
    return _svg(figure)


def mediation(table: pd.DataFrame, trait: str) -> str:
    """Draw what omics carry of the genetic variance of the trait."""
    figure, ax = _axes(1.1 + ROW * min(len(table), MOST))
    MediationDisplay(table, y_name=text_of(trait)).plot(ax, max_omics=MOST)
    return _svg(figure)


def variances(components: pd.DataFrame, trait: str) -> str:
    """Draw what makes up the variance of the trait and of the omics."""
    n_bars = min(len(components.groupby(["layer", "response"])), MOST)
    figure, ax = _axes(1.5 + ROW * n_bars)
    VariancePartitionDisplay(components, y_name=text_of(trait)).plot(ax, max_omics=MOST)
    return _svg(figure)


def held_out(table: pd.DataFrame, trait: str) -> str:
    """Draw records of a cross-validation against their predictions."""
    figure, ax = _axes(4.5)
    display = PredictionDisplay(
        table["observed"], table["predicted"], table["sd"], y_name=text_of(trait)
    )
    display.plot(ax)
    for artist in (display.bands_, display.points_):
        artist.set_rasterized(True)  # thousands of them would be a large file
    return _svg(figure)


def liability_of_classes(table: pd.DataFrame, classes: list[str], trait: str) -> str:
    """Draw the predicted liability of the held-out individuals of each class."""
    figure, ax = _axes(3.5)
    observed = table["observed"].astype(str)
    of_classes = [table.loc[observed == label, "liability"] for label in classes]
    ax.boxplot(of_classes, tick_labels=list(map(text_of, classes)), widths=0.5)
    ax.set(xlabel=f"observed {text_of(trait)}", ylabel="predicted liability")
    ax.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def _axes(height):
    figure_class = import_optional("matplotlib.figure", "The report").Figure
    figure = figure_class(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure):
    """Return a figure as an element that scales with the page."""
    import_optional("matplotlib", "The report").rcParams["svg.hashsalt"] = "sknnmm"
    text = io.StringIO()
    figure.savefig(text, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
