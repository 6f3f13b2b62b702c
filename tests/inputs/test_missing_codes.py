"""A coding that may be meant otherwise is a warning."""

import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_minus_one_coding_warns_once_at_fit(data, short):
    X = np.maximum(data.X, 0) - 1
    with pytest.warns(UserWarning, match=r"looks like -1/0/1.*Recode to 0/1/2") as caught:
        model = short().fit(X, data.y)
    warned = [w for w in caught if "-1/0/1" in str(w.message)]
    assert len(warned) == 1 and warned[0].filename == __file__
    with warnings.catch_warnings():  # one individual may well have a gap and no 2
        warnings.simplefilter("error")
        model.predict(X[:1])
