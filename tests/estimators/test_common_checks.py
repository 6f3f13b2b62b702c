"""scikit-learn's common checks, with short chains."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknnmm import NNMMClassifier, NNMMRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X has .* columns? without variance"),
    pytest.mark.filterwarnings("ignore:X has negative values"),
]
CONFIGURATIONS = [{}, {"method": "RR-BLUP", "activation": "tanh", "n_latent": 2}]
OTHERS = [
    {"method": "GBLUP"},
    {"method": "BayesR"},
    {"activation": "sigmoid", "n_latent": 1},
    {"n_iter": "auto", "min_ess": 20, "max_iter": 400},
]
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "weights are inverse residual variances, not repetition counts"
    ),
    "check_decision_proba_consistency": (
        "means of liabilities and of probabilities over draws order near ties differently"
    ),
}


def every_check_of(kind, configurations):
    return parametrize_with_checks(
        [
            kind(**{"n_iter": 60, **options}, burn_in=20, n_chains=1, random_state=0)
            for options in configurations
        ],
        expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
    )


@every_check_of(NNMMRegressor, CONFIGURATIONS[:1])
def test_common_checks(estimator, check):
    check(estimator)


# By RR-BLUP, as kernels of sweeps for the floating data of these checks take time to compile.
@every_check_of(NNMMClassifier, [{"method": "RR-BLUP"}])
def test_common_checks_of_classifiers(estimator, check):
    check(estimator)


@pytest.mark.slow
@every_check_of(NNMMClassifier, CONFIGURATIONS)
def test_common_checks_of_other_classifiers(estimator, check):
    check(estimator)


@pytest.mark.slow
@every_check_of(NNMMRegressor, CONFIGURATIONS[1:] + OTHERS)
def test_common_checks_of_other_models(estimator, check):
    check(estimator)


def test_the_expected_failure_fails_for_its_reason():
    """Two copies of a record weigh more than one record of weight 2: they count as two."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (40, 5)).astype(np.int8)
    y = X[:, 0] + rng.normal(size=40)
    model = NNMMRegressor(n_iter=400, burn_in=100, random_state=0)
    once = model.fit(X, y).posterior_.draws["residual_variance"]
    heavy = model.fit(X, y, sample_weight=np.full(40, 2.0)).posterior_.draws["residual_variance"]
    twice = model.fit(np.repeat(X, 2, 0), np.repeat(y, 2)).posterior_.draws["residual_variance"]
    # Weight 2 only doubles the residual variance of a record of weight 1. Copies make the posterior
    # narrower: the variance of the log of a residual variance is 2 over the degrees of freedom.
    assert_allclose(heavy, 2 * once, rtol=1e-12)
    sizes = [array_stats.ess(d, method="bulk", chain_axis=0, draw_axis=1) for d in (once, twice)]
    error = np.sqrt(2 / sizes[0] + 2 / sizes[1])  # of the log of a ratio of variances
    assert 4 * error < np.log(2)
    ratio = np.log(once).var() / np.log(twice).var()
    assert abs(np.log(ratio) - np.log(2)) < 4 * error
