"""Tables become arrays of doubles."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def with_r_na(values, dtype):
    """Return values with R's NA for NaN, which warns in every calculation, of either precision."""
    missing = np.isnan(values)
    values = np.where(missing, 0, values).astype(dtype)
    bits = {np.float64: 0x7FF00000000007A2, np.float32: 0x7F8007A2}[dtype]
    values.view(f"u{values.itemsize}")[missing] = bits
    return values


@pytest.mark.parametrize(
    ("scale", "wrap"),
    [
        pytest.param(1, np.asarray, id="dosages"),
        pytest.param(1, pd.DataFrame, id="table of dosages"),
        pytest.param(0.9, np.asarray, id="fractions"),
        pytest.param(0.9, pd.DataFrame, id="table of fractions", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_missing_values_of_r_are_missing_values(dtype, scale, wrap, data, short):
    # RuntimeWarnings are errors here, see pyproject.toml.
    X = np.where(data.X < 0, np.nan, data.X) * scale
    y = np.where(np.arange(80) % 9 == 0, np.nan, data.y)
    results = []
    for convert in (lambda v, _: v.astype(dtype), with_r_na):
        given = [wrap(convert(v, dtype)) for v in (X, data.gappy)]
        model = short().fit(given[0], convert(y, dtype), omics=given[1])
        predicted = model.predict(given[0], omics=given[1])
        results.append([predicted, model.score(given[0], convert(y, dtype))])
    assert_array_equal(results[1][0], results[0][0])
    assert results[1][1] == results[0][1]
