"""R-hat and effective sample sizes of all quantities at once are those of ArviZ, one by one."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose

from sknnmm.posterior.rank_statistics import rank_statistics

ARVIZ = {
    "ess_bulk": lambda values: array_stats.ess(values, method="bulk"),
    "ess_tail": lambda values: array_stats.ess(values, method="tail", prob=(0.05, 0.95)),
    "ess_mean": lambda values: array_stats.ess(values, method="mean"),
    "r_hat": array_stats.rhat,
}


def autoregressive(correlation, n_quantities, n_chains, n_draws):
    values = np.random.default_rng(n_draws).standard_normal((n_quantities, n_chains, n_draws))
    for t in range(1, n_draws):
        values[..., t] += correlation * values[..., t - 1]
    return values


@pytest.mark.parametrize("n_draws", [3, 5, 8, 41, 300])
@pytest.mark.parametrize("n_chains", [1, 2, 3])
def test_statistics_equal_those_of_arviz(n_chains, n_draws):
    values = np.concatenate(
        [autoregressive(rho, 5, n_chains, n_draws) for rho in (-0.5, 0, 0.9, 0.99)]
    )
    with_ties = np.where(values > 0.5, values, 0)  # as of weights that a prior selects
    apart = values + 2 * np.arange(n_chains)[:, None]
    values = np.concatenate([values, with_ties, apart, np.round(values)])
    values = values[np.ptp(values, axis=(1, 2)) > 0]
    statistics = rank_statistics(values)
    assert statistics.keys() == ARVIZ.keys()
    with np.errstate(all="ignore"):
        for name, of_arviz in ARVIZ.items():
            assert_allclose(statistics[name], of_arviz(values), rtol=1e-9, err_msg=name)
