"""The command line: ``sknnmm simulate``, ``fit``, ``predict``, ``cv`` and ``report``."""

import sys

from sknnmm.common.optional import import_optional

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 for bad input, 130 after Ctrl-C, else 1."""
    try:
        import_optional("typer", "The command line")
    except ImportError as error:
        print(f"sknnmm: error: {error}", file=sys.stderr)
        return 2
    from sknnmm.cli.run import run

    return run(sys.argv[1:] if arguments is None else list(arguments))
