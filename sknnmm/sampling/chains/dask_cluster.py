"""Chains on a Dask cluster, through joblib's backend of that name."""

from contextlib import contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend


@contextmanager
def shared_with_workers(sampler):
    """Yield what joblib's tasks get as the sampler.

    On a Dask cluster that is a reference to copies that every worker has: sent once, not with every
    chain, and not lost with a worker that dies. A fit that is itself a task of the cluster (a fold
    of a cross-validation) runs its chains where it is: its genotypes are not sent.
    """
    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)  # of Dask; other backends have none
    if client is None:
        yield sampler
    elif _within_a_task():
        with parallel_config(backend="sequential"):
            yield sampler
    else:
        # Without a hash: it would be one of all genotypes.
        yield client.scatter(sampler, broadcast=True, hash=False)


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
