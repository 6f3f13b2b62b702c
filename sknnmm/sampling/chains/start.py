"""Starting values close to the posterior."""

import numpy as np

from sknnmm.sampling.state import ChainState, LayerState

LATENT_CORRELATION = 0.7  # of a latent node's starting values with what it is to explain


def starting_state(sampler, rng):
    """Return the ChainState from which a chain starts.

    SNP effects start at zero: the first sweeps find them. Missing omics start at their mean. The
    weights start at their ridge solution. Latent nodes start as noisy copies of the part of the
    reader that the observed omics leave: from zero weight, node and weight would see nothing but
    each other's noise.
    """
    responses = {}
    for layer in sampler.layers:
        response = layer.starting_response.copy()
        if layer.n_latent:
            response[:, layer.n_recorded :] = _latent_start(sampler.network, layer, response, rng)
        responses[layer.name] = response
    return ChainState(
        {
            layer.name: LayerState(
                response=responses[layer.name],
                residual_variance=sampler.variances[layer.name].start(),
                family=layer.family.start_parameters(layer.record),
                terms={term.name: _start(sampler, layer, term, responses) for term in layer.terms},
            )
            for layer in sampler.layers
        }
    )


def _start(sampler, layer, term, responses):
    if term.acts_by_snps:
        return sampler.update_of(term).start(term, len(layer.record))
    keeps_rows = not sampler.residuals[layer.name].is_summed
    return term.start(layer, responses, keeps_rows)


def _latent_start(network, layer, response, rng):
    """Return starting values of the latent nodes, variance about 1, (n, n_latent)."""
    reader, nodes = network.reading(layer)
    target = reader.starting_response.astype(float)
    if layer.n_recorded and nodes.has_weights:
        observed = nodes.activation.value(response.astype(float))[:, : layer.n_recorded]
        target = target - observed @ nodes.ridge(observed, reader, target)
    rows = reader.informed
    target -= target[rows].mean(axis=0)
    target /= target[rows].std(axis=0)
    target[~rows] = 0
    of_node = np.arange(layer.n_latent) % reader.n_responses
    noise = rng.standard_normal((len(response), layer.n_latent))
    rho = LATENT_CORRELATION
    return rho * target[:, of_node] + np.sqrt(1 - rho**2) * noise
