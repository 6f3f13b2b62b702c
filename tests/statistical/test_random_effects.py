"""Random effects against Henderson's mixed-model equations, and both ways to draw them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.estimators.specification import RandomEffect
from sknnmm.priors import RRBLUP, BayesC, ScaledInverseChi2
from sknnmm.terms import random
from tests.helpers.levels import KINDS, covariance_of, levels_of
from tests.helpers.moments import (
    FIXED_EFFECT_VARIANCE,
    FIXED_RESIDUAL,
    S2,
    V,
    assert_same_distribution,
    assert_same_moments,
    sample,
)
from tests.helpers.networks import Parts, centred, sampler_of, small_network

N, S2_U = 40, 0.3
FIXED_VARIANCE = ScaledInverseChi2(scale=S2_U, estimate_variance=False)
NEGLIGIBLE = RRBLUP(scale=1e-12, estimate_variance=False)


ORDINARY = {  # the others in the slow tier
    ("singular covariance", PHENOTYPE),
    ("one by one", OMICS),
}


def effects(levels, kind, monkeypatch, layers=(PHENOTYPE,), prior=FIXED_VARIANCE, name="herd"):
    if kind == "one by one":
        monkeypatch.setattr(random, "MANY_LEVELS", 0)
    return RandomEffect(name, layers, levels, prior)


def mixed_model(design, incidences, covariances, response, weight):
    """Return mean and covariance of all random effects under flat fixed effects, residual S2."""
    rows = weight > 0
    design, response = design[rows], response[rows]
    Z = np.hstack(incidences)[rows]
    G = np.zeros((Z.shape[1], Z.shape[1]))
    first = 0
    for covariance in covariances:
        own = slice(first, first := first + len(covariance))
        G[own, own] = covariance
    inverse = np.linalg.inv(Z @ G @ Z.T + np.diag(S2 / weight[rows]))
    of_design = inverse @ design
    projected = inverse - of_design @ np.linalg.solve(design.T @ of_design, of_design.T)
    GZ = G @ Z.T
    return GZ @ projected @ response, G - GZ @ projected @ GZ.T


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        pytest.param(kind, layer, marks=[] if (kind, layer) in ORDINARY else pytest.mark.slow)
        for kind in KINDS
        for layer in (OMICS, PHENOTYPE)
    ],
)
def test_effects_follow_the_mixed_model_equations(kind, layer, monkeypatch):
    """Two random effects, SNPs and a covariate together, records missing; mean and covariance."""
    rng = np.random.default_rng(KINDS.index(kind))
    levels, others = levels_of(kind, rng, N), levels_of("independent", rng, N, n_levels=4)
    model = small_network(
        rng,
        n=N,
        p=4,
        n_observed=1 if layer == OMICS else 0,
        snp_prior=FIXED_EFFECT_VARIANCE,
        weight_prior=NEGLIGIBLE,
        direct_prior=NEGLIGIBLE if layer == OMICS else FIXED_EFFECT_VARIANCE,
        residual_prior=FIXED_RESIDUAL,
        missing=0.2,
        missing_y=4,
        n_covariates=1,
        weighted=layer == PHENOTYPE,
    )
    model = replace(
        model,
        random=(
            effects(levels, kind, monkeypatch, (layer,)),
            effects(others, "independent", monkeypatch, (layer,), name="pen"),
        ),
    )

    def both(chain):
        terms = chain.layers[layer].terms
        return np.concatenate([terms["herd"].effects[:, 0], terms["pen"].effects[:, 0]])

    draws = sample(sampler_of(model), both, 4000, rng)
    if layer == OMICS:
        response = model.omics[:, 0]
        weight = model.omics_observed[:, 0].astype(float)
    else:
        response, weight = model.y, model.y_weight
    X = centred(model.genotypes)
    incidence = [of.factors[:, None] * np.eye(of.n_levels)[of.codes] for of in (levels, others)]
    covariances = [S2_U * covariance_of(levels), S2_U * np.eye(4), V * np.eye(4)]
    design = np.column_stack([np.ones(N), model.covariates])
    mean, covariance = mixed_model(
        design, [*incidence, X], covariances, np.nan_to_num(response), weight
    )
    n = levels.n_levels + 4
    mean, covariance = mean[:n], covariance[:n, :n]
    if kind == "singular covariance":  # its rank is 4: compare as many levels
        keep = [0, 2, 4, 6, *range(7, n)]
        draws, mean, covariance = draws[:, keep], mean[keep], covariance[np.ix_(keep, keep)]
    assert_same_moments(draws, mean, covariance, ess_factor=0.25)


@pytest.mark.slow
def test_drawn_one_by_one_as_jointly(monkeypatch):
    """Effects, variance and intercept have one distribution, however levels are drawn."""
    rng = np.random.default_rng(5)
    model = small_network(rng, n=60, p=3, n_observed=0, direct_prior=FIXED_EFFECT_VARIANCE)
    levels = levels_of("inverse", rng, n=60, n_levels=12)
    prior = ScaledInverseChi2(df=6, scale=0.4)

    def draws_of(kind, n_iter):
        model_of_kind = replace(model, random=(effects(levels, kind, monkeypatch, prior=prior),))

        def quantities(chain):
            parts = Parts(chain)
            herd = parts.phenotype.terms["herd"]
            few = herd.effects[:3, 0]
            return np.array([*few, np.log(herd.variance[0]), parts.fixed.coefficients[0, 0]])

        return sample(sampler_of(model_of_kind), quantities, n_iter, rng)

    assert_same_distribution(draws_of("inverse", 6000), draws_of("one by one", 20_000))


@pytest.mark.parametrize("kind", KINDS)
def test_maintained_fit_is_that_of_the_effects(kind, monkeypatch):
    """After iterations with missing omics: the fit of every row, and the scaled coordinates."""
    rng = np.random.default_rng(1)
    model = small_network(rng, n=N, n_observed=2, direct_prior=BayesC(scale=0.2))
    levels = levels_of(kind, rng, N)
    prior = ScaledInverseChi2(df=6, scale=0.4)
    effect = effects(levels, kind, monkeypatch, (OMICS, PHENOTYPE), prior)
    sampler = sampler_of(replace(model, random=(effect,)))
    chain = []
    sample(sampler, chain.append, 3, rng, burn_in=10)
    for layer in (OMICS, PHENOTYPE):
        state = chain[-1].layers[layer].terms["herd"]
        (term,) = (t for t in sampler.network.layer(layer).terms if t.name == "herd")
        expected = levels.factors[:, None] * state.effects[levels.codes]
        assert_allclose(state.fit, expected, rtol=1e-12, atol=0)
        before = state.effects[:, 0].copy()
        term.rescale(state, 0, 2.0)
        assert_allclose(state.effects[:, 0], 2 * before, rtol=1e-12)
        assert_allclose(state.fit[:, 0], 2 * expected[:, 0], rtol=1e-12)
        assert np.abs(before).max() > 0
