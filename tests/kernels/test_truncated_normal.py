"""Truncated normal draws: exact in the bulk and in the tails, and within their bounds."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import log_ndtr

from sknnmm.kernels.truncated_normal import fill_truncated_normal

N_DRAWS = 20_000
INTERVALS = [  # lower, upper
    (-np.inf, np.inf),
    (-1.0, np.inf),
    (0.0, np.inf),
    (0.3, np.inf),
    (2.0, np.inf),
    (8.0, np.inf),
    (35.0, np.inf),
    (-0.5, 0.5),
    (-0.1, 3.0),
    (0.5, 0.6),
    (0.5, 2.5),
    (5.0, 5.05),
    (5.0, 6.0),
    (34.0, 35.0),
    (35.0, 35.001),
]


def probability(lower, upper):
    """Return the logarithm of the probability of an interval of N(0, 1), lower + upper >= 0."""
    below, above = log_ndtr(-lower), log_ndtr(-upper)
    return below + np.log1p(-np.exp(above - below))


def distribution(lower, upper):
    """Return the CDF of N(0, 1) in [lower, upper], lower + upper >= 0."""

    def cdf(x):
        with np.errstate(divide="ignore"):  # at the lower bound
            return np.exp(probability(lower, x) - probability(lower, upper))

    return cdf


def moments(lower, upper):
    """Return mean and SD of N(0, 1) in [lower, upper], by quadrature of its density."""
    log_probability = probability(lower, upper)
    first = max(lower, -12.0)
    last = min(upper, first + (24 if first < 0 else 40 / (1 + first)))

    def moment(function):
        return integrate.quad(
            lambda x: (
                function(x) * np.exp(-0.5 * x * x - 0.5 * np.log(2 * np.pi) - log_probability)
            ),
            first,
            last,
            epsabs=1e-13,
            epsrel=1e-11,
            limit=200,
        )[0]

    mean = first + moment(lambda x: x - first)
    return mean, np.sqrt(moment(lambda x: (x - mean) ** 2))


def draws(lower, upper, mean=0.0, sd=1.0, dtype=np.float64, n=N_DRAWS):
    """Return n draws of N(mean, sd^2) in [lower, upper]; bounds are doubles, as of records."""
    out = np.empty(n, dtype)
    moments = (np.full(n, value, dtype) for value in (mean, sd))
    bounds = (np.full(n, value, float) for value in (lower, upper))
    fill_truncated_normal(np.random.default_rng(0), *moments, *bounds, out)
    return out


@pytest.mark.parametrize(("lower", "upper"), INTERVALS)
@pytest.mark.parametrize("sign", [1, -1])
def test_draws_have_the_exact_distribution(lower, upper, sign):
    bounds = (lower, upper) if sign == 1 else (-upper, -lower)
    sample = sign * draws(*bounds)
    assert lower <= sample.min() <= sample.max() <= upper
    assert stats.kstest(sample, distribution(lower, upper)).pvalue > 1e-4
    mean, sd = moments(lower, upper)
    assert abs(sample.mean() - mean) < 4 * sd / np.sqrt(N_DRAWS)
    kurtosis = np.mean((sample - mean) ** 4) / sd**4
    assert abs(sample.var() / sd**2 - 1) < 4 * np.sqrt((kurtosis - 1) / N_DRAWS)


@pytest.mark.parametrize(("lower", "upper"), [(-np.inf, -33.0), (-33.5, -33.0), (-1.0, 3.0)])
def test_draws_in_single_precision_keep_their_bounds_and_distribution(lower, upper):
    # On a scale where rounding is far below the SD of the draws.
    mean, sd = np.float32(0.3), np.float32(0.7)
    low, high = (np.float32(mean + sd * bound) for bound in (lower, upper))
    sample = draws(low, high, mean, sd, np.float32)
    assert sample.dtype == np.float32
    assert low <= sample.min() <= sample.max() <= high
    standardised = -(sample.astype(float) - mean) / sd  # mirrored: the exact CDF is of the right
    a, b = -(float(high) - mean) / sd, -(float(low) - mean) / sd
    assert stats.kstest(standardised, distribution(a, b)).pvalue > 1e-4


def test_an_interval_of_one_point_returns_it_and_no_bounds_give_the_normal_distribution():
    np.testing.assert_array_equal(draws(0.1, 0.1, mean=5.0, sd=0.3, n=3), 0.1)
    np.testing.assert_array_equal(
        draws(np.float32(0.1), np.float32(0.1), dtype=np.float32, n=3), np.float32(0.1)
    )
    sample = draws(-np.inf, np.inf, mean=5.0, sd=0.3)
    assert stats.kstest((sample - 5) / 0.3, stats.norm.cdf).pvalue > 1e-4


def test_bounds_so_far_out_that_squares_overflow_are_returned():
    np.testing.assert_array_equal(draws(1e200, np.inf, n=3), 1e200)
    np.testing.assert_array_equal(draws(-np.inf, -1e200, n=3), -1e200)


def test_nan_is_passed_on():
    assert np.isnan(draws(0.0, 1.0, mean=np.nan, n=2)).all()
    assert np.isnan(draws(1.0, 0.0, n=2)).all()
