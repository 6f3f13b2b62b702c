"""The censored family: the response lies in an interval, which may be a point."""

from typing import Any

import numpy as np

from sknnmm.families.base import Family


class Censored(Family):
    """Responses between a lower end, the record, and an upper end; either may be infinite."""

    def start(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return the middle of the interval, or its finite end (see Family)."""
        lower = np.nan_to_num(record, neginf=-np.inf, posinf=np.inf)
        upper = np.where(np.isnan(record), 0, upper)
        nearest = np.where(np.isfinite(lower), lower, upper)
        return np.where(np.isfinite(lower) & np.isfinite(upper), (lower + upper) / 2, nearest)

    def is_bounded(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return which intervals are no points (see Family)."""
        return record < upper

    def bounds(
        self, record: np.ndarray, upper: np.ndarray | None, parameters: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return both ends (see Family)."""
        return record, upper
