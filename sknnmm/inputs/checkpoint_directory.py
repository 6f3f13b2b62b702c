"""The directory of a checkpoint."""

import os
from pathlib import Path


def check_directory(path, argument):
    """Make a directory if need be and return its absolute Path; None if `path` is None.

    Whatever changes the working directory later has no effect.
    """
    if path is None:
        return None
    path = os.fsdecode(path)
    if not path.strip():
        raise ValueError(f"{argument}={path!r} names no directory: pass its path, or None.")
    if path.startswith("~"):
        raise ValueError(
            f"{argument}={path!r}: ~ is not expanded. Pass os.path.expanduser({path!r})."
        )
    try:
        directory = Path(path).absolute()
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"{argument}={path!r} is a file, or in one: pass a directory.") from error
    except (OSError, ValueError) as error:  # no rights, a name too long or with a zero byte
        raise ValueError(
            f"{argument}={path!r} cannot be made a directory ({error}): pass another path."
        ) from error
    return directory
