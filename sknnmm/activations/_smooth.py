"""Smooth activations: linear, sigmoid, softplus, tanh."""

import numpy as np

from sknnmm.activations._base import BaseActivation
from sknnmm.common.normal_below import moments_below


class Linear(BaseActivation):
    """g(z) = z."""

    is_linear = True

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return z itself, not a copy."""
        return z

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return ones."""
        return np.ones_like(z)

    def normal_moments(
        self, mean: np.ndarray, variance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and mean^2 + variance."""
        return mean, mean * mean + variance

    def moments_below(
        self, mean: np.ndarray, variance: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E[z] and E[z^2] below `upper`."""
        first, variance = moments_below(mean, variance, upper)
        return first, first * first + variance


class Sigmoid(BaseActivation):
    """g(z) = 1 / (1 + exp(-z))."""

    is_smooth = True
    quadrature_nodes = 12  # half as steep as tanh: errors of 4e-7

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return the logistic function of z, as a tanh, which NumPy vectorises."""
        return 0.5 + 0.5 * np.tanh(0.5 * z)

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return g (1 - g)."""
        g = self.value(z)
        return g * (1 - g)


class Softplus(BaseActivation):
    """g(z) = log(1 + exp(z))."""

    is_smooth = True
    quadrature_nodes = 12  # as smooth: errors of 1e-7

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return log(1 + exp(z)), without overflow; np.logaddexp takes ten times as long."""
        return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return the logistic function of z."""
        return 0.5 + 0.5 * np.tanh(0.5 * z)


class Tanh(BaseActivation):
    """g(z) = tanh(z)."""

    is_smooth = True

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return tanh(z)."""
        return np.tanh(z)

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return 1 - tanh(z)^2."""
        g = np.tanh(z)
        return 1 - g * g
