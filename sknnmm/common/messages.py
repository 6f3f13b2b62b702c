"""Parts of messages."""

MAX_NAMES_SHOWN = 5


def some(names):
    """Return the first few of some names, as text."""
    names = list(names)
    shown = ", ".join(str(name) for name in names[:MAX_NAMES_SHOWN])
    return shown + (", ..." if len(names) > MAX_NAMES_SHOWN else "")
