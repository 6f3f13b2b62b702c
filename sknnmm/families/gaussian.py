"""The normal family: the record is the response."""

import numpy as np

from sknnmm.families.base import Family


class Gaussian(Family):
    """Responses that are recorded as they are."""

    def start(self, record: np.ndarray) -> np.ndarray:
        """Return the record (see Family)."""
        return np.nan_to_num(record)

    def draw(
        self, record: np.ndarray, mean: np.ndarray, sd: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return the record (see Family)."""
        return record

    def log_density(self, record: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return the log density of the normal distribution (see Family)."""
        return -0.5 * (np.log(2 * np.pi * variance) + (record - mean) ** 2 / variance)
