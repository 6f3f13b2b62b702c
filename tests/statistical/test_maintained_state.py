"""Quantities that the sampler maintains equal their definitions after every block of updates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.genotypes import Genotypes
from sknnmm.priors import GBLUP, RRBLUP, BayesC
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from tests.helpers.networks import centred, small_network, table_of_effects

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


def check(model, sampler, chain, X, atol):
    rows = model.informative
    if model.n_nodes:
        assert_allclose(chain.activated, model.activation.value(chain.omics), atol=atol)
        assert_allclose(
            chain.omics[model.omics_observed], model.omics[model.omics_observed], atol=atol
        )
        design = np.column_stack([np.ones(len(X)), model.covariates])
        if chain.omics_fixed.fit is not None:
            fixed = design @ chain.omics_fixed.coefficients
            assert_allclose(chain.omics_fixed.fit, fixed, atol=atol)
    for update in sampler.snp_updates:
        for path in update.paths:
            state = path.state(chain)
            effects = table_of_effects(update, path, chain, np.random.default_rng(0))
            used = rows if path is sampler.node_path else model.y_observed
            if update.keeps_fit:
                assert_allclose(state.fit[used], (X @ effects)[used], atol=atol)
            if state.fit_products is not None:
                products = X.T @ (path.row_weight[:, None] * (X @ effects))
                assert_allclose(state.fit_products, products.T, atol=20 * atol)


def watch(monkeypatch, owner, name, after):
    original = getattr(owner, name)

    def watched(*args, **kwargs):
        result = original(*args, **kwargs)
        after()
        return result

    monkeypatch.setattr(owner, name, watched)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-10), (np.float32, 2e-4)])
def test_fits_equal_their_definition(case, dtype, atol, monkeypatch):
    rng = np.random.default_rng(0)
    model = small_network(rng, dtype=dtype, **CASES[case])
    X = centred(model.genotypes)
    sampler = Sampler(model)
    chain = starting_state(sampler, rng)
    updates = [(update, "draw") for update in [*sampler.snp_updates, *sampler.latent_moves]]
    updates += [(sampler, "draw_fixed"), (sampler, "draw_variance")]
    if model.n_nodes:
        updates += [(sampler.weights, "draw"), (sampler.missing, "draw")]
        updates += [(sampler, "draw_omics_fixed"), (sampler, "draw_omics_variances")]
    n_checks = 0

    def after():
        nonlocal n_checks
        n_checks += 1
        check(model, sampler, chain, X, atol)

    for update in updates:
        watch(monkeypatch, *update, after)
    for _ in range(30):  # fewer than the iterations between refreshes
        sampler.iterate(chain, rng, tuning=True)
    assert n_checks == 30 * len(updates)


def test_refresh_recomputes_the_fit():
    rng = np.random.default_rng(0)
    model = small_network(rng, direct_prior=BayesC())
    sampler = Sampler(model)
    chain = starting_state(sampler, rng)
    sampler.iterate(chain, rng, tuning=False)
    states = [path.state(chain) for path in sampler.paths]
    for state in states:
        state.fit += 1
        state.fit_products += 1
    sampler.refresh(chain)
    X = centred(model.genotypes)
    for path, state in zip(sampler.paths, states, strict=True):
        products = X.T @ (path.row_weight[:, None] * (X @ state.effects))
        assert_allclose(state.fit_products, products.T, atol=1e-12)
    assert_allclose(chain.snp.fit, X @ chain.snp.effects, atol=1e-12)
    assert_allclose(chain.direct.fit, X @ chain.direct.effects, atol=1e-12)


def test_rows_without_y_or_omics_enter_nothing():
    """Changing the genotypes of an uninformative row (not their mean) changes no draw."""
    drawn = []
    for swap in (False, True):
        rng = np.random.default_rng(0)
        model = small_network(rng, direct_prior=BayesC(), uninformative=2)
        if swap:  # exchanging two such rows leaves every mean as it is
            dosages = np.array(model.genotypes.dosages)
            dosages[[-2, -1]] = dosages[[-1, -2]]
            object.__setattr__(model, "genotypes", Genotypes(dosages))
        assert (model.genotypes.dosages[-1] != model.genotypes.dosages[-2]).any()
        sampler = Sampler(model)
        chain = starting_state(sampler, np.random.default_rng(1))
        rng = np.random.default_rng(2)
        for _ in range(20):
            sampler.iterate(chain, rng, tuning=False)
        drawn.append(np.concatenate([chain.snp.effects.ravel(), chain.direct.effects.ravel()]))
    assert_allclose(drawn[0], drawn[1], atol=1e-12)


def test_constant_snp_keeps_effect_zero():
    rng = np.random.default_rng(0)
    model = small_network(rng, direct_prior=BayesC(pi=0.0, estimate_pi=False))
    dosages = np.array(model.genotypes.dosages)
    dosages[:, 3] = 1
    model.genotypes.__init__(dosages)
    sampler = Sampler(model)
    chain = starting_state(sampler, rng)
    for _ in range(10):
        sampler.iterate(chain, rng, tuning=False)
        assert_array_equal(chain.snp.effects[3], 0)
        assert chain.direct.effects[3, 0] == 0
        assert chain.direct.effects[2, 0] != 0
