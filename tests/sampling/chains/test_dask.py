"""Chains and folds on a local Dask cluster: the same bits, also if a worker dies on the way."""

import os
import pickle
import signal
from contextlib import contextmanager

import numpy as np
import pytest
from distributed import Client, LocalCluster
from distributed.client import FutureCancelledError
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from sknnmm import NNMMClassifier
from sknnmm.genotypes import Genotypes
from sknnmm.sampling.chains.dask_cluster import SharedOnCluster

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
]


@contextmanager
def cluster(processes):
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(processes=processes, **options) as local, Client(local) as client:
        yield client


@pytest.fixture(scope="module")
def client():
    with cluster(processes=True) as client:
        yield client


@pytest.fixture(scope="module")
def client_of_threads():
    """Return what starts at once, but has no workers to kill."""
    with cluster(processes=False) as client:
        yield client


def deadly_tanh(folder, n_deaths=1):
    """Return a tanh that kills the first workers in the middle of a chain."""
    parent, calls, notes = os.getpid(), [], [folder / f"died {i}" for i in range(n_deaths)]

    def activation(z):
        calls.append(1)
        if os.getpid() != parent and len(calls) > 300:
            for note in notes:
                if not note.exists():
                    note.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return np.tanh(z)

    return activation, notes[-1]


def assert_same_draws(one, other):
    assert one.posterior_.draws.keys() == other.posterior_.draws.keys()
    for name, draws in one.posterior_.draws.items():
        other_draws = other.posterior_.draws[name]
        if hasattr(draws, "todense"):
            draws, other_draws = draws.todense(), other_draws.todense()
        assert_array_equal(draws, other_draws, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("n_deaths", [1, 2])
def test_chains_give_the_same_bits_and_survive_the_death_of_workers(
    n_deaths, client, data, short, tmp_path, capfd
):
    client.wait_for_workers(2)
    activation, died = deadly_tanh(tmp_path, n_deaths)
    model = short(activation=activation, n_chains=3, n_iter=200, verbose=1)
    expected = clone(model).fit(data.X, data.y, data.gappy)
    with parallel_config(backend="dask"):
        survived = model.fit(data.X, data.y, data.gappy)
    assert died.exists()
    assert_same_draws(expected, survived)
    assert "200/200 iterations each" in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("client_of_threads")
def test_rounds_give_the_same_bits(data, short):
    model = short(method="RR-BLUP", n_iter="auto", n_chains=2, min_ess=30)
    expected = clone(model).fit(data.X, data.y)
    with parallel_config(backend="dask"):
        model.fit(data.X, data.y)
    assert model.n_iter_ == expected.n_iter_
    assert_same_draws(expected, model)


@pytest.mark.slow
def test_classes_give_the_same_bits(client, data):
    """Thresholds and liabilities are sent with the state, the family with the sampler."""
    client.wait_for_workers(2)
    classes = np.digitize(data.y, np.quantile(data.y, [0.3, 0.7]))
    model = NNMMClassifier(ordered=True, n_iter=60, burn_in=20, n_chains=2, random_state=0)
    expected = clone(model).fit(data.X, classes, data.gappy)
    with parallel_config(backend="loky", n_jobs=2):
        by_loky = clone(model).fit(data.X, classes, data.gappy)
    with parallel_config(backend="dask"):
        by_dask = model.fit(data.X, classes, data.gappy)
    assert_same_draws(expected, by_loky)
    assert_same_draws(expected, by_dask)
    probabilities = (m.predict_proba(data.X, data.gappy) for m in (expected, by_dask))
    assert_array_equal(*probabilities)


@pytest.mark.slow
def test_folds_give_the_same_bits_and_survive_the_death_of_a_worker(client, data, short, tmp_path):
    client.wait_for_workers(2)
    activation, died = deadly_tanh(tmp_path)
    model = short(activation=activation, n_latent=1, n_chains=2, n_iter=200)
    expected = cross_val_predict(model, data.X, data.y, cv=3)
    with parallel_config(backend="dask", scatter=[data.X, data.y]):
        survived = cross_val_predict(model, data.X, data.y, cv=3)
    assert died.exists()
    assert_array_equal(survived, expected)


def test_a_sampler_lost_with_a_worker_is_sent_again(client_of_threads):
    shared, sent = SharedOnCluster("sampler", client_of_threads), []

    def run(reference):
        sent.append(reference.result())
        if len(sent) == 1:
            raise FutureCancelledError(reference.key, "lost")
        return "result"

    assert shared.apply(run) == "result"
    assert sent == ["sampler", "sampler"]


def test_a_sampler_that_is_always_lost_is_an_error(client_of_threads):
    def run(reference):
        raise FutureCancelledError(reference.key, "lost")

    with pytest.raises(FutureCancelledError, match="lost"):
        SharedOnCluster("sampler", client_of_threads).apply(run)


@pytest.mark.slow
def test_genotypes_are_sent_once_not_with_every_chain(client, short, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (100, 3000), dtype=np.int8)
    y = rng.normal(size=100)
    pickled = []
    monkeypatch.setattr(
        Genotypes, "__getstate__", lambda self: pickled.append(1) or vars(self), raising=False
    )
    client.wait_for_workers(2)
    with parallel_config(backend="dask"):
        short(n_chains=6, n_iter=10, burn_in=5).fit(X, y)
    assert len(pickled) == 1


def test_a_memory_map_is_sent_as_the_name_of_its_file(data, tmp_path):
    np.save(tmp_path / "X.npy", np.asfortranarray(np.repeat(data.X, 100, axis=1)))
    genotypes = Genotypes(np.asarray(np.load(tmp_path / "X.npy", mmap_mode="r")))
    sent = pickle.dumps(genotypes)
    assert len(sent) < genotypes.dosages.nbytes
    assert_array_equal(pickle.loads(sent).dosages, genotypes.dosages)
