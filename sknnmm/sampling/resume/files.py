"""Files from which a chain goes on: one per chain, and the one before it.

A file is a `sknnmm.common.archive`. It is complete or it is not there: it is written under another
name, then renamed.
"""

import itertools
import os
import re
import secrets
import time
from contextlib import suppress

import numpy as np

from sknnmm.common import archive
from sknnmm.common.user_warnings import warn

SECONDS_BETWEEN = 30.0  # writes, at least
SHARE_OF_TIME = 0.02  # of a run spent writing, at most

UNFINISHED = re.compile(r"chain-(\d+)\.[0-9a-f]{16}\.unfinished")  # the name while it is written


class Checkpoint:
    """Saves the states of one chain now and then.

    Parameters
    ----------
    directory : Path
    chain : int
    fit : dict
        Describes the fit that the chain belongs to; stored beside each state.
    """

    def __init__(self, directory, chain, fit):
        self.directory = directory
        self._current, self._previous = _files(directory, chain)
        self._fit = fit
        # As files of this process would have: worker processes may have another umask.
        umask = os.umask(0)
        os.umask(umask)
        self._mode = 0o666 & ~umask
        self._seconds_between = SECONDS_BETWEEN
        self._due_at = -np.inf  # the first state is saved at once: a full disk shows early

    def is_due(self):
        """Return whether it is time to save the state."""
        if self._due_at is None:
            self._due_at = time.monotonic() + self._seconds_between
        return time.monotonic() >= self._due_at

    def wait(self):
        """Do not save the first state, of a round that is not the first.

        Time runs from the next look on: that may be on a machine with another clock.
        """
        if self._due_at == -np.inf:
            self._due_at = None

    def save(self, state):
        """Write a state, keeping the one before."""
        began = time.monotonic()
        written = self._current.with_suffix(f".{secrets.token_hex(8)}.unfinished")
        try:
            with written.open("x+b") as file:
                written.chmod(self._mode)
                archive.write(file, {"fit": self._fit, "state": state})
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # the first, or after a damaged one
                os.replace(self._current, self._previous)
            os.replace(written, self._current)
        except BaseException as error:
            with suppress(OSError):
                written.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise self._explained(error) from error
            raise
        now = time.monotonic()
        self._due_at = now + max(self._seconds_between, (now - began) / SHARE_OF_TIME)

    def _explained(self, error):
        """Return an error of writing with what it means for the fit."""
        whole = [path.name for path in (self._current, self._previous) if path.exists()]
        state = "nothing was saved before."
        if whole:
            state = f"{whole[0]}, saved before, is intact: the same fit can resume from it."
        elif not self.directory.exists():
            state = "the directory is gone, and with it all that was saved there."
        reason = error.strerror or error
        message = f"checkpoint: {self._current} could not be written ({reason}); {state}"
        return OSError(*([message] if error.errno is None else [error.errno, message]))


def read_chains(directory, n_chains):
    """Return (fit, state) as last saved of every chain; None where there is nothing to read.

    Raises
    ------
    ValueError
        If there is a whole file that no fit has written, or something else than a file.
    """
    for path in directory.iterdir():  # what writes have left that were killed
        name = UNFINISHED.fullmatch(path.name)
        if name and int(name[1]) < n_chains:
            path.unlink(missing_ok=True)
    return [_read_chain(directory, chain) for chain in range(n_chains)]


def _files(directory, chain):
    return (directory / f"chain-{chain}{which}.npz" for which in ("", ".previous"))


def _read_chain(directory, chain):
    paths, damaged = list(_files(directory, chain)), []
    for path in paths:
        if path.exists() and not path.is_file():  # to open a pipe would wait for ever
            raise ValueError(
                f"checkpoint: {path} is not a file, but a chain is saved under this name. Move it "
                "away, or pass another directory."
            )
    for path in paths:
        try:
            with path.open("rb") as file:
                content = _read(file)
        except FileNotFoundError:
            continue
        except archive.ForeignError as error:
            raise ValueError(
                f"checkpoint: {path} was not written by a fit. Pass another directory."
            ) from error
        except archive.DamagedError:
            damaged.append(path.rename(_free_name(path)))  # not to replace a good one
            continue
        if damaged:
            _warn_of_damage(damaged, f"chain {chain} resumes from {path.name}, written before.")
        return content["fit"], content["state"]
    if damaged:
        _warn_of_damage(damaged, f"chain {chain} starts anew.")
    return None


def _free_name(path):
    """Return the name that a damaged file gets: none of an earlier one, or of another program."""
    for number in itertools.count(1):
        name = path.with_suffix(".damaged" if number == 1 else f".damaged-{number}")
        if not os.path.lexists(name):
            return name


def _warn_of_damage(paths, consequence):
    names = " and ".join(str(path) for path in paths)
    warn(f"checkpoint: damaged files, now {names}; {consequence}")


def _read(file):
    content = archive.read(file)
    if not _is_of_chain(content):
        raise archive.ForeignError
    return content


def _is_of_chain(content):
    """Return whether the parts are there by which it is seen to which fit a chain belongs."""
    is_chain = isinstance(content, dict) and content.keys() == {"fit", "state"}
    return is_chain and all(isinstance(part, dict) for part in content.values())
