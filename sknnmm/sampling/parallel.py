"""Chains side by side: the same numbers for any number of jobs and any joblib backend."""

from contextlib import contextmanager
from threading import Lock

import scipy.linalg  # noqa: F401  loads the BLAS of the kernels before its threads are limited
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from sknnmm.sampling.chain import run_chain
from sknnmm.sampling.cluster import at_hand, shared_with_workers
from sknnmm.sampling.progress import progress_bar, report_to

EFFECTS_BYTES = 256 * 2**20  # draws of SNP effects kept in memory, all chains together


def run_chains(sampler, seeds, settings, n_jobs, verbose):
    """Run one chain per seed and return their ChainResults in order.

    Call within `one_blas_thread`. Genotypes and precomputed matrices reach worker processes of this
    machine as read-only memory maps.
    """
    budget = EFFECTS_BYTES // len(seeds)
    bar = progress_bar(len(seeds), settings.n_iter, enabled=verbose > 0)
    with bar as board, shared_with_workers(sampler) as shared:
        return Parallel(n_jobs=n_jobs)(
            delayed(_run_one)(shared, seed, settings, budget, board, chain)
            for chain, seed in enumerate(seeds)
        )


def _run_one(shared, seed, settings, budget, board, chain):
    with one_blas_thread():  # in a worker process; no more than a count in this one
        return run_chain(at_hand(shared), seed, settings, budget, report_to(board, chain))


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
                self._limit = threadpool_limits(1, user_api="blas")
            self._users += 1

    def release(self):
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()


_shared_limit = _SharedLimit()


@contextmanager
def one_blas_thread():
    """Run linear algebra on one thread: chains run side by side, and sums keep their order."""
    _shared_limit.acquire()
    try:
        yield
    finally:
        _shared_limit.release()
