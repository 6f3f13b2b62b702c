"""Arrays that travel: read-only memory maps by their file, and all of one type on arrival."""

from typing import NamedTuple

import numpy as np


class MappedParts(NamedTuple):
    """Where the values of a contiguous array lie in a file."""

    path: str
    dtype: np.dtype
    offset: int
    shape: tuple
    order: str


def mapped_parts(array):
    """Return the MappedParts of a view of a read-only memory map; anything else as it is."""
    root = array
    while isinstance(getattr(root, "base", None), np.ndarray):
        root = root.base
    if not (isinstance(root, np.memmap) and root.mode == "r" and root.filename):
        return array
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        return array
    shift = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    order = "C" if array.flags.c_contiguous else "F"
    return MappedParts(str(root.filename), array.dtype, root.offset + shift, array.shape, order)


def open_mapped(parts):
    """Return the array of which `mapped_parts` told."""
    if not isinstance(parts, MappedParts):
        return parts
    path, dtype, offset, shape, order = parts
    return np.asarray(np.memmap(path, dtype, "r", offset, shape, order))


class ReadOnlyArrays:
    """Base of classes whose arrays, which kernels get, are read-only before and after a journey."""

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
