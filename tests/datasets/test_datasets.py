"""Tests of the simulator and of the real data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import multivariate_normal, norm, sem, t

from sknnmm.datasets import (
    _mice,
    _r_files,
    _wheat,
    fetch_hs_mice,
    fetch_maize_hybrids,
    fetch_wheat,
    fetch_wheat_htp,
    make_omics_network,
)
from tests.helpers.data import SHARED_DATA

ACTIVATIONS = {
    "linear": lambda z: z,
    "sigmoid": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
}


def small_network(**parameters):
    return make_omics_network(
        **{"n_samples": 300, "n_snps": 80, "n_omics": 3, "random_state": 0, **parameters}
    )


def centred(values):
    return values - values.mean(axis=0)


# --- make_omics_network: what holds exactly in the sample -------------------------------------


@pytest.mark.parametrize("activation", [*ACTIVATIONS, np.square])
def test_genetic_variances_are_exact_and_orthogonal(activation):
    data = small_network(activation=activation, genetic_variance=0.7, direct_share=0.4)

    assert_allclose(data.mediated_value.var(), 0.6 * 0.7, rtol=1e-10)
    assert_allclose(data.direct_value.var(), 0.4 * 0.7, rtol=1e-10)
    assert_allclose(np.cov(data.mediated_value, data.direct_value)[0, 1], 0, atol=1e-12)
    assert_allclose(data.genetic_value.var(), 0.7, rtol=1e-10)
    assert_allclose(data.genetic_value, data.mediated_value + data.direct_value)
    assert_allclose(data.genetic_value.mean(), 0, atol=1e-12)
    assert_allclose(data.heritability, 0.7 / data.y_complete.var())


def test_values_follow_from_effects_and_genotypes():
    data = small_network()
    X = data.X_complete

    assert_allclose(data.omics_genetic_value, centred(X @ data.snp_effects), atol=1e-10)
    assert_allclose(data.direct_value, centred(X @ data.direct_effects), atol=1e-10)
    assert_allclose(data.mediated_value, data.omics_genetic_value @ data.omics_weights, atol=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_phenotype_is_rebuilt_from_the_truths(activation):
    data = small_network(activation=activation, residual_variance=0)

    activated = ACTIVATIONS[activation](data.omics_complete)
    y = activated @ data.omics_weights + data.direct_value
    assert_allclose(data.y_complete, y, atol=1e-10)


def test_omics_are_driven_by_consecutive_blocks_with_exact_heritability():
    data = small_network(n_snps=80, n_omics=3, omics_heritability=0.4)

    assert_array_equal(data.mask.sum(axis=0), [27, 27, 26])
    assert_array_equal(data.mask.argmax(axis=0), [0, 27, 54])
    assert_array_equal(data.snp_effects != 0, data.mask)
    assert_allclose(data.omics_genetic_value.var(axis=0), 0.4, rtol=1e-10)


def test_more_snps_than_one_product_takes():
    data = small_network(n_samples=50, n_snps=1500, n_omics=1)

    direct_value = centred(data.X_complete.astype(float) @ data.direct_effects)
    assert_allclose(data.direct_value, direct_value, atol=1e-10)
    assert_allclose(data.mediated_value @ data.direct_value, 0, atol=1e-10)


# --- make_omics_network: what holds in expectation ---------------------------------------------


def test_residual_variances_match_the_recipe():
    n_samples = 5000
    data = make_omics_network(n_samples, 100, 4, residual_variance=0.8, random_state=1)

    standard_error = np.sqrt(2 / n_samples)  # of a sample variance, relative to the variance
    omics_residual = data.omics_complete - data.omics_genetic_value
    assert_allclose(omics_residual.var(axis=0), 0.7, rtol=4 * standard_error)
    residual = data.y_complete - data.omics_complete @ data.omics_weights - data.direct_value
    assert_allclose(residual.var(), 0.8, rtol=4 * standard_error)


def test_default_heritability_is_about_a_quarter():
    # y = genetic 0.5 + e 0.5 + non-genetic part of the omics 0.4 * (1 - 0.3) / 0.3
    expected = 0.5 / (0.5 + 0.5 + 0.4 * 0.7 / 0.3)
    heritabilities = [make_omics_network(random_state=seed).heritability for seed in range(5)]
    standard_error = sem(heritabilities)
    assert standard_error < 0.002
    bound = t.isf(0.0005, len(heritabilities) - 1) * standard_error
    assert abs(np.mean(heritabilities) - expected) < bound


@pytest.mark.parametrize("activation", [*ACTIVATIONS, lambda z: np.sin(3 * z)])
def test_genetic_value_is_the_expected_phenotype(activation):
    n_samples = 20_000
    data = make_omics_network(n_samples, 50, 2, activation=activation, random_state=2)

    environment = centred(data.y_complete) - data.genetic_value
    slope = environment @ data.genetic_value / (data.genetic_value @ data.genetic_value)
    standard_error = environment.std() / np.sqrt(n_samples * data.genetic_value.var())
    assert abs(slope) < 4 * standard_error


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mediated_value_integrates_the_omics_noise(activation):
    data = small_network(n_samples=40, activation=activation)

    # Equally likely values of a standard normal stand in for the noise of each omic.
    noise = np.sqrt(0.7) * norm.ppf((np.arange(20_001) + 0.5) / 20_001)
    z = data.omics_genetic_value[:, :, None] + noise
    expected = centred(ACTIVATIONS[activation](z).mean(axis=2) @ data.omics_weights)
    assert_allclose(data.mediated_value, expected, atol=1e-4)


def test_omics_without_noise():
    data = small_network(omics_heritability=1.0, activation="tanh")

    assert_array_equal(data.omics_complete, data.omics_genetic_value)
    mediated_value = centred(np.tanh(data.omics_complete) @ data.omics_weights)
    assert_allclose(data.mediated_value, mediated_value, atol=1e-12)


# --- make_omics_network: genotypes -------------------------------------------------------------


def test_genotypes_are_dosages_at_hardy_weinberg_proportions():
    X = make_omics_network(5000, 200, 2, ld=0.0, random_state=3).X_complete

    assert X.dtype == np.int8
    assert_array_equal(np.unique(X), [0, 1, 2])
    frequency = X.mean(axis=0) / 2
    # Frequencies are uniform between 0.05 and 0.5, those of 10,000 alleles binomial about them.
    assert frequency.min() > 0.05 - 4 * np.sqrt(0.05 * 0.95 / 10_000)
    assert frequency.max() < 0.5 + 4 * np.sqrt(0.5 * 0.5 / 10_000)
    assert_allclose(frequency.mean(), 0.275, atol=4 * 0.45 / np.sqrt(12 * 200))
    heterozygous = 2 * frequency * (1 - frequency)
    standard_error = np.sqrt(heterozygous * (1 - heterozygous) / 5000)
    assert (np.abs((X == 1).mean(axis=0) - heterozygous) < 4.5 * standard_error).all()


def test_linkage_disequilibrium_grows_with_ld_and_fades_with_distance():
    """Haplotypes are thresholds of a normal autoregression: correlations follow from its cells."""
    for ld, distance in [(0.0, 1), (0.5, 1), (0.9, 1), (0.9, 3), (0.9, 10)]:
        X = make_omics_network(2000, 100, 1, ld=ld, random_state=4).X_complete
        found = np.diagonal(np.corrcoef(X, rowvar=False), offset=distance)
        frequency = X.mean(axis=0) / 2
        first, second = frequency[:-distance], frequency[distance:]
        covariance = [[1, ld**distance], [ld**distance, 1]]
        both = multivariate_normal([0, 0], covariance).cdf(norm.ppf(np.stack([first, second], 1)))
        spread = first * (1 - first) * second * (1 - second)
        expected = (both - first * second) / np.sqrt(spread)
        # One correlation has an SE of 1/sqrt(2000) at most. Neighbours are correlated: the mean of
        # 100 is that of as many independent ones as their products of ld allow.
        standard_error = np.sqrt((1 + ld**2) / (1 - ld**2) / len(found) / 2000)
        assert abs(np.mean(found - expected)) < 4 * standard_error, (ld, distance)


def test_every_snp_varies_even_in_a_tiny_sample():
    X = small_network(n_samples=4, n_snps=500).X_complete
    assert (np.ptp(X, axis=0) > 0).all()


# --- make_omics_network: missing cells ---------------------------------------------------------


def test_missing_rates_and_the_values_left():
    data = make_omics_network(
        2000, 100, 5, missing_omics=0.3, missing_y=0.2, missing_genotypes=0.1, random_state=5
    )

    for missing, rate in [(np.isnan(data.omics), 0.3), (np.isnan(data.y), 0.2)]:
        standard_error = np.sqrt(rate * (1 - rate) / 2000)
        assert_allclose(missing.mean(axis=0), rate, atol=4 * standard_error)
    assert_allclose((data.X == -1).mean(), 0.1, atol=4 * np.sqrt(0.1 * 0.9 / data.X.size))
    for name in ["omics", "y"]:
        seen = ~np.isnan(data[name])
        assert_array_equal(data[name][seen], data[f"{name}_complete"][seen])
    assert_array_equal(data.X[data.X >= 0], data.X_complete[data.X >= 0])
    assert data.X_complete.min() == 0
    assert np.isfinite(data.omics_complete).all() and np.isfinite(data.y_complete).all()


def test_nothing_is_missing_by_default():
    data = small_network()
    assert_array_equal(data.X, data.X_complete)
    assert_array_equal(data.y, data.y_complete)
    assert_array_equal(data.omics, data.omics_complete)


def test_two_values_stay_observed_at_any_missing_rate():
    data = small_network(missing_omics=0.9999, missing_y=0.9999, missing_genotypes=0.9999)

    assert_array_equal((~np.isnan(data.omics)).sum(axis=0), 2)
    assert (~np.isnan(data.y)).sum() == 2
    assert_array_equal((data.X >= 0).sum(axis=0), 2)


# --- make_omics_network: omics as they are measured --------------------------------------------

MEASURED = {
    "log_sd": 1.5, "n_batches": 4, "outlier_share": 0.05, "detection_limits": 0.2,
}  # fmt: skip


def test_how_omics_are_measured_leaves_the_truth_alone():
    clean, measured = small_network(missing_omics=0.3), small_network(missing_omics=0.3, **MEASURED)

    for name in ("X", "y", "omics_complete", "genetic_value", "snp_effects", "omics_weights"):
        assert_array_equal(clean[name], measured[name])
    missing = np.isnan(clean.omics)
    assert_array_equal(np.isnan(measured.omics), missing | measured.is_below_detection)
    assert not (missing & (measured.is_below_detection | measured.is_outlier)).any()


def test_clean_omics_are_those_of_earlier_versions():
    data = small_network(missing_omics=0.3)
    assert_allclose(data.y_complete[:3], [-3.60022812, 0.87245084, -2.46824974], rtol=1e-7)
    assert_allclose(data.omics[0], [-2.1703932, 0.41950195, -1.58758041], rtol=1e-7)
    assert data.X.sum(dtype=int) == 13_531
    assert np.isnan(data.omics).sum() == 269
    assert_array_equal(data.batch, 0)
    assert_array_equal(data.module, [0, 1, 2])
    assert_array_equal(data.detection_limits, -np.inf)
    assert not data.is_outlier.any() and not data.is_below_detection.any()


def test_logarithms_of_omics_are_normal():
    data = small_network(log_sd=1.5)
    assert_allclose(np.log(data.omics), 1.5 * data.omics_complete)


def test_batches_shift_every_omic():
    n_batches, n_omics = 10, 60
    data = make_omics_network(1003, n_omics, n_omics, n_batches=n_batches, random_state=0)

    assert_array_equal(np.bincount(data.batch), [101] * 3 + [100] * 7)
    shift = data.omics - data.omics_complete
    of_batch = np.array([shift[data.batch == b].mean(axis=0) for b in range(n_batches)])
    assert_allclose(shift, of_batch[data.batch], atol=1e-12)
    # Its mean square is chi-square with 600 degrees of freedom.
    assert_allclose(np.mean(of_batch**2), 0.5, rtol=4 * np.sqrt(2 / of_batch.size))


def test_batches_come_before_logarithms():
    data = small_network(log_sd=2.0, n_batches=3)
    shift = np.log(data.omics) / 2 - data.omics_complete
    of_batch = np.array([shift[data.batch == b].mean(axis=0) for b in range(3)])
    assert_allclose(shift, of_batch[data.batch], atol=1e-12)


def test_outliers_are_rare_and_large():
    data = make_omics_network(5000, 50, 4, outlier_share=0.02, random_state=0)

    share = data.is_outlier.mean()
    assert_allclose(share, 0.02, atol=4 * np.sqrt(0.02 * 0.98 / data.omics.size))
    added = (data.omics - data.omics_complete) / data.omics_complete.std(axis=0)
    assert_array_equal(added > 0, data.is_outlier)
    # Exponential: the standard deviation is the mean, 10.
    added = added[data.is_outlier]
    assert_allclose(added.mean(), 10, rtol=4 / np.sqrt(len(added)))


@pytest.mark.parametrize("below", ["missing", "limit", "-inf"])
def test_below_detection(below):
    options = {"n_samples": 400, "missing_omics": 0.25, "below_detection": below}
    data = small_network(detection_limits=0.3, **options)
    before = small_network(**options).omics

    measured, is_below = ~np.isnan(before), data.is_below_detection
    assert_allclose(is_below.sum(axis=0) / measured.sum(axis=0), 0.3, atol=1 / 250)
    assert_array_equal(is_below, before < data.detection_limits)
    assert_array_equal(data.omics[measured & ~is_below], before[measured & ~is_below])
    limits = np.broadcast_to(data.detection_limits, before.shape)
    expected = {"missing": np.nan, "limit": limits[is_below], "-inf": -np.inf}[below]
    assert_array_equal(data.omics[is_below], expected)


def test_every_omic_may_have_its_own_share_below_detection():
    data = small_network(detection_limits=[0.3, 0, 0.1])
    assert_array_equal(data.is_below_detection.sum(axis=0), [90, 0, 30])
    assert_array_equal(np.isneginf(data.detection_limits), [False, True, False])


def test_two_values_stay_detected_at_any_quantile():
    data = small_network(detection_limits=0.999, missing_omics=0.99)
    assert ((~np.isnan(data.omics)).sum(axis=0) >= 2).all()


# --- make_omics_network: outcomes ---------------------------------------------------------------


def test_outcomes_are_records_of_one_liability():
    plain, binary = small_network(), small_network(outcome="binary", prevalence=0.2)
    assert_array_equal(plain.y, plain.liability)
    assert_array_equal(plain.y_upper, plain.y)
    assert_array_equal(binary.liability, plain.liability)
    assert binary.heritability == plain.heritability
    assert_array_equal(binary.y, plain.liability > np.quantile(plain.liability, 0.8))
    assert binary.y.dtype.kind == "i"


def test_classes_have_their_shares_and_the_order_of_the_liability():
    data = small_network(outcome="ordinal", prevalence=[0.1, 0.6, 0.3])
    assert_array_equal(np.bincount(data.y), [30, 180, 90])
    assert_array_equal(data.y, (data.liability[:, None] > data.thresholds).sum(axis=1))
    gaps = small_network(outcome="ordinal", prevalence=[0.1, 0.6, 0.3], missing_y=0.3)
    recorded = ~np.isnan(gaps.y)
    assert 0.6 < recorded.mean() < 0.8
    assert_array_equal(gaps.y[recorded], data.y[recorded])
    assert_array_equal(gaps.y_complete, data.y)


def test_censored_records_lie_below_the_phenotype():
    data = small_network(outcome="censored", censored_share=0.2)
    censored = np.isinf(data.y_upper)
    assert censored.sum() == 60
    assert_array_equal(data.y[~censored], data.liability[~censored])
    assert (data.liability[censored] > data.y[censored]).all()
    assert len(set(data.y[censored])) == 1
    assert data.y[censored][0] > data.y[~censored].max()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"outcome": "binary", "prevalence": [0.1, 0.9]}, "a share between 0 and 1"),
        ({"outcome": "ordinal", "prevalence": 0.3}, "the share of every class"),
        ({"outcome": "ordinal", "prevalence": [0.5, 0.6]}, "a sum of 1"),
        ({"outcome": "ordinal", "prevalence": [0.999, 5e-4, 5e-4]}, "leaves a class without any"),
        ({"detection_limits": [0.1, 0.2]}, r"detection_limits has shape \(2,\)"),
        ({"detection_limits": [0.1, 0.2, 1.0]}, "detection_limits must be shares"),
    ],
)
def test_shares_that_are_none_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        small_network(**parameters)


def test_omics_of_a_module_vary_together():
    n_samples, n_omics = 4000, 90
    data = make_omics_network(
        n_samples, 600, n_omics, n_modules=3, module_correlation=0.7, random_state=0
    )

    assert_array_equal(data.module, np.repeat([0, 1, 2], 30))
    assert_array_equal(data.mask.argmax(axis=0), 200 * data.module)
    assert_array_equal(data.mask.sum(axis=0), 200)
    assert_allclose(data.omics_genetic_value.var(axis=0), 0.3, rtol=1e-10)
    assert_allclose(data.mediated_value.var(), 0.4, rtol=1e-10)
    same = data.module[:, None] == data.module
    residual = data.omics_complete - data.omics_genetic_value
    # Of two normal columns the correlation has the standard error (1 - r^2) / sqrt(n).
    found = np.corrcoef(residual, rowvar=False)
    expected = np.where(same, 0.7, 0)
    np.fill_diagonal(expected, 1)
    assert (np.abs(found - expected) < 5 * np.maximum(1 - expected**2, 1e-9) / n_samples**0.5).all()
    # That of SNP effects, over the 200 SNPs of a module.
    for k in (0, 31, 62):
        effects = data.snp_effects[data.mask[:, k], k : k + 2]
        found = np.corrcoef(effects, rowvar=False)[0, 1]
        assert_allclose(found, 0.7, atol=4 * (1 - 0.7**2) / 200**0.5)


def test_modules_without_correlation_share_their_snps_only():
    data = make_omics_network(4000, 40, 6, n_modules=2, module_correlation=0, random_state=0)
    residual = data.omics_complete - data.omics_genetic_value
    found = np.corrcoef(residual, rowvar=False)[np.triu_indices(6, 1)]
    assert (np.abs(found) < 4 / 4000**0.5).all()
    assert_array_equal(data.mask.sum(axis=0), 20)


# --- make_omics_network: randomness and parameters ---------------------------------------------


def test_a_seed_determines_the_data():
    first, again, other = (small_network(random_state=seed) for seed in (7, 7, 8))
    assert_array_equal(first.X, again.X)
    assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.y, other.y)

    states = [np.random.RandomState(7) for _ in range(2)]
    assert_array_equal(*(small_network(random_state=state).y for state in states))
    # A RandomState moves on, so that a second call gives new data.
    assert not np.array_equal(*(small_network(random_state=states[0]).y for _ in range(2)))


def test_missing_rates_leave_the_complete_data_alone():
    complete = small_network()
    fewer = small_network(missing_omics=0.2, missing_y=0.1, missing_genotypes=0.2)
    more = small_network(missing_omics=0.5, missing_y=0.1, missing_genotypes=0.5)

    assert_array_equal(complete.y_complete, more.y_complete)
    assert np.isnan(more.omics[np.isnan(fewer.omics)]).all()
    assert (more.X[fewer.X == -1] == -1).all()
    assert_array_equal(fewer.y, more.y)


def test_without_direct_effects():
    data = small_network(direct_share=0)
    assert_array_equal(data.direct_effects, 0)
    assert_array_equal(data.direct_value, 0)
    assert_allclose(data.mediated_value.var(), 0.5, rtol=1e-10)


def test_direct_effects_alone():
    data = small_network(direct_share=1)
    assert_array_equal(data.omics_weights, 0)
    assert_allclose(data.direct_value.var(), 0.5, rtol=1e-10)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_samples": 1},
        {"n_snps": 0},
        {"n_omics": 0},
        {"omics_heritability": 0.0},
        {"omics_heritability": 1.1},
        {"genetic_variance": 0.0},
        {"direct_share": -0.1},
        {"residual_variance": -1.0},
        {"residual_variance": np.nan},
        {"ld": 1.0},
        {"missing_omics": 1.0},
        {"missing_y": -0.1},
        {"missing_genotypes": 2},
        {"activation": "step"},
        {"n_modules": 0},
        {"module_correlation": 1.1},
        {"log_sd": -1.0},
        {"n_batches": 0},
        {"outlier_share": 1.0},
        {"detection_limits": 1.0},
        {"below_detection": "zero"},
        {"outcome": "poisson"},
        {"prevalence": 0.0},
        {"censored_share": 1.0},
        {"random_state": "seed"},
    ],
)
def test_errors_name_the_parameter(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of make_omics_network"):
        small_network(**parameters)


def test_impossible_requests_are_explained():
    with pytest.raises(ValueError, match="n_snps=2 is less than n_omics=3"):
        small_network(n_snps=2)
    with pytest.raises(ValueError, match="n_modules=4 is more than n_omics=3"):
        small_network(n_modules=4)
    with pytest.raises(ValueError, match="n_snps=1 is less than n_modules=2"):
        small_network(n_snps=1, n_modules=2)
    with pytest.raises(ValueError, match="n_batches=301 is more than n_samples=300"):
        small_network(n_batches=301)
    with pytest.raises(ValueError, match="direct_share=0.2 is impossible.*n_snps=1"):
        small_network(n_snps=1, n_omics=1)
    with pytest.raises(ValueError, match="prevalence=0.2 is that of classes, but outcome='contin"):
        small_network(prevalence=0.2)
    with pytest.raises(ValueError, match="censored_share=0.2, but outcome='binary' is not cens"):
        small_network(outcome="binary", censored_share=0.2)
    with pytest.raises(ValueError, match="activation must vary"):
        small_network(activation=np.ones_like)
    with pytest.raises(ValueError, match="activation must act on each element"):
        small_network(activation=lambda z: z.sum(axis=1))
    with pytest.raises(ValueError, match="activation must return finite"):
        small_network(activation=lambda z: np.full_like(z, np.nan))


# --- fetch_hs_mice -----------------------------------------------------------------------------

needs_data = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="no local copy of the data")


@pytest.fixture(scope="module")
def mice():
    pytest.importorskip("rdata")
    return fetch_hs_mice(data_home=SHARED_DATA)


@needs_data
def test_mice_genotypes(mice):
    genotypes = mice.genotypes
    assert genotypes.shape == (1814, 10346)
    assert (genotypes.dtypes == np.int8).all()
    values = genotypes.to_numpy()
    assert values.sum(dtype=np.int64) == 14_033_609
    assert values.min() == 0 and values.max() == 2
    assert np.shares_memory(values, genotypes.to_numpy())  # one block: no copy at each use
    assert genotypes.columns[0] == "rs3683945_G"
    assert_array_equal(mice.map["snp_id"], genotypes.columns)
    assert list(mice.map.columns) == ["chr", "snp_id", "mbp", "alleles"]


@needs_data
def test_mice_omics_keep_their_gaps(mice):
    assert mice.omics.shape == (1814, 17)
    assert (mice.omics.dtypes == np.float64).all()
    assert mice.omics.columns.str.startswith("Biochem.").all()
    n_missing = mice.omics.isna().sum()
    assert n_missing["Biochem.HDL"] == 220
    assert n_missing["Biochem.Potassium"] == 1661
    assert n_missing["Biochem.Sodium"] == 95
    assert n_missing.sum() == 5071
    assert_allclose(mice.omics["Biochem.HDL"].mean(), 1.591524466750314)


@needs_data
def test_mice_have_no_missing_values_of_r(mice):
    for table in (mice.omics, mice.covariates.select_dtypes("number"), mice.BMI.to_frame()):
        bits = table.to_numpy(np.float64).view(np.uint64)[table.isna()]
        assert (bits == np.float64(np.nan).view(np.uint64)).all()
    assert mice.covariates["Biochem.EndNormalBW"].isna().sum() == 81
    with np.errstate(invalid="raise"):
        np.sum(mice.omics.to_numpy())


@needs_data
def test_mice_rows_are_aligned(mice):
    for name in ["genotypes", "omics", "covariates", "BMI", "sex", "litter", "cage", "family"]:
        assert mice[name].index.equals(mice.ids), name
    # The first records as they stand in the source.
    first = mice.ids[0]
    assert first == "A048005080"
    assert mice.omics.loc[first, "Biochem.HDL"] == 1.84
    assert mice.sex[first] == "F"
    assert mice.litter[first] == 2
    assert mice.cage[first] == "19F"
    assert mice.covariates.loc[first, "Biochem.Age"] == 66


@needs_data
def test_mice_phenotype_and_covariates(mice):
    assert mice.BMI.dtype == np.float64
    assert_allclose(mice.BMI.mean(), -0.457133, atol=1e-6)
    assert mice.sex.value_counts().to_dict() == {"M": 934, "F": 880}
    assert mice.cage.nunique() == 523
    assert mice.family.nunique() == 169
    assert mice.family.value_counts().max() == 48
    assert not set(mice.covariates) & {*mice.omics, "Obesity.BMI", "GENDER", "Litter", "cage"}
    assert {"Obesity.EndNormalBW", "Biochem.Date.Season", "CoatColour"} <= set(mice.covariates)
    assert mice.covariates["Biochem.Age"].isna().sum() == 81


@pytest.mark.slow  # it reads the file once more; see test_mice of invented ones
@needs_data
def test_mice_are_aligned_by_name_not_by_position(mice):
    rdata = pytest.importorskip("rdata")
    contents = rdata.read_rda(SHARED_DATA / "mice.RData", default_encoding="utf-8")
    contents["mice.pheno"] = contents["mice.pheno"].iloc[::-1]
    contents["mice.map"] = contents["mice.map"].iloc[::-1]
    contents["mice.A"] = contents["mice.A"][::-1, ::-1]

    shuffled = _mice._as_bunch(contents)
    assert shuffled.omics.equals(mice.omics)
    assert shuffled.map.equals(mice.map)
    assert shuffled.family.equals(mice.family)


# --- fetch_wheat -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheat():
    pytest.importorskip("rdata")
    return fetch_wheat(data_home=SHARED_DATA)


@needs_data
def test_wheat_genotypes(wheat):
    genotypes = wheat.genotypes
    assert genotypes.shape == (599, 1279)
    assert (genotypes.dtypes == np.int8).all()
    values = genotypes.to_numpy()
    assert_array_equal(np.unique(values), [0, 1])
    assert values.sum(dtype=np.int64) == 429_533
    assert list(genotypes.columns[:2]) == ["wPt.0538", "wPt.8463"]


@needs_data
def test_wheat_yields_are_standardised_within_environments(wheat):
    assert list(wheat.yields) == [f"environment_{k}" for k in range(1, 5)]
    assert_allclose(wheat.yields.mean(), 0, atol=1e-8)
    assert_allclose(wheat.yields.std(), 1, rtol=1e-6)
    assert_allclose(wheat.yields.iloc[0], [1.671629, -1.727470, -1.890285, 0.050916], atol=1e-6)
    # Crossa et al. (2010): environment 1 is hardly correlated with the others, 2 and 3 are.
    assert wheat.yields.corr().iloc[0, 1:].max() < 0
    assert_allclose(wheat.yields.corr().iloc[1, 2], 0.661, atol=1e-3)


@needs_data
def test_wheat_rows_are_aligned(wheat):
    assert wheat.ids[0] == "775" and wheat.ids.is_unique
    for name in ["genotypes", "yields", "relationship", "sets"]:
        assert wheat[name].index.equals(wheat.ids), name
    assert wheat.relationship.columns.equals(wheat.ids)
    # Markers have no row names in the file. In the order of the pedigree, lines related by
    # pedigree resemble each other in their markers (0.25); in another order they do not (0.00).
    markers = centred(wheat.genotypes.to_numpy(dtype=float))
    pairs = np.triu_indices(len(markers), k=1)
    resemblance, relationship = (markers @ markers.T)[pairs], wheat.relationship.to_numpy()[pairs]
    assert np.corrcoef(resemblance, relationship)[0, 1] > 0.2


@needs_data
def test_wheat_sets_are_ten_folds(wheat):
    counts = wheat.sets.value_counts()
    assert sorted(counts.index) == list(range(1, 11))
    assert counts[4] == 73 and counts[2] == 50


@pytest.mark.slow
@needs_data
def test_wheat_relationship_is_aligned_by_name(wheat):
    rdata = pytest.importorskip("rdata")
    contents = rdata.read_rda(SHARED_DATA / "wheat.RData", default_encoding="utf-8")
    contents["wheat.A"] = contents["wheat.A"][::-1, ::-1]

    assert _wheat._as_bunch(contents).relationship.equals(wheat.relationship)


# --- fetch_maize_hybrids -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def maize():
    pytest.importorskip("rdata")
    return fetch_maize_hybrids(data_home=SHARED_DATA)


@needs_data
def test_maize_hybrids_get_the_sum_of_their_parents_alleles(maize):
    genotypes = maize.genotypes
    assert genotypes.shape == (1521, 15318)
    assert (genotypes.dtypes == np.int8).all()
    values, alleles = genotypes.to_numpy(), maize.parent_genotypes.to_numpy()
    assert values.flags.f_contiguous  # as the sampler reads it
    assert_array_equal(np.unique(alleles), [0, 1])
    assert values.sum(dtype=np.int64) == 35_621_390
    assert (np.ptp(values, axis=0) == 0).sum() == 669

    assert_array_equal(maize.ids, "DF_" + maize.parents["dent"] + "_" + maize.parents["flint"])
    dent, flint = (maize.parent_ids.get_indexer(maize.parents[pool]) for pool in maize.parents)
    assert_array_equal(values, alleles[dent] + alleles[flint])
    assert maize.pools.value_counts().to_dict() == {"dent": 142, "flint": 103}


@needs_data
def test_maize_transcripts_are_known_for_a_part(maize):
    assert maize.parent_omics.shape == (245, 1323) and maize.omics.shape == (1521, 1323)
    measured = maize.parent_omics.notna().all(axis=1)
    assert measured.equals(maize.parent_omics.notna().any(axis=1))
    assert measured.groupby(maize.pools).sum().to_dict() == {"dent": 60, "flint": 43}
    assert_allclose(maize.parent_omics.mean(), 0, atol=1e-8)
    assert_allclose(maize.parent_omics.std(), 1, rtol=1e-8)

    n_known = sum(measured[maize.parents[pool]].to_numpy().astype(int) for pool in maize.parents)
    assert_array_equal(np.bincount(n_known), [279, 557, 685])
    assert_array_equal(maize.omics.notna().all(axis=1), n_known == 2)
    assert_array_equal(maize.omics.isna().all(axis=1), n_known < 2)
    hybrid = maize.omics.index[n_known == 2][0]
    means = maize.parent_omics.loc[maize.parents.loc[hybrid]].mean()
    assert_allclose(maize.omics.loc[hybrid], means, atol=1e-12)


@needs_data
def test_maize_phenotypes_are_those_of_the_authors(maize):
    listed = _r_files.read(SHARED_DATA / "maize" / "agro_tibble.RDS")
    for trait, records in listed.groupby("Trait"):
        ids = records["Genotype"].astype(str)
        assert_array_equal(maize.phenotypes.loc[ids, trait], records["Value"])
    assert len(listed) == maize.phenotypes.size == 7 * 1521
    # Dry matter yield in 100 kg/ha, and contents in per cent, of whole plants at silage maturity.
    expected = {"GTM": 192.278, "GTS": 34.050, "STA": 35.393, "ADL": 1.882}
    assert_allclose(maize.phenotypes[list(expected)].mean(), [*expected.values()], atol=6e-4)


@needs_data
def test_maize_standard_errors_are_those_of_the_means(maize):
    assert maize.standard_errors.notna().all(axis=None)
    assert_allclose(maize.standard_errors["GTM"].describe()[["min", "max"]], [5.928, 19.685], 1e-4)
    share_of_error = (maize.standard_errors**2).mean() / maize.phenotypes.var()
    assert share_of_error.min() > 0.25 and share_of_error.max() < 0.75
    assert share_of_error.idxmin() == "GTM"


@needs_data
def test_maize_relationships_agree_with_the_genotypes(maize):
    for pool in ("dent", "flint"):
        lines = maize.parent_ids[maize.pools == pool]
        alleles = centred(maize.parent_genotypes.loc[lines].to_numpy(dtype=float))
        pairs = np.triu_indices(len(lines), k=1)
        relationship = maize.parent_relationship.loc[lines, lines].to_numpy()[pairs]
        assert np.corrcoef((alleles @ alleles.T)[pairs], relationship)[0, 1] > 0.5
    dent, flint = (maize.pools == pool for pool in ("dent", "flint"))
    assert (maize.parent_relationship.loc[dent, flint] == 0).all(axis=None)


# --- fetch_wheat_htp ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheat_htp():
    pytest.importorskip("rdata")
    return fetch_wheat_htp(data_home=SHARED_DATA)


@needs_data
def test_wheat_htp_genotypes_are_missing_where_the_file_has_means(wheat_htp):
    values = wheat_htp.genotypes.to_numpy()
    assert values.shape == (776, 3438) and values.dtype == np.int8
    assert_array_equal(np.bincount(values.ravel() + 1), [233_909, 553_792, 59_698, 1_820_489])
    markers = _r_files.read(SHARED_DATA / "wheat_htp" / "wheatHTP.RData")["M"].to_numpy()
    missing = values == -1
    assert_array_equal(values[~missing] - 1, markers[~missing])
    means = np.nanmean(np.where(missing, np.nan, values), axis=0) - 1
    assert_allclose(markers[missing], np.broadcast_to(means, values.shape)[missing], atol=1e-6)


@needs_data
def test_wheat_htp_tables(wheat_htp):
    assert list(wheat_htp.yields) == ["E1", "E2", "E3", "E4"]
    assert_allclose(wheat_htp.yields.mean(), [2.0646, 3.6754, 6.1138, 6.4520], atol=1e-4)
    assert wheat_htp.reflectances.shape == (776, 250)
    assert list(wheat_htp.wavelengths.iloc[[0, -1]]) == [392, 851]
    assert (np.diff(wheat_htp.wavelengths) > 0).all()
    assert list(wheat_htp.vegetation_indices) == ["GNDVI", "RNDVI"]
    for name in ["yields", "reflectances", "vegetation_indices"]:
        assert wheat_htp[name].notna().all(axis=None), name
    trials_per_fold = wheat_htp.trials.groupby(wheat_htp.folds).nunique()
    assert trials_per_fold.to_dict() == {1: 7, 2: 7, 3: 7, 4: 7}
    assert (wheat_htp.folds.groupby(wheat_htp.trials).nunique() == 1).all()


@needs_data
def test_wheat_htp_rows_are_aligned(wheat_htp):
    assert wheat_htp.ids[0] == "6569128" and wheat_htp.ids.is_unique
    # Genotypes and reflectances have no names of lines. In the order of the yields, reflectance
    # goes with yield in its own environment, and lines of a trial resemble each other.
    correlations = wheat_htp.reflectances.corrwith(wheat_htp.yields["E1"]).abs()
    assert correlations.max() > 0.5  # the standard error is 0.04
    markers = centred(wheat_htp.genotypes.to_numpy(dtype=float))
    resemblance = markers @ markers.T
    pairs = np.triu_indices(len(markers), k=1)
    trials = wheat_htp.trials.to_numpy()
    same_trial = (trials[:, None] == trials)[pairs]
    assert np.corrcoef(resemblance[pairs], same_trial)[0, 1] > 0.05  # in another order 0.00
