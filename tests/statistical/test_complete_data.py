"""Sums over rows in place of the rows, where no omic is missing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.priors import GBLUP, RRBLUP, BayesC
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.chains.variance_shares import SharesFromSums, variance_shares
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep, CrossProductSweep
from sknnmm.sampling.snp.spectral import SpectralDraw
from tests.helpers.moments import assert_same_distribution, of_every_kind, sample
from tests.helpers.networks import centred, small_network, table_of_effects

COMPLETE = {"missing": 0, "missing_y": 0, "uninformative": 0}
MASK = np.tile(np.eye(6, dtype=bool), (3, 1))[:, [0, 4]]
CASES = {
    "cross-products": {"direct_prior": BayesC(scale=0.1)},
    "covariates": {"direct_prior": BayesC(scale=0.1), "n_covariates": 2},
    "rows left out": {"missing_y": 3, "uninformative": 2, "n_covariates": 1},
    "weighted": {"direct_prior": BayesC(scale=0.1), "weighted": True, "missing_y": 2},
    "spectral": {"snp_prior": RRBLUP(scale=0.1)},
    "spectral, wide": {"snp_prior": GBLUP(scale=0.1), "p": 40, "uninformative": 2},
    "connections": {"mask": MASK, "p": 18, "n": 30, "n_covariates": 1, "uninformative": 1},
    "connections of scaled SNPs": {"mask": MASK, "p": 18, "n": 30, "snp_prior": GBLUP(scale=0.1)},
}


def after_some_iterations(options, by_rows=False, seed=0, n_iterations=5):
    rng = np.random.default_rng(seed)
    model = small_network(rng, **{**COMPLETE, **options})
    sampler = Sampler(model, by_rows)
    chain = starting_state(sampler, rng)
    for _ in range(n_iterations):
        sampler.iterate(chain, rng, tuning=False)
    return model, sampler, chain


@pytest.mark.parametrize("case", CASES)
def test_sums_equal_their_definition(case):
    model, sampler, chain = after_some_iterations({"n": 25, **CASES[case]})
    sums, X = sampler.complete_omics, centred(model.genotypes)
    update = sampler.snp_updates[0]
    fit = update.fit_everywhere(chain.snp, np.random.default_rng(0))[model.informative]
    if case != "spectral, wide":  # there X b outside the likelihood is a draw
        effects = table_of_effects(update, sampler.node_path, chain, np.random.default_rng(0))
        assert_allclose(fit, X[model.informative] @ effects, atol=1e-10)
    assert_allclose(chain.snp.fit_squares, (fit**2).sum(axis=0), rtol=1e-8)
    fixed = np.broadcast_to(
        sampler.omics_fixed.fitted(chain.omics_fixed.coefficients), chain.omics.shape
    )
    target = (chain.omics - fixed)[model.informative]
    assert_allclose(sums.residual_squares(chain), ((target - fit) ** 2).sum(axis=0), rtol=1e-8)
    residual = np.zeros_like(chain.omics)
    residual[model.informative] = chain.omics[model.informative] - fit
    for product, (columns, basis, _) in zip(
        sums.basis_products(chain), sampler.omics_fixed.groups, strict=True
    ):
        assert_allclose(product, basis.T @ residual[:, columns], atol=1e-9)
    if chain.direct is not None:
        weight, sums = model.y_weight[:, None], sampler.complete_phenotype
        without_direct = model.y_column - chain.omics_part()
        fixed = sampler.fixed.fitted(chain.fixed.coefficients)
        assert_allclose(sums.products(chain), X.T @ (weight * (without_direct - fixed)), atol=1e-9)
        direct = X @ chain.direct.effects
        assert_allclose(chain.direct.fit_products, (X.T @ (weight * direct)).T, atol=1e-9)
        assert_allclose(chain.direct.fit_squares, [(weight * direct**2).sum()], rtol=1e-8)
        rest = without_direct - direct
        ((_, basis, _),) = sampler.fixed.groups
        assert_allclose(sums.basis_products(chain)[0], basis.T @ rest, atol=1e-9)
        of_nodes, in_basis = sums.nodes_products(chain)
        assert_allclose(of_nodes, chain.activated.T @ (weight * rest), atol=1e-9)
        assert_allclose(in_basis, basis.T @ rest, atol=1e-9)
        squares = (weight * (rest - fixed) ** 2).sum()
        assert_allclose(sums.residual_squares(chain), [squares], rtol=1e-8)


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
    model, sampler, chain = after_some_iterations({"n": 25, **options})
    assert SharesFromSums.applies(sampler)
    fit = sampler.snp_updates[0].fit_everywhere(chain.snp, None)
    direct = None
    if chain.direct is not None:
        direct = sampler.snp_updates[-1].fit_everywhere(chain.direct, None)
    expected = variance_shares(model, chain, fit, direct)
    shares = SharesFromSums(sampler)(chain)
    assert shares.keys() == expected.keys()
    for name, value in expected.items():
        assert_allclose(shares[name], value, rtol=1e-8, atol=1e-10)


@of_every_kind
def test_sums_and_rows_sample_the_same_law(prior):
    draws = []
    for by_rows in (False, True):
        rng = np.random.default_rng(1)
        options = COMPLETE | {"missing_y": 2, "n_covariates": 1}
        model = small_network(
            rng, p=12, n=25, snp_prior=prior, direct_prior=prior, activation="tanh", **options
        )
        sampler = Sampler(model, by_rows)
        kinds = {type(update) for update in sampler.snp_updates}
        spectral = isinstance(prior, RRBLUP)
        assert kinds == {
            SpectralDraw if spectral else BlockedSweep if by_rows else CrossProductSweep
        }

        def quantities(chain, sampler=sampler, rng=rng):
            tables = [
                table_of_effects(update, path, chain, rng)[:4].ravel()
                for update in sampler.snp_updates
                for path in update.paths
            ]
            logs = np.log([*chain.omics_residual_variance, chain.residual_variance[0]])
            return np.concatenate([*tables, logs, chain.omics_fixed.coefficients.ravel()])

        draws.append(sample(sampler, quantities, 2500, rng))
    assert_same_distribution(*draws)


@pytest.mark.parametrize(("n", "p"), [(30, 31), (40, 40)])
def test_cross_products_serve_fewer_snps_than_individuals(n, p):
    _, sampler, _ = after_some_iterations({"n": n, "p": p}, n_iterations=0)
    kind = CrossProductSweep if p <= n else BlockedSweep
    assert isinstance(sampler.snp_updates[0], kind)
    assert (sampler.complete_omics is None) == (p > n)


@pytest.mark.parametrize("n_nonzero", [0, 1, 3, 60])
def test_the_fit_from_few_effects_equals_the_product(n_nonzero):
    _, sampler, chain = after_some_iterations({"n": 40, "p": 30}, n_iterations=0)
    update, state = sampler.snp_updates[0], chain.snp
    rng = np.random.default_rng(0)
    state.effects[:] = 0
    state.effects.flat[rng.permutation(60)[:n_nonzero]] = rng.normal(size=n_nonzero)
    product = sampler.model.genotypes.dot(state.effects)
    assert_allclose(update.fit_everywhere(state, rng), product, rtol=1e-5, atol=1e-6)


def test_cross_products_of_connections_stay_small():
    mask = np.zeros((100, 2), bool)
    for own, kind in ((4, True), (14, False)):  # 8 * 2 * own^2 bytes against 30 * 100
        mask[:own] = True
        _, sampler, _ = after_some_iterations({"mask": mask, "n": 30, "p": 100}, n_iterations=0)
        assert isinstance(sampler.snp_updates[0], ConnectionCrossProductSweep) == kind
