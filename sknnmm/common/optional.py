"""Libraries that only some functions need."""

from importlib import import_module


def import_optional(library, purpose):
    """Return a library; if it is not installed, say what needs it and how to install it."""
    try:
        return import_module(library)
    except ImportError as error:
        package = library.partition(".")[0].replace("_", "-")
        raise ImportError(
            f"{purpose} needs the library {package}. Install it with: pip install {package}"
        ) from error
