"""Genotypes from a file, with what was read and dropped noted."""

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from sknnmm.cli.journal import current
from sknnmm.cli.tables import naming
from sknnmm.io import read_genotypes
from sknnmm.io._text import codec_name

NOT_TEXT = " is not text in the encoding"


def genotypes_from(path: Path, option: str, encoding: str, **filters: Any) -> Bunch:
    """Return what `read_genotypes` returns.

    Text in or beside the genotypes is UTF-8, else it has the encoding of the tables.
    """
    with naming(path), _no_words_of_libraries():
        data = _read(path, encoding, filters)
    dropped = {
        name: int(n) for name, n in data.report.items() if name not in ("read", "kept") and n
    }
    why = (
        f" (dropped: {', '.join(f'{n} {name}' for name, n in dropped.items())})" if dropped else ""
    )
    current().step(
        f"{option} {path}: {len(data.samples)} individuals, {data.report['read']} variants read, "
        f"{data.report['kept']} kept{why}"
    )
    current().facts.setdefault("variants", {})[str(path)] = {
        name: int(n) for name, n in data.report.items()
    }
    if (twice := data.samples.index.duplicated()).any():
        raise ValueError(
            f"{path}: individual {data.samples.index[twice][0]} occurs twice. Keep one of them."
        )
    return data


def _read(path, encoding, filters):
    tried = list({codec_name(name): name for name in ("utf-8", encoding)}.values())
    for name in tried:
        try:
            return read_genotypes(path, encoding=name, **filters)
        except ValueError as error:
            place, found, _ = str(error).partition(NOT_TEXT)
            if not found:
                raise
            if name == tried[-1]:
                raise ValueError(
                    f"{place}{NOT_TEXT} {' or '.join(tried)}. Convert that file, e.g. by "
                    "iconv -f latin1 -t utf-8 (or -f utf-16), or pass --encoding latin-1 (or "
                    "utf-16) if the tables have that encoding too."
                ) from error


@contextmanager
def _no_words_of_libraries():
    """Keep what C libraries write to stderr by themselves (htslib) from it."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
