"""Chains on a Dask cluster, through joblib's backend of that name."""

from contextlib import contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend

SENT_AGAIN = 3  # times at most, where workers die with the only copy


@contextmanager
def shared_with_workers(sampler):
    """Yield a Shared, which gives tasks of joblib the sampler.

    A fit that is itself a task of the cluster (a fold of a cross-validation) runs its chains where
    it is: its genotypes are not sent.
    """
    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)  # of Dask; other backends have none
    if client is None:
        yield Shared(sampler)
    elif _within_a_task():
        with parallel_config(backend="sequential"):
            yield Shared(sampler)
    else:
        yield SharedOnCluster(sampler, client)


class Shared:
    """The sampler in the memory of this machine."""

    def __init__(self, sampler):
        self._sampler = sampler

    def apply(self, run):
        """Return what `run` does, given what tasks get as the sampler."""
        return run(self._sampler)


class SharedOnCluster:
    """A reference to copies that workers of a Dask cluster have: sent once, not with every chain.

    Dask keeps as few copies as tasks need. One that is lost with its worker is sent again, and
    chains are run again: to the same bits.
    """

    def __init__(self, sampler, client):
        self._sampler, self._client = sampler, client
        self._send()

    def _send(self):
        # Without a hash: it would be one of all genotypes.
        self._reference = self._client.scatter(self._sampler, broadcast=True, hash=False)

    def apply(self, run):
        """Return what `run` does, given what tasks get as the sampler."""
        from distributed.client import FutureCancelledError

        for _ in range(SENT_AGAIN):
            try:
                return run(self._reference)
            except FutureCancelledError:
                self._send()
        return run(self._reference)


def at_hand(shared):
    """Return the sampler: joblib resolves the reference, unless the cluster has one thread only."""
    return shared.result() if hasattr(shared, "result") else shared


def _within_a_task():
    from distributed import get_worker  # there, since joblib has a client

    try:
        get_worker()
    except ValueError:
        return False
    return True
