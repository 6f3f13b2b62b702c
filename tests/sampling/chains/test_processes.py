"""Fits beside forks, signals and closed terminals; compiled code where no disk can keep it."""

import errno
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import joblib
import numba
import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from numba.core import caching
from numba.core.compiler_lock import global_compiler_lock
from numpy.testing import assert_array_equal

import sknnmm
from sknnmm.common import compiled
from sknnmm.sampling.chains import chain, parallel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

posix = pytest.mark.skipif(os.name == "nt", reason="needs fork and signals")


# --- compiled code that cannot be kept ----------------------------------------------------------

IMPORT = """
from joblib.externals.loky import get_reusable_executor

def compute():
    import numpy as np
    from sknnmm.genotypes.kernels import njit
    return njit(cache=True)(lambda x: x.sum())(np.ones(3))

if __name__ == "__main__":
    import sknnmm
    print(sknnmm.__file__, compute(), get_reusable_executor(1).submit(compute).result())
"""


@pytest.mark.slow
def test_without_a_directory_that_can_be_written_there_is_one_warning(tmp_path):
    package, nowhere = tmp_path / "sknnmm", str(tmp_path / "file" / "below")
    Path(nowhere).parent.touch()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(sknnmm.__file__).parent, package, ignore=ignored)
    for folder in (package, *filter(Path.is_dir, package.rglob("*"))):
        (folder / "__pycache__").touch()  # a file, so that even root cannot write in there
    script = tmp_path / "script.py"
    script.write_text(IMPORT)
    homes = dict.fromkeys(["HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "NUMBA_CACHE_DIR"], nowhere)
    environment = {**os.environ, **homes, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=False
    )
    assert run.stdout == f"{package / '__init__.py'} 3.0 3.0\n", run.stderr
    assert run.stderr.count("UserWarning: Compiled code cannot be kept") == 1
    assert "NUMBA_CACHE_DIR" in run.stderr


def add_one(x):
    return x + 1


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return a directory for compiled code; no warning has been given yet."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiled, "_warned", False)
    return tmp_path


def compile_anew():
    """Return `add_one` as another process would get it."""
    return compiled.njit(nogil=True, cache=True)(add_one)


@pytest.fixture
def read_only(monkeypatch):
    def make():
        def refuse(*args, **kwargs):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(caching.tempfile, "TemporaryFile", refuse)
        monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", refuse)

    return make


def test_compiled_code_is_kept(cache):
    with warnings.catch_warnings(action="error"):
        for hits in (0, 1):
            function = compile_anew()
            assert function(1) == 2
            assert sum(function.stats.cache_hits.values()) == hits


def test_a_filled_cache_serves_where_nothing_can_be_written(cache, read_only):
    compile_anew()(1)
    read_only()
    function = compile_anew()
    with warnings.catch_warnings(action="error"):
        assert function(1) == 2
    assert sum(function.stats.cache_hits.values()) == 1
    with pytest.warns(UserWarning, match="NUMBA_CACHE_DIR"):  # what is not there yet
        assert function(1.5) == 2.5


def test_a_disk_that_fills_up_costs_no_result(cache, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", full)
    with pytest.warns(UserWarning, match="No space left") as warned:
        assert (compile_anew()(1), compile_anew()(1.5)) == (2, 2.5)
    assert len(warned) == 1


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
def test_damaged_compiled_code_is_compiled_again(kind, cache):
    compile_anew()(1)
    (path,) = cache.rglob(kind)
    path.write_bytes(path.read_bytes()[:20])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the index could not be read to save anew
        assert compile_anew()(1) == 2


# --- fork ---------------------------------------------------------------------------------------


def in_forked_processes(function, n=6):
    """Run a function in processes forked one after another; return their exit codes."""
    context = multiprocessing.get_context("fork")
    codes = []
    for _ in range(n):
        process = context.Process(target=function)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            process.start()
        process.join(30)
        codes.append(process.exitcode)
        process.kill()
        process.join()
    return codes


@posix
def test_processes_forked_while_another_thread_fits_do_not_hang(data, short, monkeypatch):
    limits, ended = parallel.threadpool_limits, threading.Event()

    def slow(*args, **kwargs):
        time.sleep(0.05)  # so that forks meet the lock
        return limits(*args, **kwargs)

    def fit(n_iter=25):
        short(n_iter=n_iter).fit(data.X, data.y)

    def fit_until_ended():
        while not ended.is_set():
            fit()

    fit()
    monkeypatch.setattr(parallel, "threadpool_limits", slow)
    thread = threading.Thread(target=fit_until_ended)
    thread.start()
    try:
        assert in_forked_processes(fit) == [0] * 6
    finally:
        ended.set()
        thread.join()


@posix
def test_processes_forked_while_another_thread_compiles_do_not_hang():
    locked, ended = threading.Event(), threading.Event()

    def compile_slowly():
        while not ended.is_set():
            with global_compiler_lock:
                locked.set()
                time.sleep(0.05)
            time.sleep(0.001)

    thread = threading.Thread(target=compile_slowly)
    thread.start()
    locked.wait()
    try:
        assert in_forked_processes(lambda: compiled.njit()(add_one)(1), n=3) == [0] * 3
    finally:
        ended.set()
        thread.join()


@posix
def test_a_forked_process_gets_back_its_blas_threads(monkeypatch):
    monkeypatch.setattr(parallel, "threadpool_limits", Limit)
    Limit.threads = 4
    inside, ended = threading.Event(), threading.Event()

    def fit():
        with parallel.one_blas_thread():
            inside.set()
            ended.wait()

    def child():
        with parallel.one_blas_thread():
            assert Limit.threads == 1
        assert Limit.threads == 4

    thread = threading.Thread(target=fit)
    thread.start()
    inside.wait()
    try:
        assert in_forked_processes(child, n=1) == [0]
    finally:
        ended.set()
        thread.join()
    assert Limit.threads == 4


class Limit:
    """Stands for threadpoolctl."""

    threads = 4

    def __init__(self, limits, user_api):
        self._before, Limit.threads = Limit.threads, limits

    def restore_original_limits(self):
        Limit.threads = self._before


# --- signals ------------------------------------------------------------------------------------

ENDLESS = """
import multiprocessing
import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
from joblib import parallel_config

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network

def tanh_that_tells(z):
    (Path(__file__).parent / f"{os.getpid()}.runs").touch()
    return np.tanh(z)

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, also for the tests it starts
    directory, n_jobs, backend, handler, start_method = sys.argv[1:]
    multiprocessing.set_start_method(start_method)
    if handler == "own":
        # Not sys.exit: numba does not survive every exception raised in the middle of a call.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
    data = make_omics_network(80, 30, 3, missing_omics=0.2, random_state=0)
    data.X[0, 0] = -1  # as in other tests: their kernels are compiled
    model = NNMMRegressor(n_iter=10**7, burn_in=20, thin=10**5, random_state=0, n_jobs=int(n_jobs),
                          checkpoint=directory if directory else None,
                          activation="linear" if directory else tanh_that_tells)
    try:
        with parallel_config(backend=backend):
            model.fit(data.X, data.y, omics=data.omics)
    except KeyboardInterrupt:
        sys.exit(3)
"""


def iteration_saved(path):
    with np.load(path) as archive:
        return json.loads(archive["description"].tobytes())["state"]["iteration"]


class Endless:
    """A fit in a process, and a session, of its own that runs until it is told to stop."""

    def __init__(
        self,
        folder,
        n_jobs=1,
        backend="loky",
        handler="usual",
        start_method="fork",
        checkpoint=True,
    ):
        script = folder / "endless.py"
        script.write_text(ENDLESS)
        self.directory, self._n_jobs = folder / "run", n_jobs
        where = str(self.directory) if checkpoint else ""
        self._process = subprocess.Popen(
            [sys.executable, script, where, str(n_jobs), backend, handler, start_method],
            env={**os.environ, "PYTHONPATH": str(Path(sknnmm.__file__).parents[1])},
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in self.left():
            os.kill(process, signal.SIGKILL)
        self._process.wait()

    def wait_until_saved(self):
        self.wait_for(lambda: all(self.saved()))
        time.sleep(0.5)  # the first state is that of the first iteration

    def stop(self, number, send=os.kill):
        """Send a signal; return the exit status once no process of the session is left."""
        send(self._process.pid, number)
        status = self._process.wait(60)
        self.wait_for(lambda: not self.left())
        return status

    def saved(self):
        """Return the iterations that are saved, of the chains that have run."""
        iterations = []
        for number in range(2 if self._n_jobs == 2 else 1):
            try:
                iterations.append(iteration_saved(self.directory / f"chain-{number}.npz"))
            except FileNotFoundError:
                iterations.append(0)
        return iterations

    def left(self):
        """Return the processes of the session."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "-s", str(self._process.pid)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return [int(pid) for pid in listed.stdout.split()]

    @staticmethod
    def wait_for(condition):
        until = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.05)


@posix
@pytest.mark.parametrize(
    ("n_jobs", "backend", "send"),
    [
        (2, "multiprocessing", os.killpg),  # forks, which start at once
        pytest.param(1, "loky", os.kill, marks=pytest.mark.slow),
        pytest.param(2, "loky", os.kill, marks=pytest.mark.slow),
        pytest.param(2, "loky", os.killpg, marks=pytest.mark.slow),
        pytest.param(2, "multiprocessing", os.kill, marks=pytest.mark.slow),
        pytest.param(2, "threading", os.kill, marks=pytest.mark.slow),
    ],
)
def test_sigterm_saves_the_chains_and_leaves_no_process(n_jobs, backend, send, tmp_path):
    with Endless(tmp_path, n_jobs, backend) as fit:
        fit.wait_until_saved()
        assert fit.stop(signal.SIGTERM, send) == -signal.SIGTERM
        assert min(fit.saved()) > 1
        files = {path.name for path in fit.directory.iterdir()}
    assert files == {
        f"chain-{number}{which}.npz" for number in range(n_jobs) for which in ("", ".previous")
    }


@posix
@pytest.mark.parametrize(
    ("send", "backend"),
    [
        (os.kill, "multiprocessing"),
        pytest.param(os.kill, "loky", marks=pytest.mark.slow),
        pytest.param(os.killpg, "loky", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_saves_chains_in_worker_processes(send, backend, tmp_path):
    with Endless(tmp_path, 2, backend) as fit:
        fit.wait_until_saved()
        assert fit.stop(signal.SIGINT, send) == 3
        assert min(fit.saved()) > 1


@posix
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["multiprocessing", "loky"])
def test_a_terminal_that_closes_saves_the_chains(backend, tmp_path):
    with Endless(tmp_path, 2, backend) as fit:
        fit.wait_until_saved()
        assert fit.stop(signal.SIGHUP, send_twice) == -signal.SIGHUP
        assert min(fit.saved()) > 1


def send_twice(pid, number):
    os.killpg(pid, number)
    time.sleep(0.01)  # by then the first has been handled
    os.killpg(pid, number)


@posix
@pytest.mark.parametrize(
    ("backend", "start_method"),
    [
        ("multiprocessing", "forkserver"),  # whose workers are no children of the fit
        pytest.param("multiprocessing", "fork", marks=pytest.mark.slow),
        pytest.param("multiprocessing", "spawn", marks=pytest.mark.slow),
        pytest.param("loky", "fork", marks=pytest.mark.slow),
    ],
)
def test_a_killed_fit_leaves_workers_that_save_and_end(backend, start_method, tmp_path):
    with Endless(tmp_path, 2, backend, start_method=start_method) as fit:
        fit.wait_until_saved()
        assert fit.stop(signal.SIGKILL) == -signal.SIGKILL
        assert min(fit.saved()) > 1


@posix
@pytest.mark.slow
def test_another_handler_of_sigterm_stays(tmp_path):
    with Endless(tmp_path, handler="own") as fit:
        fit.wait_until_saved()
        assert fit.stop(signal.SIGTERM) == 9


@posix
@pytest.mark.slow
def test_without_a_checkpoint_sigterm_ends_at_once_and_workers_end_too(tmp_path):
    with Endless(tmp_path, n_jobs=2, checkpoint=False) as fit:
        fit.wait_for(lambda: len(list(tmp_path.glob("*.runs"))) == 3)  # one by the parent
        assert fit.stop(signal.SIGTERM) == -signal.SIGTERM


class Fails:
    """An activation that raises in worker processes: in all, or in the one that is first."""

    def __init__(self, folder, message, once_saved=None, in_all=False, error=ValueError):
        self._first, self._message, self._in_all = folder / "first", message, in_all
        self._once_saved, self._parent, self._error = once_saved, os.getpid(), error

    def __call__(self, z):
        saved = self._once_saved is None or len(list(self._once_saved.glob("chain-?.npz"))) == 2
        if os.getpid() != self._parent and saved and (self._in_all or self._is_first()):
            raise self._error(self._message)
        return np.tanh(z)

    def _is_first(self):
        try:
            self._first.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class NoPickle(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.lock = threading.Lock()


class TwoArguments(Exception):
    """Pickled, it cannot be made again: its class takes one."""

    def __init__(self, message):
        super().__init__("layer 1", message)


def of_a_function(message):
    class Local(ArithmeticError):
        pass

    return Local(message)


ERRORS = [
    (ValueError, ValueError, "of the activation"),
    (TwoArguments, RuntimeError, r"TwoArguments: \('layer 1', 'of the activation'\)"),
    *(
        pytest.param(*others, marks=pytest.mark.slow)
        for others in (
            (NoPickle, RuntimeError, "NoPickle: of the activation"),
            (of_a_function, ArithmeticError, "of the activation"),
            (KeyboardInterrupt, KeyboardInterrupt, "of the activation"),
        )
    ),
]
BACKENDS = [
    "multiprocessing",  # forks, which start at once
    pytest.param("loky", marks=pytest.mark.slow),
]


@posix
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("raised", "expected", "words"), ERRORS)
def test_no_worker_is_killed_while_it_hands_over_an_error(
    raised, expected, words, backend, data, short, tmp_path, monkeypatch
):
    """It may hold the lock of the queue of results, for which joblib would wait forever."""

    def kill(*args, **kwargs):
        raise AssertionError("joblib kills the workers.")

    monkeypatch.setattr(joblib.parallel.BACKENDS[backend], "abort_everything", kill)
    fails = Fails(tmp_path, "of the activation", in_all=True, error=raised)
    with parallel_config(backend), pytest.raises(expected, match=words) as error:
        short(n_chains=2, n_jobs=2, activation=fails).fit(data.X, data.y, omics=data.gappy)
    assert "in __call__" in str(error.value.__cause__)  # the traceback of the worker


@posix
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("saved", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_chain_that_fails_stops_the_others(saved, backend, data, short, tmp_path):
    directory = tmp_path / "run"
    model = short(
        n_chains=2,
        n_jobs=2,
        n_iter=10**7,
        thin=10**5,
        activation=Fails(tmp_path, "too large", once_saved=directory if saved else None),
        checkpoint=directory if saved else None,
    )
    with parallel_config(backend), pytest.raises(ValueError, match="too large"):
        model.fit(data.X, data.y, omics=data.gappy)
    if saved:
        done = [iteration_saved(directory / f"chain-{number}.npz") for number in range(2)]
        assert min(done) >= 1
        assert max(done) > 1  # of the one that did not fail, saved as it stopped
        assert not list(directory.glob(".*stop"))


def test_no_more_workers_than_chains(data, short, monkeypatch):
    jobs = []

    def record(n_jobs):
        jobs.append(n_jobs)
        return Parallel(n_jobs=1)

    monkeypatch.setattr(parallel, "Parallel", record)
    for n_jobs in (5, -1, 1, None):
        short(n_chains=2, n_iter=25, n_jobs=n_jobs).fit(data.X, data.y)
    assert jobs == [2, min(2, os.cpu_count()), 1, 1]


def test_threads_can_fit_with_checkpoints(data, short, tmp_path):
    def fit(number):
        model = short(checkpoint=tmp_path / str(number))
        return model.fit(data.X, data.y).predict(data.X)

    expected = short().fit(data.X, data.y).predict(data.X)
    for predicted in Parallel(2, backend="threading")(delayed(fit)(i) for i in range(2)):
        assert_array_equal(predicted, expected)


# --- progress without a terminal ----------------------------------------------------------------


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class Failing(io.StringIO):
    def write(self, text):
        raise RuntimeError("no screen")


class WithoutFlush:
    def write(self, text):
        return len(text)


SCREENS = [lambda: None, closed, Broken, Failing, WithoutFlush]


@pytest.mark.parametrize("stream", SCREENS)
def test_a_progress_bar_that_cannot_be_shown_ends_no_fit(stream, data, short, monkeypatch):
    expected = short().fit(data.X, data.y).predict(data.X)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream())
        assert_array_equal(short(verbose=1).fit(data.X, data.y).predict(data.X), expected)
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    short(verbose=1).fit(data.X, data.y)
    assert "80/80" in shown.getvalue()


def test_without_a_temporary_directory_there_is_no_bar(data, short, monkeypatch, capsys, tmp_path):
    expected = short().fit(data.X, data.y).predict(data.X)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert_array_equal(short(verbose=1).fit(data.X, data.y).predict(data.X), expected)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("screens", "verbose"),
    [
        ({"stderr": closed, "stdout": lambda: None}, 1),
        *(
            ({name: stream}, verbose)
            for stream in SCREENS
            for name in ("stderr", "stdout")
            for verbose in (0, 1)
        ),
    ],
)
def test_workers_start_without_a_terminal(screens, verbose, data, short, monkeypatch):
    expected = short(n_chains=2).fit(data.X, data.y).predict(data.X)
    get_reusable_executor().shutdown(wait=True)  # new workers are to start
    screens = {name: stream() for name, stream in screens.items()}
    with monkeypatch.context() as patch:
        for name, screen in screens.items():
            patch.setattr(sys, name, screen)
        model = short(n_chains=2, n_jobs=2, verbose=verbose).fit(data.X, data.y)
        assert all(getattr(sys, name) is screen for name, screen in screens.items())
    assert_array_equal(model.predict(data.X), expected)


def test_a_terminal_that_closes_during_a_fit_does_not_end_it(data, short, monkeypatch):
    stream, check = io.StringIO(), chain._check_finite

    def close(state, iteration):
        if iteration == 30:
            stream.close()
        check(state, iteration)

    monkeypatch.setattr(chain, "_check_finite", close)
    monkeypatch.setattr(sys, "stderr", stream)
    expected = short().fit(data.X, data.y).predict(data.X)
    assert_array_equal(short(verbose=1).fit(data.X, data.y).predict(data.X), expected)
