"""Who calls: warnings that point at the user's line, however deep in the package they arise."""

import sys
import warnings

INTERNAL = ("sknnmm", "sklearn", "joblib")  # packages whose frames are passed over


def called_by(module, depth=4):
    """Return whether one of the last callers of the calling function is in a module."""
    frame = sys._getframe(2)
    for _ in range(depth):
        if frame is None:
            return False
        if frame.f_globals.get("__name__", "").startswith(module):
            return True
        frame = frame.f_back
    return False


def warn(message, category=UserWarning):
    """Warn as if from the first caller outside this package, scikit-learn and joblib."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in INTERNAL:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
