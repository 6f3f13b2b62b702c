"""Traces and ranks are those of the draws."""

import numpy as np
import pytest

from sknnmm.plotting import TraceDisplay


def test_traces_are_the_draws_and_ranks_count_them(model_of):
    model = model_of["selecting"]
    display = TraceDisplay.from_estimator(model, ["omics_weights[omic_1]", "heritability"])
    draws = model.posterior_.draws
    assert display.ax_.shape == (2, 2)
    for k, expected in enumerate([draws["omics_weights"][..., 1], draws["heritability"]]):
        lines = [line.get_ydata() for line in display.ax_[k, 0].lines]
        np.testing.assert_array_equal(lines, expected)
    assert display.ax_[0, 0].get_ylabel() == "omics_weights\n[omic_1]\n(y)"
    assert display.ax_[1, 0].get_ylabel() == "heritability"
    h2 = draws["heritability"]
    median = np.sort(h2, axis=None)[h2.size // 2]
    np.testing.assert_array_equal(
        display.ranks_["heritability"][:, :10].sum(axis=1), (h2 < median).sum(axis=1)
    )


def test_ranks_of_chains_apart_pile_up_at_the_ends():
    draws = np.stack([np.arange(100.0), 1000 + np.arange(100.0)])
    display = TraceDisplay({"theta": draws}).plot()
    expected = np.repeat([[10, 0], [0, 10]], 10, axis=1)
    np.testing.assert_array_equal(display.ranks_["theta"], expected)
    (level,) = {line.get_ydata()[0] for line in display.ax_[0, 1].lines}
    assert level == 5


def test_the_worst_targets_are_drawn_by_default(model_of):
    model = model_of["selecting"]
    display = TraceDisplay.from_estimator(model, max_quantities=2)
    diagnostics = model.diagnostics_.query("target")
    worst = diagnostics["r_hat"].sort_values(ascending=False).index[:2]
    shown = [label.partition("\n")[0] for label in display.ranks_]
    assert shown == worst.tolist()


def test_unknown_labels_are_refused(model_of):
    with pytest.raises(ValueError, match=r"labels of diagnostics_, which has no weight"):
        TraceDisplay.from_estimator(model_of["selecting"], ["weight"])
    with pytest.raises(ValueError, match=r"must be a sequence .*: write \['heritability'\]"):
        TraceDisplay.from_estimator(model_of["selecting"], "heritability")


def test_of_one_chain_the_halves_are_compared():
    display = TraceDisplay({"theta": np.arange(200.0)[np.newaxis]}).plot()
    expected = np.repeat([[10, 0], [0, 10]], 10, axis=1)
    np.testing.assert_array_equal(display.ranks_["theta"], expected)
    lines = np.concatenate([line.get_xydata() for line in display.ax_[0, 0].lines])
    np.testing.assert_array_equal(lines, np.tile(np.arange(200.0)[:, np.newaxis], 2))
    assert display.ax_[0, 1].get_legend().get_title().get_text() == "half of the chain"


def test_equal_draws_do_not_set_chains_apart():
    zeros = TraceDisplay({"theta": np.zeros((2, 1000))}).plot().ranks_["theta"]
    np.testing.assert_array_equal(zeros.sum(axis=0), 100)
    assert np.abs(zeros - 50).max() < 20
    some_zeros = np.stack([np.zeros(1000), np.r_[np.zeros(900), np.ones(100)]])
    ranks = TraceDisplay({"theta": some_zeros}).plot().ranks_["theta"]
    np.testing.assert_array_equal(ranks[:, -1], [0, 100])
    assert np.abs(ranks[:, :-1] / 100 - [[10 / 19], [9 / 19]]).max() < 0.2
