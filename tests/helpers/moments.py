"""Draws of a sampler, and comparisons of their moments within Monte Carlo error."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from sknnmm.priors import RRBLUP, BayesA, BayesC, BayesL, BayesR, ScaledInverseChi2
from sknnmm.sampling.chains.start import starting_state

V, S2 = 0.05, 0.6
FIXED_EFFECT_VARIANCE = RRBLUP(scale=V, estimate_variance=False)
FIXED_RESIDUAL = ScaledInverseChi2(scale=S2, estimate_variance=False)


of_every_kind = pytest.mark.parametrize(
    "prior",
    [
        BayesA(scale=0.1, estimate_scale=False),
        BayesC(scale=0.1),
        BayesL(shape=4.0, rate=0.2),
        BayesR(),
        RRBLUP(),
    ],
    ids=lambda prior: type(prior).__name__,
)


def sample(sampler, quantity, n_iter, rng, burn_in=100):
    """Return draws (n_iter, ...) of quantity(chain)."""
    chain = starting_state(sampler, rng)
    draws = []
    for iteration in range(burn_in + n_iter):
        sampler.iterate(chain, rng, tuning=iteration < burn_in)
        if iteration >= burn_in:
            draws.append(quantity(chain))
    return np.array(draws)


def assert_same_moments(draws, mean, covariance, *, ess_factor=0.5, alpha=1e-4):
    """Assert mean and covariance of draws (n, d), allowing for autocorrelated draws."""
    n = len(draws) * ess_factor
    tests = draws.shape[1] * (draws.shape[1] + 3) / 2
    bound = stats.norm.isf(alpha / 2 / tests)
    sd = np.sqrt(np.diag(covariance))
    z_mean = (draws.mean(axis=0) - mean) / (sd / np.sqrt(n))
    assert np.abs(z_mean).max() < bound
    scatter = np.cov(draws.T, bias=True)
    error = np.sqrt((covariance**2 + np.outer(sd**2, sd**2)) / n)  # of a normal distribution
    assert np.abs((scatter - covariance) / error).max() < bound


def assert_same_distribution(first, second, alpha=1e-4):
    """Assert equal means of draws (n, d) and of their squares, by their effective sizes."""
    a, b = (np.column_stack([draws, draws**2]) for draws in (first, second))
    ess_a, ess_b = (
        array_stats.ess(draws.T[:, None], method="mean", chain_axis=1, draw_axis=2)
        for draws in (a, b)
    )
    error = np.sqrt(a.var(axis=0) / ess_a + b.var(axis=0) / ess_b)
    z = (a.mean(axis=0) - b.mean(axis=0)) / error
    assert np.abs(z).max() < stats.norm.isf(alpha / 2 / len(z)), z.round(1)


def assert_expectations(draws, expected, alpha=1e-4):
    """Assert the means of draws (n, d) of a chain, by their effective sizes."""
    ess = array_stats.ess(draws.T[:, None], method="mean", chain_axis=1, draw_axis=2)
    z = (draws.mean(axis=0) - expected) / (draws.std(axis=0) / np.sqrt(ess))
    assert np.abs(z).max() < stats.norm.isf(alpha / 2 / len(z)), z.round(1)


def differences(independent, successive):
    """Return {statistic: z} of the differences of means between independent and successive draws.

    Both are lists of {statistic: value}, the second of a chain.
    """
    scores = {}
    for name in independent[0]:
        a = np.array([draw[name] for draw in independent], float)
        b = np.array([draw[name] for draw in successive], float)
        if np.ptp(a) == 0:  # a count that the prior fixes
            assert np.ptp(b) == 0
            assert a[0] == b[0]
            continue
        ess = float(array_stats.ess(b[None], method="mean", chain_axis=0, draw_axis=1))
        error = np.sqrt(a.var() / len(a) + b.var() / ess)
        scores[name] = (a.mean() - b.mean()) / error
    return scores


def beyond_error(scores):
    """Return the z scores that Monte Carlo error does not explain: by chance one case in 1,000."""
    bound = stats.norm.isf(0.0005 / len(scores))  # Bonferroni over the statistics
    return {name: round(float(z), 1) for name, z in scores.items() if not abs(z) <= bound}
