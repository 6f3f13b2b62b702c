"""Chains side by side: the same numbers for any number of jobs and any joblib backend."""

import os
import pickle
import sys
from contextlib import (
    ExitStack,
    contextmanager,
    nullcontext,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from threading import Lock
from traceback import format_exc, format_exception_only

import scipy.linalg  # noqa: F401  loads the BLAS of the kernels before its threads are limited
from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import BrokenProcessPool
from joblib.externals.loky.backend.reduction import dumps as loky_dumps
from threadpoolctl import threadpool_limits

from sknnmm.sampling.chains.chain import Stopped, run_chain
from sknnmm.sampling.chains.dask_cluster import at_hand, shared_with_workers
from sknnmm.sampling.chains.interruption import NOTHING_KEPT, StopSign, intact
from sknnmm.sampling.chains.progress import progress_bar, report_to


def run_chains(sampler, origins, length, effects_memory, n_jobs, verbose):
    """Run one chain per ChainOrigin.

    Call within `one_blas_thread`. Genotypes and precomputed matrices reach worker processes of this
    machine as read-only memory maps. If chains are saved, Ctrl-C, SIGTERM and SIGHUP let them save
    first.

    Parameters
    ----------
    sampler : Sampler
    origins : list of ChainOrigin
    length : FixedLength or UntilConverged
    effects_memory : float
        What draws of SNP effects of all chains may take, in MiB.
    n_jobs, verbose : int

    Returns
    -------
    settings : ChainSettings
        How long they ran.
    results : list of ChainResult
    """
    budget = effects_memory * 2**20 / len(origins)
    saved = origins[0].checkpoint
    stop = StopSign(saved and saved.directory)
    following = length.first(origins)
    with (
        stop.put_up_by_signals(),
        progress_bar(len(origins), length.n_iter, enabled=verbose > 0) as progress,
        shared_with_workers(sampler) as shared,
        stop.raised_on_the_way_out(),
        _told_of_what_is_kept(stop, saved),
    ):
        progress.show(length.name(following))
        # A worker without a chain would die of a SIGTERM to all processes, and loky then kills all.
        n_jobs = min(effective_n_jobs(n_jobs), len(origins))
        with (
            _streams_that_flush() if n_jobs > 1 else nullcontext(),
            stop.seen_by_workers() if n_jobs > 1 else nullcontext(),
            Parallel(n_jobs=n_jobs) as parallel,
        ):
            while following is not None:
                settings, board = following, progress.board
                tasks = partial(_tasks, origins, settings, budget, board, stop)
                results = shared.apply(lambda sampler, tasks=tasks: parallel(tasks(sampler)))
                for result in results:
                    if isinstance(result, _Failed):
                        raise result.error() from _InWorker(result.traceback)
                if any(isinstance(result, Stopped) for result in results):
                    stop.told = _saved(origins, settings, results)
                    break
                following, remark = length.after(settings, results)
                progress.show(remark)
                if following is not None:
                    states = [result.state for result in results]
                    origins = [o.going_on(s) for o, s in zip(origins, states, strict=True)]
        if stop.told and stop.signal is None:
            raise KeyboardInterrupt(f"A worker process was told to stop. {stop.told}")
    return settings, results


def _saved(origins, settings, results):
    """Say what is saved of chains that were stopped."""
    done = [r.iteration if isinstance(r, Stopped) else settings.n_iter for r in results]
    return (
        f"checkpoint: the chains are saved in {origins[0].checkpoint.directory}, after "
        f"{' and '.join(map(str, done))} iterations. The same fit, of the same data with the same "
        "parameters, continues from there."
    )


@contextmanager
def _told_of_what_is_kept(stop, saved):
    """Say what is kept of a fit that ends at once, by Ctrl-C or the death of a worker process."""
    try:
        yield
    except (BrokenProcessPool, KeyboardInterrupt) as error:
        if stop.signal is None:  # else it is told as the signal is acted on
            error.add_note(intact(saved.directory) if saved else NOTHING_KEPT)
        raise


@contextmanager
def _streams_that_flush():
    """Replace sys.stdout and sys.stderr if they cannot: loky flushes them to start a worker."""
    with ExitStack() as replaced:
        for stream, redirect in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
            try:
                stream.flush()
            except Exception:
                nowhere = replaced.enter_context(open(os.devnull, "w"))
                replaced.enter_context(redirect(nowhere))
        yield


def _tasks(origins, settings, budget, board, stop, sampler):
    """Return a task of joblib for every chain."""
    return [
        delayed(_run_one)(sampler, origin, settings, budget, board, chain, os.getpid(), stop)
        for chain, origin in enumerate(origins)
    ]


@dataclass(frozen=True)
class _Failed:
    """What is left of a chain in a worker process that raised an error."""

    pickled: bytes  # here, as joblib and the pools wait forever for some that cannot be; or none
    words: str  # its type and message
    traceback: str

    @classmethod
    def of(cls, error):
        words = "".join(format_exception_only(error)).strip()
        return cls(_pickled(error), words, format_exc())

    def error(self):
        """Return the error, or one with its words if it cannot be pickled and rebuilt."""
        with suppress(Exception):
            return pickle.loads(self.pickled)
        return RuntimeError(
            f"A chain in a worker process raised an error that cannot be pickled: {self.words}"
        )


def _pickled(error):
    for dumps in (pickle.dumps, loky_dumps):  # the second takes classes that cannot be imported
        with suppress(Exception):
            return bytes(dumps(error))
    return b""


class _InWorker(Exception):
    """The traceback of an error, as text: pickled errors lose theirs."""


def _run_one(shared, origin, settings, budget, board, chain, parent, stop):
    in_worker = os.getpid() != parent
    report = report_to(board, chain)
    with (
        one_blas_thread(),  # in a worker process; no more than a count in this one
        stop.put_up_in_worker() if in_worker else nullcontext(),
    ):
        try:
            return run_chain(at_hand(shared), origin, settings, budget, report, stop)
        except BaseException as error:  # also KeyboardInterrupt, of a worker alone
            if not _started_by(parent):
                raise
            # At an error joblib kills the other workers. If one has an error to hand over as well,
            # it may die with the lock of their queue, for which the pool then waits forever.
            stop.put_up()
            return _Failed.of(error)


def _started_by(parent):
    """Return whether this is a worker process started by the process with that number."""
    starter = parent_process()
    return starter is not None and starter.pid == parent


class _SharedLimit:
    """One limit on BLAS threads for all fits of this process that run at the same time.

    Limits set by overlapping fits in several threads would otherwise restore each other's.
    """

    def __init__(self):
        self._lock = Lock()
        self._users = 0
        self._limit = None

    def acquire(self):
        with self._lock:
            if self._users == 0:
                limit = threadpool_limits(1, user_api="blas")
                self._limit = self._limit or limit  # one there knows the number before a fork
            self._users += 1

    def release(self):
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()
                self._limit = None

    def survives_forks(self):
        """Let a process be forked only between changes, and have no fits at its start."""

        def forget_other_threads():
            self._lock, self._users = Lock(), 0

        os.register_at_fork(
            before=lambda: self._lock.acquire(),
            after_in_parent=lambda: self._lock.release(),
            after_in_child=forget_other_threads,
        )


_shared_limit = _SharedLimit()
if hasattr(os, "register_at_fork"):
    _shared_limit.survives_forks()


@contextmanager
def one_blas_thread():
    """Run linear algebra on one thread: chains run side by side, and sums keep their order."""
    _shared_limit.acquire()
    try:
        yield
    finally:
        _shared_limit.release()
