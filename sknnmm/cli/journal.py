"""What a command has done: counts, warnings and versions, for the log and for stderr."""

import json
import platform
import sys
import time
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sknnmm import __version__
from sknnmm.cli.config import as_toml
from sknnmm.cli.words import in_options

LIBRARIES = "numpy", "scipy", "pandas", "scikit-learn", "numba", "skops"
SUMMARY = "summary.json"
NOT_KEPT = "config", "debug", "overwrite"  # in config.toml, which another command may use


class Journal:
    """Of one command. Steps are shown when the command has ended well, so errors stand alone."""

    def __init__(self, command, options):
        self.command, self.options = command, options
        self.started = time.time()
        self.steps: list[str] = []
        self.facts: dict = {}
        self.recorded: list = []  # warnings, as the warnings module keeps them

    def step(self, text):
        """Note what was done, with its counts."""
        self.steps.append(text)

    @contextmanager
    def part(self, name):
        """Let the warnings that come meanwhile begin with the name of a part of the command."""
        first = len(self.recorded)
        yield
        for warning in self.recorded[first:]:
            warning.message = f"{name}: {warning.message}"

    @property
    def warnings(self):
        """Return the texts of all warnings, each once."""
        texts = (in_options(" ".join(str(w.message).split())) for w in self.recorded)
        return list(dict.fromkeys(texts))

    def write(self, folder: Path) -> None:
        """Write config.toml (the options that ran), log.txt and summary.json."""
        options = {name: v for name, v in self.options.items() if name not in NOT_KEPT}
        config = f"# sknnmm {self.command} --config config.toml\n{as_toml(options)}"
        (folder / "config.toml").write_text(config, encoding="utf-8")
        facts = {
            "command": self.command,
            "version": __version__,
            "seed": self.options.get("seed"),
            "seconds": round(time.time() - self.started, 1),
            **self.facts,
            "steps": self.steps,
            "warnings": self.warnings,
        }
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        (folder / SUMMARY).write_text(text, encoding="utf-8")
        (folder / "log.txt").write_text(self.log(), encoding="utf-8")

    def log(self):
        """Return the text of log.txt."""
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started))
        found = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
        lines = [
            f"sknnmm {__version__} {self.command}, {began}",
            f"Python {platform.python_version()}, {found}",
        ]
        if "seed" in self.options:
            lines.append(f"seed {self.options['seed']}")
        lines += self.steps
        lines += [f"warning: {text}" for text in self.warnings]
        lines.append(f"{time.time() - self.started:.1f} s")
        return "\n".join(lines) + "\n"

    def show(self):
        """Print steps and warnings on stderr."""
        for line in [*self.steps, *(f"warning: {text}" for text in self.warnings)]:
            print(line, file=sys.stderr)


def _version(library):
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


_current: ContextVar[Journal] = ContextVar("journal")


def current() -> Journal:
    """Return the journal of the command that runs."""
    return _current.get()


@contextmanager
def journal(command, options):
    """Keep a journal during a command, and show it if the command ends well."""
    kept = Journal(command, options)
    token = _current.set(kept)
    try:
        with warnings.catch_warnings(record=True) as recorded:
            warnings.simplefilter("always", UserWarning)
            kept.recorded = recorded
            yield kept
    finally:
        _current.reset(token)
    if not options.get("quiet"):
        kept.show()
