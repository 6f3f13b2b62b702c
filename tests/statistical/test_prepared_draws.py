"""Draws prepared beforehand, and the sweeps that use them, against the textbook."""

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sknnmm.kernels.cross_products import BLOCK
from sknnmm.kernels.draws import draw_block
from sknnmm.kernels.simd import WIDE
from sknnmm.kernels.variates import odds_of, point_of, random_odds, standard_normals
from sknnmm.priors import GBLUP, BayesA, BayesC, BayesR
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.residual import Target
from sknnmm.sampling.snp import blocked, passes
from sknnmm.sampling.snp.base import Part
from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import CrossProductSweep
from sknnmm.sampling.snp.passes import ConnectionSweep, OneColumnSweep
from sknnmm.sampling.snp.prepared_draws import prepare, shrink
from tests.helpers.networks import (
    centred,
    sampler_of,
    sampler_with,
    small_network,
    with_dosages,
)


@pytest.mark.parametrize(
    ("multipliers", "weights"),
    [
        ([1.0], [1.0]),
        ([0, 1.0], [0.7, 0.3]),
        ([0.01, 1.0], [0.4, 0.6]),
        ([0, 0.01, 0.1, 1.0], [0.5, 0.2, 0.2, 0.1]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prepared_draws_follow_the_conditional(multipliers, weights, dtype):
    """Component frequencies, and the distribution of the effect within each component."""
    shape, xx, xr, s2, v = (2500, 16), 8.0, 3.0, 0.8, 0.5
    multipliers, weights = np.array(multipliers), np.array(weights)
    rng = np.random.default_rng(0)
    tables = prepare(
        np.full((1, 1), xx), multipliers, weights[:, None, None], np.full(shape, v), s2, rng, dtype
    )
    normal = standard_normals(shape, rng, dtype)
    effects, component = np.zeros(shape, dtype), np.zeros(shape, np.int8)
    products, change = np.full((25, shape[1]), xr, dtype), np.empty((25, shape[1]), dtype)
    gram = xx * np.eye(25, dtype=dtype)[None]
    constants = np.full((2, shape[1]), [[s2], [0.5 / s2]], dtype)
    for first in range(0, len(effects), 25):
        draw_block(
            products, gram, shape[1], first, 25, 0, effects, component, *constants, *tables,
            normal, change, WIDE, np.empty_like(effects), False,
        )  # fmt: skip
        assert_array_equal(change, effects[first : first + 25])
    # Given component m, xr is N(0, xx (s2 + xx v_m)).
    sd = np.sqrt(xx * (s2 + xx * v * multipliers))
    probabilities = weights * stats.norm.pdf(xr, scale=sd)
    probabilities /= probabilities.sum()
    counts = np.bincount(component.ravel(), minlength=len(weights))
    if len(weights) > 1:
        assert stats.chisquare(counts, effects.size * probabilities).pvalue > 1e-4
    for m, multiplier in enumerate(multipliers):
        drawn = effects[component == m]
        if multiplier == 0:
            assert_array_equal(drawn, 0)
            continue
        precision = xx + s2 / (multiplier * v)
        expected = stats.norm(xr / precision, np.sqrt(s2 / precision))
        assert stats.kstest(drawn, expected.cdf).pvalue > 1e-4


def test_a_mixture_weight_of_zero_is_never_drawn():
    rng = np.random.default_rng(8)
    for multipliers in ([0, 1.0], [0.5, 1.0], [0, 0.5, 1.0]):
        weights = np.zeros((len(multipliers), 1, 1))
        weights[-1] = 1
        args = np.full((1, 1), 4.0), np.array(multipliers), weights, np.ones((1, 500)), 1.0
        score, _ = prepare(*args, rng, np.float32)
        assert_array_equal(score.argmax(axis=0), len(multipliers) - 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variates_made_of_bits_have_their_distributions(dtype):
    rng = np.random.default_rng(5)
    normal = standard_normals((201, 999), rng, dtype)
    assert normal.shape == (201, 999)
    assert normal.dtype == dtype
    assert stats.kstest(normal.ravel(), "norm").pvalue > 1e-4
    beyond = np.count_nonzero(np.abs(normal) > 3.5)  # the tails
    assert abs(beyond - normal.size * 2 * stats.norm.sf(3.5)) < 4 * np.sqrt(beyond)
    # Pairs of the method of Box and Muller share a radius.
    first, second = normal.ravel()[: 2 * (normal.size // 2)].reshape(2, -1)
    for power in (1, 2):
        assert abs(np.corrcoef(first**power, second**power)[0, 1]) < 4 / np.sqrt(first.size)
    odds = random_odds((201, 999), rng, dtype)
    assert stats.kstest(np.log(odds.astype(float)).ravel(), "logistic").pvalue > 1e-4


def test_no_bits_make_variates_that_are_not_finite():
    extreme = np.array([0, 2**32 - 1], np.uint32)
    odds = np.empty(2, np.float32)
    odds_of(extreme, odds)
    assert_allclose(odds, [2**-25, 2**25], rtol=1e-6)
    uniform, angle = np.empty((2, 2), np.float32)
    point_of(np.stack([extreme, extreme]), uniform, angle)
    assert_allclose(uniform, [2**-33, 1], rtol=1e-6)
    assert_allclose(np.abs(angle), [0, 2 * np.pi / 2**32], atol=1e-7)


@pytest.mark.parametrize("n_columns", [1, 15, 16, 37])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shrinkage_is_that_of_the_formula(n_columns, dtype):
    """Where matrices, rows and columns stand for effects (5, C), whole vectors and what is left."""
    rng = np.random.default_rng(9)
    squares, ratio, weights = (
        rng.uniform(0.5, 2, shape).astype(dtype)
        for shape in ((5, 1), (1, n_columns), (5, n_columns))
    )
    shrinkage, score = np.empty((2, 5, n_columns), dtype)
    shrink(squares, ratio, weights, shrinkage, score)
    expected = 1 / (squares + ratio)
    assert_allclose(shrinkage, expected, rtol=1e-6)
    assert_allclose(score, weights * np.sqrt(ratio * expected), rtol=1e-6)


def textbook_sweep(X, weight, residual, effects, component, s2, score, shrinkage, normal):
    """Update residual (C, n), effects and component (p, C), SNP by SNP; `weight` (C, n).

    `normal` (p, C), or a function that returns the next standard normal variate.
    """
    for j in range(effects.shape[0]):
        for c in range(effects.shape[1]):
            if component[j, c] < 0:
                continue
            x = X[:, j]
            xr = x @ (weight[c] * residual[c]) + x @ (weight[c] * x) * effects[j, c]
            best = score[:, j, c] + shrinkage[:, j, c] * xr**2 / (2 * s2[c])
            component[j, c] = m = best.argmax()
            shrunk = shrinkage[m, j, c]
            new = shrunk * xr
            if shrunk > 0:
                new += np.sqrt(s2[c] * shrunk) * (normal() if callable(normal) else normal[j, c])
            residual[c] -= x * (new - effects[j, c])
            effects[j, c] = new


SHAPES = {  # individuals, SNPs, nodes, type of the genotypes
    "int8": (50, 300, 3, np.int8),
    "float": (150, 300, 4, np.float32),
    "many columns": (50, 150, 140, np.int8),
    "two strips of rows": (4200, 140, 3, np.int8),
}


@pytest.mark.parametrize(
    ("case", "missing_genotypes"),
    [
        ("int8", False),
        *((case, True) for case in SHAPES if case != "float"),
        pytest.param("float", True, marks=pytest.mark.slow),
        *(
            pytest.param(case, False, marks=pytest.mark.slow)  # each is compiled on its own
            for case in ("float", "many columns", "two strips of rows")
        ),
    ],
)
@pytest.mark.parametrize("prior", [BayesR, BayesA])
def test_blocked_sweep_equals_the_textbook_sweep(case, missing_genotypes, prior, monkeypatch):
    """Columns of two terms with their own row weights, several chunks, an odd last one."""
    n, p, n_nodes, stored = SHAPES[case]
    monkeypatch.setattr(blocked, "CHUNK", 512)
    rng = np.random.default_rng(1)
    priors = {"snp_prior": prior(scale=0.01), "direct_prior": BayesC(scale=0.01)}
    shape = {"n": n, "p": p, "n_observed": n_nodes, "stored": stored}
    model = small_network(rng, **shape, weighted=True, **priors)
    dosages = np.array(model.genotypes.dosages)
    if missing_genotypes:
        dosages[rng.random(dosages.shape) < 0.1] = -1 if stored == np.int8 else np.nan
    dosages[:, 2] = 1
    model = with_dosages(model, dosages)
    sampler = sampler_with(model, BlockedSweep)
    (update,) = sampler.snp_updates
    chain = starting_state(sampler, rng)
    for _ in range(3):
        sampler.iterate(chain, rng, tuning=False)
    terms, states = update.terms, [term.of(chain) for term in update.terms]
    effects, component = (
        np.hstack([getattr(state, name) for state in states]) for name in ("effects", "component")
    )
    targets = [target_of_rows(sampler, term, chain) for term in terms]
    fits = [state.fit for state in states]
    residual = (np.hstack(targets) - np.hstack(fits)).T.copy()
    weight = np.repeat([term.row_weight for term in terms], [n_nodes, 1], axis=0)
    s2 = np.hstack([chain.layers[term.layer].residual_variance for term in terms])
    given = []
    original = blocked.sweep_blocks

    def keep(*args):
        given.append(args)
        original(*args)

    monkeypatch.setattr(blocked, "sweep_blocks", keep)
    update.draw(chain, sampler.residuals, rng)
    X = centred(model.genotypes)
    assert len(given) > 1
    for args in given:
        first, (score, shrinkage, normal) = args[7], args[13:16]
        snps, own = slice(first, first + len(normal)), slice(n_nodes + 1)
        textbook_sweep(
            X[:, snps], weight, residual, effects[snps], component[snps], s2, score[..., own],
            shrinkage[..., own], normal[:, own],
        )  # fmt: skip
    for state, own in zip(states, (slice(0, n_nodes), slice(n_nodes, None)), strict=True):
        assert np.isfinite(effects[:, own]).all()
        assert np.count_nonzero(effects[:, own]) > 5
        assert_allclose(state.effects, effects[:, own], atol=1e-10)
        assert_array_equal(state.component, component[:, own])
        assert_allclose(state.fit, X @ effects[:, own], atol=1e-10)


@pytest.mark.parametrize("n_nodes", [3, 20])
def test_blocked_sweep_goes_backward_too(n_nodes, monkeypatch):
    """Several chunks and tiles, the last ones odd; and what the last effect was drawn given."""
    monkeypatch.setattr(blocked, "CHUNK", 96 * n_nodes)
    rng = np.random.default_rng(1)
    model = small_network(rng, n=50, p=210, n_observed=n_nodes, snp_prior=BayesR(scale=0.01))
    dosages = np.array(model.genotypes.dosages)
    dosages[3, 100] = -1
    model = with_dosages(model, dosages)
    sampler = sampler_with(model, BlockedSweep)
    (update,) = sampler.snp_updates
    (term,) = update.terms
    chain = starting_state(sampler, rng)
    sampler.iterate(chain, rng, tuning=False)
    state, layer = term.of(chain), chain.layers[term.layer]
    effects, component = state.effects.copy(), state.component.copy()
    target = Target(sampler.residuals[term.layer], layer, term)
    residual = (target.rows() - state.fit).T.copy()
    given, original = [], blocked.sweep_blocks

    def keep(*args):
        given.append(args)
        original(*args)

    monkeypatch.setattr(blocked, "sweep_blocks", keep)
    (left,) = update.sweep([Part(state, target, layer.residual_variance)], rng, backward=True)
    X, weight = centred(model.genotypes), np.repeat(term.row_weight[None], n_nodes, axis=0)
    own = slice(n_nodes)
    assert len(given) > 1
    for args in given:
        first, (score, shrinkage, normal) = args[7], args[13:16]
        snps = slice(first, first + len(normal))
        textbook_sweep(
            X[:, snps][:, ::-1], weight, residual, effects[snps][::-1], component[snps][::-1],
            layer.residual_variance, score[:, ::-1, own], shrinkage[:, ::-1, own],
            normal[::-1, own],
        )  # fmt: skip
    assert np.count_nonzero(effects) > 5
    assert_allclose(state.effects, effects, atol=1e-10)
    assert_array_equal(state.component, component)
    left.settle()
    assert_allclose(state.fit, X @ effects, atol=1e-10)
    x, seen = X[:, 0], given[-1][17]
    expected = residual @ (term.row_weight * x) + (term.row_weight * x) @ x * effects[0]
    assert_allclose(seen[0, own], expected, atol=1e-10)


@pytest.mark.parametrize(
    ("missing_genotypes", "stored"),
    [  # every kind of storage has kernels of its own, which take seconds to compile
        (False, np.int8),
        (True, np.int8),
        pytest.param(True, np.float32, marks=pytest.mark.slow),
        pytest.param(False, np.float32, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("mask", [None, np.arange(70)[:, None] % [2, 10] == 1])
@pytest.mark.parametrize(
    "prior",
    [
        BayesC(pi=0.3, estimate_pi=False, scale=0.02, estimate_variance=False),
        BayesA(scale=0.02, estimate_scale=False),
        GBLUP(scale=0.5),
    ],
)
def test_passes_over_stored_snps_equal_the_textbook_sweep(
    prior, mask, missing_genotypes, stored, monkeypatch
):
    """One column, weighted; or the connections of two nodes, of 35 and 7 SNPs.

    150 individuals are eight vectors, one, a narrow one and two numbers. Floating dosages may be
    negative.
    """
    rng = np.random.default_rng(6)
    own = {"direct_prior": prior, "n_observed": 0} if mask is None else {"snp_prior": prior}
    model = small_network(rng, n=150, p=70, mask=mask, weighted=True, missing_y=4, **own)
    dosages = np.array(model.genotypes.dosages, stored)
    if stored == np.float32:
        dosages -= 1
    if missing_genotypes:
        dosages[rng.random(dosages.shape) < 0.1] = -1 if stored == np.int8 else np.nan
    dosages[:, 2] = 1
    model = with_dosages(model, dosages)
    sampler = sampler_with(model, OneColumnSweep) if mask is None else sampler_of(model, True)
    (update,) = sampler.snp_updates
    assert isinstance(update, OneColumnSweep if mask is None else ConnectionSweep)
    chain = starting_state(sampler, rng)
    for _ in range(3):
        sampler.iterate(chain, rng, tuning=False)
    (term,) = update.terms
    state, s2 = term.of(chain), chain.layers[term.layer].residual_variance
    residual = (target_of_rows(sampler, term, chain) - state.fit).T.copy()
    effects, component = state.effects.reshape(-1, 1).copy(), state.component.reshape(-1, 1).copy()
    given = []
    original = passes.sweep_connections

    def keep(*args):
        given.append([table[..., None] for table in args[-3:]])
        original(*args)

    monkeypatch.setattr(passes, "sweep_connections", keep)
    update.draw(chain, sampler.residuals, rng)
    ((score, shrinkage, normal),) = given
    X = centred(model.genotypes)
    if prior.scales_genotypes:
        X = X / term.genotypes.scale
    fit = []
    for c, residual_of_column in enumerate(residual):
        snps = np.arange(70) if mask is None else np.flatnonzero(mask[:, c])
        entries = slice(35 * c, 35 * c + len(snps))
        textbook_sweep(
            X[:, snps], term.row_weight[None], residual_of_column[None], effects[entries],
            component[entries], s2[c : c + 1], score[:, entries], shrinkage[:, entries],
            normal[entries],
        )  # fmt: skip
        fit.append(X[:, snps] @ effects[entries, 0])
    assert np.count_nonzero(effects) > 10
    assert_allclose(state.effects.reshape(-1, 1), effects, atol=1e-10)
    assert_array_equal(state.component.reshape(-1, 1), component)
    assert_allclose(state.fit, np.transpose(fit), atol=1e-10)


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("missing_genotypes", [False, True])
@pytest.mark.parametrize("prior", [BayesR, BayesA])
@pytest.mark.parametrize("missing_y", [0, 3])
def test_cross_products_equal_the_textbook_sweep(missing_y, prior, missing_genotypes, missing):
    """Four nodes and direct effects; together if the same rows inform both. Three blocks of SNPs.

    Some omics are missing, or none. The last row informs nothing.
    """
    rng = np.random.default_rng(2)
    priors = {"snp_prior": prior(scale=0.01), "direct_prior": BayesC(scale=0.02)}
    rows = {"missing": missing, "missing_y": missing_y, "weighted": missing_y > 0}
    rows["uninformative"] = 0 if missing_y else 1
    model = small_network(rng, n=320, p=300, n_observed=4, n_covariates=1, **rows, **priors)
    dosages = np.array(model.genotypes.dosages)
    if missing_genotypes:
        dosages[rng.random(dosages.shape) < 0.1] = -1
    dosages[:, 2] = 1
    model = with_dosages(model, dosages)
    X = centred(model.genotypes)
    sampler = sampler_of(model)
    assert len(sampler.snp_updates) == (2 if missing_y else 1)
    chain = starting_state(sampler, rng)
    for _ in range(3):
        sampler.iterate(chain, rng, tuning=False)
    for update in sampler.snp_updates:
        assert type(update) is CrossProductSweep
        terms, states = update.terms, [term.of(chain) for term in update.terms]
        effects, component = (
            np.hstack([getattr(state, name) for state in states])
            for name in ("effects", "component")
        )
        targets = [target_of_rows(sampler, term, chain) for term in terms]
        residual = (np.hstack(targets) - X @ effects).T
        widths = [term.n_responses for term in terms]
        weight = np.repeat([term.row_weight for term in terms], widths, axis=0)
        s2 = np.hstack([chain.layers[term.layer].residual_variance for term in terms])
        given, original = [], update._prepare

        def keep(parts, rng, given=given, original=original):
            tables = original(parts, rng)
            given.append((tables, deepcopy(rng)))
            return tables

        update._prepare = keep
        update.draw(chain, sampler.residuals, rng)
        ((tables, copy),) = given
        for first in range(0, 300, BLOCK):  # in the order of the sweep
            for c in range(len(s2)):
                snps, own = slice(first, first + BLOCK), slice(c, c + 1)
                textbook_sweep(
                    X[:, snps], weight[own], residual[own], effects[snps, own],
                    component[snps, own], s2[own], *(table[:, c, snps, None] for table in tables),
                    copy.standard_normal,
                )  # fmt: skip
        assert np.count_nonzero(effects) > 20
        starts = np.cumsum([0, *widths])
        for term, state, first, last in zip(terms, states, starts[:-1], starts[1:], strict=True):
            own = effects[:, first:last]
            assert_allclose(state.effects, own, atol=1e-10)
            assert_array_equal(state.component, component[:, first:last])
            products = X.T @ (term.row_weight[:, None] * (X @ own))
            assert_allclose(state.fit_products, products.T, atol=1e-8)
            if missing:
                assert_allclose(state.fit, X @ own, atol=1e-10)
            else:
                squares = (term.row_weight[:, None] * (X @ own) ** 2).sum(axis=0)
                assert_allclose(state.fit_squares, squares, rtol=1e-10)


def target_of_rows(sampler, term, chain):
    """Return what the SNPs of a term are to explain, (n, C), whatever the update reads."""
    state = chain.layers[term.layer]
    target = state.response.astype(float)
    for other in sampler.network.layer(term.layer).terms:
        of_term = state.terms[other.name]
        if other.source:
            target = target - of_term.activated @ of_term.effects
        elif other is not term:
            target = target - other.predictors @ of_term.coefficients
    return target


def test_sweep_is_chosen_by_shape_and_missing_omics():
    rng = np.random.default_rng(3)
    for options, kind in (
        ({"p": 20}, BlockedSweep),
        ({"p": 20, "n_observed": 1}, OneColumnSweep),
        ({"missing": 0.4}, CrossProductSweep),
        ({"missing": 0.8}, BlockedSweep),
        ({"n_latent": 1}, BlockedSweep),
    ):
        (update,) = sampler_of(small_network(rng, **options)).snp_updates
        assert type(update) is kind
