"""Thresholds between ordered classes, given the mean of every liability."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import stats

from sknnmm.kernels.thresholds import draw_thresholds, log_likelihood_of_classes
from tests.helpers.moments import assert_same_moments


def log_likelihood(of_class, mean, sd, thresholds):
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    lower, upper = ((edges[of_class + k] - mean) / sd for k in (0, 1))
    flip = lower > 0
    lower, upper = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    far = stats.norm.logcdf(upper)
    return far + np.log1p(-np.exp(stats.norm.logcdf(lower) - far))


def test_the_log_probability_of_classes_near_and_far():
    mean = np.array([0.3, -1, 5, -60, 70, 35, -25, 2.0])
    sd = np.array([1, 2, 0.5, 1, 1.5, 1, 0.3, 1])
    of_class = np.array([0, 1, 2, 3, 0, 1, 2, 1])
    thresholds = np.array([0, 1.2, 2.5])
    for shift, factor in ((0.0, 1.0), (0.4, 1.0), (0.0, 1.5), (-2.0, 0.5)):
        one_by_one = [
            log_likelihood_of_classes(
                of_class[i : i + 1], mean[i : i + 1], sd[i : i + 1], thresholds, shift, factor
            )
            for i in range(8)
        ]
        expected = log_likelihood(of_class, factor * mean + shift, sd, factor * thresholds)
        assert_allclose(one_by_one, expected, rtol=1e-6)
        whole = log_likelihood_of_classes(of_class, mean, sd, thresholds, shift, factor)
        assert_allclose(whole, expected.sum(), rtol=1e-6)


def test_thresholds_have_their_posterior_distribution():
    rng = np.random.default_rng(0)
    mean, sd = rng.normal(size=30), rng.uniform(0.5, 1.5, 30)
    of_class = np.digitize(mean + sd * rng.standard_normal(30), [0, 0.6, 1.0])
    assert (np.bincount(of_class) >= 2).all()
    second, third = (axis.ravel() for axis in np.meshgrid(*2 * [np.linspace(0.005, 4, 400)]))
    density = np.array(
        [
            log_likelihood_of_classes(of_class, mean, sd, np.array([0, a, b]), 0.0, 1.0)
            if b > a
            else -np.inf
            for a, b in zip(second, third, strict=True)
        ]
    )
    density = np.exp(density - density.max())
    density /= density.sum()
    expected = np.array([density @ second, density @ third])
    deviations = np.array([second, third]) - expected[:, None]
    covariance = (density * deviations) @ deviations.T
    thresholds, draws = np.array([0, 0.5, 1.0]), np.empty((20_000, 2))
    for draw in draws:
        draw_thresholds(rng, of_class, mean, sd, thresholds)
        draw[:] = thresholds[1:]
    assert thresholds[0] == 0
    assert_same_moments(draws, expected, covariance, ess_factor=0.25)
