"""n_iter="auto": chains end where they have converged, and wherever they are stopped on the way."""

import json
import signal
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


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_same_bits_for_any_number_of_jobs_and_backend(backend, data, auto):
    expected = fit(auto(activation="tanh"), data)
    with parallel_config(backend=backend, max_nbytes=100):
        assert_same(expected, fit(auto(activation="tanh", n_jobs=2), data))


@pytest.fixture
def killed_every(monkeypatch):
    """Return what has chains killed after so many iterations, every 37 of which are saved."""
    check, iterations = chain._check_finite, []
    monkeypatch.setattr(files.Checkpoint, "is_due", lambda self: len(iterations) % 37 == 0)

    def killed_every(n):
        def count(watched, iteration):
            iterations.append(iteration)
            if len(iterations) % n == 0:
                raise Killed
            check(watched, iteration)

        monkeypatch.setattr(chain, "_check_finite", count)
        return iterations

    return killed_every


def test_kills_in_every_round_change_nothing(data, auto, tmp_path, killed_every):
    expected = fit(auto(activation="tanh"), data)
    iterations, kills = killed_every(101), 0
    while True:
        try:
            model = fit(auto(activation="tanh", checkpoint=tmp_path), data)
            break
        except Killed:
            kills += 1
    assert_same(expected, model)
    assert kills == len(iterations) // 101 > 2 * expected.n_iter_ // 101


@pytest.mark.parametrize("iteration", [30, 99, 230])
def test_ctrl_c_saves_and_resumes(iteration, data, auto, tmp_path, monkeypatch):
    expected = fit(auto(), data)
    assert expected.n_iter_ > 230 > expected.burn_in_
    check = chain._check_finite

    def interrupt(watched, now):
        if now == iteration:
            monkeypatch.setattr(chain, "_check_finite", check)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(chain, "_check_finite", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(auto(checkpoint=tmp_path), data)
    with np.load(tmp_path / "chain-0.npz") as archive:
        assert json.loads(archive["description"].tobytes())["state"]["iteration"] == iteration
    assert_same(expected, fit(auto(checkpoint=tmp_path), data))


def test_a_chain_whose_files_are_lost_catches_up(data, auto, tmp_path, killed_every):
    expected = fit(auto(), data)
    killed_every(2 * expected.n_iter_ - 5)  # in the last round
    with pytest.raises(Killed):
        fit(auto(checkpoint=tmp_path), data)
    for path in tmp_path.glob("chain-1*"):
        path.unlink()
    assert_same(expected, fit(auto(checkpoint=tmp_path), data))


def test_a_finished_fit_returns_without_sampling(data, auto, tmp_path, monkeypatch):
    expected = fit(auto(checkpoint=tmp_path), data)
    monkeypatch.setattr(Sampler, "iterate", lambda *args, **kwargs: pytest.fail("sampling"))
    assert_same(expected, fit(auto(checkpoint=tmp_path), data))
    with pytest.raises(ValueError, match="min_ess was 60, is 70.*warm_start=True"):
        fit(auto(checkpoint=tmp_path, min_ess=70), data)


def test_a_warm_start_goes_on_to_a_larger_min_ess(data, auto):
    model = fit(auto(warm_start=True), data)
    first = model.n_iter_
    fit(model.set_params(min_ess=150, max_iter=8000), data)
    assert model.n_iter_ > first
    assert_same(fit(auto(min_ess=150, max_iter=8000), data), model)
    for change in ({"min_ess": 149}, {"n_iter": 9000}):
        with pytest.raises(ValueError, match=f"another fit: {next(iter(change))} was"):
            fit(clone_of_chains(model).set_params(**change), data)


def clone_of_chains(model):
    other = clone(model)
    other._chains = model._chains
    return other


def test_max_iter_ends_it_with_a_warning(data, auto):
    model = auto(min_ess=300, max_iter=250)
    with pytest.warns(ConvergenceWarning, match=r"bulk ESS < 300; .*at max_iter=250: raise it"):
        fit(model, data)
    assert model.n_iter_ == 250
    assert model.burn_in_ == 100
    assert targets(model)["ess_bulk"].min() < 300


def test_a_model_that_mixes_slowly_takes_longer(data, auto):
    """Complete omics separate the layers: less to find out, and by closed forms."""
    options = {"direct_effects": False, "min_ess": 100, "max_iter": 20_000}
    easy = auto(method="RR-BLUP", omics_method="RR-BLUP", **options).fit(data.X, data.y, data.omics)
    hard = auto(activation="tanh", **options).fit(data.X, data.y, data.gappy)
    assert hard.n_iter_ > 1.5 * easy.n_iter_
    assert targets(hard)["ess_bulk"].min() >= 100


def test_a_single_chain_is_judged_by_its_halves(data, auto):
    model = fit(auto(n_chains=1), data)
    assert targets(model)["ess_bulk"].min() >= 60
    assert model.burn_in_ >= 100


def test_a_fixed_length_is_what_it_was_told(data, short):
    model = fit(short(n_iter=40, burn_in=15), data)
    assert (model.n_iter_, model.burn_in_) == (40, 15)
