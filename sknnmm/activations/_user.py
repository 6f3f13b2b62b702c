"""User-defined functions: elementwise activations and whole network functions.

They are called with read-only arrays (n, K), one column per node, and what they return is copied.
"""

import numpy as np
import numpy.typing as npt

from sknnmm.activations._base import BaseActivation
from sknnmm.common.typing import NodeFunction


class Activation(BaseActivation):
    """An elementwise activation from Python functions.

    Parameters
    ----------
    function : callable
        Takes a read-only array of standardised nodes (n, K), n >= 1, and returns g of every
        element as a new array (n, K). Nodes may have functions of their own, but an element must
        not depend on other rows or columns.
    derivative : callable or None, default=None
        Its derivative, called alike, for Hamiltonian Monte Carlo; without it missing omics are
        drawn by elliptical slice sampling.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.activations import Activation
    >>> square = Activation(np.square, derivative=lambda z: 2 * z)
    >>> square.value(np.array([[1.0, 3.0]]))
    array([[1., 9.]])
    """

    by_rows = True

    def __init__(self, function: NodeFunction, derivative: NodeFunction | None = None) -> None:
        self.function = function
        self._derivative = derivative

    @property
    def has_derivative(self) -> bool:
        """Return whether a derivative was given."""
        return self._derivative is not None

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        """Return g(z), finite or not, in the precision of z (..., K)."""
        return _elementwise(self.function, z, "activation")

    def evaluate_derivative(self, z: np.ndarray) -> np.ndarray:
        """Return g'(z), finite or not, in the precision of z (..., K)."""
        return _elementwise(self._derivative, z, "the derivative of activation")

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return g(z), in the precision of z (..., K)."""
        return require_finite(self.evaluate(z), z, "activation")

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Return g'(z), in the precision of z (..., K)."""
        return require_finite(self.evaluate_derivative(z), z, "the derivative of activation")

    def __call__(self, z: np.ndarray) -> npt.ArrayLike:
        """Return g(z)."""
        return self.function(z)


class NetworkFunction(BaseActivation):
    """A function from all nodes of a row to y: no weights are learned.

    Parameters
    ----------
    function : callable
        Takes omics (n, K) on the original scale, latent nodes as they are, and returns (n,) in
        units of y.
    omics_mean, omics_scale : ndarray of shape (K,)
    y_scale : float
    """

    by_rows = True
    is_network = True
    has_derivative = False

    def __init__(
        self,
        function: NodeFunction,
        omics_mean: np.ndarray,
        omics_scale: np.ndarray,
        y_scale: float,
    ) -> None:
        self._function = function
        self._omics_mean, self._omics_scale, self._y_scale = omics_mean, omics_scale, y_scale

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        """Return f of standardised nodes (n, K), finite or not, for standardised y, (n, 1)."""
        original = self._original(z)
        values = _call(self._function, original, "activation", float)
        if values.shape != (len(original),):
            raise ValueError(
                f"activation must return an array of shape {(len(original),)} for omics of shape "
                f"{original.shape}, as it did first; it returned shape {values.shape}."
            )
        with np.errstate(over="ignore"):
            return (values / self._y_scale)[:, None].astype(z.dtype)

    def output_shape(self, z: np.ndarray) -> tuple[int, ...]:
        """Return the shape of what the function returns for standardised nodes (n, K)."""
        with np.errstate(all="ignore"):
            return _call(self._function, self._original(z), "activation", float).shape

    def _original(self, z: np.ndarray) -> np.ndarray:
        return self._omics_mean + self._omics_scale * np.asarray(z, dtype=float)

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return f of standardised nodes (n, K), on the scale of standardised y, (n, 1)."""
        return require_finite(self.evaluate(z), z, "activation")

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """Raise: not available."""
        raise NotImplementedError("a network function has no derivative")


def require_finite(values: np.ndarray, z: np.ndarray, name: str) -> np.ndarray:
    """Return the values of a function at nodes z, or raise if any is not finite."""
    finite = np.isfinite(values)
    if finite.all():
        return values
    at = z[np.nonzero(~finite)[0][0]] if values.shape != np.shape(z) else z[~finite][0]
    raise FloatingPointError(
        f"{name} is not finite everywhere: it returned {values[~finite][0]} for the standardised "
        f"value {at}. Define it for every real number, e.g. add a small constant to a denominator."
    )


def _elementwise(function: NodeFunction, z: np.ndarray, name: str) -> np.ndarray:
    """Return function(z) for z (..., K), finite or not, in the precision of z."""
    z = np.asarray(z)
    rows = np.atleast_1d(z).reshape(-1, z.shape[-1] if z.ndim else 1)
    values = _call(function, rows, name, np.result_type(z, np.float32))
    if values.shape != rows.shape:
        raise ValueError(
            f"{name} must return an array of the shape it is given, {rows.shape}; it returned "
            f"shape {values.shape}."
        )
    return values.reshape(z.shape)


def _call(function: NodeFunction, rows: np.ndarray, name: str, dtype: npt.DTypeLike) -> np.ndarray:
    """Return a copy of what a user's function returns for a read-only view of `rows` (n, K)."""
    rows = rows.view()
    rows.flags.writeable = False
    try:
        output = function(rows)
    except Exception as error:
        if isinstance(error, ValueError) and "read-only" in str(error):
            raise ValueError(
                f"{name} changes its argument in place ({error}): return a new array, e.g. "
                "z * 0.5 instead of z *= 0.5."
            ) from error
        error.add_note(
            f"Raised by {name}, called with an array of shape {rows.shape} and dtype {rows.dtype}."
        )
        raise
    if isinstance(output, np.ma.MaskedArray):
        output = np.ma.filled(output.astype(float), np.nan)
    try:
        if np.asarray(output).dtype.kind not in "biufO":
            raise TypeError(f"it returned {np.asarray(output).dtype}")
        with np.errstate(over="ignore"):  # infinite in single precision: found by who asked
            return np.array(output, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must return an array of real numbers: {error}.") from error
