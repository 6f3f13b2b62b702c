"""Monte Carlo integration over independent normal nodes, with the same normals for every row.

Elementwise activations have moments of their own (`BaseActivation.normal_moments`).
"""

import numpy as np

from sknnmm.activations._base import BaseActivation, quadrature
from sknnmm.common.normal_below import below
from sknnmm.common.running_moments import RunningMoments

QUADRATURE_NODES = 32  # of mean slopes


def fixed_normals(*shape: int, antithetic: bool = False) -> np.ndarray:
    """Return standard normals of a fixed seed; antithetic ones are followed by their negatives."""
    if not antithetic:
        return np.random.default_rng(0).standard_normal(shape)
    half = np.random.default_rng(0).standard_normal((shape[0] // 2, *shape[1:]))
    return np.concatenate([half, -half])


def network_moments(
    activation: BaseActivation,
    mean: np.ndarray,
    sd: np.ndarray,
    normals: np.ndarray,
    given: np.ndarray | None = None,
    limits: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and population variance of a network function over normal draws.

    Rows differ by their arguments only, as all take the same draws; one draw of all rows is held
    at a time.

    Parameters
    ----------
    activation : BaseActivation
        With `is_network`.
    mean : ndarray of shape (n, K)
    sd : ndarray of shape (K,) or (n, K)
    normals : ndarray of shape (draws, K)
        Standard normals.
    given : ndarray of shape (n, K) or None
        Values of nodes that are known; NaN where they are not, minus infinity where they are known
        to lie below their limit.
    limits : ndarray of shape (K,) or None
        Detection limits of the nodes.

    Returns
    -------
    mean, variance : ndarrays of shape (n, C)
    """
    moments = RunningMoments()
    for normal in normals:
        nodes = nodes_at(normal, mean, sd, given, limits)
        # Sums over nodes in the user's function are to have one order, whatever the rows beside.
        moments.add(activation.value(np.ascontiguousarray(nodes)))
    return moments.mean, moments.variance


def nodes_at(
    normal: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
    given: np.ndarray | None,
    limits: np.ndarray | None,
) -> np.ndarray:
    """Return nodes (n, K) made of standard normals: of a normal distribution, or as far as given.

    Parameters
    ----------
    normal : ndarray of shape (K,) or (n, K)
    mean, sd, given, limits
        As in `network_moments`.
    """
    nodes = mean + sd * normal
    if given is None:
        return nodes
    is_below = np.isneginf(given)
    nodes = np.where(np.isfinite(given), given, nodes)
    if is_below.any():
        normal, sd, limits = (
            np.broadcast_to(values, given.shape)[is_below] for values in (normal, sd, limits)
        )
        centre = mean[is_below]
        bounded = centre + sd * below(normal, (limits - centre) / sd)
        nodes[is_below] = np.minimum(bounded, limits)
    return nodes


def network_slopes(
    activation: BaseActivation, mean: np.ndarray, sd: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    """Return E[df_c/dz_k] of a network function for independent normal z_k, (K, C).

    By Stein's identity, E[f'(z)] = E[f(z) (z - mean)] / variance, which needs no derivative.

    Parameters
    ----------
    activation : BaseActivation
        With `is_network`.
    mean, sd : ndarray of shape (K,)
    normals : ndarray of shape (draws, K)
        With mean 0 and variance 1 in every column.
    """
    value = activation.value(mean + sd * normals)
    return _per_sd(normals.T @ (value - value.mean(axis=0)) / len(normals), sd[:, None])


def mean_slopes(activation: BaseActivation, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Return E[g'(z)] of an elementwise activation for normal z; arrays of one shape (..., K).

    By Stein's identity too, with Gauss-Hermite quadrature.
    """
    slopes = np.zeros_like(mean)
    for node, weight in zip(*quadrature(QUADRATURE_NODES), strict=True):
        slopes += weight * node * activation.value(mean + node * sd)
    return _per_sd(slopes, sd)


def _per_sd(slopes: np.ndarray, sd: np.ndarray) -> np.ndarray:
    return np.divide(slopes, sd, out=np.zeros_like(slopes), where=sd > 0)
