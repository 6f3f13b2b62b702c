"""Phenotypes that lie in an interval: checks, and how they are standardised."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, optimize, stats

from sknnmm import NNMMRegressor
from sknnmm.inputs.intervals import normal_of_intervals, truncated_moments
from sknnmm.inputs.phenotype import Phenotype

INF, NAN = np.inf, np.nan


def checked(y, y_upper, weight=None):
    return Phenotype(y, y_upper).check(len(y), weight)


def test_what_is_censored_and_what_is_missing():
    y = [1.0, 2.0, 3.0, -INF, NAN, -INF, 4.0]
    upper = [NAN, 2.0, INF, 0.5, NAN, INF, 9.0]
    record = checked(y, upper)
    assert_array_equal(record.values, [1, 2, 3, -INF, NAN, NAN, 4])
    assert_array_equal(record.upper, [1, 2, INF, 0.5, NAN, NAN, 9])
    assert_array_equal(record.exact, [1, 2, NAN, NAN, NAN, NAN, NAN])
    assert_array_equal(record.observed, [True] * 4 + [False, False, True])
    weighted = checked(y, upper, np.array([1, 1, 0, 1, 1, 1, 1.0]))
    assert_array_equal(weighted.upper, [1, 2, NAN, 0.5, NAN, NAN, 9])


def test_intervals_without_width_are_values():
    y = np.array([1.0, NAN, 4.0, 5.5])
    for upper in (y, np.full(4, NAN)):
        record = checked(y, upper)
        plain = Phenotype(y).check(4, None)
        assert record.upper is None
        assert (record.location, record.scale) == (plain.location, plain.scale)
        assert_array_equal(record.values, y)


INVALID = {
    "crossed": ([1, 2, 3], [NAN, 1.5, 4], "greater than y_upper.*Rows: 1, the first is 1"),
    "missing": ([1, NAN, 3], [2, 3, 4], "y is missing.*where y_upper is not.*first is 1"),
    "no upper end": ([1, 2, -INF], [2, NAN, NAN], "-inf without an upper end"),
    "nowhere": ([1, 2, INF], [2, 3, INF], "no value lies in such"),
    "nowhere either": ([1, 2, -INF], [2, 3, -INF], "no value lies in such"),
    "one point in all": ([1, 2, 3], [INF, INF, INF], "between 3 and inf lies in all"),
    "short": ([1, 2, 3], [2, 3], "y_upper has 2 values but X has 3"),
    "text": ([1, 2, 3], ["a", "b", "c"], "y_upper must be numeric"),
    "all missing": ([NAN] * 3, [NAN] * 3, "no observed value"),
    "constant": ([1, 1, 1], [1, 1, 1], "no variance"),
}


@pytest.mark.parametrize(("y", "upper", "message"), INVALID.values(), ids=INVALID)
def test_what_is_refused(y, upper, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        checked(y, upper)


def test_the_index_of_y_upper_is_compared():
    y = pd.Series([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="y_upper and y have different indexes"):
        NNMMRegressor().fit([[0, 1], [1, 2], [2, 0]], y, y_upper=y[::-1])


def test_moments_of_truncated_normals():
    cases = [(-1, 2), (0.3, 0.4), (-INF, -1), (2, INF), (-INF, INF), (-9, -8), (8, 9.5), (-3, 40)]
    first, second = truncated_moments(*np.array(cases, float).T)
    for case, of_first, of_second in zip(cases, first, second, strict=True):
        mass, m, s = (
            integrate.quad(lambda x, k=k: x**k * stats.norm.pdf(x), *np.clip(case, -40, 40))[0]
            for k in range(3)
        )
        assert_allclose([of_first, of_second], [m / mass, s / mass], rtol=1e-8, atol=1e-12)
    first, second = truncated_moments(np.array([60.0]), np.array([INF]))
    assert_allclose(first, 60 + 1 / 60, rtol=1e-5)
    assert_allclose(second, first**2, rtol=1e-3)


def test_the_normal_distribution_that_fits_intervals_best():
    rng = np.random.default_rng(0)
    value = rng.normal(50, 8, 400)
    lower, upper = value.copy(), value.copy()
    upper[value > 55] = INF
    lower[value > 55] = 55
    lower[value < 45], upper[value < 45] = -INF, 45
    some = rng.random(400) < 0.3
    lower[some], upper[some] = np.floor(value[some] / 10) * 10, np.ceil(value[some] / 10) * 10

    def misfit(parameters):
        mean, sd = parameters[0], np.exp(parameters[1])
        exact = lower == upper
        mass = stats.norm.cdf(upper, mean, sd) - stats.norm.cdf(lower, mean, sd)
        return -np.where(
            exact, stats.norm.logpdf(np.where(exact, value, 0), mean, sd), np.log(mass + exact)
        ).sum()

    best = optimize.minimize(misfit, [45, 2], method="Nelder-Mead").x
    mean, sd = normal_of_intervals(lower, upper)
    assert_allclose([mean, sd], [best[0], np.exp(best[1])], rtol=2e-3)
    assert abs(mean - value.mean()) < 4 * value.std() / 20  # it is near what is not seen
    mean_of, sd_of = normal_of_intervals(lower / 7 + 3, upper / 7 + 3)
    assert_allclose([mean_of, sd_of], [mean / 7 + 3, sd / 7], rtol=1e-6)
