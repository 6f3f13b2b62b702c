"""Which sampler draws the missing responses of every layer, and what moves besides."""

from sknnmm.sampling.missing.base import MissingPhenotypes
from sknnmm.sampling.missing.elliptical_slice import SliceMissingOmics
from sknnmm.sampling.missing.exact import ExactMissingOmics
from sknnmm.sampling.missing.hamiltonian import HamiltonianMissingOmics
from sknnmm.sampling.missing.latent_moves import (
    InterweavedScales,
    LatentScale,
    ResidualExchange,
)

LATENT_SAMPLERS = {
    "gibbs": ExactMissingOmics,
    "hmc": HamiltonianMissingOmics,
    "slice": SliceMissingOmics,
}


def missing_draws(network, residuals):
    """Return the draws of missing responses by the name of a layer, of those that can have any.

    Parameters
    ----------
    network : Network
    residuals : dict
        Residual of every layer, by its name.
    """
    draws = {}
    for layer in network.layers:
        reader, nodes = network.reading(layer)
        if reader is not None:
            name = choose_latent_sampler(network.latent_sampler, nodes.activation)
            kind, residual = LATENT_SAMPLERS[name], residuals[reader.name]
            draws[layer.name] = kind(layer, reader, nodes, residual)
        elif not layer.observed[layer.informed].all():
            draws[layer.name] = MissingPhenotypes(layer)
    return draws


def latent_moves(network, residuals, variances):
    """Return the joint moves of latent nodes by the name of a layer; the exchange comes last.

    It needs the draw of missing responses that follows.

    Parameters
    ----------
    network : Network
    residuals, variances : dict
        Residual and ResidualVariances of every layer, by its name.
    """
    moves = {layer.name: [] for layer in network.layers}
    for layer in network.layers:
        reader, nodes = network.reading(layer)
        if reader is None:
            continue
        name = choose_latent_sampler(network.latent_sampler, nodes.activation)
        own, of_reader = variances[layer.name], variances[reader.name]
        if InterweavedScales.applies(layer, name):
            move = InterweavedScales(layer, reader, nodes, residuals[reader.name], own)
            moves[layer.name].append(move)
        if LatentScale.applies(layer, nodes, own):
            move = LatentScale(layer, reader, nodes, residuals[reader.name], own)
            moves[layer.name].append(move)
        if ResidualExchange.applies(layer, reader, name, own, of_reader):
            move = ResidualExchange(layer, reader, nodes, own, of_reader)
            moves[layer.name].append(move)
    return moves


def choose_latent_sampler(name, activation):
    """Return the name of the sampler of missing omics that "auto" stands for, or check a choice.

    Raises
    ------
    ValueError
        If the sampler cannot serve the activation.
    """
    if name == "auto":
        if activation.is_linear:
            return "gibbs"
        return "hmc" if activation.has_derivative else "slice"
    if name == "gibbs" and not activation.is_linear:
        raise ValueError(
            "latent_sampler='gibbs' is exact for the linear activation only; use 'hmc', 'slice' "
            "or 'auto'."
        )
    if name == "hmc" and not activation.has_derivative:
        raise ValueError(
            "latent_sampler='hmc' needs a derivative: pass activation=Activation(function, "
            "derivative), or use 'slice' or 'auto'."
        )
    return name
