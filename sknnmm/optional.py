"""Libraries that only some functions need."""

from importlib import import_module


def import_optional(library, purpose):
    """Return a library of the extra "io"; if it is not installed, say what needs it."""
    try:
        return import_module(library)
    except ImportError as error:
        raise ImportError(
            f"{purpose} needs the library {library}. Install it with: pip install sknnmm[io]"
        ) from error
