"""Activation functions from omics to phenotype; ``ACTIVATIONS`` maps each name to an object.

To add one: write one `Activation` subclass in a module here and add one line to ``ACTIVATIONS``.
"""

from sknnmm.activations._base import Activation
from sknnmm.activations._rectified import LeakyReLU
from sknnmm.activations._smooth import Linear, Sigmoid, Tanh

ACTIVATIONS = {
    "linear": Linear(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "relu": LeakyReLU(slope=0.0),
    "leaky_relu": LeakyReLU(slope=0.01),
}

__all__ = ["ACTIVATIONS", "Activation"]
