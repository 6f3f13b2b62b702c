"""The contract of an activation function."""

from abc import ABC, abstractmethod

import numpy as np

# 32 nodes integrate a sigmoid or tanh of a normal with SD 1 to about 1e-9, with SD 3 to 1e-4.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_NEGLIGIBLE = _WEIGHTS > 1e-14
_NODES, _WEIGHTS = _NODES[_NEGLIGIBLE], _WEIGHTS[_NEGLIGIBLE]


class Activation(ABC):
    """An elementwise function g with its derivative and its moments under a normal law.

    Methods take and return arrays; the floating dtype of the input is kept by `value` and
    `derivative`, so that the sampler can run in single precision.
    """

    is_linear = False

    @abstractmethod
    def value(self, z):
        """Return g(z)."""

    @abstractmethod
    def derivative(self, z):
        """Return g'(z)."""

    def normal_moments(self, mean, variance):
        """Return E[g(z)] and E[g(z)^2] for z ~ N(mean, variance), by Gauss-Hermite quadrature."""
        sd = np.sqrt(variance)
        first = np.zeros(np.broadcast_shapes(np.shape(mean), np.shape(variance)))
        second = np.zeros_like(first)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            value = self.value(mean + node * sd)
            first += weight * value
            second += weight * value * value
        return first, second
