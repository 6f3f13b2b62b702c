"""Text files: opened as what they are, with errors that name the file, line and encoding."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from contextlib import contextmanager


def _open_zip(path, mode):
    archive = zipfile.ZipFile(path, mode[0])
    names = archive.namelist()
    if len(names) != 1:
        raise ValueError(f"{path} must hold one file, but holds {len(names)}. Unpack it.")
    return archive.open(names[0])


OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zip": _open_zip}
BROKEN = (gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error, EOFError)


@contextmanager
def open_text(path, encoding):
    """Open a text file, also a compressed one; a byte order mark is no part of the text.

    What cannot be decoded or unpacked while the file is open is a ValueError that names it.
    """
    path_encoding = _checked(encoding)
    try:
        with io.TextIOWrapper(_open_bytes(path), encoding=path_encoding, newline="") as file:
            yield file
    except UnicodeError as error:
        raise ValueError(
            f"{path}{_undecodable_line(path, path_encoding)} is not text in the encoding "
            f"{encoding!r}. Pass encoding, e.g. encoding='latin-1' for files of older Windows "
            "programs or encoding='utf-16'."
        ) from error
    except BROKEN as error:
        raise ValueError(f"{path} cannot be unpacked: {error}") from error


def _checked(encoding):
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, TypeError) as error:
        raise ValueError(
            f"encoding={encoding!r} is not known to Python; examples are 'utf-8' and 'latin-1'."
        ) from error
    return "utf-8-sig" if name == "utf-8" else name


def _open_bytes(path):
    return OPENERS.get(path.suffix.lower(), open)(path, "rb")


def _undecodable_line(path, encoding):
    """Return ", line 7," for the first line that cannot be decoded, "" if that is not one line."""
    with _open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return "" if encoding.startswith(("utf-16", "utf-32")) else f", line {number},"
    return ""
