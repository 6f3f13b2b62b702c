"""One fit at a time in a directory, by a lock that ends with the process that holds it."""

import errno
import os
import tempfile
import warnings
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

LOCK = ".sknnmm-lock"  # no name that a file of another program would have
TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}

_held: set = set()  # files, which a process that is forked is to close: it may live longer


@contextmanager
def only_fit_in(directory):
    """Hold the directory of a checkpoint (None: there is none) for one fit.

    Raises
    ------
    ValueError
        If another fit holds it, or if no file can be made there.
    """
    if directory is None:
        yield
        return
    file = _hold(directory)
    _held.add(file)
    try:
        yield
    finally:
        _held.discard(file)
        if _is_at(directory / LOCK, file):
            with suppress(OSError):  # Windows removes no open file
                (directory / LOCK).unlink()
        _unlock(file)
        file.close()


def _hold(directory):
    """Return the file that is locked, open."""
    while True:
        try:
            tempfile.TemporaryFile(dir=directory).close()  # the lock may have been there
            file = (directory / LOCK).open("ab", buffering=0)
        except OSError as error:
            raise ValueError(
                f"checkpoint={str(directory)!r}: no file can be made there ({error.strerror}). "
                "Pass a directory that you may write to."
            ) from error
        try:
            _lock(file)
        except OSError as error:
            if error.errno in TAKEN:
                file.close()
                raise ValueError(
                    f"checkpoint={str(directory)!r} is in use by another fit, which is still "
                    "running. Wait until it ends, or pass another directory."
                ) from error
            warnings.warn(
                f"checkpoint={str(directory)!r} is on a file system without locks "
                f"({error.strerror}): make sure that no other fit uses it.",
                stacklevel=5,
            )
            return file
        if _is_at(directory / LOCK, file):
            return file
        file.close()  # the fit that held it has just ended, and removed it


def _is_at(path, file):
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _lock(file):
    if os.name == "nt":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file):
    # Closing would do, unless a process forked in the meantime has the file open too.
    with suppress(OSError):
        if os.name == "nt":
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_UN)


def _close_all():
    while _held:
        _held.pop().close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)
