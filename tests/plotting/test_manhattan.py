"""Points are where the genome and the tables say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from sknnmm.association import snp_table, windows
from sknnmm.plotting import ManhattanDisplay, TraceDisplay
from sknnmm.plotting._style import BLUE, SKY
from tests.helpers.association import P, small_data

VARIANTS = pd.DataFrame(
    {"chromosome": ["10", "X", "2"] * (P // 3), "position": 1e5 * (1 + np.arange(P))}
)


def drawn(points):
    return np.asarray(points.get_offsets())


def test_heights_are_those_of_the_table_and_places_those_of_the_genome(model_of):
    model = model_of["selecting"]
    display = ManhattanDisplay.from_estimator(
        model, VARIANTS, ["omic_1", "direct", "total"], y_name="HDL"
    )
    assert [ax.get_title(loc="left") for ax in display.ax_] == [
        "omic_1", "direct effect on HDL", "total effect on HDL"
    ]  # fmt: skip
    assert [ax.get_xlabel() for ax in display.ax_] == ["", "", "chromosome"]
    for response, points in zip(["omic_1", "direct", "total"], display.points_, strict=True):
        expected = snp_table(model, response=response)["inclusion_probability"]
        np.testing.assert_allclose(drawn(points)[:, 1], expected)
    x = drawn(display.points_[0])[:, 0]
    of = {name: x[VARIANTS["chromosome"] == name] for name in ("2", "10", "X")}
    assert of["2"].max() < of["10"].min() < of["10"].max() < of["X"].min()
    for own in of.values():
        np.testing.assert_allclose(np.diff(own), 3e5)
    ax = display.ax_[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2", "10", "X"]
    np.testing.assert_allclose(ax.get_xticks(), [own.mean() for own in of.values()])
    colours = display.points_[0].get_facecolors()
    expected = [to_rgba(SKY if name == "10" else BLUE) for name in VARIANTS["chromosome"]]
    np.testing.assert_allclose(colours, expected)


def test_snps_of_which_no_chromosome_is_known_are_in_the_order_of_the_fit(model_of):
    variants = VARIANTS.assign(chromosome="0")
    display = ManhattanDisplay.from_estimator(model_of["selecting"], variants)
    np.testing.assert_array_equal(drawn(display.points_[0])[:, 0], np.arange(P))
    assert display.ax_.get_xlabel() == "SNP (order of the fit)"


def test_windows_are_drawn_at_their_middle_by_their_wppa(model_of):
    model, (X, _, _) = model_of["selecting"], small_data()
    variants = VARIANTS.assign(chromosome=7)
    display = ManhattanDisplay.from_estimator(
        model, variants, X=X, window="500kb", threshold=0.05, n_labels=1
    )
    table = windows(model, X, variants, "500kb", threshold=0.05)
    np.testing.assert_allclose(drawn(display.points_[0])[:, 0], [0.25, 0.75, 1.25, 1.75, 2.25])
    np.testing.assert_allclose(drawn(display.points_[0])[:, 1], table["wppa"])
    assert display.ax_.get_xlabel() == "position on chromosome 7 (Mb)"
    assert display.ax_.get_ylabel() == "WPPA\n(share > 0.05)"
    best = table.loc[table["wppa"].idxmax()]
    (label,) = display.texts_[0]
    assert label.get_text() == f"7: {best.start / 1e6:g} to {best.end / 1e6:g} Mb"
    np.testing.assert_allclose(label.xy, [(best.start + best.end) / 2e6, best.wppa])


def test_labels_name_the_highest_and_not_those_beside_them():
    values = np.zeros(100)
    values[[10, 11, 60, 90]] = [0.9, 0.8, 0.5, 0.7]
    table = pd.DataFrame(
        {
            "response": "total",
            "snp": [f"rs{i}" for i in range(100)],
            "inclusion_probability": values,
        }
    )
    display = ManhattanDisplay(table).plot()
    assert [text.get_text() for text in display.texts_[0]] == ["rs10", "rs90", "rs60"]
    assert display.ax_.get_xlabel() == "SNP (order of the fit)"
    np.testing.assert_array_equal(drawn(display.points_[0])[:, 0], np.arange(100))


def test_snps_without_a_place_are_not_drawn():
    table = pd.DataFrame(
        {
            "response": "total",
            "snp": list("abcd"),
            "chromosome": [1, 1, np.nan, 0],
            "position": [10.0, np.nan, 30.0, 40.0],
            "inclusion_probability": [0.1, 0.2, 0.3, 0.4],
        }
    )
    display = ManhattanDisplay(table).plot()
    assert np.isfinite(drawn(display.points_[0])[:, 0]).tolist() == [True, False, False, False]
    assert [text.get_text() for text in display.texts_[0]] == ["a"]


def test_a_prior_without_selection_has_no_inclusion_probabilities(model_of):
    model = model_of["no selection"]
    for value in (None, "lfdr", "fdr"):
        with pytest.raises(ValueError, match=r"lets none be zero.*value=\"variance_share\""):
            ManhattanDisplay.from_estimator(model, value=value)
    display = ManhattanDisplay.from_estimator(model, value="variance_share")
    expected = snp_table(model)["variance_share"]
    np.testing.assert_allclose(drawn(display.points_[0])[:, 1], expected)
    assert display.ax_.get_ylabel() == "variance share"


def test_what_does_not_fit_is_refused(model_of):
    from matplotlib import pyplot

    model = model_of["selecting"]
    with pytest.raises(ValueError, match="X is needed for windows"):
        ManhattanDisplay.from_estimator(model, window=5)
    with pytest.raises(ValueError, match="value='snp': the table has effect, sd"):
        ManhattanDisplay.from_estimator(model, value="snp")
    _, ax = pyplot.subplots()
    with pytest.raises(ValueError, match="ax must be 2 Axes for this figure, or None; got 1"):
        ManhattanDisplay.from_estimator(model, response=["direct", "total"], ax=ax)
    with pytest.raises(TypeError, match="ax must be Axes of matplotlib, .*; got 'x'"):
        ManhattanDisplay.from_estimator(model, ax="x")
    with pytest.raises(ValueError, match="response=5: the model has no effects on 5. There are"):
        ManhattanDisplay.from_estimator(model, response=5)
    with pytest.raises(ValueError, match="n_labels == -1, must be >= 0"):
        ManhattanDisplay.from_estimator(model, n_labels=-1)
    assert ManhattanDisplay.from_estimator(model, ax=ax).ax_ is ax


def test_more_panels_than_anyone_looks_at_are_refused(model_of, monkeypatch):
    one = {"snp": "rs1", "inclusion_probability": 0.5}
    table = pd.DataFrame([{"response": f"omic_{k}", **one} for k in range(31)])
    with pytest.raises(ValueError, match="have 31 panels, more than 30. Choose some .* response"):
        ManhattanDisplay(table).plot()
    ManhattanDisplay(table.iloc[:30]).plot()
    monkeypatch.setattr("sknnmm.plotting._style.MOST_PANELS", 5)
    with pytest.raises(ValueError, match="6 panels"):
        ManhattanDisplay.from_estimator(model_of["selecting"], response=None)
    with pytest.raises(ValueError, match="6 panels.*labels, or max_quantities"):
        TraceDisplay.from_estimator(model_of["selecting"], max_quantities=6)


def test_chromosomes_without_room_for_their_names_have_none():
    lengths = {"1": 100, "2": 50, "scaffold_8": 1, "scaffold_9": 1, "X": 40}
    names = np.repeat(list(lengths), list(lengths.values()))
    position = np.concatenate([np.arange(n) for n in lengths.values()])
    table = pd.DataFrame(
        {
            "response": "total",
            "snp": "rs",
            "chromosome": names,
            "position": position,
            "inclusion_probability": 0.0,
        }
    )
    display = ManhattanDisplay(table).plot()
    labels = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert len(labels) == 5
    assert {"1", "2", "X"} <= set(labels)
    assert labels.count("") == 1


def of_value(name, values):
    snps = [f"rs{i}" for i in range(len(values))]
    return ManhattanDisplay(
        pd.DataFrame({"response": "total", "snp": snps, name: values, "lfdr": 0.5}), value=name
    ).plot()


def test_strong_effects_of_either_sign_get_labels():
    values = np.zeros(100)
    values[[20, 50, 80]] = [-0.3, 0.2, -0.02]
    display = of_value("effect", values)
    assert [text.get_text() for text in display.texts_[0]] == ["rs20", "rs50"]
    heights = [text.xyann[1] for text in display.texts_[0]]
    assert heights[0] < 0 < heights[1]
    assert display.ax_.get_ylabel() == "effect per allele"
    low, high = of_value("effect", -np.abs(values)).ax_.get_ylim()
    assert low < -0.3
    assert high < 0.1


def test_the_lowest_error_rates_get_labels():
    values = np.ones(100)
    values[[20, 50]] = [0.0, 0.3]
    display = of_value("lfsr", values)
    assert [text.get_text() for text in display.texts_[0]] == ["rs20", "rs50"]
    assert display.ax_.get_ylabel() == "local false sign rate"


def test_a_tenth_of_the_genome_away_is_another_peak():
    values = np.zeros(300)
    values[[120, 121, 149]] = [0.9, 0.8, 0.7]
    display = of_value("effect", values)
    assert [text.get_text() for text in display.texts_[0]] == ["rs120", "rs149"]
