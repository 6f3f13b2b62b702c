"""Phenotypes that lie in an interval: checks, and how they are standardised."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, optimize, stats

from sknnmm import NNMMRegressor
from sknnmm.inputs.intervals import normal_of_intervals, truncated_normal
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
    log_mass, first, second = truncated_normal(*np.array(cases, float).T)
    for case, *found in zip(cases, np.exp(log_mass), first, second, strict=True):
        mass, m, s = (
            integrate.quad(lambda x, k=k: x**k * stats.norm.pdf(x), *np.clip(case, -40, 40))[0]
            for k in range(3)
        )
        assert_allclose(found, [mass, m / mass, s / mass], rtol=1e-8, atol=1e-19)
    _, first, second = truncated_normal(np.array([60.0]), np.array([INF]))
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

    mean, sd = normal_of_intervals(lower, upper)
    assert_allclose([mean, sd], fitted_by_scipy(lower, upper, 45, 7), rtol=1e-5)
    assert abs(mean - value.mean()) < 4 * value.std() / 20  # it is near what is not seen
    for factor in (1e-12, 1 / 7, 1e12):
        found = normal_of_intervals(lower * factor + 3 * factor, upper * factor + 3 * factor)
        assert_allclose(found, [(mean + 3) * factor, sd * factor], rtol=1e-6)


@pytest.mark.parametrize("infinity", [INF, 1e3, 1e6, 1e150])
@pytest.mark.parametrize("known", [0.02, 0.05, 0.2, 0.8])
def test_the_best_fit_when_most_values_are_censored(known, infinity):
    value = np.random.default_rng(1).normal(size=200)
    lower = np.minimum(value, np.quantile(value, known))
    upper = np.where(lower < value, infinity, value)
    expected = fitted_by_scipy(lower, np.where(lower < value, INF, value), 0, 1)
    assert_allclose(normal_of_intervals(lower, upper), expected, rtol=1e-4, atol=1e-4)
    mirrored = normal_of_intervals(-upper, -lower)
    assert_allclose(mirrored, [-expected[0], expected[1]], rtol=1e-4, atol=1e-4)


def fitted_by_scipy(lower, upper, mean, sd):
    """Return mean and SD of greatest likelihood, searched without derivatives."""
    exact = lower == upper

    def misfit(parameters):
        of = stats.norm(parameters[0], np.exp(parameters[1]))
        mass = np.where(lower > mean, of.sf(lower) - of.sf(upper), of.cdf(upper) - of.cdf(lower))
        with np.errstate(divide="ignore"):
            return -of.logpdf(lower[exact]).sum() - np.log(mass[~exact]).sum()

    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 2000}
    best = optimize.minimize(misfit, [mean, np.log(sd)], method="Nelder-Mead", options=options).x
    return best[0], np.exp(best[1])


def test_a_best_fit_that_is_far_wider_than_the_gap_between_intervals():
    lower = np.repeat([0.0, 1.0], 50)
    upper = np.repeat([1 - 1e-4, 2.0], 50)
    expected = fitted_by_scipy(lower, upper, 1, 0.2)
    assert_allclose(normal_of_intervals(lower, upper), expected, rtol=1e-3)


@pytest.mark.parametrize("ends", [[-1.0], [-1.0, 1.5], [-3.0, 1.99]])
def test_one_sided_intervals_that_do_not_tell_the_unit(ends):
    upper = np.array([*ends, INF, INF])
    lower = np.where(np.isinf(upper), 1.0, -INF)
    with pytest.raises(ValueError, match=r"(?s)tells the unit of y.*NNMMClassifier"):
        checked(lower, upper)


def test_one_sided_intervals_that_tell_the_unit():
    # below 0: 1 of 4; below 2: 3 of 4
    lower = np.array([-INF, 0, 0, 0, -INF, -INF, -INF, 2])
    upper = np.array([0, INF, INF, INF, 2, 2, 2, INF])
    record = checked(lower, upper)
    expected = [1, 1 / stats.norm.ppf(0.75)]
    assert_allclose([record.location, record.scale], expected, rtol=1e-6)
    touched = checked([*lower, 0.5], [*upper, NAN])  # an exact one is enough, too
    assert np.isfinite([touched.location, touched.scale]).all()


def test_widths_of_rounding_are_exact_values():
    y = np.random.default_rng(2).normal(3, 2, 50)
    plain = Phenotype(y).check(50, None)
    for upper in (np.nextafter(y, INF), y + 2e-15, y + 2e-12, y + 1e-7):
        record = checked(y, upper)
        assert record.upper is None
        assert_allclose([record.location, record.scale], [plain.location, plain.scale], rtol=1e-6)
    one_wide = np.nextafter(y, INF)
    one_wide[0] = INF
    expected = checked(y, np.where(np.isinf(one_wide), INF, NAN))
    found = checked(y, one_wide)
    assert_allclose([found.location, found.scale], [expected.location, expected.scale], rtol=1e-12)
    narrow = checked(y, y + 1e-4)  # not rounding, and computed without cancellation
    assert_allclose([narrow.location, narrow.scale], [plain.location, plain.scale], rtol=1e-4)


def test_an_end_too_far_to_matter_becomes_infinite():
    y = np.arange(10.0)
    upper = np.where(y < 3, y, 1e150)
    lower = np.minimum(y, 3)
    assert_array_equal(checked(lower, upper).upper, np.where(y < 3, y, INF))
    assert_array_equal(checked(-upper, -lower).values, np.where(y < 3, -y, -INF))
    upper[upper > 3] = 1e3  # but this one is kept
    assert_array_equal(checked(lower, upper).upper, upper)


def test_a_large_number_for_infinity_is_blamed_on_its_argument():
    with pytest.raises(ValueError, match=r"y_upper has values too large.*use inf.*first is 1"):
        checked([1.0, 2.0, 3.0], [NAN, 1e308, NAN])
    with pytest.raises(ValueError, match=r"y has values too large.*use -inf.*first is 2"):
        checked([1.0, 2.0, -1e308], [NAN, NAN, 1.0])


def test_flags_of_censoring_are_no_upper_ends():
    with pytest.raises(TypeError, match="y_upper is boolean"):
        Phenotype(np.arange(4.0), [True, False, True, False]).check(4, None)
