"""The censored family: the response lies in an interval, which may be a point."""

from typing import Any

import numpy as np

from sknnmm.families.base import Family


class Censored(Family):
    """Responses between a lower end, the record, and an upper end; either may be infinite."""

    def start(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return the middle of the interval, or its finite end (see Family)."""
        assert upper is not None
        missing = np.isnan(record)
        lower, upper = np.where(missing, 0, record), np.where(missing, 0, upper)
        nearest = np.where(np.isfinite(lower), lower, upper)
        return np.where(np.isfinite(lower) & np.isfinite(upper), (lower + upper) / 2, nearest)

    def is_bounded(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return which intervals are no points (see Family)."""
        assert upper is not None
        return record < upper

    def bounds(
        self, record: np.ndarray, upper: np.ndarray | None, parameters: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return both ends (see Family)."""
        assert upper is not None
        # Copies, as in worker processes the data are read-only: kernels would be compiled twice.
        return record.copy(), upper.copy()
