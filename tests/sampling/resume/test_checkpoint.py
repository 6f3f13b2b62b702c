"""Chains that go on after a kill, a Ctrl-C or a shorter fit end with the bits of one long run."""

import errno
import io
import json
import multiprocessing
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sknnmm.activations import Activation
from sknnmm.common.archive import CHECKSUM_BYTES, MAGIC, DamagedError
from sknnmm.estimators.fingerprint import _digest
from sknnmm.persistence import TRUSTED_TYPES
from sknnmm.priors import BayesA, BayesC
from sknnmm.sampling.chains import chain
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.resume import directory_lock, files
from sknnmm.sampling.resume.directory_lock import only_fit_in

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MASK = np.arange(24)[:, None] // 8 == np.arange(3)
MODELS = {
    "BayesC": {},
    "tanh by HMC": {"activation": "tanh"},
    "RR-BLUP": {"method": "RR-BLUP", "omics_method": "RR-BLUP"},
    "BayesL": {"method": "BayesL", "omics_method": "BayesL"},
    "BayesA": {"method": BayesA(estimate_scale=True), "omics_method": "BayesB"},
    "BayesR": {"method": "BayesR", "omics_method": "BayesR", "precision": "double"},
    "mask": {"mask": MASK},
    "mask, GBLUP": {"mask": MASK, "method": "GBLUP", "direct_effects": BayesC(pi=0.8)},
    "latent": {"n_latent": 1},
    "latent, tanh": {"n_latent": 1, "activation": "tanh", "thin": 3},
    "user function": {"activation": lambda z: z**3 / (1 + z**2)},
    "network function": {"activation": lambda z: z[:, 0] * z[:, 1]},
    "complete": {"omics": "omics"},
    "complete, mask": {"omics": "omics", "mask": MASK},
    "complete, RR-BLUP": {"omics": "omics", "method": "RR-BLUP"},
    "complete, sigmoid": {"omics": "omics", "activation": "sigmoid"},
    "no omics": {"omics": None, "direct_effects": True},
}
RARE = {  # with little of their own: only in the slow tier
    "BayesA", "BayesR", "latent", "network function", "complete, RR-BLUP", "complete, sigmoid",
    "complete, mask", "mask", "BayesL", "user function",
}  # fmt: skip
every_model = pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(parameters, id=name, marks=[pytest.mark.slow] if name in RARE else [])
        for name, parameters in MODELS.items()
    ],
)


class Killed(BaseException):
    """What the tests raise in place of a SIGKILL: nothing after it is run."""


def fit(model, data, omics="gappy", **others):
    given = {"covariates": data.covariates, "omics": getattr(data, omics) if omics else None}
    return model.fit(data.X, data.y, **{**given, **others})


def split(parameters):
    """Return the parameters of a model and the name of the omics to fit it to."""
    parameters = dict(parameters)
    return parameters.pop("omics", "gappy"), parameters


def assert_same(one, other):
    """Assert that two fits have drawn and estimated the same, to the bit."""
    first, second = one.posterior_.draws, other.posterior_.draws
    assert first.keys() == second.keys()
    for name, draws in first.items():
        dense = [d.todense() if hasattr(d, "todense") else d for d in (draws, second[name])]
        assert_array_equal(*dense, err_msg=name)
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            assert_array_equal(getattr(other, name), value, err_msg=name)
    assert one.diagnostics_.equals(other.diagnostics_)
    assert one.latent_sampler_diagnostics_.equals(other.latent_sampler_diagnostics_)


@pytest.fixture
def always(monkeypatch):
    """Save the state after every iteration."""
    monkeypatch.setattr(files, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(files, "SHARE_OF_TIME", np.inf)


@pytest.fixture
def at(monkeypatch):
    """Return what does something in the middle of an iteration, once."""
    check = chain._check_finite

    def do(iteration, action):
        def check_and_act(state, now):
            if now == iteration:
                monkeypatch.setattr(chain, "_check_finite", check)
                action()
            check(state, now)

        monkeypatch.setattr(chain, "_check_finite", check_and_act)

    return do


def kill():
    raise Killed


def saved(directory, number=0):
    with np.load(directory / f"chain-{number}.npz", allow_pickle=False) as archive:
        return json.loads(archive["description"].tobytes())["state"]["iteration"]


# --- checkpoint ---------------------------------------------------------------------------------


@every_model
def test_a_chain_killed_at_any_moment_ends_the_same(parameters, data, short, tmp_path, always, at):
    omics, parameters = split(parameters)
    weight = np.arange(80) % 3 / 2
    chain_length = {"n_iter": 70, "burn_in": 20}
    parameters["effects_memory"] = 5000 / 2**20  # SNP effects are thinned on the way
    expected = fit(short(**chain_length, **parameters), data, omics, sample_weight=weight)
    model = short(**chain_length, **parameters, checkpoint=tmp_path)
    # In the first iterations, around the end of burn-in, around a recomputation of the fits, in
    # the last iteration.
    for iteration in (1, 2, 20, 21, 50, 51, 70):
        at(iteration, kill)
        with pytest.raises(Killed):
            fit(model, data, omics, sample_weight=weight)
        if iteration > 1:
            assert saved(tmp_path) == iteration - 1
    assert_same(expected, fit(model, data, omics, sample_weight=weight))


def test_a_kill_between_writing_and_renaming_loses_nothing(
    data, short, tmp_path, always, monkeypatch
):
    expected = fit(short(n_iter=40), data)
    replace, calls = os.replace, []

    def replace_or_die(*names):
        calls.append(names)
        if len(calls) in (1, 4, 9, 14):
            raise Killed
        replace(*names)

    monkeypatch.setattr(files.os, "replace", replace_or_die)
    model = short(n_iter=40, checkpoint=tmp_path)
    for _ in range(4):
        with pytest.raises(Killed):
            fit(model, data)
    assert_same(expected, fit(model, data))


def test_what_a_killed_write_leaves_is_cleared_away(data, short, tmp_path):
    half = tmp_path / "chain-0.0123456789abcdef.unfinished"
    half.write_bytes(b"half")
    fit(short(n_iter=30, checkpoint=tmp_path), data)
    assert not half.exists()


def test_a_finished_fit_returns_without_sampling(data, short, tmp_path, monkeypatch):
    model = short(n_chains=2, checkpoint=str(tmp_path / "new" / "run"))
    expected = fit(model, data)
    monkeypatch.setattr(Sampler, "iterate", lambda *args, **kwargs: pytest.fail("sampling"))
    assert_same(expected, fit(model, data))
    model.set_params(n_jobs=1, verbose=1)
    assert_same(expected, fit(model, data))


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_chains_go_on_under_any_backend(backend, data, short, tmp_path, always, at):
    parameters = {"n_chains": 3, "n_iter": 60, "activation": "tanh"}
    expected = fit(short(**parameters), data)
    model = short(**parameters, checkpoint=tmp_path)
    at(35, kill)  # in the first chain: the others have not begun
    with pytest.raises(Killed):
        fit(model, data)
    with parallel_config(backend=backend):
        assert_same(expected, fit(model.set_params(n_jobs=2), data))
    assert [saved(tmp_path, number) for number in range(3)] == [60, 60, 60]


@pytest.mark.parametrize("random_state", [None, "instance"])
def test_seeds_that_are_not_given(random_state, data, short, tmp_path, always, at):
    def instance():
        return None if random_state is None else np.random.RandomState(7)

    at(30, kill)
    with pytest.raises(Killed):
        fit(short(random_state=instance(), checkpoint=tmp_path), data)
    model = fit(short(random_state=instance(), checkpoint=tmp_path), data)
    assert_same(model, fit(short(random_state=instance(), checkpoint=tmp_path), data))
    if random_state == "instance":
        assert_same(model, fit(short(random_state=instance()), data))


def test_nothing_in_the_files_is_pickled(data, short, tmp_path):
    fit(short(checkpoint=tmp_path, activation="tanh", n_latent=1), data)
    for path in tmp_path.iterdir():
        with np.load(path, allow_pickle=False) as archive:
            assert all(archive[name].dtype.kind in "biuf" for name in archive.files)


@pytest.mark.parametrize(
    ("writes", "message"),
    [(1, "nothing was saved before"), (30, r"chain-0\.npz, saved before, is intact")],
)
def test_a_full_disk_leaves_what_was_there(
    writes, message, data, short, tmp_path, always, monkeypatch
):
    model = short(checkpoint=tmp_path)
    fsync, calls = os.fsync, []

    def full(file):
        calls.append(file)
        if len(calls) == writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(file)

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left.*{message}") as error:
        fit(model, data)
    assert error.value.errno == errno.ENOSPC
    assert str(tmp_path / "chain-0.npz") in str(error.value)
    assert saved_or_zero(tmp_path) == writes - 1
    assert {p.suffix for p in tmp_path.iterdir()} <= {".npz"}  # nothing half-written
    assert_same(fit(short(), data), fit(model, data))


def test_a_directory_that_is_removed_during_the_fit_is_named(data, short, tmp_path, at):
    directory = tmp_path / "run"
    at(30, lambda: shutil.rmtree(directory))
    with pytest.raises(OSError, match="could not be written.*the directory is gone") as error:
        fit(short(checkpoint=directory), data)
    assert str(directory / "chain-0.npz") in str(error.value)
    assert "nothing was saved" not in str(error.value)


@pytest.mark.skipif(os.name == "nt", reason="no modes of files")
def test_files_have_the_mode_of_the_umask(data, short, tmp_path):
    before = os.umask(0o027)
    try:
        fit(short(checkpoint=tmp_path), data)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no modes of files")
def test_worker_processes_of_before_follow_the_umask_of_now(data, short, tmp_path):
    model = short(n_chains=2, n_jobs=2, checkpoint=tmp_path)
    fit(clone(model).set_params(checkpoint=None), data)  # starts the workers
    before = os.umask(0o077)
    try:
        fit(model, data)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("chain-*")} == {0o600}


FOREIGN = [
    "chain-0.tmp", "chain-0abcdefgh.tmp", "chain-notes.tmp", "chain-0.unfinished",
    "chain-0.0123.unfinished", "chain-1.0123456789abcdef.unfinished", "chain-2.npz", "notes",
    "fit.lock", "fit.stop",
]  # fmt: skip


def test_files_of_others_are_left_alone(data, short, tmp_path):
    for name in FOREIGN:  # "chain-1" and "chain-2" are of a fit with more chains
        (tmp_path / name).write_bytes(b"not ours")
    fit(short(checkpoint=tmp_path), data)
    assert all((tmp_path / name).read_bytes() == b"not ours" for name in FOREIGN)


def test_what_was_damaged_before_is_kept(data, short, tmp_path):
    contents = ["older", "old", "new"]
    for name, text in zip(["chain-0.damaged", "chain-0.damaged-2"], contents, strict=False):
        (tmp_path / name).write_text(text)
    (tmp_path / "chain-0.npz").write_text("new")
    with pytest.warns(UserWarning, match=r"now .*chain-0\.damaged-3; chain 0 starts anew"):
        fit(short(checkpoint=tmp_path), data)
    names = ["chain-0.damaged", "chain-0.damaged-2", "chain-0.damaged-3"]
    assert [(tmp_path / name).read_text() for name in names] == contents


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        pytest.param(
            lambda path: os.mkfifo(path),
            marks=pytest.mark.skipif(os.name == "nt", reason="no pipes with names"),
        ),
    ],
    ids=["directory", "pipe"],
)
@pytest.mark.parametrize("name", ["chain-0.npz", "chain-0.previous.npz"])
def test_what_is_no_file_is_refused_before_sampling(name, make, data, short, tmp_path, at):
    fit(short(checkpoint=tmp_path), data)
    (tmp_path / name).unlink(missing_ok=True)
    make(tmp_path / name)
    at(1, kill)
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / name))} is not a file"):
        fit(short(checkpoint=tmp_path), data)


def test_folds_are_told_that_each_needs_a_directory(data, short, tmp_path):
    with pytest.raises(ValueError, match=r"X differs.*cross-validation.*directory of its own"):
        cross_val_score(short(checkpoint=tmp_path), data.X, data.y, cv=2, error_score="raise")


def test_writing_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    clock = iter([0.0, 3.0, 100.0, 152.9, 153.1])
    monkeypatch.setattr(files.time, "monotonic", lambda: next(clock))
    file = files.Checkpoint(tmp_path, 0, {})
    file.save({"iteration": 1})  # takes three seconds
    assert [file.is_due() for _ in range(3)] == [False, False, True]


# --- where the files are ------------------------------------------------------------------------


def test_a_relative_path_counts_from_where_the_fit_begins(data, short, tmp_path, monkeypatch, at):
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    model = short(checkpoint="run")
    at(33, lambda: os.chdir(tmp_path / "elsewhere"))
    fit(model, data)
    assert saved(tmp_path / "here" / "run") == 80
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert model.checkpoint == "run"


@pytest.mark.slow  # it starts processes
def test_workers_that_were_started_elsewhere_write_to_the_same_directory(
    data, short, tmp_path, monkeypatch
):
    for name in ("here", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    started = joblib.Parallel(2)(joblib.delayed(os.getcwd)() for _ in range(2))
    monkeypatch.chdir(tmp_path / "here")
    fit(short(n_chains=2, n_jobs=2, n_iter=30, checkpoint=Path("run")), data)
    assert [saved(tmp_path / "here" / "run", number) for number in range(2)] == [30, 30]
    assert not any(Path(directory, "run").exists() for directory in started)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "names no directory"),
        ("  ", "names no directory"),
        ("~/runs", "~ is not expanded"),
        (Path("~"), "~ is not expanded"),
        ("a\0b", "null"),
        ("a" * 300, "too long"),
    ],
)
def test_what_names_no_directory_is_refused(path, message, data, short, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=rf"checkpoint=(?s:.*){message}"):
        fit(short(checkpoint=path), data)
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_directory_serves(data, short, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    fit(short(checkpoint=tmp_path / "link"), data)
    assert saved(tmp_path / "target") == 80


def test_a_directory_that_cannot_be_written_is_refused_before_sampling(
    data, short, tmp_path, monkeypatch
):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(directory_lock.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(Sampler, "iterate", lambda *args, **kwargs: pytest.fail("sampling"))
    with pytest.raises(ValueError, match=r"checkpoint=.*Read-only file system") as error:
        fit(short(checkpoint=tmp_path), data)
    assert str(tmp_path) in str(error.value)


# --- one fit at a time --------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{}, {"n_iter": 90}])
def test_another_fit_at_the_same_time_is_refused(other, data, short, tmp_path, at):
    """The same fit, too; and through another name of the directory."""
    run, link = tmp_path / "run", tmp_path / "link"
    run.mkdir()
    link.symlink_to(run)
    refused = []

    def fit_again():
        with pytest.raises(ValueError, match=r"checkpoint=.*is in use by another fit") as error:
            fit(short(checkpoint=link, **other), data)
        refused.append(error)

    at(33, fit_again)
    model = fit(short(checkpoint=run), data)
    assert len(refused) == 1
    assert_same(fit(short(), data), model)
    assert_same(model, fit(short(checkpoint=link), data))  # afterwards it is free


def hold(run, how, told):
    """Hold a directory, in a session of its own."""
    os.setsid()
    with only_fit_in(run):
        child = os.fork() if how == "fork" else 0
        if not child:  # a forked one has let go of the file by now
            told.send("held")
        time.sleep(60)


@pytest.mark.skipif(os.name == "nt", reason="needs fork")
@pytest.mark.parametrize("how", [pytest.param("alone", marks=pytest.mark.slow), "fork"])
def test_a_killed_process_leaves_no_lock(how, data, short, tmp_path):
    """Nor do processes that it has forked, and which live on."""
    run = tmp_path / "run"
    run.mkdir()
    context = multiprocessing.get_context("fork")
    listen, told = context.Pipe(duplex=False)
    process = context.Process(target=hold, args=(run, how, told))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads
        process.start()
    try:
        assert listen.recv() == "held"
        with pytest.raises(ValueError, match="in use by another fit"):
            fit(short(checkpoint=run), data)
        process.kill()
        process.join()
        fit(short(checkpoint=run), data)
        assert saved(run) == 80
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_lock_is_for_a_file_that_is_still_there(tmp_path):
    """A fit that waits for no one must not lock the file that its predecessor has just removed."""
    with directory_lock.only_fit_in(tmp_path):
        (tmp_path / directory_lock.LOCK).unlink()
        with directory_lock.only_fit_in(tmp_path):
            pass
    with directory_lock.only_fit_in(tmp_path):
        assert (tmp_path / directory_lock.LOCK).exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="another call there")
def test_a_file_system_without_locks_is_told_of(data, short, tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(directory_lock.fcntl, "flock", refuse)
    with pytest.warns(UserWarning, match=r"without locks.*no other fit"):
        fit(short(checkpoint=tmp_path), data)
    assert saved(tmp_path) == 80


# --- damaged files ------------------------------------------------------------------------------


def torn(path):
    path.write_bytes(path.read_bytes()[:-200])


def corrupt(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0b100
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def test_any_flipped_bit_is_damage(data, short, tmp_path):
    fit(short(checkpoint=tmp_path, n_iter=22), data)
    path = tmp_path / "chain-0.npz"
    content = path.read_bytes()
    # A file that does not say that it has a checksum is as whole as its members.
    end = len(content) - len(MAGIC) - CHECKSUM_BYTES
    for position in range(0, end, end // 300):
        changed = bytearray(content)
        changed[position] ^= 0b100
        path.write_bytes(changed)
        with path.open("rb") as file, pytest.raises(DamagedError) as error:
            files._read(file)
        assert error.type is DamagedError  # not taken for a file of others
    path.write_bytes(content)
    with path.open("rb") as file:
        assert files._read(file)["state"]["iteration"] == 22


every_damage = pytest.mark.parametrize(
    "damage", [torn, *(pytest.param(d, marks=pytest.mark.slow) for d in (corrupt, empty))]
)


@pytest.fixture
def interrupted(data, short, tmp_path, always, at):
    """Return a model killed in iteration 40 of its second chain."""
    model = short(n_chains=2, checkpoint=tmp_path)
    at(80, lambda: at(40, kill))
    with pytest.raises(Killed):
        fit(model, data)
    assert (saved(tmp_path, 0), saved(tmp_path, 1)) == (80, 39)
    return model


@every_damage
def test_a_damaged_file_falls_back_to_the_one_before(damage, data, short, interrupted, tmp_path):
    damage(tmp_path / "chain-1.npz")
    with pytest.warns(UserWarning, match=r"chain 1 resumes from chain-1\.previous\.npz"):
        model = fit(interrupted, data)
    assert_same(fit(short(n_chains=2), data), model)
    assert (tmp_path / "chain-1.damaged").exists()


@every_damage
def test_two_damaged_files_start_the_chain_anew(damage, data, short, interrupted, tmp_path):
    damage(tmp_path / "chain-1.npz")
    damage(tmp_path / "chain-1.previous.npz")
    with pytest.warns(UserWarning, match=r"chain 1 starts anew"):
        model = fit(interrupted, data)
    assert_same(fit(short(n_chains=2), data), model)


def test_no_damage_goes_unnoticed(tmp_path):
    """A flipped bit anywhere, or a missing end, is found or changes nothing."""
    state = {"iteration": 3, "x": np.arange(3.0), "y": np.float32(0.1), "z": {"nothing": None}}
    files.Checkpoint(tmp_path, 0, {"entropy": 2**100}).save(state)
    path = tmp_path / "chain-0.npz"
    whole = path.read_bytes()

    def content():
        with path.open("rb") as file:
            return files._read(file)

    expected = content()
    assert type(expected["state"]["y"]) is np.float32
    rng = random.Random(0)
    damaged = [whole[:length] for length in range(0, len(whole), 10)]
    for i in range(0, len(whole), 3):
        damaged.append(whole[:i] + bytes([whole[i] ^ 1 << rng.randrange(8)]) + whole[i + 1 :])
    unnoticed = 0
    for content_of_file in damaged:
        path.write_bytes(content_of_file)
        try:
            assert pickle.dumps(content()) == pickle.dumps(expected)
            unnoticed += 1
        except DamagedError:
            pass
    assert unnoticed < 0.2 * len(damaged)  # times and the like


# --- files that no fit has written --------------------------------------------------------------


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, value in members.items():
            with file.open(f"{name}.npy", "w") as member:
                if isinstance(value, bytes):
                    member.write(value)
                else:
                    np.lib.format.write_array(member, np.asarray(value))


def described(text, **arrays):
    return {"description": np.frombuffer(text.encode(), np.uint8), **arrays}


def header_of_a_large_array():
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


COMPLETE = '{"fit": {"sknnmm": "1", "format": 1, "entropy": %s, "parameters": {}, "data": {}}, '
FOREIGN_ARCHIVES = {
    "a list": described("[]"),
    "a number": described("3"),
    "null": described("null"),
    "other keys": described('{"model": 1}'),
    "no parts": described('{"fit": 1, "state": []}'),
    "no fit": described('{"fit": {}, "state": {}}'),
    "fit of other kinds": described('{"fit": {"parameters": 3}, "state": {}}'),
    "a seed that is none": described(COMPLETE % '"a"' + '"state": {}}'),
    "no such array": described('{"fit": {}, "state": {"array in": "x"}}'),
    "no JSON": described("{"),
    "deep": described("[" * 100_000),
    "no text": {"description": np.array([255, 254], np.uint8)},
    "arrays": {"x": np.arange(3), "y": np.eye(2)},
    "nothing": {},
    "no array": {"description": b"hello"},
    "an empty array": {"description": np.empty(0)},
    "less than it says": {"description": header_of_a_large_array()},
}


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("name", FOREIGN_ARCHIVES)
def test_archives_of_others_are_refused(name, warm_start, data, short, tmp_path):
    path = tmp_path / "chain-0.npz"
    archive(path, FOREIGN_ARCHIVES[name])
    before = path.read_bytes()
    model = short(checkpoint=tmp_path, random_state=None, warm_start=warm_start)
    with pytest.raises(ValueError, match=r"was not written by a fit.*another directory") as error:
        fit(model, data)
    assert str(tmp_path) in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["chain-0.npz"]
    assert path.read_bytes() == before


def test_an_archive_that_unpacks_to_much_more_is_refused_at_once(data, short, tmp_path):
    path = tmp_path / "chain-0.npz"
    archive(path, {"description": bytes(2**27)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**18
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="was not written by a fit"):
            files.read_chains(tmp_path, 1)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_pickles_are_not_read(data, short, tmp_path):
    path = tmp_path / "chain-0.npz"
    np.savez(path, description=np.array([{"fit": {}, "state": {}}], dtype=object))
    with pytest.raises(ValueError, match="was not written by a fit"):
        fit(short(checkpoint=tmp_path), data)


def of_another_shape(state):
    state["chain"]["layers"]["phenotype"]["residual_variance"] = np.ones(3)


def of_another_type(state):
    omics = state["chain"]["layers"]["omics"]
    omics["response"] = omics["response"].astype(np.float64)


def to_be_broadcast(state):
    omics = state["chain"]["layers"]["omics"]
    omics["response"] = omics["response"][:1]


def without_effects(state):
    del state["chain"]["layers"]["omics"]["terms"]["snp_effects"]


def with_a_number_for_effects(state):
    state["chain"]["layers"]["omics"]["terms"]["snp_effects"] = 3


def with_no_fit(state):
    state["chain"]["layers"]["omics"]["terms"]["fixed"]["fit"] = None


def with_another_generator(state):
    state["rngs"]["iterations"] = {"bit_generator": "MT19937"}


def too_far_on(state):
    state["iteration"] = 1000


def before_the_start(state):
    state["iteration"] = -3


def with_draws_missing(state):
    state["recorder"]["n_recorded"] -= 1


@pytest.mark.parametrize(
    "change",
    [
        of_another_shape, of_another_type, to_be_broadcast, without_effects, with_no_fit,
        with_a_number_for_effects, with_another_generator, too_far_on, before_the_start,
        with_draws_missing,
    ],
)  # fmt: skip
def test_states_of_another_model_are_refused(change, data, short, tmp_path, monkeypatch):
    model = fit(short(checkpoint=tmp_path), data)
    with (tmp_path / "chain-0.npz").open("rb") as file:
        content = files._read(file)
    change(content["state"])
    files.Checkpoint(tmp_path, 0, content["fit"]).save(content["state"])
    monkeypatch.setattr(Sampler, "iterate", lambda *args, **kwargs: pytest.fail("sampling"))
    with pytest.raises(ValueError, match=r"does not belong to this model \("):
        fit(model, data)


# --- other data, other parameters ---------------------------------------------------------------


@pytest.fixture
def of_this_fit(data, short, tmp_path):
    """Return a function that fits with a checkpoint of a fit with weights and a mask."""
    base = {"mask": MASK, "checkpoint": tmp_path, "n_iter": 30}

    def make(parameters=None, **others):
        model = short(**{**base, **(parameters or {})})
        return fit(model, data, **{"sample_weight": np.ones(80), **others})

    make()
    return make


CHANGES = {
    "y": lambda data: {"y": data.y + (np.arange(80) == 5) * 1e-12},
    "X": lambda data: {"X": np.where(np.arange(24) == 3, 2 - data.X, data.X)},
    "omics": lambda data: {"omics": data.omics},
    "covariates": lambda data: {"covariates": data.covariates * 2},
    "sample_weight": lambda data: {"sample_weight": np.arange(1, 81.0)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_data_are_refused_by_name(name, data, short, of_this_fit, tmp_path):
    given = {
        "X": data.X, "y": data.y, "omics": data.gappy, "covariates": data.covariates,
        "sample_weight": np.ones(80),
    }  # fmt: skip
    model = short(mask=MASK, checkpoint=tmp_path, n_iter=30)
    model.fit(**given)
    with pytest.raises(ValueError, match=f"another fit: {name} differs[^;]*directory") as error:
        model.fit(**given | CHANGES[name](data))
    assert str(tmp_path) in str(error.value)


@pytest.mark.slow  # it compiles kernels of its own
def test_another_layout_of_large_X_is_refused(data, short, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "sknnmm.genotypes.dosages.LARGE", 0
    )  # small ones all come to be stored alike
    model = short(checkpoint=tmp_path, n_iter=30)
    model.fit(np.ascontiguousarray(data.X), data.y)
    with pytest.raises(ValueError, match=r"X differs in values, type or memory layout"):
        model.fit(np.asfortranarray(data.X), data.y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_iter": 40}, r"n_iter was 30, is 40.*warm_start=True"),
        ({"burn_in": 10, "thin": 2}, r"burn_in was 20, is 10; thin was 1, is 2"),
        ({"n_chains": 2}, r"n_chains was 1, is 2"),
        ({"random_state": 5}, r"random_state was 0, is 5"),
        ({"method": BayesC(pi=0.9)}, r"method__pi was 0.5, is 0.9"),
        ({"method": "BayesL"}, r"method was 'BayesC', is 'BayesL'"),
        ({"activation": "tanh"}, r"activation was 'linear', is 'tanh'"),
        ({"precision": "double"}, r"precision was 'single', is 'double'"),
        ({"mask": MASK[:, [1, 0, 2]]}, r"mask differs"),
        ({"mask": None}, r"mask differs"),
    ],
)
def test_other_parameters_are_refused_with_both_values(parameters, message, of_this_fit):
    with pytest.raises(ValueError, match=message):
        of_this_fit(parameters)


def test_parameters_that_mean_the_same_are_accepted(of_this_fit):
    of_this_fit({"method": BayesC(), "n_jobs": 2, "n_iter": np.int64(30)})
    of_this_fit({"mask": {"omic_0": slice(8), "omic_1": slice(8, 16), "omic_2": slice(16, 24)}})


def test_functions_are_known_by_what_they_do(data, short, tmp_path):
    def model(power):
        function = Activation(lambda z: z**power, derivative=lambda z: power * z ** (power - 1))
        return short(activation=function, checkpoint=tmp_path, n_iter=30)

    assert_same(fit(model(2), data), fit(model(2), data))
    with pytest.raises(ValueError, match=r"another fit: activation differs"):
        fit(model(3), data)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda z: np.tanh(z), lambda z: z**3),
        (lambda z: z[:, 0] * 2, lambda z: z[:, 0] * 3),
        (Activation(np.sin, np.cos), Activation(np.sin)),
        (Activation(np.sin, np.cos), Activation(np.sin, lambda z: 1.001 * np.cos(z))),
    ],
    ids=["elementwise", "network", "without derivative", "derivative"],
)
def test_functions_of_latent_nodes_are_known_too(first, second, data, short, tmp_path):
    """In the data latent nodes are 0, where these functions agree."""

    def fit_latent(function):
        model = short(activation=function, checkpoint=tmp_path, n_iter=30, n_latent=1)
        return model.fit(data.X, data.y)

    assert_same(fit_latent(first), fit_latent(first))
    with pytest.raises(ValueError, match=r"another fit: activation differs"):
        fit_latent(second)


def test_a_file_in_place_of_the_directory_is_refused(data, short, tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ValueError, match=r"checkpoint=.*file.* is a file"):
        fit(short(checkpoint=path), data)


# --- Ctrl-C -------------------------------------------------------------------------------------


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def heard():
    """Let Ctrl-C raise KeyboardInterrupt even where a shell started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_saves_the_state(data, short, tmp_path, at):
    model = short(checkpoint=tmp_path)
    handler = signal.getsignal(signal.SIGINT)
    at(33, ctrl_c)
    with pytest.raises(KeyboardInterrupt, match="after 33 iterations. The same fit") as stopped:
        fit(model, data)
    assert f"checkpoint: the chains are saved in {tmp_path}, " in str(stopped.value)
    assert saved(tmp_path) == 33
    assert signal.getsignal(signal.SIGINT) is handler
    assert_same(fit(short(), data), fit(model, data))


@pytest.mark.usefixtures("heard")
def test_a_second_ctrl_c_does_not_wait(data, short, tmp_path, at):
    def twice():
        ctrl_c()
        time.sleep(0.01)
        ctrl_c()

    at(33, twice)
    with pytest.raises(KeyboardInterrupt, match="that chains have saved in .* are intact"):
        fit(short(checkpoint=tmp_path), data)
    assert saved(tmp_path) == 1
    assert_same(fit(short(), data), fit(short(checkpoint=tmp_path), data))


@pytest.mark.usefixtures("heard")
def test_ctrl_c_between_chains_tells_which_have_begun(data, short, tmp_path, at):
    model = short(checkpoint=tmp_path, n_chains=2)
    at(80, ctrl_c)  # the last iteration of the first chain
    with pytest.raises(KeyboardInterrupt, match="after 80 and 0 iterations"):
        fit(model, data)
    assert_same(fit(short(n_chains=2), data), fit(model, data))


@pytest.mark.usefixtures("heard")
def test_ctrl_c_without_a_checkpoint_says_that_nothing_is_kept(data, short, at):
    at(33, ctrl_c)
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(short(), data)
    (note,) = stopped.value.__notes__
    assert note.startswith("Nothing of this fit is kept. With checkpoint set to a directory")


@pytest.mark.usefixtures("heard")
def test_ctrl_c_stops_chains_in_threads(data, short, tmp_path, at):
    parameters = {"n_chains": 2, "n_iter": 50_000}
    before = threading.active_count()
    at(20, ctrl_c)
    with parallel_config(backend="threading", n_jobs=2), pytest.raises(KeyboardInterrupt):
        fit(short(**parameters, checkpoint=tmp_path), data)
    until = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.05)
    iterations = [saved_or_zero(tmp_path, number) for number in range(2)]
    assert 20 <= max(iterations) < 50_000


# --- warm start ---------------------------------------------------------------------------------


@every_model
def test_a_warm_start_is_one_long_run(parameters, data, short):
    omics, parameters = split(parameters)
    parameters["effects_memory"] = 10_000 / 2**20
    expected = fit(short(n_iter=90, n_chains=2, **parameters), data, omics)
    model = short(n_iter=31, n_chains=2, warm_start=True, **parameters)
    for n_iter in (31, 49, 90):
        fit(model.set_params(n_iter=n_iter), data, omics)
    assert_same(expected, model)


@pytest.mark.parametrize("by", ["pickle", "joblib", "skops"])
def test_a_stored_model_can_be_continued(by, data, short, tmp_path):
    parameters = {"activation": "tanh", "checkpoint": tmp_path, "warm_start": True}
    model = fit(short(n_iter=40, **parameters), data)
    path = tmp_path / "model"
    if by == "pickle":
        again = pickle.loads(pickle.dumps(model))
    elif by == "joblib":
        joblib.dump(model, path)
        again = joblib.load(path)
    else:
        skops.io.dump(model, path)
        again = skops.io.load(path, trusted=TRUSTED_TYPES)
    again.set_params(n_iter=60, checkpoint=None)
    assert_same(fit(short(n_iter=60, activation="tanh"), data), fit(again, data))


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(2), np.random.default_rng(2)])
def test_a_warm_start_keeps_its_seeds(random_state, data, short):
    model = fit(short(n_iter=40, warm_start=True, random_state=random_state), data)
    first = model.posterior_.draws["residual_variance"]
    fit(model.set_params(n_iter=60), data)
    assert_array_equal(model.posterior_.draws["residual_variance"][:, :20], first)


def test_warm_starts_that_are_refused(data, short):
    model = fit(short(n_iter=40, warm_start=True), data)
    for n_iter in (30, 40):
        with pytest.raises(ValueError, match=rf"n_iter={n_iter} must be greater than the 40"):
            fit(model.set_params(n_iter=n_iter), data)
    model.set_params(n_iter=50)
    with pytest.raises(ValueError, match=r"another fit: omics differs.*warm_start=False"):
        fit(model, data, "omics")
    with pytest.raises(ValueError, match=r"another fit: thin was 1, is 2"):
        fit(model.set_params(thin=2), data)
    fit(model.set_params(warm_start=False), data, "omics")  # anew
    fit(model.set_params(warm_start=True, n_iter=40), data)  # no states were kept


def test_states_are_kept_on_demand_only(data, short):
    sizes = [len(pickle.dumps(fit(short(warm_start=w), data))) for w in (False, True)]
    assert sizes[1] - sizes[0] > data.X.size * 4


def test_a_warm_start_with_a_checkpoint(data, short, tmp_path, always, at):
    parameters = {"warm_start": True, "checkpoint": tmp_path}
    expected = fit(short(n_iter=90), data)
    model = fit(short(n_iter=40, **parameters), data)
    at(60, kill)
    with pytest.raises(Killed):
        fit(model.set_params(n_iter=90), data)
    assert_same(expected, fit(short(n_iter=90, **parameters), data))  # as in another process
    assert_same(expected, fit(model, data))
    with pytest.raises(ValueError, match=r"n_iter was 90, is 60"):
        fit(model.set_params(n_iter=60), data)


# --- SIGKILL ------------------------------------------------------------------------------------

SCRIPT = """
import sys
import warnings

import numpy as np

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.sampling.resume import files

warnings.simplefilter("ignore")
directory, n_jobs, activation, result = sys.argv[1:]
files.SECONDS_BETWEEN, files.SHARE_OF_TIME = 0.01, 0.5
data = make_omics_network(120, 40, 3, missing_omics=0.3, random_state=0)
model = NNMMRegressor(activation=activation, n_iter=4000, burn_in=1500, n_jobs=int(n_jobs),
                      random_state=0, checkpoint=None if directory == "none" else directory)
print("begins", flush=True)
model.fit(data.X, data.y, omics=data.omics)
draws = {n: d.todense() if hasattr(d, "todense") else d for n, d in model.posterior_.draws.items()}
np.savez(result, predicted=model.predict(data.X, data.omics), coef=model.snp_effects_std_, **draws)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("n_jobs", "activation"), [(1, "linear"), (2, "tanh")])
def test_twenty_kills(n_jobs, activation, tmp_path):
    rng = random.Random(n_jobs)
    script = tmp_path / "fit.py"
    script.write_text(SCRIPT)

    def start(directory, result):
        command = [sys.executable, script, directory, str(n_jobs), activation, result]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        process.stdout.readline()  # it begins
        return process

    began = time.monotonic()
    whole = start("none", tmp_path / "whole.npz")
    assert whole.wait() == 0
    seconds = time.monotonic() - began
    directory, killed, progress = tmp_path / "checkpoint", 0, []
    while killed < 20:
        if progress and min(progress[-1]) == 4000:  # nothing is left to interrupt: anew
            assert start(directory, tmp_path / "resumed.npz").wait() == 0
            assert_same_files(tmp_path)
            shutil.rmtree(directory)
        process = start(directory, tmp_path / "resumed.npz")
        time.sleep(rng.uniform(0, seconds / 4))
        # Every other time worker processes are left behind, which find out and stop.
        (os.killpg if killed % 2 else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
        progress.append([saved_or_zero(directory, number) for number in range(2)])
    print(progress)
    assert start(directory, tmp_path / "resumed.npz").wait() == 0
    assert_same_files(tmp_path)


def assert_same_files(folder):
    one, other = np.load(folder / "whole.npz"), np.load(folder / "resumed.npz")
    assert set(one.files) == set(other.files)
    for name in one.files:
        assert_array_equal(other[name], one[name], err_msg=name)


def saved_or_zero(directory, number=0):
    try:
        return saved(directory, number)
    except (FileNotFoundError, zipfile.BadZipFile):
        return 0


# --- fingerprints -------------------------------------------------------------------------------


def test_fingerprints_see_values_type_and_layout(tmp_path):
    X = np.arange(12, dtype=np.int8).reshape(4, 3)
    np.save(tmp_path / "X.npy", X)
    stored = np.load(tmp_path / "X.npy", mmap_mode="r").view(np.ndarray)
    assert _digest(stored) == _digest(X.copy()) == _digest([X])
    others = [X + np.int8(1), X.astype(np.int16), X.reshape(3, 4), np.asfortranarray(X), X[:3]]
    digests = {_digest(array) for array in (X, *others, [X, X], np.empty((4, 0)))}
    assert len(digests) == 8
    assert _digest(None) is None


def test_fingerprints_of_one_column_do_not_depend_on_its_strides():
    column = np.arange(4.0)[:, None]
    other = np.lib.stride_tricks.as_strided(column, strides=(8, 800))
    assert other.flags.c_contiguous
    assert _digest(column) == _digest(other)


def test_fingerprints_copy_nothing():
    X = np.zeros((3000, 1000), np.int8)
    for array in (X, np.asfortranarray(X)):
        tracemalloc.start()
        try:
            _digest(array)
            assert tracemalloc.get_traced_memory()[1] < 0.1 * X.nbytes
        finally:
            tracemalloc.stop()
