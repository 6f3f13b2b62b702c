"""Parts of messages."""

MAX_NAMES_SHOWN = 5


def counted(n, thing):
    """Return "1 column" or "2 columns", as text."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def some(names):
    """Return the first few of some names, as text."""
    names = list(names)
    shown = ", ".join(str(name) for name in names[:MAX_NAMES_SHOWN])
    return shown + (", ..." if len(names) > MAX_NAMES_SHOWN else "")
