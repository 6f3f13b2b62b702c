"""From functions of dataclasses of options to commands."""

import inspect
from collections.abc import Callable

from sknnmm.cli.journal import journal


class Stopped(Exception):
    """Ctrl-C has come; the message says what is kept."""


def command(function: Callable) -> Callable:
    """Return a function for typer whose options are the fields of the arguments' dataclasses.

    The arguments of a command are dataclasses of options, and its own options by keyword.
    """
    signature = inspect.signature(function)
    groups = {
        name: p.annotation
        for name, p in signature.parameters.items()
        if p.kind is not p.KEYWORD_ONLY
    }
    own = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    shared = {
        name: list(inspect.signature(kind).parameters.values()) for name, kind in groups.items()
    }

    def run(**options):
        made = {
            name: kind(**{p.name: options[p.name] for p in shared[name]})
            for name, kind in groups.items()
        }
        try:
            with journal(function.__name__, options):
                function(**made, **{p.name: options[p.name] for p in own})
        except KeyboardInterrupt as stop:  # whose message typer would lose
            raise Stopped(str(stop)) from stop

    parameters = [*own, *(p for group in shared.values() for p in group)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__doc__ = function.__doc__
    return run
