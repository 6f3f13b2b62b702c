"""Archives of plain arrays, without pickle.

An npz archive of arrays, with the rest of a nested dictionary as JSON, and with a checksum of all
of it as its comment, at the end of the file.
"""

import json
import math
import os
import zipfile
from zlib import crc32

import numpy as np

MAGIC, CHECKSUM_BYTES = b"sknnmm", 4  # which make up the comment
BYTES_AT_ONCE = 2**20
DESCRIPTION = "description"  # the member that holds the JSON
ARRAY, SCALAR = "array in", "scalar in"  # what stands for an array in the JSON: {ARRAY: member}


class DamagedError(Exception):
    """A file is torn or corrupt."""


class ForeignError(DamagedError):
    """A file is whole, but its content is another one."""


def write(file, content):
    """Write a nested dictionary of arrays, NumPy scalars and what JSON knows to a binary file."""
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


def read(file):
    """Return the dictionary that `write` has written.

    Raises
    ------
    DamagedError
        If it is not all there, or was changed.
    ForeignError
        If it was not written by `write`.
    """
    try:
        archive = zipfile.ZipFile(file)
        has_checksum = archive.comment.startswith(MAGIC)
        if has_checksum and archive.comment != MAGIC + _checksum(file):
            raise DamagedError
        _refuse_larger_than_file(archive, file)
        # Archives of others, or of versions before, have checksums of their members alone.
        whole = has_checksum or archive.testzip() is None
    except DamagedError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        raise DamagedError from error
    if not whole:
        raise DamagedError
    try:
        arrays = {name: _read_array(archive, f"{name}.npy") for name in _names(archive)}
        content = _with_arrays(json.loads(arrays[DESCRIPTION].tobytes()), arrays)
    except MemoryError:
        raise  # not the fault of the file
    except Exception as error:  # it was written so: all checksums are right
        raise ForeignError from error
    return content


def _refuse_larger_than_file(archive, file):
    """Raise if there is more to unpack than the file holds: nothing is compressed."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ForeignError
    if sum(member.file_size for member in members) > os.fstat(file.fileno()).st_size:
        raise DamagedError


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
