"""Moments of a smooth activation for many means at once, by interpolation in a table."""

import numpy as np

from sknnmm.activations._base import BaseActivation
from sknnmm.common.compiled import njit

STEP = 1 / 32  # of the table: cubic interpolation is off by less than 3e-7 for tanh


def tabulated_moments(
    activation: BaseActivation, mean: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `activation.normal_moments(mean, variance)` does, for many rows.

    Quadrature takes dozens of evaluations per cell. Between multiples of STEP the moments of a
    smooth function are cubics to single precision. With fewer than two rows to a multiple, or a
    function not known to be smooth, it is quadrature after all.

    Parameters
    ----------
    activation : BaseActivation
    mean : ndarray of shape (n, K)
    variance : ndarray of shape (K,)

    Returns
    -------
    first, second : ndarrays of shape (n, K)
        E[g(z)] and E[g(z)^2].
    """
    if not activation.is_smooth:
        return activation.normal_moments(mean, variance)
    low, high = np.floor(mean.min() / STEP) - 1, np.ceil(mean.max() / STEP) + 2
    if not high - low < len(mean) / 2:
        return activation.normal_moments(mean, variance)
    at = STEP * np.arange(low, high + 1)
    first, second = activation.normal_moments(at[:, None], np.asarray(variance, float))
    return _interpolate(np.ascontiguousarray(mean), low, first, second)


@njit(nogil=True, cache=True)
def _interpolate(
    mean: np.ndarray, low: float, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return cubic (Lagrange) interpolations of two tables (G, K), shaped like mean (n, K)."""
    moments = np.empty_like(mean), np.empty_like(mean)
    for i in range(mean.shape[0]):
        for k in range(mean.shape[1]):
            position = mean[i, k] / STEP - low
            g = int(position)
            t = position - g
            before = -t * (t - 1) * (t - 2) / 6
            here = (t + 1) * (t - 1) * (t - 2) / 2
            next_ = -(t + 1) * t * (t - 2) / 2
            after = (t + 1) * t * (t - 1) / 6
            for table, out in ((first, moments[0]), (second, moments[1])):
                out[i, k] = (
                    before * table[g - 1, k]
                    + here * table[g, k]
                    + next_ * table[g + 1, k]
                    + after * table[g + 2, k]
                )
    return moments
