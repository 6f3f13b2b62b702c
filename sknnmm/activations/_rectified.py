"""Rectified linear activations; their moments under a normal distribution are exact."""

import numpy as np
from scipy.special import ndtr

from sknnmm.activations._base import BaseActivation


class LeakyReLU(BaseActivation):
    """g(z) = z for z > 0, slope * z otherwise; slope 0 is relu."""

    is_homogeneous = True

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return z where positive, slope * z elsewhere."""
        return np.where(z > 0, z, self.slope * z)

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return 1 where positive, slope elsewhere."""
        return np.where(z > 0, 1, self.slope).astype(z.dtype, copy=False)

    def normal_moments(
        self, mean: np.ndarray, variance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E[g] and E[g^2], from the moments of max(z, 0)."""
        sd = np.sqrt(variance)
        # sd = 0 is a point mass: the density term vanishes and ndtr(+-inf) is the step function.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(sd > 0, mean / sd, np.where(mean > 0, np.inf, -np.inf))
        above = ndtr(ratio)
        density = np.exp(-0.5 * ratio * ratio) / np.sqrt(2 * np.pi)
        first_positive = mean * above + sd * density
        second_positive = (mean * mean + variance) * above + mean * sd * density
        # g = slope z + (1 - slope) max(z, 0), and z max(z, 0) = max(z, 0)^2.
        bend = 1 - self.slope
        first = self.slope * mean + bend * first_positive
        second = (
            self.slope**2 * (mean * mean + variance)
            + (bend**2 + 2 * self.slope * bend) * second_positive
        )
        return first, second
