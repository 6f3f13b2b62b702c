"""The normal family: the record is the response."""

import numpy as np

from sknnmm.families.base import Family


class Gaussian(Family):
    """Responses that are recorded as they are."""

    def start(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return the record (see Family)."""
        return np.nan_to_num(record)

    def is_bounded(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return that no response is (see Family)."""
        return np.zeros(record.shape, bool)
