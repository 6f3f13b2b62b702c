"""Quantities that the sampler maintains equal their definitions after every block of updates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.activations import NetworkFunction
from sknnmm.priors import GBLUP, RRBLUP, BayesC
from sknnmm.sampling.chains.start import starting_state
from tests.helpers.maintained import assert_maintained, every_update, watch
from tests.helpers.networks import (
    Parts,
    centred,
    sampler_of,
    small_network,
    snp_terms,
    with_dosages,
)

PRODUCT = NetworkFunction(lambda z: z[:, 0] * np.tanh(z[:, 1]), np.zeros(2), np.ones(2), 1.0)
CASES = {
    "linear": {},
    "direct": {"direct_prior": BayesC()},
    "tanh direct covariates": {
        "activation": "tanh",
        "direct_prior": BayesC(),
        "n_covariates": 2,
    },
    "linear latent": {"n_latent": 2, "direct_prior": RRBLUP()},
    "relu latent": {"activation": "relu", "n_latent": 2},
    "tanh latent": {"activation": "tanh", "n_latent": 1, "snp_prior": RRBLUP()},
    "network function of latent": {"activation": PRODUCT, "n_observed": 0, "n_latent": 2},
    "connections": {
        "mask": np.eye(20, 3, dtype=bool),
        "p": 20,
        "n_observed": 3,
        "direct_prior": BayesC(),
        "snp_prior": BayesC(pi=0.1),
    },
    "connections of scaled SNPs": {
        "mask": np.eye(20, 3, dtype=bool),
        "p": 20,
        "n_observed": 3,
        "snp_prior": GBLUP(),
    },
    "no nodes": {"n_observed": 0, "direct_prior": BayesC()},
    "spectral and sweep": {"snp_prior": RRBLUP(), "direct_prior": BayesC()},
    "spectral wide": {"snp_prior": RRBLUP(), "direct_prior": RRBLUP(), "p": 40},
    "complete": {"direct_prior": BayesC(), "missing": 0, "missing_y": 2, "weighted": True},
    "several blocks": {"direct_prior": BayesC(), "p": 150, "n": 40},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-10), (np.float32, 2e-4)])
def test_fits_equal_their_definition(case, dtype, atol, monkeypatch):
    rng = np.random.default_rng(0)
    model = small_network(rng, dtype=dtype, **CASES[case])
    X = centred(model.genotypes)
    sampler = sampler_of(model)
    chain = starting_state(sampler, rng)
    updates = every_update(sampler)
    n_checks = 0

    def after():
        nonlocal n_checks
        n_checks += 1
        assert_maintained(sampler, chain, X, model.covariates, atol)

    watch(monkeypatch, updates, after)
    for _ in range(30):  # fewer than the iterations between refreshes
        sampler.iterate(chain, rng, tuning=True)
    assert n_checks == 30 * len(updates)


def test_refresh_recomputes_the_fit():
    rng = np.random.default_rng(0)
    model = small_network(rng, direct_prior=BayesC())
    sampler = sampler_of(model)
    chain = starting_state(sampler, rng)
    sampler.iterate(chain, rng, tuning=False)
    terms = snp_terms(sampler.network)
    assert len(terms) == 2
    for term in terms:
        term.of(chain).fit += 1
        term.of(chain).fit_products += 1
    sampler.refresh(chain)
    X = centred(model.genotypes)
    for term in terms:
        state = term.of(chain)
        products = X.T @ (term.row_weight[:, None] * (X @ state.effects))
        assert_allclose(state.fit_products, products.T, atol=1e-12)
        assert_allclose(state.fit, X @ state.effects, atol=1e-12)


def test_rows_without_y_or_omics_enter_nothing():
    """Changing the genotypes of an uninformative row (not their mean) changes no draw."""
    drawn = []
    for swap in (False, True):
        rng = np.random.default_rng(0)
        model = small_network(rng, direct_prior=BayesC(), uninformative=2)
        if swap:  # exchanging two such rows leaves every mean as it is
            dosages = np.array(model.genotypes.dosages)
            dosages[[-2, -1]] = dosages[[-1, -2]]
            model = with_dosages(model, dosages)
        assert (model.genotypes.dosages[-1] != model.genotypes.dosages[-2]).any()
        sampler = sampler_of(model)
        chain = starting_state(sampler, np.random.default_rng(1))
        rng = np.random.default_rng(2)
        for _ in range(20):
            sampler.iterate(chain, rng, tuning=False)
        parts = Parts(chain)
        drawn.append(np.concatenate([parts.snp.effects.ravel(), parts.direct.effects.ravel()]))
    assert_allclose(drawn[0], drawn[1], atol=1e-12)


def test_constant_snp_keeps_effect_zero():
    rng = np.random.default_rng(0)
    model = small_network(rng, direct_prior=BayesC(pi=0.0, estimate_pi=False))
    dosages = np.array(model.genotypes.dosages)
    dosages[:, 3] = 1
    sampler = sampler_of(with_dosages(model, dosages))
    chain = starting_state(sampler, rng)
    for _ in range(10):
        sampler.iterate(chain, rng, tuning=False)
        assert_array_equal(Parts(chain).snp.effects[3], 0)
        assert Parts(chain).direct.effects[3, 0] == 0
        assert Parts(chain).direct.effects[2, 0] != 0
