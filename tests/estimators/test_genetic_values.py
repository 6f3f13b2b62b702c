"""Genetic values of the training rows: every draw of some rows, moments of all of them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.sampling.chains import genetic_values

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MODELS = {
    "gaps": {"omics": "gappy"},
    "complete": {"omics": "omics"},
    "complete, spectral": {"omics": "omics", "method": "RR-BLUP", "direct_effects": False},
    "no omics": {},
    "few rows with y": {"n_latent": 1, "method": "GBLUP"},
    "curved": {"omics": "gappy", "activation": "tanh"},
}


@pytest.fixture(params=MODELS, scope="module")
def fitted(request, data, short):
    """Return a model of which all draws are held, and its genotypes, all known."""
    parameters = dict(MODELS[request.param])
    omics = parameters.pop("omics", None)
    X, y = np.abs(data.X), data.y.copy()
    if request.param == "few rows with y":
        y[::2] = np.nan
    model = short(n_chains=2, **parameters)
    return model.fit(X, y, omics=omics and getattr(data, omics)), X


def test_moments_of_all_rows_are_those_of_breeding_values(fitted):
    model, X = fitted
    value, value_std = model.breeding_value(X, return_std=True)
    assert len(model.posterior_.effects_draw) == 60
    # The sampler works in single precision, and interpolates the moments of an activation.
    assert_allclose(model.genetic_values_, value, atol=2e-4 * value.std())
    assert_allclose(model.genetic_values_std_, value_std, rtol=1e-3)


def test_every_draw_of_some_rows_is_kept(fitted):
    model, _ = fitted
    draws, rows = model.posterior_.draws["genetic_values"], model.posterior_.genetic_values_row
    assert draws.shape == (2, 60, 50)
    assert_array_equal(rows, np.unique(rows))
    scale = model.genetic_values_.std()
    assert_allclose(draws.mean(axis=(0, 1)), model.genetic_values_[rows], atol=1e-5 * scale)
    assert_allclose(draws.std(axis=(0, 1)), model.genetic_values_std_[rows], rtol=1e-4)
    table = model.diagnostics_.filter(like="genetic_values[", axis=0)
    assert list(table.index) == [f"genetic_values[{row}]" for row in rows]
    assert_allclose(table["mean"], model.genetic_values_[rows], atol=1e-5 * scale)
    assert table["target"].all()


def test_rows_are_chosen_by_the_seed_and_named_by_the_index(data, short):
    table = pd.DataFrame(data.X, index=[f"mouse_{i}" for i in range(80)])
    table.columns = table.columns.astype(str)
    y = pd.Series(data.y, index=table.index)
    first, other, shorter = (
        short(**parameters).fit(table, y)
        for parameters in ({}, {"random_state": 1}, {"n_iter": 30, "n_chains": 2})
    )
    rows = first.posterior_.genetic_values_row
    assert_array_equal(rows, shorter.posterior_.genetic_values_row)
    assert set(rows) != set(other.posterior_.genetic_values_row)
    assert f"genetic_values[mouse_{rows[0]}]" in first.diagnostics_.index


def test_labels_are_unique_where_those_of_the_index_are_not(data, short):
    animals = pd.DataFrame(data.X[:30], index=["sire", *range(27), "sire", "5"]).add_prefix("rs")
    model = short().fit(animals, data.y[:30])
    labels = model.diagnostics_.filter(like="genetic_values[", axis=0).index
    assert labels[0] == "genetic_values[sire (row 0)]"
    assert labels[28] == "genetic_values[sire (row 28)]"
    assert list(labels[[6, 29]]) == ["genetic_values[5 (row 6)]", "genetic_values[5 (row 29)]"]
    assert labels[1] == "genetic_values[0]"
    assert model.diagnostics_.index.is_unique


def test_of_few_rows_all_are_kept(data, short):
    model = short().fit(data.X[:30], data.y[:30])
    assert_array_equal(model.posterior_.genetic_values_row, np.arange(30))


@pytest.mark.parametrize("n_iter", [35, 37, 51])
def test_moments_from_sums_take_draws_at_equal_distances(n_iter, data, short, monkeypatch):
    monkeypatch.setattr(genetic_values, "WORK", 80 * 24 // 3)  # every third draw
    monkeypatch.setattr(genetic_values, "AT_ONCE", 4)
    model = short(n_iter=n_iter, n_chains=2).fit(data.X, data.y, omics=data.omics)
    every_third = model.posterior_.draws["genetic_values"][:, ::3]
    rows = model.posterior_.genetic_values_row
    assert_allclose(model.genetic_values_std_[rows], every_third.std(axis=(0, 1)), rtol=1e-4)
    scale = model.genetic_values_.std()
    assert_allclose(model.genetic_values_, model.breeding_value(data.X), atol=1e-9 * scale)
