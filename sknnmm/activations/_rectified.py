"""Rectified linear activations; their moments under a normal distribution are exact."""

import numpy as np
from scipy.special import log_ndtr, ndtr

from sknnmm.activations._base import BaseActivation
from sknnmm.common.normal_below import hazard, moments_below


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
        return self._bent(mean, mean * mean + variance, first_positive, second_positive)

    def moments_below(
        self, mean: np.ndarray, variance: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E[g] and E[g^2] below `upper`, from the moments of max(z, 0) there."""
        mean, variance, upper = np.broadcast_arrays(mean, variance, upper)
        sd = np.sqrt(variance)
        zero, bound = -mean / sd, (upper - mean) / sd
        # Density at 0, and probability above it, over the probability below the bound.
        log_below = log_ndtr(bound)
        with np.errstate(over="ignore", invalid="ignore"):  # where the bound is below 0
            at_zero = np.exp(-0.5 * zero * zero - log_below) / np.sqrt(2 * np.pi)
            at_bound = hazard(bound)
            between = -np.expm1(log_ndtr(zero) - log_below)
            first_positive = mean * between + sd * (at_zero - at_bound)
            second_positive = (mean * mean + variance) * between
            second_positive += 2 * mean * sd * (at_zero - at_bound)
            second_positive += variance * (zero * at_zero - bound * at_bound)
        reaches = upper > 0
        first, spread = moments_below(mean, variance, upper)
        return self._bent(
            first,
            first * first + spread,
            np.where(reaches, first_positive, 0),
            np.where(reaches, second_positive, 0),
        )

    def _bent(
        self,
        first: np.ndarray,
        second: np.ndarray,
        first_positive: np.ndarray,
        second_positive: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E[g] and E[g^2] from these moments of z and of max(z, 0)."""
        # g = slope z + (1 - slope) max(z, 0), and z max(z, 0) = max(z, 0)^2.
        bend = 1 - self.slope
        return (
            self.slope * first + bend * first_positive,
            self.slope**2 * second + (bend**2 + 2 * self.slope * bend) * second_positive,
        )
