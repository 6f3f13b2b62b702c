"""Docstrings that share entries: what several estimators or methods document alike stands once."""

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

Documented = TypeVar("Documented", bound=Callable[..., Any])
ENTRY = re.compile(r"(\S.*?) :.*")


def with_entries_of(source: Any) -> Callable[[Documented], Documented]:
    """Fill the places ``{name, name}`` in the docstring of a class or function.

    Parameters
    ----------
    source : class or function
        Its docstring has the entries, in the numpydoc format. ``{A to B}`` takes those of a section
        from A to B.
    """
    entries = _entries(inspect.getdoc(source) or "")

    def fill(place: re.Match[str]) -> str:
        first, to, last = place[2].partition(" to ")
        names = list(entries)
        chosen = names[names.index(first) : names.index(last) + 1] if to else place[2].split(", ")
        text = "\n".join(entries[name] for name in chosen)
        return "\n".join(place[1] + line if line else "" for line in text.splitlines())

    def document(target: Documented) -> Documented:
        if target.__doc__:  # none in optimised mode
            target.__doc__ = re.sub(r"(?m)^( *)\{(\w[\w, ]*)\}$", fill, target.__doc__)
        return target

    return document


def _entries(doc: str) -> dict[str, str]:
    """Return {header before the colon: text} of the entries of all sections of a docstring."""
    entries: dict[str, str] = {}
    name = None
    for line in doc.splitlines():
        if found := ENTRY.fullmatch(line):
            name = found[1]
            entries[name] = line
        elif name and (line.startswith(" ") or not line):
            entries[name] += "\n" + line
        else:
            name = None
    return {name: text.rstrip() for name, text in entries.items()}
