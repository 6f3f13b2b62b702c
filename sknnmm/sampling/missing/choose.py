"""Which sampler draws the missing responses of every layer, and what moves besides."""

from sknnmm.sampling.missing.base import MissingPhenotypes
from sknnmm.sampling.missing.elliptical_slice import SliceMissingOmics
from sknnmm.sampling.missing.exact import ExactMissingOmics
from sknnmm.sampling.missing.hamiltonian import HamiltonianMissingOmics
from sknnmm.sampling.missing.latent_moves import LatentScale, ResidualExchange

LATENT_SAMPLERS = {
    "gibbs": ExactMissingOmics,
    "hmc": HamiltonianMissingOmics,
    "slice": SliceMissingOmics,
}


class MissingDraws:
    """All that moves the responses of a layer: joint moves of latent nodes, then missing cells.

    Parameters
    ----------
    moves : list of LatentScale, ResidualExchange
        The exchange last: it needs the draw that follows.
    missing : MissingOmics or MissingPhenotypes
    """

    def __init__(self, moves, missing):
        self.moves, self.missing = moves, missing

    def draw(self, chain, rng, tuning):
        """Draw every missing cell once; `tuning` during burn-in."""
        for move in self.moves:
            move.draw(chain, rng)
        self.missing.draw(chain, rng, tuning)


def missing_draws(network, residuals, variances):
    """Return the MissingDraws of every layer of nodes, or with missing responses, by its name.

    Parameters
    ----------
    network : Network
    residuals, variances : dict
        Residual and ResidualVariances of every layer, by its name.
    """
    draws = {}
    for layer in network.layers:
        reader, nodes = network.reading(layer)
        if reader is None:
            if layer.is_drawn and not layer.family.draws:
                draws[layer.name] = MissingDraws([], MissingPhenotypes(layer))
            continue
        name = choose_latent_sampler(network.latent_sampler, nodes.activation)
        both = (layer, reader, nodes, residuals[reader.name])
        own, of_reader = variances[layer.name], variances[reader.name]
        moves = []
        if LatentScale.applies(layer, nodes):
            moves.append(LatentScale(*both, own))
        if ResidualExchange.applies(layer, reader, name, own, of_reader):
            moves.append(ResidualExchange(layer, reader, nodes, own, of_reader))
        draws[layer.name] = MissingDraws(moves, LATENT_SAMPLERS[name](*both))
    return draws


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
