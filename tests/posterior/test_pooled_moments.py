"""Moments of SNP effects over chains, against their definition."""

from types import SimpleNamespace

import numpy as np
from numpy.testing import assert_allclose

from sknnmm.common.row_blocks import AT_ONCE
from sknnmm.posterior.draws import pooled_moments
from sknnmm.sampling.chains.effects_record import EffectsMoments


def test_moments_of_two_chains_in_units():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((2, 5, AT_ONCE // 2, 3)) * (rng.random((AT_ONCE // 2, 3)) < 0.5)
    weights = np.array([2.0, 0.0, -1.0])
    results = []
    for chain in draws.astype(np.float32):
        values = chain.astype(float)
        moments = EffectsMoments(
            mean=chain.mean(axis=0),  # in single precision
            weighted_mean=[(values * weights).mean(axis=0)],
            total=values.sum(axis=0),
            squares=(values**2).sum(axis=0),
            included=(values != 0).sum(axis=0),
            count=len(values),
        )
        results.append(SimpleNamespace(effects={"snp_effects": moments}))
    units = np.array([10.0, 0.0, 0.5])
    mean, sd, included, (weighted,) = pooled_moments(results, "snp_effects", units, 3.0)
    draws = draws.reshape(10, -1, 3)
    assert_allclose(mean, draws.mean(axis=0) * units, rtol=1e-4, atol=1e-5)
    assert_allclose(sd, draws.std(axis=0) * units, rtol=1e-4, atol=1e-5)
    assert_allclose(included, (draws != 0).mean(axis=0) * [1, 0, 1], rtol=1e-12)
    assert_allclose(weighted, 3 * (draws * weights).mean(axis=0), rtol=1e-4, atol=1e-5)
