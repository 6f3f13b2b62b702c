"""Arrays in worker processes: memory maps are opened from their file, and all are read-only."""

import math
import os
import platform
from io import BytesIO
from mmap import ALLOCATIONGRANULARITY
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.lib import format as npy_format

SAMPLES, SAMPLE_BYTES = 64, 256  # of a file, read to tell it from another one


class FileState(NamedTuple):
    """What tells a file from one that replaced it, and from itself before a change."""

    size: int
    time_of_change: int  # ns
    inode: int
    device: int
    machine: str


class MappedParts(NamedTuple):
    """Where the values of a contiguous array lie in a file, and which file that was."""

    path: str
    dtype: np.dtype
    offset: int
    shape: tuple
    order: str
    state: FileState | None  # None: the path led to another file than the map's, or to none
    sample: int  # checksum of some of the bytes

    def open(self):
        """Return the array, a memory map.

        Raises
        ------
        OSError
            If the file is not the one that was mapped, or has changed since.
        """
        now = file_state(self.path)
        if now is None:
            raise FileNotFoundError(
                f"{self.path} was removed since it was opened. Put it back and open it again."
            )
        if not self._is_of(now):
            raise OSError(
                f"{self.path} was replaced or changed since it was opened. Open it again."
            )
        values = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)
        return np.asarray(values)

    def _is_of(self, now):
        if self.state is None or now.size != self.state.size:
            return False
        if now.machine == self.state.machine:
            return now == self.state
        # Another machine sees a shared file under other numbers, or has a copy of its own.
        return _sample_of_file(self) == self.sample


class StoredArray:
    """A read-only array; in another process a memory map opens its file by itself.

    It does so at first use: an error while unpickling would hide the reason from the user.

    Parameters
    ----------
    array : ndarray, or anything else
        What is not an array stays as it is.
    """

    def __init__(self, array):
        self._parts = _mapped_parts(array)
        if self._parts is None and isinstance(_root(array), np.memmap):
            # joblib, too, sends the name of the file, which need not hold these values.
            array = np.asarray(memoryview(array))
        self._values = read_only(array)

    @property
    def values(self):
        """Return the array, read-only and a plain ndarray."""
        if self._values is None:
            self._values = read_only(self._parts.open())
        return self._values

    @property
    def description(self):
        """Return what has the shape and dtype of the array; no file is opened for it."""
        return self._parts or self._values

    def check_file(self):
        """Raise if the file of a memory map was cut short or rewritten since it was opened.

        A file that was moved, removed or replaced is no error: the map keeps the old one.
        """
        check_map(self.values)
        then = self._parts and self._parts.state
        now = then and file_state(self._parts.path)
        same_file = now and now[2:] == then[2:]  # inode, device and machine
        if same_file and now != then:
            raise OSError(f"{self._parts.path} was changed since it was opened. Open it again.")

    def __getstate__(self):
        return {"_parts": self._parts, "_values": None if self._parts else self._values}

    def __setstate__(self, state):
        vars(self).update({**state, "_values": read_only(state["_values"])})


def file_state(path):
    """Return the FileState of a path, None if nothing is there."""
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return None
    return FileState(stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev, platform.node())


def check_map(array):
    """Raise OSError if an array is a memory map of a file that no longer holds it.

    Reading beyond the end of a file ends the process. A .npy file tells in its header what it
    holds.
    """
    root = _root(array)
    if not isinstance(root, np.memmap) or root._mmap is None:
        return
    size, needed = root._mmap.size(), root.offset + root.nbytes
    if size < needed:
        raise OSError(
            f"{root.filename} was cut short since it was opened: it has {size} bytes, not "
            f"{needed}. Write it again and open it again."
        )
    if not _header_fits(root):
        raise OSError(f"{root.filename} was changed since it was opened. Open it again.")


def _header_fits(root):
    """Return whether the header of a .npy file allows this array, or the first part of it."""
    if root.offset >= ALLOCATIONGRANULARITY:  # the map begins after a header
        return True
    header = BytesIO(root._mmap[: root.offset])
    if not header.getvalue().startswith(npy_format.MAGIC_PREFIX):
        return True
    try:
        version = npy_format.read_magic(header)
        read = (
            npy_format.read_array_header_1_0
            if version == (1, 0)
            else npy_format.read_array_header_2_0
        )
        shape, columns_first, dtype = read(header)
    except ValueError:
        return False
    if header.tell() != root.offset:  # a map of some part of the file
        return True
    ordered = root.flags.f_contiguous if columns_first else root.flags.c_contiguous
    inner = slice(-1) if columns_first else slice(1, None)
    return ordered and (dtype, shape[inner]) == (root.dtype, root.shape[inner])


def _mapped_parts(array):
    """Return the MappedParts of a contiguous view of a memory map; None of anything else."""
    root = _root(array)
    # mode "c" (copy on write): the file lacks what was written
    if not (isinstance(root, np.memmap) and root.mode != "c" and root.filename):
        return None
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        return None
    check_map(root)
    shift = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    order = "C" if array.flags.c_contiguous else "F"
    place = (str(root.filename), array.dtype, root.offset + shift, array.shape, order)
    sample = _sample(array.ravel(order=order).view(np.uint8))
    parts = MappedParts(*place, file_state(root.filename), sample)
    same_size = parts.state and parts.state.size == root._mmap.size()
    return parts if same_size and _sample_of_file(parts) == sample else parts._replace(state=None)


def _root(array):
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array


def _sample(values):
    """Return a checksum of some of the bytes (size,)."""
    checksum = 0
    for part in _sampled(values.size):
        checksum = crc32(values[part], checksum)
    return checksum


def _sample_of_file(parts):
    """Return the checksum of the same bytes, read from the file."""
    checksum = 0
    with Path(parts.path).open("rb") as file:
        for part in _sampled(parts.dtype.itemsize * math.prod(parts.shape)):
            file.seek(parts.offset + part.start)
            checksum = crc32(file.read(part.stop - part.start), checksum)
    return checksum


def _sampled(size):
    last = max(size - SAMPLE_BYTES, 0)
    for start in np.linspace(0, last, SAMPLES, dtype=np.int64).tolist():
        yield slice(start, min(start + SAMPLE_BYTES, size))


class ReadOnlyArrays:
    """Base of classes whose arrays are read-only, as kernels need them, also when unpickled."""

    def freeze(self):
        """Make all arrays read-only; called at the end of `__init__`."""
        vars(self).update({name: read_only(value) for name, value in vars(self).items()})

    def __setstate__(self, state):
        vars(self).update(state)
        self.freeze()


def read_only(array):
    """Return a read-only view of an array, a plain ndarray; anything else as it is.

    Arrays that worker processes get are read-only memory maps, or not, by their size. Kernels
    compiled for both may round differently, so they are made for read-only arrays.
    """
    if not isinstance(array, np.ndarray):
        return array
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view
