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

AUTO = {"n_iter": "auto", "burn_in": 20, "n_chains": 2, "min_ess": 30, "max_iter": 4000}
MODELS = {  # omics, parameters
    "no omics": (0, {}),
    "one omic by HMC, tuned in burn-in": (
        1,
        {"activation": "tanh", "direct_effects": False, "min_ess": 15},
    ),
    "RR-BLUP, coordinates": (3, {"method": "RR-BLUP", "omics_method": "RR-BLUP"}),
    "thinned": (0, {"method": "RR-BLUP", "thin": 3}),
}
every_model = pytest.mark.parametrize(
    ("n_omics", "parameters"),
    [
        pytest.param(*of_model, id=name, marks=[] if "HMC" in name else [pytest.mark.slow])
        for name, of_model in MODELS.items()
    ],
)


pytestmark = pytest.mark.filterwarnings("ignore:.*bulk ESS < 100 in")  # of fits of fixed length


class Killed(BaseException):
    """What the tests raise in place of a SIGKILL."""


def fit(model, data, n_omics=0):
    y = np.where(np.arange(80) % 8 == 3, np.nan, data.y)  # rows that only the recorder completes
    return model.fit(data.X, y, omics=data.gappy[:, :n_omics] if n_omics else None)


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
def test_it_is_the_fit_of_the_length_it_finds(n_omics, parameters, data, auto):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = fit(auto(**parameters), data, n_omics)
    assert targets(model)["ess_bulk"].min() >= model.min_ess
    assert 100 <= model.burn_in_ < model.n_iter_ < 4000
    assert model.posterior_.draws["heritability"].shape[1] == (
        (model.n_iter_ - model.burn_in_) // model.thin
    )
    fixed = clone(model).set_params(n_iter=model.n_iter_, burn_in=model.burn_in_)
    assert_same(model, fit(fixed.set_params(min_ess=1, max_iter=2), data, n_omics))


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_same_bits_for_any_number_of_jobs_and_backend(backend, data, auto):
    expected = fit(auto(method="RR-BLUP"), data)
    assert expected.burn_in_ > 100  # it took three rounds
    with parallel_config(backend=backend, max_nbytes=100):
        assert_same(expected, fit(auto(method="RR-BLUP", n_jobs=2), data))


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
    expected = fit(auto(), data)
    iterations, kills = killed_every(101), 0
    while True:
        try:
            model = fit(auto(checkpoint=tmp_path), data)
            break
        except Killed:
            kills += 1
    assert_same(expected, model)
    assert kills == len(iterations) // 101 >= 2 * expected.n_iter_ // 101


@pytest.mark.parametrize("where", ["first round", "burn-in", "sampling"])
def test_ctrl_c_saves_and_resumes(where, data, auto, tmp_path, monkeypatch):
    expected = fit(auto(method="RR-BLUP"), data)
    burn_in, n_iter = expected.burn_in_, expected.n_iter_
    iteration = {"first round": 30, "burn-in": burn_in - 20, "sampling": n_iter - 10}[where]
    check = chain._check_finite

    def interrupt(watched, now):
        if now == iteration:
            monkeypatch.setattr(chain, "_check_finite", check)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(chain, "_check_finite", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(auto(method="RR-BLUP", checkpoint=tmp_path), data)
    with np.load(tmp_path / "chain-0.npz") as archive:
        assert json.loads(archive["description"].tobytes())["state"]["iteration"] == iteration
    assert_same(expected, fit(auto(method="RR-BLUP", checkpoint=tmp_path), data))


def test_a_chain_whose_files_are_lost_catches_up(data, auto, tmp_path, killed_every):
    expected = fit(auto(method="RR-BLUP"), data)
    killed_every(2 * expected.n_iter_ - 5)  # in the last round
    with pytest.raises(Killed):
        fit(auto(method="RR-BLUP", checkpoint=tmp_path), data)
    for path in tmp_path.glob("chain-1*"):
        path.unlink()
    assert_same(expected, fit(auto(method="RR-BLUP", checkpoint=tmp_path), data))


def test_a_finished_fit_returns_without_sampling(data, auto, tmp_path, monkeypatch):
    expected = fit(auto(method="RR-BLUP", checkpoint=tmp_path), data)
    monkeypatch.setattr(Sampler, "iterate", lambda *args, **kwargs: pytest.fail("sampling"))
    assert_same(expected, fit(auto(method="RR-BLUP", checkpoint=tmp_path), data))
    with pytest.raises(ValueError, match="min_ess was 30, is 70.*warm_start=True"):
        fit(auto(method="RR-BLUP", checkpoint=tmp_path, min_ess=70), data)


@pytest.mark.parametrize("change", [{"skipped": 10**6}, {"thin": 0}, {"pace": 3}])
def test_a_state_of_no_round_is_refused(change, data, auto, tmp_path):
    model = fit(auto(method="RR-BLUP", checkpoint=tmp_path), data)
    with (tmp_path / "chain-0.npz").open("rb") as file:
        content = files._read(file)
    content["state"]["settings"] |= change
    files.Checkpoint(tmp_path, 0, content["fit"]).save(content["state"])
    with pytest.raises(ValueError, match=r"checkpoint.*does not belong to this model \("):
        fit(model, data)


def test_a_warm_start_goes_on_to_a_larger_min_ess(data, auto):
    model = fit(auto(method="RR-BLUP", warm_start=True, min_ess=50), data)
    first, chains = model.n_iter_, model._chains
    fit(model.set_params(min_ess=1000, max_iter=8000), data)
    assert model.n_iter_ > first
    assert_same(fit(auto(method="RR-BLUP", min_ess=1000, max_iter=8000), data), model)
    model._chains = chains
    for name, value in (("min_ess", 49), ("max_iter", 3999), ("n_iter", 9000)):
        smaller = {"min_ess": 50, "max_iter": 4000, "n_iter": "auto", name: value}
        with pytest.raises(ValueError, match=f"another fit: {name} was"):
            fit(model.set_params(**smaller), data)


def test_max_iter_ends_it_with_a_warning(data, auto):
    model = auto(min_ess=300, max_iter=250)
    with pytest.warns(ConvergenceWarning, match=r"(?s)bulk ESS < 300 in .*at max_iter=250\.\n"):
        fit(model, data)
    assert model.n_iter_ == 250
    assert model.burn_in_ == 100
    assert targets(model)["ess_bulk"].min() < 300


def test_a_model_that_mixes_slowly_takes_longer(data, auto):
    """Effects drawn jointly against one by one, with a share of zero effects to find out."""
    easy, hard = (fit(auto(method=m, min_ess=300), data) for m in ("RR-BLUP", "BayesC"))
    assert hard.n_iter_ > 1.5 * easy.n_iter_
    assert targets(hard)["ess_bulk"].min() >= 300


def test_a_single_chain_is_judged_by_its_halves(data, auto):
    model = fit(auto(method="RR-BLUP", n_chains=1), data)
    assert targets(model)["ess_bulk"].min() >= 30
    assert model.burn_in_ >= 100


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fixed_length_is_what_it_was_told(data, short):
    model = fit(short(n_iter=40, burn_in=15), data)
    assert (model.n_iter_, model.burn_in_) == (40, 15)
