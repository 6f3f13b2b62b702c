"""n_iter="auto": chains end where they have converged, and wherever they are stopped on the way."""

import warnings

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sknnmm.sampling.chains import chain
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.resume import files

AUTO = {"n_iter": "auto", "burn_in": 20, "n_chains": 2, "min_ess": 60, "max_iter": 4000}
MODELS = {
    "linear": {},
    "tanh by HMC, tuned in burn-in": {"activation": "tanh", "direct_effects": False},
    "RR-BLUP, coordinates": {"method": "RR-BLUP", "omics_method": "RR-BLUP"},
    "thinned": {"thin": 3},
}
every_model = pytest.mark.parametrize("parameters", MODELS.values(), ids=MODELS)


class Killed(BaseException):
    """What the tests raise in place of a SIGKILL."""


def fit(model, data):
    y = np.where(np.arange(80) % 8 == 3, np.nan, data.y)  # rows that only the recorder completes
    return model.fit(data.X, y, omics=data.gappy)


def assert_same(one, other):
    assert (one.n_iter_, one.burn_in_) == (other.n_iter_, other.burn_in_)
    for name, draws in one.posterior_.draws.items():
        dense = [
            d.todense() if hasattr(d, "todense") else d
            for d in (draws, other.posterior_.draws[name])
        ]
        assert_array_equal(*dense, err_msg=name)
    assert one.diagnostics_.equals(other.diagnostics_)
    assert one.latent_sampler_diagnostics_.equals(other.latent_sampler_diagnostics_)
    for name in ("snp_effects_std_", "omics_imputed_std_", "direct_effects_"):
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def targets(model):
    table = model.diagnostics_
    return table[table["target"]]


@pytest.fixture(scope="module")
def auto(short):
    def make(**parameters):
        return short(**{**AUTO, **parameters})

    return make


@every_model
def test_it_is_the_fit_of_the_length_it_finds(parameters, data, auto):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = fit(auto(**parameters), data)
    assert targets(model)["ess_bulk"].min() >= 60
    assert targets(model)["r_hat"].max() <= 1.05
    assert 100 <= model.burn_in_ < model.n_iter_ < 4000
    fixed = clone(model).set_params(n_iter=model.n_iter_, burn_in=model.burn_in_)
    assert_same(model, fit(fixed.set_params(min_ess=1, max_iter=2), data))
