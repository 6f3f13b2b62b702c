"""Activation functions from omics to phenotype; ``ACTIVATIONS`` maps each name to an object.

To add one: write one `BaseActivation` subclass in a module here and add it to ``ACTIVATIONS``.
"""

from sknnmm.activations._base import BaseActivation
from sknnmm.activations._integration import (
    fixed_normals,
    mean_slopes,
    network_moments,
    network_slopes,
    nodes_at,
)
from sknnmm.activations._rectified import LeakyReLU
from sknnmm.activations._resolve import probe_grid, resolve_activation
from sknnmm.activations._smooth import Linear, Sigmoid, Softplus, Tanh
from sknnmm.activations._tabulated import tabulated_moments
from sknnmm.activations._user import Activation, NetworkFunction, require_finite

ACTIVATIONS: dict[str, BaseActivation] = {
    "linear": Linear(),
    "sigmoid": Sigmoid(),
    "softplus": Softplus(),
    "tanh": Tanh(),
    "relu": LeakyReLU(slope=0.0),
    "leaky_relu": LeakyReLU(slope=0.01),
}

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BaseActivation",
    "NetworkFunction",
    "fixed_normals",
    "mean_slopes",
    "network_moments",
    "network_slopes",
    "nodes_at",
    "probe_grid",
    "require_finite",
    "resolve_activation",
    "tabulated_moments",
]
