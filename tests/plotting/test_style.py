"""Names are drawn as they are."""

import numpy as np
import pandas as pd

from sknnmm.plotting import ManhattanDisplay, MediationDisplay, VariancePartitionDisplay
from sknnmm.plotting._style import text_of


def test_long_names_lose_their_middle():
    assert text_of("phosphatidylcholine", 11) == "phosp…oline"
    assert text_of("short", 11) == "short"


def test_chromosomes_that_are_floats_are_whole_numbers():
    table = pd.DataFrame(
        {
            "response": "total",
            "window": [1, 2, 3],
            "chromosome": [1.0, 2.0, np.nan],
            "start": [0.0, 0.0, 0.0],
            "end": [1e6, 1e6, 1e6],
            "wppa": [0.9, 0.1, 0.5],
        }
    )
    display = ManhattanDisplay(table).plot(n_labels=1)
    assert [text.get_text() for text in display.texts_[0]] == ["1: 0 to 1 Mb"]
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "2"]


def test_dollars_and_underscores_are_no_formulas(tmp_path):
    names = ["$x_1$", "_cost in $ of $", "$\\frac$"]
    table = pd.DataFrame({"path": names, "genetic_share": [0.5, 0.3, 0.1]})
    for end in ("low", "high"):
        table[f"genetic_share_{end}"] = table["genetic_share"]
    display = MediationDisplay(table).plot()
    display.figure_.savefig(tmp_path / "bars.png")  # a formula that is none would be an error
    labels = display.ax_.get_yticklabels()
    assert [label.get_text().replace(r"\$", "$") for label in labels] == names


def test_terms_with_any_name_are_in_the_legend():
    index = pd.MultiIndex.from_product(
        [["phenotype"], ["y"], ["SNPs", "_herd", "residual"]], names=["layer", "response", "term"]
    )
    display = VariancePartitionDisplay(pd.DataFrame({"share": [0.5, 0.2, 0.3]}, index)).plot()
    legend = display.ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["SNPs", "_herd", "residual"]
    drawn = [patch.get_facecolor() for patch in legend.get_patches()]
    np.testing.assert_allclose(
        drawn, [display.bars_[term][0].get_facecolor() for term in ("SNPs", "_herd", "residual")]
    )
