"""What y must be."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import DataConversionWarning

from tests.helpers.inputs import assert_refused, change

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


INVALID = {
    "y None": (dict(y=lambda d: None), "y is None: pass a phenotype"),
    "y missing": (dict(y=lambda d: np.full(80, np.nan)), "y has no observed value"),
    "y constant": (dict(y=lambda d: np.full(80, 0.1)), "y has no variance.*must vary"),
    "y one observed": (
        dict(y=lambda d: change(np.full(80, np.nan), 3, 1.0)),
        "y has no variance over its 1 observed",
    ),
    "y infinite": (dict(y=lambda d: change(d.y, 0, -np.inf)), "y contains infinity; use NaN"),
    "y short": (dict(y=lambda d: d.y[1:]), "y has 79 values but X has 80.*one per row"),
    "y two columns": (dict(y=lambda d: d.omics[:, :2]), "y should be a 1d array"),
    "y text": (dict(y=lambda d: ["a"] * 80), "y must be numeric"),
    "one sample": (
        dict(X=lambda d: d.X[:1], y=lambda d: d.y[:1], omics=None, covariates=None),
        "n_samples = 1.*at least two samples",
    ),
}


@pytest.mark.parametrize(("changes", "message"), INVALID.values(), ids=INVALID)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_phenotype(changes, message, data, short):
    assert_refused(short(), data, changes, message)


def test_column_vector_is_ravelled(data, short):
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        model = short().fit(data.X, data.y[:, None])
    assert_array_equal(model.predict(data.X), short().fit(data.X, data.y).predict(data.X))
