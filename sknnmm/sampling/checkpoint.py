"""Files from which a chain goes on: one per chain, and the one before it.

A file is an npz archive of plain arrays, with the rest of a nested dictionary as JSON. It is
complete or it is not there: it is written under another name, then renamed.
"""

import json
import os
import tempfile
import time
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

SECONDS_BETWEEN = 30.0  # writes, at least
SHARE_OF_TIME = 0.02  # of a run spent writing, at most

DESCRIPTION = "description"  # the member that holds the JSON
ARRAY, SCALAR = "array in", "scalar in"  # what stands for an array in the JSON: {ARRAY: member}


class Checkpoint:
    """Saves the states of one chain now and then.

    Parameters
    ----------
    directory : path
    chain : int
    fit : dict
        Describes the fit that the chain belongs to; stored beside each state.
    """

    def __init__(self, directory, chain, fit):
        self._current, self._previous = _files(directory, chain)
        self._fit = fit
        self._seconds_between = SECONDS_BETWEEN
        self._due_at = -np.inf  # the first state is saved at once: a full disk shows early

    def is_due(self):
        """Return whether it is time to save the state."""
        return time.monotonic() >= self._due_at

    def save(self, state):
        """Write a state, keeping the one before."""
        began = time.monotonic()
        content = {"fit": self._fit, "state": state}
        handle, written = tempfile.mkstemp(".tmp", self._current.stem, self._current.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                _write(file, content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # the first, or after a damaged one
                os.replace(self._current, self._previous)
            os.replace(written, self._current)
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise
        now = time.monotonic()
        self._due_at = now + max(self._seconds_between, (now - began) / SHARE_OF_TIME)


def read_chains(directory, n_chains):
    """Return (fit, state) as last saved of every chain; None where there is nothing to read."""
    for unfinished in Path(directory).glob("chain-*.tmp"):  # of a run that was killed
        unfinished.unlink(missing_ok=True)
    return [_read_chain(directory, chain) for chain in range(n_chains)]


def _files(directory, chain):
    return (Path(directory) / f"chain-{chain}{which}.npz" for which in ("", ".previous"))


def _read_chain(directory, chain):
    damaged = []
    for path in _files(directory, chain):
        try:
            with path.open("rb") as file:
                content = _read(file)
        except FileNotFoundError:
            continue
        except _DamagedError:
            damaged.append(path.rename(path.with_suffix(".damaged")))  # not to replace a good one
            continue
        if damaged:
            _warn_of_damage(damaged, f"chain {chain} goes on from {path.name}, written before.")
        return content["fit"], content["state"]
    if damaged:
        _warn_of_damage(damaged, f"chain {chain} starts anew.")
    return None


def _warn_of_damage(paths, consequence):
    names = " and ".join(str(path) for path in paths)
    warnings.warn(f"checkpoint: damaged files, now {names}; {consequence}", stacklevel=2)


class _DamagedError(Exception):
    """A file is torn or corrupt."""


def _write(file, content):
    arrays = {}
    description = json.dumps(_take_apart(content, arrays))
    arrays[DESCRIPTION] = np.frombuffer(description.encode(), np.uint8)
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read(file):
    try:
        with np.load(file, allow_pickle=False) as archive:
            if archive.zip.testzip() is not None:
                raise _DamagedError
            arrays = {name: archive[name] for name in archive.files}
        return _put_together(json.loads(arrays[DESCRIPTION].tobytes()), arrays)
    except MemoryError:
        raise  # not the fault of the file
    except Exception as error:  # a damaged archive raises nearly anything
        raise _DamagedError from error


def _take_apart(value, arrays, name=""):
    """Return nested dictionaries without arrays, which go into `arrays` under their path."""
    if isinstance(value, dict):
        return {key: _take_apart(v, arrays, f"{name}/{key}".strip("/")) for key, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        arrays[name] = np.asarray(value)
        # A NumPy scalar is not a Python number: they differ in the precision of what follows.
        return {ARRAY if isinstance(value, np.ndarray) else SCALAR: name}
    return value


def _put_together(value, arrays):
    if not isinstance(value, dict):
        return value
    if ARRAY in value:
        return arrays[value[ARRAY]]
    if SCALAR in value:
        return arrays[value[SCALAR]][()]
    return {key: _put_together(v, arrays) for key, v in value.items()}
