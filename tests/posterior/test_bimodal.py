"""The case that warnings are tested on: two chains that truly disagree."""

import numpy as np
import pytest

from sknnmm import NNMMRegressor
from tests.helpers.bimodal import N_RECORDED, bimodal_case


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", [0, 1])
def test_chains_of_the_bimodal_case_disagree_where_y_is_missing(seed):
    X, y, parameters = bimodal_case()
    model = NNMMRegressor(**parameters, random_state=seed).fit(X, y)
    draws = model.posterior_.draws
    effects = np.stack([chain.toarray() for chain in draws["direct_effects"]])
    assert (np.count_nonzero(effects, axis=2)[:, -50:] == 1).all()
    genetic = effects @ (X - X.mean(axis=0)).T  # (chain, draw, row)
    apart = np.abs(np.diff(genetic.mean(axis=1), axis=0)[0]) / genetic.std(axis=1).mean(axis=0)
    assert np.median(apart[N_RECORDED:]) > 1.5
    assert apart[:N_RECORDED].max() < 1
    first, second = draws["heritability"]
    assert abs(first.mean() - second.mean()) < first.std()
