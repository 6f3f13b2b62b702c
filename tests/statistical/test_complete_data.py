"""Sums over rows in place of the rows, where no omic is missing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.priors import GBLUP, RRBLUP, BayesA, BayesC
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep, CrossProductSweep
from sknnmm.sampling.snp.spectral import SpectralDraw
from sknnmm.terms.nodes import FewRowProducts, SummedProducts
from tests.helpers.moments import assert_same_distribution, of_every_kind, sample
from tests.helpers.networks import (
    Parts,
    centred,
    sampler_of,
    small_network,
    snp_terms,
    table_of_effects,
)
from tests.helpers.shares import assert_sums_stand_for_rows

COMPLETE = {"missing": 0, "missing_y": 0, "uninformative": 0}
MASK = np.tile(np.eye(6, dtype=bool), (3, 1))[:, [0, 4]]
CASES = {
    "cross-products": {"direct_prior": BayesC(scale=0.1)},
    "covariates": {"direct_prior": BayesC(scale=0.1), "n_covariates": 2},
    "rows left out": {"missing_y": 3, "uninformative": 2, "n_covariates": 1},
    "weighted": {"direct_prior": BayesC(scale=0.1), "weighted": True, "missing_y": 2},
    "more nodes than rows": {"direct_prior": BayesC(scale=0.1), "n_observed": 30, "weighted": True},
    "spectral": {"snp_prior": RRBLUP(scale=0.1)},
    "spectral, wide": {"snp_prior": GBLUP(scale=0.1), "p": 40, "uninformative": 2},
    "connections": {"mask": MASK, "p": 18, "n": 30, "n_covariates": 1, "uninformative": 1},
    "connections of scaled SNPs": {"mask": MASK, "p": 18, "n": 30, "snp_prior": GBLUP(scale=0.1)},
}


def after_some_iterations(options, by_rows=False, seed=0, n_iterations=5):
    rng = np.random.default_rng(seed)
    model = small_network(rng, **{**COMPLETE, **options})
    sampler = sampler_of(model, by_rows)
    chain = starting_state(sampler, rng)
    for _ in range(n_iterations):
        sampler.iterate(chain, rng, tuning=False)
    return model, sampler, chain


@pytest.mark.parametrize("case", CASES)
def test_sums_equal_their_definition(case):
    model, sampler, chain = after_some_iterations({"n": 25, **CASES[case]})
    parts, X = Parts(chain), centred(model.genotypes)
    design = np.column_stack([np.ones(len(X)), model.covariates])
    omics, phenotype = sampler.layers
    residual, (term, *_) = sampler.residuals["omics"], snp_terms(sampler.network)
    assert residual.is_summed
    rows, rng = model.informative, np.random.default_rng(0)
    fit = sampler.update_of(term).fit_everywhere(parts.snp, rng)[rows]
    if case != "spectral, wide":  # there X b outside the likelihood is a draw
        effects = table_of_effects(sampler, term, chain, rng)
        assert_allclose(fit, X[rows] @ effects, atol=1e-10)
    assert_allclose(parts.snp.fit_squares, (fit**2).sum(axis=0), rtol=1e-8)
    without_fixed = (parts.omics.response - design @ parts.omics_fixed.coefficients)[rows]
    squares = ((without_fixed - fit) ** 2).sum(axis=0)
    assert_allclose(residual.squares(parts.omics), squares, rtol=1e-8)
    without_snps = np.zeros_like(parts.omics.response)
    without_snps[rows] = parts.omics.response[rows] - fit
    fixed = omics.term("fixed")
    products = residual.products(parts.omics, fixed)
    for product, (columns, basis, _) in zip(products, fixed.groups, strict=True):
        assert_allclose(product, basis.T @ without_snps[:, columns], atol=1e-9)
    if parts.direct is not None:
        weight, residual = model.y_weight[:, None], sampler.residuals["phenotype"]
        assert residual.is_summed
        activated = model.activation.value(parts.omics.response)
        without_nodes = parts.phenotype.response - activated @ parts.weights.effects
        explained = design @ parts.fixed.coefficients
        products = X.T @ (weight * (without_nodes - explained))
        assert_allclose(residual.snp_products(parts.phenotype), products, atol=1e-9)
        direct = X @ parts.direct.effects
        assert_allclose(parts.direct.fit_products, (X.T @ (weight * direct)).T, atol=1e-9)
        assert_allclose(parts.direct.fit_squares, [(weight * direct**2).sum()], rtol=1e-8)
        rest = without_nodes - direct
        fixed, nodes = phenotype.term("fixed"), phenotype.term("omics_weights")
        ((_, basis, _),) = fixed.groups
        (product,) = residual.products(parts.phenotype, fixed)
        assert_allclose(product, basis.T @ rest, atol=1e-9)
        products = residual.products(parts.phenotype, nodes)
        of_nodes, in_basis = products.of_block(None, slice(None))
        assert_allclose(of_nodes, activated.T @ (weight * rest), atol=1e-9)
        assert_allclose(in_basis, basis.T @ rest, atol=1e-9)
        squares = (weight * (rest - explained) ** 2).sum()
        assert_allclose(residual.squares(parts.phenotype), [squares], rtol=1e-8)


@pytest.mark.parametrize("n_observed", [4, 30])  # products of 30 nodes are made of the 23 rows
def test_products_with_nodes_follow_the_weights(n_observed):
    options = {"n": 25, "n_observed": n_observed, "missing_y": 2, "n_covariates": 1}
    options |= {"weighted": True, "direct_prior": BayesC(scale=0.1)}
    model, sampler, chain = after_some_iterations(options)
    parts, nodes = Parts(chain), sampler.layers[1].term("omics_weights")
    products = sampler.residuals["phenotype"].products(parts.phenotype, nodes)
    assert isinstance(products, SummedProducts if n_observed == 4 else FewRowProducts)
    (block,) = nodes._blocks(parts.omics.response)
    change = np.random.default_rng(0).standard_normal((n_observed, 1))
    for _ in range(2):
        products.subtract(block, slice(0, n_observed), change)
    activated, weight = parts.omics.response, model.y_weight[:, None]
    rest = parts.phenotype.response - activated @ (parts.weights.effects + 2 * change)
    rest -= centred(model.genotypes) @ parts.direct.effects
    rest = np.where(weight > 0, rest, 0)
    ((_, basis, _),) = sampler.layers[1].term("fixed").groups
    of_nodes, in_basis = products.of_block(block, slice(0, n_observed))
    assert_allclose(of_nodes, activated.T @ (weight * rest), atol=1e-9)
    assert_allclose(in_basis, basis.T @ rest, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"direct_prior": BayesC(scale=0.1)},
        {"snp_prior": RRBLUP(scale=0.1)},
        {"snp_prior": RRBLUP(scale=0.1), "p": 40},
    ],
)
def test_variance_shares_from_sums(options):
    _, sampler, chain = after_some_iterations({"n": 25, **options})
    fits = {
        term.name: sampler.update_of(term).fit_everywhere(term.of(chain), None)
        for term in snp_terms(sampler.network)
    }
    assert_sums_stand_for_rows(sampler, chain, fits)


@pytest.mark.slow
@of_every_kind
def test_sums_and_rows_sample_the_same_distribution(prior):
    draws = []
    for by_rows in (False, True):
        rng = np.random.default_rng(1)
        options = COMPLETE | {"missing_y": 2, "n_covariates": 1}
        model = small_network(
            rng, p=12, n=25, snp_prior=prior, direct_prior=prior, activation="tanh", **options
        )
        sampler = sampler_of(model, by_rows)
        kinds = {type(update) for update in sampler.snp_updates}
        spectral = isinstance(prior, RRBLUP)
        assert kinds == {
            SpectralDraw if spectral else BlockedSweep if by_rows else CrossProductSweep
        }
        summed = {residual.is_summed for residual in sampler.residuals.values()}
        assert summed == {not by_rows}

        def quantities(chain, sampler=sampler, rng=rng):
            tables = [
                table_of_effects(sampler, term, chain, rng)[:4].ravel()
                for term in snp_terms(sampler.network)
            ]
            variances = [layer.residual_variance for layer in chain.layers.values()]
            fixed = Parts(chain).omics_fixed.coefficients.ravel()
            return np.concatenate([*tables, *np.log(np.concatenate(variances))[None], fixed])

        draws.append(sample(sampler, quantities, 2500, rng))
    assert_same_distribution(*draws)


@pytest.mark.parametrize(("n", "p"), [(30, 31), (40, 40)])
def test_cross_products_serve_fewer_snps_than_individuals(n, p):
    _, sampler, _ = after_some_iterations({"n": n, "p": p}, n_iterations=0)
    kind = CrossProductSweep if p <= n else BlockedSweep
    assert isinstance(sampler.snp_updates[0], kind)
    assert sampler.residuals["omics"].is_summed == (p <= n)


def test_a_prior_without_zeros_beside_one_with_zeros():
    """In one sweep, where effects start at zero: those of the former leave it at once."""
    rng = np.random.default_rng(7)
    model = small_network(rng, direct_prior=BayesA(scale=0.1), **COMPLETE)
    sampler = sampler_of(model)
    (update,) = sampler.snp_updates
    assert type(update) is CrossProductSweep
    chain = starting_state(sampler, rng)
    sampler.iterate(chain, rng, tuning=True)
    assert (Parts(chain).direct.effects != 0).all()
    assert (Parts(chain).snp.effects == 0).any()


@pytest.mark.parametrize("n_nonzero", [0, 1, 3, 60])
def test_the_fit_from_few_effects_equals_the_product(n_nonzero):
    _, sampler, chain = after_some_iterations({"n": 40, "p": 30}, n_iterations=0)
    update, state = sampler.snp_updates[0], Parts(chain).snp
    rng = np.random.default_rng(0)
    state.effects[:] = 0
    state.effects.flat[rng.permutation(60)[:n_nonzero]] = rng.normal(size=n_nonzero)
    product = sampler.network.genotypes.dot(state.effects)
    assert_allclose(update.fit_everywhere(state, rng), product, rtol=1e-5, atol=1e-6)


def test_cross_products_of_connections_stay_small():
    mask = np.zeros((100, 2), bool)
    for own, kind in ((4, True), (14, False)):  # 8 * 2 * own^2 bytes against 30 * 100
        mask[:own] = True
        _, sampler, _ = after_some_iterations({"mask": mask, "n": 30, "p": 100}, n_iterations=0)
        assert isinstance(sampler.snp_updates[0], ConnectionCrossProductSweep) == kind
