"""Sweeps on cross-products: X'W target without a pass over the rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.priors import BayesC
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.residual import Target
from sknnmm.sampling.snp.base import Part
from sknnmm.sampling.snp.cross_products import CrossProductSweep
from tests.helpers.networks import centred, sampler_of, small_network


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_covariates": 1},
        {"uninformative": 2},
        {"activation": "tanh"},
        {"n_observed": 0},
        pytest.param({"stored": np.float32}, marks=pytest.mark.slow),  # has no codes
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_and_fits_equal_their_definition(options, dtype):
    """Where cells of the omics are drawn, of the omics and of y."""
    rng = np.random.default_rng(0)
    alike = {"missing": 0.3, "missing_y": 0, "uninformative": 0, "direct_prior": BayesC(scale=0.1)}
    model = small_network(rng, n=70, p=9, dtype=dtype, **{**alike, **options})
    sampler = sampler_of(model)
    (update,) = sampler.snp_updates
    assert isinstance(update, CrossProductSweep)
    assert update.keeps_fit == (model.n_nodes > 0)
    chain = starting_state(sampler, rng)
    for _ in range(5):
        sampler.iterate(chain, rng, tuning=True)
    X, parts, expected = centred(model.genotypes), [], []
    tight = dtype == np.float64
    for term in update.terms:
        layer, own = sampler.network.layer(term.layer), chain.layers[term.layer]
        target = Target(sampler.residuals[term.layer], own, term)
        parts.append(Part(own.terms[term.name], target, own.residual_variance))
        others = [t.contribution(own.terms[t.name]) for t in layer.terms if t is not term]
        rest = own.response - sum(others, np.zeros_like(own.response))
        expected.append(X[layer.informed].T @ rest[layer.informed])
        if update.keeps_fit:
            state = own.terms[term.name]
            assert_allclose(state.fit, X @ state.effects, atol=1e-10 if tight else 1e-5)
    assert len(parts) == 1 + (model.n_nodes > 0)
    products = update.products(parts)
    assert_allclose(products, np.hstack(expected).T, atol=1e-10 if tight else 2e-4)
