"""Text files, plain or compressed; errors name the file, line and encoding."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
import zlib
from contextlib import contextmanager


def _open_zip(path, mode):
    archive = zipfile.ZipFile(path, mode[0])
    # A Macintosh adds a folder of its own.
    names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/")]
    if len(names) != 1:
        raise ValueError(f"{path} must hold one file, but holds {len(names)}. Unpack it.")
    try:
        return archive.open(names[0])
    except RuntimeError as error:  # encrypted, or NotImplementedError: an unknown compression
        raise ValueError(f"{path} cannot be unpacked: {error}") from error


OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zip": _open_zip}
MARKS = {
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
BROKEN = (gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error, EOFError)


@contextmanager
def open_text(path, encoding):
    """Open a text file, also a compressed one, without its byte order mark.

    A file that starts with the mark of UTF-8 is read as UTF-8. If it cannot be decoded or unpacked
    while it is open, a ValueError names it.
    """
    name = codec_name(encoding)
    try:
        with _open_bytes(path) as raw:
            if raw.peek(3).startswith(codecs.BOM_UTF8):
                encoding, name = "utf-8", "utf-8-sig"
            elif raw.peek(4).startswith(MARKS.get(name, b"no mark")):
                raw.read(len(MARKS[name]))
            with io.TextIOWrapper(raw, encoding=name, newline="") as file:
                yield file
    except UnicodeError as error:
        raise undecodable(f"{path}{_undecodable_line(path, name)}", encoding) from error
    except BROKEN as error:
        raise ValueError(f"{path} cannot be unpacked: {error}") from error


def header_names(file, path, start, n_first, sep, description):
    """Return the names after the first ones in the header of a text file of genotypes.

    Parameters
    ----------
    file : text file
        At its beginning.
    path : str or path-like
        Its name.
    start : str
        Regular expression of how the header of this format begins.
    n_first : int
        Number of names that precede those of individuals or variants.
    sep : str or None
        What separates names; None: blanks.
    description : str
        What the header must be, for the message.
    """
    header = file.readline().rstrip("\r\n")
    names = header.split(sep)[n_first:]
    if not re.match(start, header) or not names:
        raise ValueError(f"{path} {description}")
    return names


def undecodable(place, encoding):
    """Return the error of text that is in another encoding."""
    return ValueError(
        f"{place} is not text in the encoding {encoding!r}. Pass encoding, e.g. "
        "encoding='latin-1' for files of older Windows programs or encoding='utf-16'."
    )


def refuse_mark(path):
    """Raise for a byte order mark, which the library that reads the file takes for text."""
    with path.open("rb") as file:
        if file.read(4).startswith((codecs.BOM_UTF8, *MARKS.values())):
            raise ValueError(
                f"{path} begins with a byte order mark, as editors write it, which files of this "
                "format must not have. Save it as UTF-8 without such a mark."
            )


def codec_name(encoding):
    """Return Python's name of an encoding of text; raise if there is none."""
    try:
        # Fails for codecs that are not of text, such as base64, or not of files, such as idna.
        "a".encode(encoding).decode(encoding, "ignore")
        return codecs.lookup(encoding).name
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"encoding={encoding!r} is not known to Python as one of text; examples are 'utf-8' "
            "and 'latin-1'."
        ) from error


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
