"""The table of breeding values: what adds up, and what is unknown."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

NAMES = ["breeding_value", "sd", "reliability", "direct", "mediated"]


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_parts_add_up(data, short, activation):
    """Direct and mediated to the value; linear nodes to what is mediated."""
    X = pd.DataFrame(data.X, index=[f"animal {k}" for k in range(len(data.X))])
    omics = pd.DataFrame(data.gappy, columns=["a", "b", "c"], index=X.index)
    y = pd.Series(data.y, index=X.index)
    fitted = short(activation=activation).fit(X, y, omics=omics)
    table = fitted.breeding_values(X)
    assert list(table.columns) == [*NAMES, "a", "b", "c"]
    assert table.index.equals(X.index)
    value, sd = fitted.breeding_value(X, return_std=True)
    assert_allclose(table["breeding_value"], value)
    assert_allclose(table["sd"], sd)
    assert_allclose(table["direct"] + table["mediated"], value, atol=1e-8)
    difference = table[["a", "b", "c"]].sum(axis=1) - table["mediated"]
    assert_allclose(difference, difference.iloc[0], atol=1e-8)
    if activation == "linear":
        assert_allclose(difference, 0, atol=1e-8)
    assert table["a"].std() > 0


def test_without_genotypes_nothing_is_known(data, short):
    fitted = short().fit(data.X, data.y)
    table = fitted.breeding_values(np.full((1, data.X.shape[1]), -1, np.int8))
    assert list(table.columns) == NAMES
    assert_allclose(table.iloc[0], [0, np.sqrt(fitted.genetic_variance_), 0, 0, 0], atol=1e-6)
    known = fitted.breeding_values(data.X)
    assert_allclose(known["reliability"], 1 - known["sd"] ** 2 / fitted.genetic_variance_)
    assert 0 < known["reliability"].mean() < 1
