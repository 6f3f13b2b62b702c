"""What a command has done: counts, warnings and versions, for the log and for stderr."""

import json
import platform
import re
import sys
import time
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from sknnmm import __version__
from sknnmm.cli.config import as_toml
from sknnmm.cli.words import in_options

LIBRARIES = "numpy", "scipy", "pandas", "scikit-learn", "numba", "skops"
SUMMARY = "summary.json"
NOT_KEPT = "config", "debug", "overwrite", "quiet"  # in config.toml, which another command may use


class Journal:
    """Of one command. Steps are shown when the command has ended well, so errors stand alone."""

    def __init__(self, command, options):
        self.command, self.options = command, options
        self.started = time.time()
        self.steps: list[str] = []
        self.facts: dict = {}
        self.recorded: list = []  # warnings, as the warnings module keeps them
        self._results = ""

    def step(self, text):
        """Note what was done, with its counts."""
        self.steps.append(text)

    def results(self, path, text):
        """Say where the results are and what to do with them: the last line on stderr."""
        self._results = f"{path}: {text}"

    @contextmanager
    def fold(self, number):
        """Let the warnings that come meanwhile begin with the number of a fold."""
        first = len(self.recorded)
        yield
        for warning in self.recorded[first:]:
            warning.fold = number

    @property
    def warnings(self):
        """Return the texts of all warnings, each once; of folds with their numbers.

        Chains that have not converged are one warning, with the words of the fold that needs the
        longest ones.
        """
        folds: dict = {}  # of each text, or kind
        for w in self.recorded:
            text, fold = in_options(" ".join(str(w.message).split())), getattr(w, "fold", None)
            is_merged = fold is not None and issubclass(w.category, ConvergenceWarning)
            folds.setdefault(ConvergenceWarning if is_merged else text, {})[fold] = text
        return [_of_folds(texts) for texts in folds.values()]

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
        """Print steps, warnings and where the results are on stderr."""
        warned = [f"warning: {text}" for text in self.warnings]
        for line in filter(None, [*self.steps, *warned, self._results]):
            print(line, file=sys.stderr)


def _of_folds(texts):
    """Return one text for those of several folds, by number; None: of the whole command."""
    if None in texts:
        return texts[None]
    which = f"fold{'s' if len(texts) > 1 else ''} {', '.join(map(str, texts))}"
    longest = max(texts, key=lambda fold: _advised_length(texts[fold]))
    if len(set(texts.values())) == 1:
        return f"{which}: {texts[longest]}"
    return f"{which}: chains have not converged. Of fold {longest}, the slowest: {texts[longest]}"


def _advised_length(text):
    """Return how long chains should be by a warning that they have not converged."""
    found = re.search(r"(?:Try|takes) --[a-z-]+ (\d+)", text)
    return int(found[1]) if found else 0


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
