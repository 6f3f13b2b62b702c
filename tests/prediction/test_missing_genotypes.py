"""A missing genotype is no knowledge: standard deviations say so."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATION = {
    "linear": "linear",
    "tanh": "tanh",
    "relu": "relu",
    "own": lambda z: np.sin(z),
    "network": lambda z: z[:, 0] * z[:, 1],
}
NOTHING = np.full((2, 24), -1, np.int8)


@pytest.fixture(scope="module", params=ACTIVATION)
def model(request, data, short):
    return short(activation=ACTIVATION[request.param]).fit(data.X, data.y, omics=data.gappy)


def test_without_genotypes_the_value_is_of_the_mean_and_the_sd_the_genetic_sd(model, data):
    value, sd = model.breeding_value(NOTHING, return_std=True)
    assert_allclose(sd, np.sqrt(model.genetic_variance_), rtol=1e-6)
    mean = np.where(data.X < 0, np.nan, data.X)
    of_the_mean = model.breeding_value(np.nanmean(mean, axis=0)[None])
    assert_allclose(value, of_the_mean.repeat(2), rtol=1e-6, atol=1e-9)
    as_floats = model.breeding_value(np.full((1, 24), np.nan), return_std=True)[1]
    assert_allclose(as_floats, sd[:1], rtol=1e-6)


def test_more_missing_genotypes_are_less_knowledge(model, data):
    sds = []
    for missing in (0, 6, 12, 18, 24):
        X = np.maximum(data.X[5:15], 0)
        X[:, :missing] = -1
        sds.append(model.breeding_value(X, return_std=True)[1])
    genetic = np.sqrt(model.genetic_variance_)
    # On average over individuals; near the genetic SD, which bounds it, all are the same.
    assert (np.diff(np.mean(sds, axis=1)) > -1e-3 * genetic).all()
    assert_allclose(sds[-1], genetic, rtol=1e-6)
    assert sds[0].mean() < sds[3].mean()


def test_genetic_variance_is_that_of_the_training_rows(model, data):
    every = model.posterior_.draws["genetic_variance"]
    assert_allclose(model.genetic_variance_, every.mean())
    of_means = model.breeding_value(data.X).var()
    spread = np.mean(model.breeding_value(data.X, return_std=True)[1] ** 2)
    # Variance of the rows of a draw: that of their means, and what draws differ by between rows,
    # but for 2 rows of 80 that miss a genotype, and the network's means over fixed normal draws.
    assert_allclose(model.genetic_variance_, of_means + spread, rtol=0.03)


def test_predictive_sd_and_draws_know_of_missing_genotypes(model, data):
    complete = np.maximum(data.X[5:25], 0)
    missing = np.full_like(complete, -1)
    for omics in (None, data.omics[5:25]):
        sd = model.predict(missing, omics=omics, return_std=True)[1]
        known = model.predict(complete, omics=omics, return_std=True)[1]
        assert sd.mean() > known.mean()
        sample = model.sample_posterior_predictive(missing, 4000, omics=omics, random_state=0)
        # 4,000 draws: their SD has a standard error of about 1 %
        assert_allclose(sample.std(axis=1).mean(), sd.mean(), rtol=0.05)


def test_intervals_cover_with_missing_genotypes():
    """Independent SNPs, half of them missing: squared errors are what the SD says, on average."""
    rng = np.random.default_rng(5)
    n, p = 900, 40
    X = rng.binomial(2, 0.4, (n, p)).astype(np.int8)
    effects = rng.normal(size=p)
    genetic = X @ effects
    y = genetic + rng.normal(scale=genetic.std(), size=n)
    model = NNMMRegressor("RR-BLUP", n_iter=700, burn_in=100, random_state=0).fit(X[:400], y[:400])
    X[400:, rng.permutation(p)[: p // 2]] = -1
    value, sd = model.breeding_value(X[400:], return_std=True)
    truth = genetic[400:] - genetic[:400].mean()
    standardised = (truth - value) / sd
    # The mean of 500 squares of about normal variates has a standard error of 0.063; the truth is
    # one draw of the effects, which all of them share.
    assert abs(np.mean(standardised**2) - 1) < 4 * 0.063
    predicted, predictive = model.predict(X[400:], return_std=True)
    assert abs(np.mean(((y[400:] - predicted) / predictive) ** 2) - 1) < 4 * 0.063
    before = np.sqrt(np.mean((truth - value) ** 2))
    assert before > 0.5 * np.sqrt(model.genetic_variance_)  # the missing half matters
