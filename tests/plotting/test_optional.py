"""Displays can be imported without matplotlib, and say what they need."""

import sys

import pytest

from sknnmm.plotting import PredictionDisplay


def test_a_figure_without_matplotlib_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"A figure needs the library matplotlib\. Install it"):
        PredictionDisplay([1.0], [1.0], [1.0]).plot()
