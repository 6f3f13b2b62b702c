"""The role of a user's function, found by calling it, and checks of the rules it must follow."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.activations._user import Activation, NetworkFunction
from sknnmm.common.typing import NodeFunction
from sknnmm.common.user_warnings import warn

if TYPE_CHECKING:
    from sknnmm.inputs.scales import Scales

REACH = 8.0  # largest standardised value that is tried
FLAT = 1e-5  # SD over the largest value; below, rounding errors dominate the variance
LARGEST_ON_Y = 1e15  # SDs of y: the squares stay in single precision
DELTA = 1e-3  # of z, in difference quotients
TRAINING_ROWS = 100  # tried beside the grid


def probe_grid(n_nodes: int) -> np.ndarray:
    """Return standardised nodes (65, K) from -REACH to REACH, in another order in each column."""
    points = np.linspace(-REACH, REACH, 65)
    return np.column_stack([np.roll(points, 7 * k) for k in range(n_nodes)])


def resolve_activation(
    function: NodeFunction, standardised: np.ndarray, scales: "Scales", dtype: type[np.floating]
) -> Activation | NetworkFunction:
    """Return a callable as an Activation or a NetworkFunction, by the shape of what it returns.

    Parameters
    ----------
    function : callable
    standardised : ndarray of shape (n, K)
        Standardised nodes, NaN where not observed.
    scales : Scales
    dtype : floating type
        Of the sampler.

    Raises
    ------
    ValueError
        If the output has a wrong shape, is not finite or does not vary, if `dtype` cannot hold it,
        or if the function is not one of single rows (or elements) alone.
    """
    nodes = np.nan_to_num(standardised).astype(dtype)
    network = NetworkFunction(function, scales.omics_mean, scales.omics_scale, scales.y_scale)
    shape = network.output_shape(nodes)
    if shape == nodes.shape[:1]:
        _check_rules(network.evaluate, "activation", nodes, elementwise=False)
        _check_finite(network.value, nodes)
        with np.errstate(all="ignore"):
            everywhere = network.evaluate(probe_grid(nodes.shape[1]).astype(dtype))
        if np.ptp(np.concatenate([network.value(nodes), everywhere])) == 0:
            raise ValueError(
                "activation is constant: a network function must depend on the omics. Leave the "
                "omics out to fit y on the genotypes alone."
            )
        largest = np.abs(network.value(nodes)).max()
        if largest > LARGEST_ON_Y:
            raise ValueError(
                f"activation returned values up to {largest:.3g} SDs of y, but a network function "
                "must return values in units of y."
            )
        return network
    if shape != nodes.shape:
        raise ValueError(
            f"activation must return an array of shape {nodes.shape} (elementwise) or "
            f"{nodes.shape[:1]} (a network function) for omics of shape {nodes.shape}; it "
            f"returned shape {shape}."
        )
    activation = function if isinstance(function, Activation) else Activation(function)
    everywhere = np.vstack([nodes, probe_grid(nodes.shape[1]).astype(dtype)])
    _check_finite(activation.value, everywhere)
    _check_rules(activation.evaluate, "activation", nodes, elementwise=True)
    _check_variation(activation, standardised, dtype)
    if activation.has_derivative:
        name = "the derivative of activation"
        _check_finite(activation.derivative, everywhere)
        _check_rules(activation.evaluate_derivative, name, nodes, elementwise=True)
        _warn_of_wrong_derivative(activation, nodes.shape[1])
    return activation


def _check_finite(function: NodeFunction, nodes: np.ndarray) -> None:
    try:
        function(nodes)
    except FloatingPointError as error:
        raise ValueError(str(error)) from None


def _check_rules(
    evaluate: Callable[[np.ndarray], np.ndarray], name: str, nodes: np.ndarray, elementwise: bool
) -> None:
    """Raise unless the value of a row (an element) depends on nothing but that row (element)."""
    n_nodes = nodes.shape[1]
    rows = np.vstack([probe_grid(n_nodes).astype(nodes.dtype), nodes[:TRAINING_ROWS]])
    with np.errstate(all="ignore"):
        whole = evaluate(rows)
        if not _agree(evaluate(rows), whole):
            raise ValueError(
                f"{name} returned other values for the same array when it was called again: it "
                "must be a function of its argument alone, without random numbers or a state."
            )
        for part in (slice(20), slice(20, None), slice(1), slice(40, 41)):
            if not _agree(evaluate(rows[part]), whole[part]):
                raise ValueError(
                    f"{name} returned other values for a row when other rows were left out: a row "
                    "must not depend on the others, e.g. through their mean."
                )
        if not elementwise:
            return
        beside = np.roll(rows, 1, axis=0)
        columns = np.arange(n_nodes)
        for bit in range((n_nodes - 1).bit_length()):  # every two columns differ in one
            for side in (0, 1):
                kept = (columns >> bit) & 1 == side
                if not _agree(evaluate(np.where(kept, rows, beside))[:, kept], whole[:, kept]):
                    raise ValueError(
                        f"{name} returned other values for a column when other columns changed: "
                        "nodes enter one by one, with a weight each. For a function of several "
                        "nodes return one value per row, shape (n,)."
                    )


def _agree(values: np.ndarray, expected: np.ndarray) -> bool:
    size = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return np.allclose(values, expected, rtol=1e-5, atol=1e-6 * size, equal_nan=True)


def _check_variation(
    activation: Activation, standardised: np.ndarray, dtype: type[np.floating]
) -> None:
    """Raise if g is constant over the data, or has a unit that the sampler cannot hold."""
    observed = ~np.isnan(standardised)
    values = activation.value(np.nan_to_num(standardised).astype(dtype)).astype(float)
    of_latent = np.linspace(-2, 2, len(values), dtype=dtype)[:, None]
    of_latent = activation.value(of_latent.repeat(values.shape[1], axis=1)).astype(float)
    seen = np.where(observed | ~observed.any(axis=0), np.where(observed, values, of_latent), np.nan)
    size, sd = np.nanmax(np.abs(seen), axis=0), np.nanstd(seen, axis=0)
    if sd.max() <= FLAT * size.max():
        raise ValueError(
            f"activation has no variance over the training omics (standard deviation "
            f"{sd.max():.3g}, values up to {size.max():.3g}): there are no weights to estimate. "
            "Return values that vary, around zero."
        )
    highest = 1e15 if dtype == np.float32 else 1e75
    if not 1 / highest <= sd.max() <= highest:
        raise ValueError(
            f"activation has a standard deviation of {sd.max():.3g} over the training omics, which "
            "the sampler cannot hold: multiply it by a constant, so that this is near 1."
        )


def _warn_of_wrong_derivative(activation: Activation, n_nodes: int) -> None:
    z = probe_grid(n_nodes) / 2
    quotient = (activation.value(z + DELTA) - activation.value(z - DELTA)) / (2 * DELTA)
    derivative = activation.derivative(z)
    wrong = np.abs(derivative - quotient) > 0.02 * (np.abs(quotient) + np.abs(quotient).max())
    if wrong.mean() > 0.1:  # a few may lie at kinks
        at = z[wrong][0]
        warn(
            f"the derivative of activation is {derivative[wrong][0]:.3g} at z = {at:g}, but "
            f"differences of activation give {quotient[wrong][0]:.3g}: missing omics are drawn "
            "correctly still, but slowly."
        )
