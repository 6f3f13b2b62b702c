"""Draws of the missing omics of a small network with everything else fixed."""

import numpy as np

from sknnmm.sampling.chains.start import starting_state
from tests.helpers.networks import Parts, sampler_of


def missing_update(kind, sampler):
    """Return an update of the missing omics of this class."""
    omics, phenotype = sampler.layers
    return kind(omics, phenotype, phenotype.term("omics_weights"), sampler.residuals["phenotype"])


def draw_missing(kind, model, n_iter=4000, residual_variance=0.3):
    """Return draws of the missing omics with everything else fixed."""
    rng = np.random.default_rng(7)
    sampler = sampler_of(model)
    chain = starting_state(sampler, rng)
    parts = Parts(chain)
    parts.weights.effects[:, 0] = [1.2, -0.8, 0.5][: model.n_nodes]
    parts.phenotype.residual_variance[:] = residual_variance
    parts.snp.fit[:] = np.random.default_rng(1).standard_normal(parts.snp.fit.shape)
    update = missing_update(kind, sampler)
    draws = []
    for iteration in range(500 + n_iter):
        update.draw(chain, rng, iteration < 500)
        if iteration >= 500:
            draws.append(update.coupled.of(parts.omics.response))
    return np.array(draws), parts, update
