"""User-defined functions: elementwise activations and whole network functions."""

import numpy as np

from sknnmm.activations._base import BaseActivation


class Activation(BaseActivation):
    """An elementwise activation from Python functions.

    Parameters
    ----------
    function : callable
        Takes an array of standardised nodes of any shape and returns g of every element.
    derivative : callable or None, default=None
        Its derivative, for Hamiltonian Monte Carlo; without it missing omics are drawn by
        elliptical slice sampling.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.activations import Activation
    >>> square = Activation(np.square, derivative=lambda z: 2 * z)
    >>> square.value(np.array([1.0, 3.0]))
    array([1., 9.])
    """

    def __init__(self, function, derivative=None):
        self.function = function
        self._derivative = derivative

    @property
    def has_derivative(self):
        """Return whether a derivative was given."""
        return self._derivative is not None

    def value(self, z):
        """Return g(z), in the precision of z."""
        return np.asarray(self.function(z), dtype=np.result_type(z, np.float32))

    def derivative(self, z):
        """Return g'(z), in the precision of z."""
        return np.asarray(self._derivative(z), dtype=np.result_type(z, np.float32))

    def __call__(self, z):
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

    is_network = True
    has_derivative = False

    def __init__(self, function, omics_mean, omics_scale, y_scale):
        self._function = function
        self._omics_mean, self._omics_scale, self._y_scale = omics_mean, omics_scale, y_scale

    def value(self, z):
        """Return f of standardised nodes (n, K), on the scale of standardised y, (n, 1)."""
        original = self._omics_mean + self._omics_scale * np.asarray(z, dtype=float)
        return (np.asarray(self._function(original), dtype=float) / self._y_scale)[:, None].astype(
            z.dtype
        )

    def derivative(self, z):
        """Raise: not available."""
        raise NotImplementedError("a network function has no derivative")


def settle_activation(function, omics, standardised):
    """Return whether a callable is "elementwise" or a "network" function, by calling it once.

    Parameters
    ----------
    function : callable
    omics : ndarray of shape (n, K)
        Omics on the original scale, missing ones at their mean, latent nodes at 0.
    standardised : ndarray of shape (n, K)
        The same, standardised.

    Raises
    ------
    ValueError
        If the output has a wrong shape or is not finite.
    """
    shape = np.shape(function(omics))
    if shape == omics.shape:
        kind, output = "elementwise", function(standardised)
    elif shape == omics.shape[:1]:
        kind, output = "network", function(omics)
    else:
        raise ValueError(
            f"activation must return an array of shape {omics.shape} (elementwise) or "
            f"{omics.shape[:1]} (a network function) for omics of shape {omics.shape}; it "
            f"returned shape {shape}."
        )
    if not np.isfinite(np.asarray(output, dtype=float)).all():
        raise ValueError(
            "activation returned values that are not finite for the training omics; it must be "
            "finite everywhere, e.g. add a small constant to a denominator."
        )
    return kind
