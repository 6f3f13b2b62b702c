"""Figures are drawn without a screen, and closed after each test."""

import pytest

from tests.helpers.association import MODELS, fitted

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def without_screen():
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="session")
def model_of():
    """Return a dictionary of MODELS, fitted when first asked for."""

    class Fitted(dict):
        def __missing__(self, name):
            assert name in MODELS
            self[name] = fitted(name)
            return self[name]

    return Fitted()
