"""Folders of results that appear whole or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sknnmm.cli.options import Results
from sknnmm.cli.tables import check_format

MARK = "log.txt"  # in every folder that a command has written; begins with its name
FILES = "files: "  # how the line of the log begins that names them
REPORT = "report.html"  # of the results that are replaced


def check_results(results: Results, overwrite: bool, command: str) -> None:
    """Raise if a command cannot write results there, or not in that format."""
    check_format(results.format)
    check_free(results.out, overwrite, command)


def check_free(out: Path, overwrite: bool, command: str) -> None:
    """Raise if a command cannot write a folder there; it replaces only what it has written."""
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out {out}: the folder {out.parent} does not exist. Make it first.")
    if out.name in ("", ".."):
        raise ValueError(f"--out {out} cannot be replaced as a whole. Pass the name of a folder.")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file. Pass the name of a folder.")
    if out.is_dir() and any(out.iterdir()):
        if not overwrite:
            raise ValueError(f"--out {out} is not empty. Pass another folder, or --overwrite.")
        writer = _writer(out)
        if writer is None:
            raise ValueError(
                f"--out {out} is not empty and has no {MARK} of sknnmm, so --overwrite leaves it "
                "alone. Pass another folder."
            )
        if writer != command:
            raise ValueError(
                f"--out {out} was written by sknnmm {writer}, which --overwrite of sknnmm "
                f"{command} leaves alone. Pass another folder."
            )


def _writer(out):
    """Return the command that has written a folder, None if none has."""
    log = out / MARK
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    found = re.match(r"sknnmm \S+ (\w+),", text)
    return found and found[1]


def _note_files(folder):
    names = sorted(path.name for path in folder.iterdir())
    with (folder / MARK).open("a", encoding="utf-8") as log:
        log.write(f"{FILES}{json.dumps(names, ensure_ascii=False)}\n")


def _keep_those_of_others(old, new):
    """Move from an old folder to the new one what no command has written."""
    written = {REPORT, *_noted_files(old)}
    for path in old.iterdir():
        if path.name not in written and not (new / path.name).exists():
            path.rename(new / path.name)


def _noted_files(folder):
    """Return the names of the files that a command has written there, none if it is not known."""
    with suppress(OSError, ValueError):
        lines = (folder / MARK).read_text(encoding="utf-8").splitlines()
        noted = [line for line in lines if line.startswith(FILES)]
        return json.loads(noted[-1].removeprefix(FILES)) if noted else []
    return []


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out` that takes its place when all is written.

    Files and folders of others in `out` stay. Its log is to be among what is written; it gets the
    names of all files, which tells them from those of others the next time.
    """
    out = out.resolve()
    partial, old = (out.with_name(f".{out.name}.{kind}-{os.getpid()}") for kind in ("new", "old"))
    partial.mkdir()
    try:
        yield partial
        _note_files(partial)
        if out.exists():
            out.rename(old)
        partial.rename(out)
        if old.exists():
            _keep_those_of_others(old, out)
            shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        if old.exists() and not out.exists():
            old.rename(out)
        raise
