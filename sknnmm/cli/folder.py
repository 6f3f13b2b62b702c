"""Folders of results that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sknnmm.cli.options import Results
from sknnmm.cli.tables import check_format

MARK = "log.txt"  # in every folder that a command has written


def check_results(results: Results, overwrite: bool) -> None:
    """Raise if results cannot be written there, or not in that format."""
    check_format(results.format)
    check_free(results.out, overwrite)


def check_free(out: Path, overwrite: bool) -> None:
    """Raise if a folder cannot be written there."""
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out {out}: the folder {out.parent} does not exist. Make it first.")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file. Pass the name of a folder.")
    if out.is_dir() and any(out.iterdir()):
        if not overwrite:
            raise ValueError(f"--out {out} is not empty. Pass another folder, or --overwrite.")
        if not (out / MARK).is_file():
            raise ValueError(
                f"--out {out} is not empty and has no {MARK} of sknnmm, so --overwrite leaves it "
                "alone. Pass another folder."
            )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out` that takes its place when all is written."""
    out = out.absolute()
    partial, old = (out.with_name(f".{out.name}.{kind}-{os.getpid()}") for kind in ("new", "old"))
    partial.mkdir()
    try:
        yield partial
        if out.exists():
            out.rename(old)
        partial.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        if old.exists() and not out.exists():
            old.rename(out)
        raise
