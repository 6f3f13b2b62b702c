"""From functions of dataclasses of options to commands."""

import copy
import inspect
from collections.abc import Callable
from typing import Annotated, get_args

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
    shared = {name: _in_panels(kind) for name, kind in groups.items()}

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


def _in_panels(kind):
    """Return the fields of a dataclass of options as parameters, those of each class in a panel."""
    fields, made = inspect.signature(kind).parameters, []
    for part in kind.__mro__:
        for name in inspect.get_annotations(part):
            if name in fields:
                of_type, option = get_args(fields[name].annotation)
                option = copy.copy(option)
                option.rich_help_panel = part.TITLE
                made.append(fields[name].replace(annotation=Annotated[of_type, option]))
    return made
