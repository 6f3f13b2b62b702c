"""What is no network of this package is named, before anything else goes wrong."""

import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sknnmm import NNMMRegressor
from sknnmm.io import write_predictdb
from sknnmm.mediation import omics_table
from sknnmm.plotting import NetworkDisplay, TraceDisplay, VariancePartitionDisplay

CALLS = {
    "mediation": omics_table,
    "predictdb": lambda model: write_predictdb("prefix", model, None, None),
    "network": lambda model: NetworkDisplay.from_estimator(model, None),
    "trace": TraceDisplay.from_estimator,
    "variances": VariancePartitionDisplay.from_estimator,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_only_fitted_networks_are_taken(call):
    with pytest.raises(TypeError, match=r"got Pipeline\. Pass model\[-1\]\."):
        call(make_pipeline(NNMMRegressor()))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        call(NNMMRegressor())
