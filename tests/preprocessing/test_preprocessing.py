"""Selectors of SNPs: statistics, missing values, names and dtypes, scikit-learn's own checks."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import sknnmm
from sknnmm.preprocessing import (
    LDPruner,
    MinorAlleleFrequencySelector,
    MissingRateSelector,
    _base,
    _linkage,
)

SELECTORS = [MinorAlleleFrequencySelector(), MissingRateSelector(), LDPruner()]
EACH = pytest.mark.parametrize("selector", SELECTORS, ids=lambda s: type(s).__name__)
HARSH = {  # so that some SNPs of `linked` are dropped
    MinorAlleleFrequencySelector: {"threshold": 0.45},
    MissingRateSelector: {"threshold": 0.02},
    LDPruner: {"r2": 0.1},
}
NAN = np.nan


@pytest.mark.filterwarnings("ignore:X has .* columns with values outside:UserWarning")
@parametrize_with_checks(SELECTORS)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


@pytest.fixture
def linked(rng):
    """Return 200 individuals, 500 SNPs in linkage disequilibrium, 2 % missing, int8."""
    return simulate_linked(rng, 200, 500)


def simulate_linked(rng, n, p):
    """Return dosages of two haplotypes each, copied with change from SNP to SNP."""
    frequency = rng.uniform(0.05, 0.95, p)
    dosages = np.zeros((n, p), np.int8)
    for _ in range(2):
        haplotype = rng.random(n) < frequency[0]
        for j in range(p):
            fresh = rng.random(n) < 0.1
            haplotype = np.where(fresh, rng.random(n) < frequency[j], haplotype)
            dosages[:, j] += haplotype
    dosages[rng.random((n, p)) < 0.02] = -1
    return dosages


def as_float(X):
    return np.where(X < 0, NAN, X)


def naive_pruning(X, r2, window):
    X = as_float(X)
    X = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    kept = []
    for j in range(X.shape[1]):
        near = [i for i in kept if j - i <= window]
        if all(np.corrcoef(X[:, i], X[:, j])[0, 1] ** 2 <= r2 for i in near):
            kept.append(j)
    return kept


# Input and output, the same for all


@EACH
def test_forms_of_genotypes_agree(selector, linked):
    selector = clone(selector).set_params(**HARSH[type(selector)])
    wanted = selector.fit(linked).get_support()
    frozen = linked.copy()
    frozen.flags.writeable = False
    same = {
        "frozen": frozen,
        "snp-major": np.asfortranarray(linked),
        "strided": np.repeat(linked, 2, axis=1)[:, ::2],
        "int64": linked.astype(np.int64),
        "big-endian": linked.astype(">i4"),
        "float32": as_float(linked).astype(np.float32),
        "float16": as_float(linked).astype(np.float16),
        "float64": as_float(linked),
        "other missing code": np.where(linked < 0, -9, linked),
        "nullable": pd.DataFrame(as_float(linked)).convert_dtypes(),
        "list": as_float(linked).tolist(),
    }
    for form, X in same.items():
        assert_array_equal(selector.fit(X).get_support(), wanted, err_msg=form)


@EACH
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32, np.float64])
def test_dtype_and_values_are_kept(selector, linked, dtype):
    X = linked.astype(dtype) if np.dtype(dtype).kind == "i" else as_float(linked).astype(dtype)
    fitted = clone(selector).set_params(**HARSH[type(selector)]).fit(X)
    support = fitted.get_support()
    assert 0 < support.sum() < len(support)
    selected = fitted.transform(X)
    assert selected.dtype == dtype
    assert_array_equal(selected, X[:, support])


@EACH
def test_names_and_dtype_in_frames(selector, linked):
    names = [f"rs{j}" for j in range(linked.shape[1])]
    rows = [f"id{i}" for i in range(len(linked))]
    X = pd.DataFrame(linked, index=rows, columns=names)
    fitted = (
        clone(selector).set_params(**HARSH[type(selector)]).set_output(transform="pandas").fit(X)
    )
    selected = fitted.transform(X)
    assert (selected.dtypes == np.int8).all()
    assert list(selected.columns) == list(fitted.get_feature_names_out())
    assert list(selected.columns) == [names[j] for j in fitted.get_support(indices=True)]
    pd.testing.assert_frame_equal(selected, X[selected.columns])


@EACH
def test_does_not_change_its_input(selector, linked):
    for X in (linked, as_float(linked)):
        before = X.copy()
        clone(selector).fit_transform(X)
        assert_array_equal(X, before)


@EACH
@pytest.mark.parametrize("values_at_once", [1, 700, 10**9])
def test_batches_do_not_matter(selector, linked, values_at_once, monkeypatch):
    selector = clone(selector).set_params(**HARSH[type(selector)])
    wanted = vars(clone(selector).fit(linked))
    for module in (_base, _linkage):
        monkeypatch.setattr(module, "VALUES_AT_ONCE", values_at_once)
    for name, value in vars(clone(selector).fit(linked)).items():
        assert_array_equal(value, wanted[name])


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (MinorAlleleFrequencySelector(0.6), r"threshold.*\[0.0, 0.5\]"),
        (MissingRateSelector(-0.1), r"threshold.*\[0.0, 1.0\]"),
        (LDPruner(r2=1.1), r"r2.*\[0.0, 1.0\]"),
        (LDPruner(window=0), r"window.*\[1, inf\)"),
        (LDPruner(window=2.5), "window.*int"),
    ],
)
def test_invalid_parameters(selector, message, linked):
    with pytest.raises(ValueError, match=message):
        selector.fit(linked)


@EACH
def test_invalid_genotypes(selector, linked):
    with pytest.raises(ValueError, match="infinity"):
        clone(selector).fit(np.where(linked == 2, np.inf, linked))
    with pytest.raises(ValueError, match=r"duplicated column name \(a\)"):
        clone(selector).fit(pd.DataFrame(linked[:, :2], columns=["a", "a"]))
    with pytest.warns(UserWarning, match="-1/0/1 coding"):
        clone(selector).fit(np.array([[-1, 0], [1, 0], [0, 1]]))


# Missing rate


def test_missing_rate():
    X = np.array([[NAN, 1, NAN], [0, 1, NAN], [2, 0, NAN], [1, 1, NAN]])
    selector = MissingRateSelector(threshold=0.25).fit(X)
    assert_array_equal(selector.missing_rate_, [0.25, 0, 1])
    assert_array_equal(selector.get_support(), [True, True, False])
    assert MissingRateSelector(threshold=1).fit(X).get_support().all()


# Minor allele frequency


def test_minor_allele_frequency(linked):
    X = as_float(linked)
    half = np.nanmean(X, axis=0) / 2
    selector = MinorAlleleFrequencySelector(threshold=0.45).fit(linked)
    assert_allclose(selector.minor_allele_frequency_, np.minimum(half, 1 - half), atol=1e-15)
    assert_array_equal(selector.get_support(), np.minimum(half, 1 - half) >= 0.45)
    assert 0 < selector.get_support().sum() < 500


def test_threshold_is_kept_for_either_allele():
    X = np.zeros((10, 1), np.int8)
    X[:2] = 1  # frequency 0.1, where 1 - 1.8 / 2 is less in floating point
    selector = MinorAlleleFrequencySelector(threshold=0.1).fit(np.hstack([X, 2 - X]))
    assert_array_equal(selector.minor_allele_frequency_, [0.1, 0.1])
    assert selector.get_support().all()


def test_imputed_dosages_may_be_fractions():
    X = np.array([[0.5], [1.5], [NAN], [1.75]])
    assert_allclose(MinorAlleleFrequencySelector().fit(X).minor_allele_frequency_, 0.375)


def test_column_without_values_has_no_minor_allele():
    X = np.array([[-1, 0], [-1, 1], [-1, 2]], np.int8)
    selector = MinorAlleleFrequencySelector().fit(X)
    assert_array_equal(selector.minor_allele_frequency_, [0, 0.5])
    assert_array_equal(selector.get_support(), [False, True])
    assert MinorAlleleFrequencySelector(threshold=0).fit(X).get_support().all()


def test_columns_that_are_not_dosages_are_kept():
    X = pd.DataFrame(
        {"rs1": [0, 0, 0], "coded 9": [0, 9, 1], "omic": [-0.5, NAN, 1.2], "rs2": [1, 0, NAN]}
    )
    with pytest.warns(
        UserWarning, match=r"2 columns.*outside \[0, 2\] \(coded 9, omic\)"
    ) as record:
        selector = MinorAlleleFrequencySelector().fit(X)
    assert len(record) == 1
    assert record[0].filename == __file__
    assert_allclose(selector.minor_allele_frequency_, [0, NAN, NAN, 0.25])
    assert_array_equal(selector.get_support(), [False, True, True, True])


# Linkage disequilibrium


@pytest.mark.parametrize(
    ("r2", "window"),
    [
        (0.5, 100),
        (0.2, 7),
        (0.05, 1),
        (0.3, 200),
        (0.1, 10_000),
        (0.6, 128),
        pytest.param(0.8, 100, marks=pytest.mark.slow),
    ],
)
def test_pruning_equals_the_naive_loop(linked, r2, window):
    kept = LDPruner(r2=r2, window=window).fit(linked).get_support(indices=True)
    assert 1 < len(kept) < linked.shape[1]
    assert_array_equal(kept, naive_pruning(linked, r2, window))


def test_first_of_two_copies_is_kept(rng):
    X = rng.integers(0, 3, (50, 3))
    X = np.hstack([X, 2 - X])  # the other allele: correlation -1
    assert_array_equal(LDPruner(window=3).fit(X).get_support(indices=True), [0, 1, 2])
    assert LDPruner(window=2).fit(X).get_support().all()
    assert LDPruner(r2=1).fit(X).get_support().all()  # 1 is not exceeded


def test_a_dropped_snp_drops_no_other(rng):
    a, b = rng.normal(size=(2, 2000))
    X = np.column_stack([a, a + b, b])  # r2 = 0.5, 0.5 and 0
    assert_array_equal(LDPruner(r2=0.4).fit(X).get_support(), [True, False, True])


@pytest.mark.parametrize("r2", [0, 0.25, 0.8])
def test_ties_are_kept(r2):
    x = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    y = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    X = np.column_stack([x, y, np.sqrt(r2) * (2 * x - 1) + np.sqrt(1 - r2) * (2 * y - 1.0)])
    assert LDPruner(r2=max(r2, 1 - r2)).fit(X).get_support().all()
    assert LDPruner(r2=0).fit(X[:, :2]).get_support().all()


def test_snps_without_variance_are_kept(rng):
    X = rng.normal(size=(30, 4))
    X[:, 0] = X[:, 1] = 0.1  # its computed variance is not zero
    X[:, 2] = NAN
    assert LDPruner(r2=0, window=2).fit(X[:, :3]).get_support().all()
    assert LDPruner(r2=0.9).fit(X).get_support().all()


# Together


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_before_a_network_with_a_mask_by_names(data, short):
    names = [f"rs{j}" for j in range(24)]
    X = pd.DataFrame(data.X, columns=names)
    X["rs7"] = np.int8(0)
    X["rs8"] = X["rs3"]
    steps = [
        MissingRateSelector(),
        MinorAlleleFrequencySelector(),
        LDPruner(r2=0.9),
        short(mask={0: names[:12], 1: names[6:], 2: names[12:]}),
    ]
    pipeline = make_pipeline(*steps).set_output(transform="pandas")
    with pytest.warns(UserWarning, match="mask names 2 SNPs not in X"):
        pipeline.fit(X, data.y, nnmmregressor__omics=data.omics)
    network = pipeline[-1]
    assert list(network.snp_names_) == [name for name in names if name not in ("rs7", "rs8")]
    assert (pipeline[:-1].transform(X).dtypes == np.int8).all()
    assert np.isfinite(pipeline.predict(X)).all()


def test_exposed_on_demand():
    assert sknnmm.preprocessing.LDPruner is LDPruner
    assert "preprocessing" in dir(sknnmm)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sknnmm.nothing
