"""The spectral draw: how the basis is held, and effects that are made of stored coordinates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor
from sknnmm.priors import GBLUP, RRBLUP
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.snp import spectral_basis
from sknnmm.sampling.snp.spectral_basis import LongBasis
from tests.helpers.networks import Parts, sampler_of, small_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("prior", [RRBLUP(scale=0.1), GBLUP(scale=0.1)], ids=["RR-BLUP", "GBLUP"])
def test_streamed_genotypes_give_the_numbers_of_held_rows(prior, monkeypatch):
    drawn = []
    for held in (2**20, 0):
        monkeypatch.setattr(spectral_basis, "HELD_ROWS", held)
        rng = np.random.default_rng(0)
        model = small_network(rng, n=30, p=8, snp_prior=prior, direct_prior=prior, weighted=True)
        sampler = sampler_of(model)
        bases = [update.basis for update in sampler.snp_updates]
        assert len(bases) == 2  # the layers weigh the rows differently
        assert all(isinstance(b, LongBasis) and (b._rows is None) == (held == 0) for b in bases)
        chain = starting_state(sampler, rng)
        for _ in range(5):
            sampler.iterate(chain, rng, tuning=False)
        parts = Parts(chain)
        drawn.append(np.hstack([parts.snp.fit, parts.direct.fit]))
    assert np.abs(drawn[0]).min() > 0
    assert_allclose(drawn[0], drawn[1], rtol=1e-6)


def test_terms_with_the_same_rows_share_one_basis():
    rng = np.random.default_rng(0)
    options = {"missing_y": 0, "uninformative": 0, "snp_prior": RRBLUP()}
    for direct_prior, n_updates in ((RRBLUP(df=7), 1), (GBLUP(), 2)):
        sampler = sampler_of(small_network(rng, direct_prior=direct_prior, **options))
        assert len(sampler.snp_updates) == n_updates


@pytest.mark.parametrize("method", ["RR-BLUP", "GBLUP"])
@pytest.mark.parametrize("shape", ["wide", "long, SNPs twice"])
def test_stored_effects_give_the_recorded_genetic_values(shape, method):
    """Those of rows without y as well, which see directions that no record informs."""
    rng = np.random.default_rng(0)
    n, p = (30, 60) if shape == "wide" else (60, 20)
    X = rng.integers(0, 3, (n, p)).astype(np.int8)
    if shape != "wide":
        X[:40, 10:] = X[:40, :10]  # the same SNPs but for the rows without y
    y = X[:, :5].sum(axis=1) + rng.standard_normal(n)
    y[-20:] = np.nan
    model = NNMMRegressor(method, n_iter=60, burn_in=20, precision="double", random_state=0)
    draws = model.fit(X, y).posterior_.draws
    values = draws["direct_effects"] @ (X - X.mean(axis=0)).T
    assert draws["direct_effects"].shape == (2, 40, p)
    assert_allclose(draws["genetic_variance"], values.var(axis=-1), rtol=1e-6)
    assert values[..., -20:].var() > 0.1 * values.var()
