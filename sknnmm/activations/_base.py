"""The contract of an activation function."""

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np

from sknnmm.common.normal_below import below


@lru_cache
def quadrature(n_nodes: int) -> tuple[list[float], list[float]]:
    """Return nodes and weights of the Gauss-Hermite rule, those with a weight that matters."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    weights = weights / weights.sum()
    matters = weights > 1e-14
    # Python floats: unlike NumPy's they leave the precision of arrays as it is.
    return nodes[matters].tolist(), weights[matters].tolist()


NODES_BEYOND_SD_1 = 96  # errors below 1e-7 up to SD 1.5 for tanh


class BaseActivation(ABC):
    """An elementwise function g with its derivative and its moments under a normal distribution.

    Methods take and return arrays; the floating dtype of the input is kept by `value` and
    `derivative`, so that the sampler can run in single precision.
    """

    is_linear = False

    #: Nodes of the quadrature of `normal_moments` up to SD 1, the residual SD of a standardised
    #: omic: for tanh and its square the errors are 3e-6.
    quadrature_nodes = 32

    #: True if a cubic fits the function to 3e-7 between neighbouring multiples of 1/32.
    is_smooth = False

    #: True if g(t z) = t g(z) for t > 0.
    is_homogeneous = False

    #: True if the function takes all nodes of a row to one value of y, with no weights to learn.
    is_network = False

    #: True if functions take whole rows of nodes, (..., K), as those of users do; else cells in any
    #: shape.
    by_rows = False

    @property
    def has_derivative(self) -> bool:
        """Return whether `derivative` is available, as Hamiltonian Monte Carlo needs."""
        return True

    @abstractmethod
    def value(self, z: np.ndarray) -> np.ndarray:
        """Return g(z)."""

    @abstractmethod
    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return g'(z)."""

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        """Return g(z), where `value` raises if it is not finite."""
        return self.value(z)

    def evaluate_derivative(self, z: np.ndarray) -> np.ndarray:
        """Return g'(z), where `derivative` raises if it is not finite."""
        return self.derivative(z)

    def normal_moments(
        self, mean: np.ndarray, variance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E[g(z)] and E[g(z)^2] for z ~ N(mean, variance), by Gauss-Hermite quadrature."""
        sd = np.sqrt(np.asarray(variance))
        first = np.zeros_like(mean + sd, dtype=sd.dtype)  # in the memory order of what is added
        second = np.zeros_like(first)
        far = np.max(sd, initial=0) > 1
        rule = quadrature(NODES_BEYOND_SD_1 if far else self.quadrature_nodes)
        for node, weight in zip(*rule, strict=True):
            value = self.value(mean + node * sd)
            weighted = weight * value
            first += weighted
            second += weighted * value
        return first, second

    def moments_below(
        self, mean: np.ndarray, variance: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E[g(z)] and E[g(z)^2] for z ~ N(mean, variance) below `upper`.

        By the same quadrature, of g(z) as a function of the standard normal u for which z has the
        probability below it that u has. Arrays broadcast.
        """
        sd = np.sqrt(variance)
        bound = (upper - mean) / sd
        first, second = np.zeros((2, *bound.shape))
        for node, weight in zip(*quadrature(NODES_BEYOND_SD_1), strict=True):
            value = self.value(np.minimum(mean + sd * below(np.array(node), bound), upper))
            first += weight * value
            second += weight * value * value
        return first, second
