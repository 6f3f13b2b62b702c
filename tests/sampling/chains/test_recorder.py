"""What a chain keeps of the responses of its nodes, against sums over all of them."""

import numpy as np
from numpy.testing import assert_allclose

from sknnmm.priors import BayesC
from sknnmm.sampling.chains.recorder import ResponseMoments
from sknnmm.sampling.chains.start import starting_state
from tests.helpers.networks import sampler_of, small_network


def test_moments_of_responses_are_those_of_their_draws():
    """Of observed and drawn cells, a latent node beside them, and of rows outside the chain."""
    rng = np.random.default_rng(0)
    model = small_network(rng, n_latent=1, uninformative=2, missing=0.3, direct_prior=BayesC())
    sampler = sampler_of(model)
    layer = sampler.network.layers[0]
    chain = starting_state(sampler, rng)
    state, moments = chain.layers[layer.name], ResponseMoments(layer)
    draws, variances = [], []
    for _ in range(4):
        sampler.iterate(chain, rng, tuning=True)
        fits = {term.name: state.terms[term.name].fit for term in layer.terms if term.acts_by_snps}
        moments.add(state, fits)
        mean = sum(term.contribution(state.terms[term.name]) for term in layer.terms)
        outside = ~layer.informed[:, None]
        n = layer.n_recorded
        draws.append(np.where(outside, mean, state.response)[:, :n].astype(float))
        variances.append(np.where(outside, state.residual_variance, 0)[:, :n])
    moments.finish(state, 4)
    assert moments.total.shape == (len(layer.record), layer.n_responses - 1)
    assert_allclose(moments.total, np.sum(draws, axis=0), rtol=1e-6, atol=1e-6)
    squares = np.sum(np.square(draws) + variances, axis=0)
    assert_allclose(moments.squares, squares, rtol=1e-6, atol=1e-6)
    assert np.ptp([draw[layer.drawn[:, :n]] for draw in draws], axis=0).min() > 0
