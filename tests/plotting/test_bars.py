"""Bars of mediation and of variance components."""

import numpy as np
import pandas as pd
import pytest

from sknnmm.mediation import omics_table
from sknnmm.plotting import MediationDisplay, VariancePartitionDisplay


def labels_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_mediation_bars_are_means_with_intervals(model_of):
    model = model_of["selecting"]
    display = MediationDisplay.from_estimator(model, interval=0.8, y_name="HDL", max_omics=2)
    table = omics_table(model, interval=0.8).set_index("path")
    omics = table["genetic_share"].iloc[:3].abs().sort_values(ascending=False).index[:2]
    rows = table.loc[["mediated", "direct", *omics]]
    assert labels_of(display.ax_) == ["all omics", "past the omics", *omics]
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, rows["genetic_share"])
    (segments,) = display.intervals_.lines[2]
    ends = np.array([segment[:, 0] for segment in segments.get_segments()])
    np.testing.assert_allclose(ends, rows[["genetic_share_low", "genetic_share_high"]])
    expected = "share of the genetic variance of HDL (mean, 80 % interval)"
    assert display.ax_.get_xlabel() == expected


def test_a_mean_outside_its_interval_is_drawn():
    table = pd.DataFrame(
        {
            "path": ["gene"],
            "genetic_share": [0.1],
            "genetic_share_low": [0.0],
            "genetic_share_high": [0.02],
        }
    )
    display = MediationDisplay(table).plot()
    (segments,) = display.intervals_.lines[2]
    np.testing.assert_allclose(segments.get_segments()[0][:, 0], [0, 0.02], atol=1e-15)
    assert display.bars_[0].get_width() == 0.1


def test_effects_are_of_omics_alone(model_of):
    model = model_of["selecting"]
    display = MediationDisplay.from_estimator(model, value="effect")
    assert sorted(labels_of(display.ax_)) == ["omic_0", "omic_1", "omic_2"]
    effects = omics_table(model).set_index("path")["effect"]
    drawn = dict(zip(labels_of(display.ax_), display.bars_, strict=True))
    assert drawn["omic_1"].get_width() == pytest.approx(effects["omic_1"])
    with pytest.raises(ValueError, match="value='weight' must be one of genetic_share"):
        MediationDisplay.from_estimator(model, value="weight")


def test_variance_partition_stacks_the_shares(model_of):
    model = model_of["selecting"]
    display = VariancePartitionDisplay.from_estimator(model, y_name="HDL", max_omics=2)
    shares = model.variance_components_["share"]
    assert labels_of(display.ax_) == ["HDL", "omic_0", "omic_1"]
    of_y = shares["phenotype", "y"]
    bars = {term: container[0] for term, container in display.bars_.items()}
    for term in ("SNPs", "omics", "residual"):
        assert bars[term].get_width() == pytest.approx(of_y[term])
    assert bars["omics"].get_x() == pytest.approx(of_y["SNPs"])
    assert bars["residual"].get_x() + bars["residual"].get_width() == pytest.approx(1)
    assert display.bars_["SNPs"][2].get_width() == pytest.approx(shares["omics", "omic_1", "SNPs"])
    assert display.bars_["omics"][2].get_width() == 0
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["SNPs", "omics, not genetic", "residual"]


def right_end(artist):
    """Return where an artist ends, in widths of its figure."""
    artist.figure.draw_without_rendering()
    box = artist.get_window_extent()
    return box.x1 / artist.figure.bbox.width


LONG = "systolic blood pressure at the second visit (mmHg)"


def test_a_legend_has_room_beside_long_names():
    index = pd.MultiIndex.from_product(
        [["phenotype"], ["y"], ["SNPs", "omics", "litter", "residual"]],
        names=["layer", "response", "term"],
    )
    table = pd.DataFrame({"share": 0.25}, index)
    display = VariancePartitionDisplay(table, y_name=LONG[:30]).plot()
    assert right_end(display.ax_.get_legend()) <= 1


def test_a_label_has_room_beside_long_names():
    table = pd.DataFrame({"path": ["interleukin-6 in plasma (batch-corrected)"], "effect": 0.5})
    table[["effect_low", "effect_high"]] = 0.4, 0.6
    display = MediationDisplay(table, value="effect", y_name=LONG).plot()
    assert right_end(display.ax_.xaxis.label) <= 1


def test_a_value_without_numbers_is_refused():
    table = pd.DataFrame({"path": ["gene", "total"], "genetic_share": [np.nan, 1.0]})
    with pytest.raises(ValueError, match="value='genetic_share' has no numbers"):
        MediationDisplay(table).plot()
