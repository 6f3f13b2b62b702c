"""scikit-learn's common checks, with short chains."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknnmm import NNMMRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X has .* columns without variance"),
    pytest.mark.filterwarnings("ignore:X has negative values"),
]
CONFIGURATIONS = [
    {},
    {"method": "RR-BLUP"},
    {"method": "GBLUP"},
    {"method": "BayesR"},
    {"activation": "tanh", "n_latent": 2},
]
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "weights are inverse residual variances, not repetition counts"
    )
}


@parametrize_with_checks(
    [
        NNMMRegressor(**options, n_iter=60, burn_in=20, n_chains=1, random_state=0)
        for options in CONFIGURATIONS
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_common_checks(estimator, check):
    check(estimator)


def test_the_expected_failure_fails_for_its_reason():
    """Two copies of a record weigh more than one record of weight 2: they count as two."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (40, 5)).astype(np.int8)
    y = X[:, 0] + rng.normal(size=40)
    model = NNMMRegressor(n_iter=400, burn_in=100, random_state=0)
    once = model.fit(X, y, sample_weight=np.full(40, 2.0)).posterior_.draws["residual_variance"]
    twice = model.fit(np.repeat(X, 2, 0), np.repeat(y, 2)).posterior_.draws["residual_variance"]
    # Weight 2 doubles the residual variance of a record of weight 1; copies leave it as it is.
    assert 1.6 < once.mean() / twice.mean() < 2.4
