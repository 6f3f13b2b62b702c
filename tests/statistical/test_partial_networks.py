"""Partially connected networks: every way to sweep them, and what they must equal."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from sknnmm.model.connections import Connections
from sknnmm.priors import GBLUP, RRBLUP, BayesC
from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep
from sknnmm.sampling.snp.passes import ConnectionSweep
from tests.helpers.moments import (
    FIXED_EFFECT_VARIANCE,
    FIXED_RESIDUAL,
    V,
    assert_same_distribution,
    assert_same_moments,
    of_every_kind,
    sample,
)
from tests.helpers.networks import (
    Parts,
    centred,
    sampler_of,
    sampler_with,
    small_network,
    snp_terms,
    table_of_effects,
    with_dosages,
)

MASK = np.zeros((12, 2), bool)
MASK[[0, 3, 4, 9], 0] = MASK[[3, 5, 11], 1] = True  # SNP 3 feeds both nodes


def connected_effects(sampler, chain, rng):
    """Return the effects (m,) of the connections of the nodes."""
    term = snp_terms(sampler.network)[0]
    return term.connections.pick(table_of_effects(sampler, term, chain, rng))


@pytest.mark.slow
@of_every_kind
def test_connections_and_blocks_sample_the_same_distribution(prior):
    draws = []
    for kind in (ConnectionSweep, BlockedSweep):
        rng = np.random.default_rng(1)
        model = small_network(rng, p=12, n=25, mask=MASK, snp_prior=prior, activation="tanh")
        sampler = sampler_with(model, kind)

        def quantities(chain, sampler=sampler):
            effects = connected_effects(sampler, chain, None)
            return np.concatenate([effects, np.log(Parts(chain).omics.residual_variance)])

        draws.append(sample(sampler, quantities, 2000, rng))
    assert_same_distribution(*draws)


@pytest.mark.parametrize(
    ("missing", "order", "by_rows"),
    [
        (False, "F", False),
        (True, "F", True),
        pytest.param(True, "C", False, marks=pytest.mark.slow),
        pytest.param(False, "F", True, marks=pytest.mark.slow),
        pytest.param(True, "C", True, marks=pytest.mark.slow),
    ],
)
def test_connections_are_ridge_regressions(order, missing, by_rows):
    """RR-BLUP with fixed variances and complete omics: each node its own ridge posterior.

    The first SNP of each node does not vary.
    """
    rng = np.random.default_rng(2)
    model = small_network(
        rng,
        p=12,
        n=30,
        mask=MASK,
        missing=0,
        snp_prior=FIXED_EFFECT_VARIANCE,
        residual_prior=FIXED_RESIDUAL,
    )
    dosages = np.array(model.genotypes.dosages, order=order)
    if missing:
        dosages[rng.random(dosages.shape) < 0.1] = -1
    dosages[:, [0, 3]] = 1
    model = with_dosages(model, dosages)
    sampler = sampler_of(model, by_rows)
    kind = ConnectionSweep if by_rows else ConnectionCrossProductSweep
    assert isinstance(sampler.snp_updates[0], kind)
    draws = sample(sampler, lambda c: Parts(c).snp.effects.copy(), 4000, rng)
    X, rows = centred(model.genotypes), model.informative
    for k, entries in enumerate([slice(0, 4), slice(4, 7)]):
        own = np.flatnonzero(MASK[:, k])
        varies = ~np.isin(own, [0, 3])
        assert (draws[:, entries][:, ~varies] == 0).all()
        used = X[np.ix_(rows, own[varies])]
        projection = np.eye(len(used)) - 1 / len(used)
        precision = used.T @ projection @ used / FIXED_RESIDUAL.scale + np.eye(used.shape[1]) / V
        covariance = np.linalg.inv(precision)
        mean = covariance @ used.T @ projection @ model.omics[rows, k] / FIXED_RESIDUAL.scale
        assert_same_moments(draws[:, entries][:, varies], mean, covariance, ess_factor=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mask", [MASK, np.tile(MASK[:, :1], (1, 2)) | (np.arange(12) < 6)[:, None]]
)
def test_gblup_has_the_relationship_of_the_connected_snps(mask):
    """GBLUP under a mask is RR-BLUP under that mask on scaled SNPs."""
    draws = []
    for scaled in (False, True):
        rng = np.random.default_rng(3)
        prior = RRBLUP(df=8, scale=0.1) if scaled else GBLUP(df=8, scale=0.1)
        model = small_network(rng, p=12, n=25, mask=mask, snp_prior=prior)
        mean = model.genotypes.mean
        sd = np.sqrt(mean * (1 - mean / 2))
        if scaled:
            model = with_dosages(model, np.asfortranarray(model.genotypes.dosages / sd, np.float32))
        sampler = sampler_of(model) if scaled else sampler_with(model, ConnectionSweep)

        def quantities(chain, sampler=sampler):
            effects = connected_effects(sampler, chain, None)
            return np.append(effects, np.log(Parts(chain).snp.hyper.variance[0]))

        values = sample(sampler, quantities, 2000, rng)
        if scaled:
            values[:, : mask.sum()] /= sd[model.connections.snps]
        draws.append(values)
    assert_same_distribution(*draws)


@pytest.mark.slow
@pytest.mark.parametrize("by_rows", [False, True])
def test_complete_omics_make_separate_fits_of_the_nodes(by_rows):
    """With no omic missing, a masked network is K regressions, each on its own SNPs."""
    rng = np.random.default_rng(4)
    both = small_network(rng, p=12, n=30, mask=MASK, missing=0, snp_prior=BayesC(scale=0.1))

    def quantities(chain):
        parts = Parts(chain)
        variances = [parts.snp.hyper.variance[0], parts.omics.residual_variance]
        return np.concatenate([parts.snp.effects.ravel(), *np.log(variances)])

    joint = sample(sampler_of(both, by_rows), quantities, 2000, rng)
    for k, entries in enumerate([[0, 1, 2, 3, 7, 9], [4, 5, 6, 8, 10]]):
        snps = np.flatnonzero(MASK[:, k])
        model = small_network(
            rng, p=len(snps), n=30, n_observed=1, missing=0, snp_prior=BayesC(scale=0.1)
        )
        own = np.asfortranarray(both.genotypes.dosages[:, snps])
        model = replace(with_dosages(model, own), omics=both.omics[:, [k]])
        single = sample(sampler_of(model, not by_rows), quantities, 2000, rng)
        assert_same_distribution(joint[:, entries], single)


def test_sweep_is_chosen_by_the_share_of_connected_pairs():
    rng = np.random.default_rng(5)
    for share, kind in ((0.25, ConnectionSweep), (0.5, BlockedSweep)):
        mask = np.arange(20)[:, None] < 20 * share + np.zeros((1, 2))
        (update,) = sampler_of(small_network(rng, p=20, mask=mask)).snp_updates
        assert type(update) is kind


def test_expected_variance_is_of_the_connected_snps():
    model = small_network(np.random.default_rng(6), p=12, mask=MASK)
    variance = model.genotypes.variance
    expected = [0.5 / variance[MASK[:, k]].sum() for k in range(2)]
    assert_allclose(snp_terms(model.network())[0].expected_variance, expected, rtol=1e-12)
    scaled = small_network(np.random.default_rng(6), p=12, mask=MASK, snp_prior=GBLUP())
    half = scaled.genotypes.mean / 2
    ratio = variance / (2 * half * (1 - half))
    expected = [0.5 / ratio[MASK[:, k]].sum() for k in range(2)]
    assert_allclose(snp_terms(scaled.network())[0].expected_variance, expected, rtol=1e-12)


def test_connections_tell_their_layout():
    connections = Connections(sparse.csc_array(MASK))
    assert connections.snps.tolist() == [0, 3, 4, 9, 3, 5, 11]
    assert connections.positions.tolist() == [0, 6, 8, 18, 7, 11, 23]
    assert_allclose(connections.sums(np.arange(12.0)), [16, 19])
    values = np.arange(1.0, 8.0)
    table = connections.table(values).toarray()
    assert_allclose(connections.pick(table), values)
    assert np.count_nonzero(table) == 7
