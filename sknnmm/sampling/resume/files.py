"""Files from which a chain goes on: one per chain, and the one before it.

A file is an npz archive of plain arrays, with the rest of a nested dictionary as JSON, and with a
checksum of all of it as its comment, at the end of the file. It is complete or it is not there: it
is written under another name, then renamed.
"""

import itertools
import json
import math
import os
import re
import secrets
import time
import zipfile
from contextlib import suppress
from zlib import crc32

import numpy as np

from sknnmm.common.user_warnings import warn

SECONDS_BETWEEN = 30.0  # writes, at least
SHARE_OF_TIME = 0.02  # of a run spent writing, at most

UNFINISHED = re.compile(r"chain-(\d+)\.[0-9a-f]{16}\.unfinished")  # the name while it is written
MAGIC, CHECKSUM_BYTES = b"sknnmm", 4  # which make up the comment
BYTES_AT_ONCE = 2**20
DESCRIPTION = "description"  # the member that holds the JSON
ARRAY, SCALAR = "array in", "scalar in"  # what stands for an array in the JSON: {ARRAY: member}


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
                _write(file, {"fit": self._fit, "state": state})
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
        except _ForeignError as error:
            raise ValueError(
                f"checkpoint: {path} was not written by a fit. Pass another directory."
            ) from error
        except _DamagedError:
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


class _DamagedError(Exception):
    """A file is torn or corrupt."""


class _ForeignError(_DamagedError):
    """A file is an archive, but not of a chain."""


def _write(file, content):
    arrays = {}
    description = json.dumps(_without_arrays(content, arrays))
    arrays[DESCRIPTION] = np.frombuffer(description.encode(), np.uint8)
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = MAGIC + bytes(CHECKSUM_BYTES)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    checksum = _checksum(file)
    file.seek(-CHECKSUM_BYTES, os.SEEK_END)
    file.write(checksum)


def _checksum(file):
    """Return the checksum of a file without its last bytes, in which it is kept."""
    left = file.seek(0, os.SEEK_END) - CHECKSUM_BYTES
    file.seek(0)
    checksum = 0
    while left > 0:
        part = file.read(min(left, BYTES_AT_ONCE))
        checksum, left = crc32(part, checksum), left - len(part)
    return checksum.to_bytes(CHECKSUM_BYTES, "little")


def _read(file):
    try:
        archive = zipfile.ZipFile(file)
        has_checksum = archive.comment.startswith(MAGIC)
        if has_checksum and archive.comment != MAGIC + _checksum(file):
            raise _DamagedError
        _refuse_larger_than_file(archive, file)
        # Archives of others, or of versions before, have checksums of their members alone.
        whole = has_checksum or archive.testzip() is None
    except _DamagedError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        raise _DamagedError from error
    if not whole:
        raise _DamagedError
    try:
        arrays = {name: _read_array(archive, f"{name}.npy") for name in _names(archive)}
        content = _with_arrays(json.loads(arrays[DESCRIPTION].tobytes()), arrays)
    except MemoryError:
        raise  # not the fault of the file
    except Exception as error:  # it was written so: all checksums are right
        raise _ForeignError from error
    if not _is_of_chain(content):
        raise _ForeignError
    return content


def _refuse_larger_than_file(archive, file):
    """Raise if there is more to unpack than the file holds: nothing is compressed."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise _ForeignError
    if sum(member.file_size for member in members) > os.fstat(file.fileno()).st_size:
        raise _DamagedError


def _names(archive):
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _read_array(archive, member):
    with archive.open(member) as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        size = archive.getinfo(member).file_size - file.tell()
        if math.prod(shape) * dtype.itemsize != size:  # memory for the shape is taken at once
            raise ValueError(f"{member} of shape {shape} has {size} bytes.")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _is_of_chain(content):
    """Return whether the parts are there by which it is seen to which fit a chain belongs."""
    is_chain = isinstance(content, dict) and content.keys() == {"fit", "state"}
    return is_chain and all(isinstance(part, dict) for part in content.values())


def _without_arrays(value, arrays, name=""):
    """Return nested dictionaries without arrays, which go into `arrays` under their path."""
    if isinstance(value, dict):
        return {
            key: _without_arrays(v, arrays, f"{name}/{key}".strip("/")) for key, v in value.items()
        }
    if isinstance(value, np.ndarray | np.generic):
        arrays[name] = np.asarray(value)
        # A NumPy scalar is not a Python number: they differ in the precision of what follows.
        return {ARRAY if isinstance(value, np.ndarray) else SCALAR: name}
    return value


def _with_arrays(value, arrays):
    if not isinstance(value, dict):
        return value
    if ARRAY in value:
        return arrays[value[ARRAY]]
    if SCALAR in value:
        return arrays[value[SCALAR]][()]
    return {key: _with_arrays(v, arrays) for key, v in value.items()}
