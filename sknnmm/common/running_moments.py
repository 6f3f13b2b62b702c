"""Mean and variance of arrays that come one by one."""

import numpy as np


class RunningMoments:
    """Elementwise mean and population variance of arrays added one by one (Welford 1962).

    What comes out for a row depends on no other row, and only two arrays are held.
    """

    def __init__(self):
        self._count = 0
        self.mean = self._squares = 0.0

    def add(self, values):
        """Take in one array."""
        self._count += 1
        deviation = values - self.mean
        self.mean = self.mean + deviation / self._count
        self._squares = self._squares + deviation * (values - self.mean)

    @property
    def variance(self):
        """Return the mean squared deviation from the mean."""
        return np.maximum(self._squares / self._count, 0)
