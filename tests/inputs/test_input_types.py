"""Tables and arrays of every kind: each column judged by its own type, nothing lost on the way."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from sknnmm.genotypes import Genotypes, ScaledGenotypes
from sknnmm.inputs.genotype_array import genotype_array
from sknnmm.inputs.genotypes import check_genotypes
from sknnmm.inputs.missing_codes import warn_of_codes
from sknnmm.inputs.tables import as_pandas
from sknnmm.metrics import predictive_correlation, predictive_correlation_scorer
from sknnmm.preprocessing import LDPruner, MinorAlleleFrequencySelector, MissingRateSelector

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SNPS = [f"rs{j}" for j in range(24)]
OMICS = ["a", "b", "c"]
FRAMES = {
    "convert_dtypes": lambda F: F.convert_dtypes(),
    "Int8": lambda F: F.astype("Int8"),
    "Int8 with NA": lambda F: F.astype("Int8").where(F >= 0),
    "Arrow": lambda F: F.astype("int64[pyarrow]"),
    "object": lambda F: F.astype(object),
    "object with None": lambda F: F.astype(object).where(F >= 0, None),
    "sparse": lambda F: F.astype(pd.SparseDtype("int8", 0)),
    "several integer types": lambda F: F.astype({"rs0": np.int64, "rs1": np.int16}),
    "one floating column": lambda F: F.assign(rs5=F["rs5"].astype(float).where(F["rs5"] >= 0)),
    "polars": pl.from_pandas,
    "polars with null": lambda F: pl.from_pandas(F.astype("Int8").where(F >= 0)),
    "polars UInt8 with null": lambda F: pl.from_pandas(F.astype("Int8").where(F >= 0)).cast(
        pl.UInt8
    ),
    "Arrow table": pa.Table.from_pandas,
}


@pytest.fixture(scope="module")
def table(data):
    return pd.DataFrame(data.X, columns=SNPS)


@pytest.mark.parametrize("kind", FRAMES)
def test_integer_columns_keep_their_missing_values(table, kind):
    converted = genotype_array(as_pandas(FRAMES[kind](table)))
    assert_array_equal(np.maximum(converted, -1), table)
    assert converted.dtype == np.int8 and (converted < 0).sum() == 2


@pytest.mark.parametrize("kind", ["convert_dtypes", "one floating column", "polars", "object"])
def test_every_table_gives_the_same_fit(table, data, short, kind):
    omics = pd.DataFrame(data.gappy, columns=OMICS)
    whole = pd.concat([table, omics], axis=1)
    if kind == "polars":
        given = pl.from_pandas(whole)
    else:
        given = pd.concat([FRAMES[kind](table), omics], axis=1)
    expected = short().fit(table, data.y, omics=omics)
    model = short(omics_features=OMICS).fit(given, data.y)
    assert list(model.omics_names_) == OMICS
    assert_array_equal(model.snp_names_, SNPS)
    assert_array_equal(model.predict(given), expected.predict(table, omics=omics))
    assert_array_equal(model.coef_, expected.coef_)


def test_fractions_beside_integers_are_floating_with_nan(table):
    mixed = table.assign(rs7=np.linspace(0, 2, 80))
    converted = genotype_array(mixed)
    assert converted.dtype == np.float64 and genotype_array(mixed, np.float32).dtype == np.float32
    assert np.isnan(converted).sum() == 2
    assert_array_equal(converted[:, 7], mixed["rs7"])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, np.float64])
def test_the_mask_of_a_masked_array_is_missing(data, dtype):
    missing = data.X < 0
    masked = np.ma.masked_array(np.where(missing, 2, data.X).astype(dtype), missing)
    converted = genotype_array(masked)
    if converted.dtype.kind == "f":
        converted = np.where(np.isnan(converted), -1, converted)
    assert_array_equal(np.maximum(converted, -1), data.X)


def test_masks_of_y_omics_and_omics_columns_are_missing(data, short):
    hidden = np.zeros(80, bool)
    hidden[[2, 50]] = True
    y = np.where(hidden, np.nan, data.y)
    expected = short().fit(data.X, y, omics=data.gappy)
    omics = np.ma.masked_invalid(data.gappy)
    masked_y = np.ma.masked_array(data.y, hidden)
    beside = short().fit(data.X, masked_y, omics=omics)
    assert_array_equal(beside.coef_, expected.coef_)
    X = np.ma.masked_array(data.X.astype(float), data.X < 0)
    inside = short(omics_features=[24, 25, 26]).fit(np.ma.column_stack([X, omics]), masked_y)
    assert_array_equal(inside.coef_, expected.coef_)
    with pytest.raises(ValueError, match="sample_weight must be finite"):
        short().fit(data.X, data.y, sample_weight=np.ma.masked_array(np.ones(80), hidden))


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4", "longdouble", "f2", bool])
def test_numbers_of_any_type(data, short, dtype):
    y = data.y.astype(dtype)
    if dtype is bool:
        y = data.y > data.y.mean()
    expected = short().fit(data.X, np.asarray(y, float)).predict(data.X)
    assert_array_equal(short().fit(data.X, y).predict(data.X), expected)
    X = np.maximum(data.X, 0).astype(dtype)
    expected = short().fit(np.asarray(X, float), data.y).predict(np.asarray(X, float))
    assert_array_equal(short().fit(X, data.y).predict(X), expected)


def test_columns_of_polars_and_arrow(data, short):
    expected = short().fit(data.X, data.y, sample_weight=data.y).predict(data.X)
    for column in (pl.Series, pa.array, lambda v: pa.chunked_array([v]), pd.array):
        model = short().fit(data.X, column(data.y), sample_weight=column(data.y))
        assert_array_equal(model.predict(data.X), expected)


NO_NUMBERS = {
    "dates": (np.arange(80).astype("M8[D]"), "y must be numeric, but holds date"),
    "time zones": (pd.Series(pd.date_range("2020", periods=80, tz="UTC")), "holds date"),
    "time spans": (np.arange(80).astype("m8[D]"), "holds time span"),
    "objects": ([pd.Timestamp("2020-01-01")] * 80, "holds date"),
    "periods": (pd.Series(pd.period_range("2020", periods=80)), "y must be numeric"),
    "complex": (np.arange(80) + 0j, "Complex data not supported: y"),
    "text": (["1.5"] * 80, "y must be numeric, but holds text"),
    "categories": (pd.Categorical([1, 2] * 40), "y must be numeric, but holds categorical"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_is_no_number_is_refused_by_name(data, table, short, kind):
    values, message = NO_NUMBERS[kind]
    with pytest.raises(ValueError, match=message):
        short().fit(data.X, values)
    with pytest.raises(ValueError, match=r"(X column 'other'|X column 24).*"):
        short().fit(table.assign(other=values), data.y)
    weight_message = message.replace("y must", "sample_weight must").replace(": y", ": sample_w")
    with pytest.raises(ValueError, match=weight_message):
        short().fit(data.X, data.y, sample_weight=values)


@pytest.mark.parametrize("shape", [(), (80, 2), (1, 80), (80, 1)])
def test_weights_of_a_wrong_shape_are_called_weights(data, short, shape):
    with pytest.raises(ValueError, match="sample_weight should be a 1d array"):
        short().fit(data.X, data.y, sample_weight=np.ones(shape))


# --- codes for missing values -----------------------------------------------------------------


CODES = [
    (9, np.int8),
    (5, np.int64),
    (3, np.int16),
    *(
        pytest.param(*of_floats, marks=pytest.mark.slow)  # stored so, with kernels of their own
        for of_floats in ((255, np.uint8), (-9, float), (-1, float))
    ),
]


@pytest.mark.parametrize(("code", "dtype"), CODES)
def test_codes_for_missing_values_warn_once_by_name(data, short, code, dtype):
    X = pd.DataFrame(np.where(data.X < 0, code, data.X.astype(np.int64)).astype(dtype))
    X.columns = SNPS
    message = rf"whole numbers other.*2 columns \(rs0, rs5\): {code} looks like a code for missing"
    for act in (
        lambda: short().fit(X, data.y),
        lambda: MissingRateSelector().fit(X),
        lambda: LDPruner().fit(X),
    ):
        with pytest.warns(UserWarning, match=message) as caught:
            act()
        assert [w.filename for w in caught if "code for missing" in str(w.message)] == [__file__]
    message = rf"2 columns.*outside \[0, 2\] \(rs0, rs5\).* {code} looks like a code for missing"
    with pytest.warns(UserWarning, match=message) as caught:
        MinorAlleleFrequencySelector().fit(X)
    assert len(caught) == 1
    model = short().fit(np.maximum(data.X, 0), data.y)
    with pytest.warns(UserWarning, match="looks like a code for missing") as caught:
        model.predict(X.to_numpy(), return_std=True)
    assert len(caught) == 1


def warn_of(X, *, fitting):
    warn_of_codes(check_genotypes(X, "NNMMRegressor"), None, fitting=fitting)


def test_genotypes_that_are_no_whole_numbers_do_not_warn(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        standardised = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
        warn_of(standardised, fitting=True)
        warn_of(data.X, fitting=True)
        warn_of(np.where(data.X < 0, np.nan, data.X), fitting=True)
        warn_of(np.array([[-1], [1]], np.int8), fitting=False)
    with pytest.warns(UserWarning, match="-1/0/1 coding, and is taken so"):
        warn_of(np.array([[-1.0], [1]]), fitting=True)


@pytest.mark.parametrize("selector", [MissingRateSelector(), LDPruner()])
@pytest.mark.parametrize("output", ["default", "pandas"])
def test_selectors_judge_columns_by_their_own_type(table, data, selector, output):
    whole = table.assign(omic=data.omics[:, 0])
    selector = selector.set_output(transform=output).fit(whole)
    if isinstance(selector, MissingRateSelector):
        expected = [*(data.X < 0).mean(axis=0), 0]
        assert_array_equal(selector.missing_rate_, expected)
    kept = selector.transform(whole)
    values = np.asarray(kept, dtype=float)
    if output == "default":
        assert np.isnan(values).sum() == 2 and kept.dtype == np.float64
    else:
        assert (values == -1).sum() == 2 and kept["rs5"].dtype == np.int8


# --- 0/1 coding -------------------------------------------------------------------------------


def test_frequency_of_lines_coded_0_and_1(data):
    X = (data.X > 0).astype(np.int8)
    frequency = X.mean(axis=0)
    selector = MinorAlleleFrequencySelector(threshold=0.3)
    found = selector.fit(X).minor_allele_frequency_
    np.testing.assert_allclose(found, np.minimum(frequency, 1 - frequency), atol=1e-15)
    assert_array_equal(selector.fit(1 - X).minor_allele_frequency_, found)
    beside = pd.DataFrame(X).assign(omic=data.omics[:, 1])
    with pytest.warns(UserWarning, match=r"outside \[0, 2\] \(omic\)"):
        selector.fit(beside.rename(columns=str))
    assert_array_equal(selector.minor_allele_frequency_[:-1], found)


def test_gblup_of_lines_coded_0_and_1_does_not_depend_on_the_allele_counted(data):
    X = (data.X > 0).astype(np.int8)
    frequency = X.mean(axis=0)
    scaled, other = (ScaledGenotypes(Genotypes(coded)) for coded in (X, 1 - X))
    np.testing.assert_allclose(scaled.scale, np.sqrt(frequency * (1 - frequency)))
    np.testing.assert_allclose(other.scale, scaled.scale, rtol=1e-14)
    np.testing.assert_allclose(other.row_gram(), scaled.row_gram(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scaled.variance, 1)
    diploid = ScaledGenotypes(Genotypes(2 * X))
    np.testing.assert_allclose(diploid.scale, np.sqrt(2 * frequency * (1 - frequency)))


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("1,21", r"'1,21' has a decimal comma: read the file with decimal=\",\""),
        ("F", r"'F' is no number: recode it.*get_dummies"),
        (".", r"'\.' is no number: recode it, to NaN if it means missing"),
        ("3", "Convert it, e.g. with pandas.to_numeric"),
    ],
)
def test_text_in_a_table_is_shown_with_what_helps(data, short, value, advice):
    omics = pd.DataFrame(data.omics, columns=OMICS).assign(b=["1.5"] * 79 + [value])
    with pytest.raises(ValueError, match=f"omics column 'b'.*{advice}"):
        short().fit(data.X, data.y, omics=omics)


def test_tables_without_labels_go_with_labelled_ones(data, short):
    y = pd.Series(data.y, [f"animal{i}" for i in range(80)])
    X = pl.from_pandas(pd.DataFrame(data.X, columns=SNPS))
    model = short().fit(X, y)
    assert_array_equal(model.predict(X), short().fit(data.X, data.y).predict(data.X))
    assert np.isfinite(model.score(X, y))
    assert np.isfinite(predictive_correlation_scorer(model, X, y))


@pytest.mark.parametrize("code", [9, -9, -1, 3])
def test_codes_among_imputed_dosages_warn(data, code):
    rng = np.random.default_rng(3)
    imputed = np.clip(np.maximum(data.X, 0) + rng.normal(0, 0.1, data.X.shape), 0, 1.9)
    imputed[[3, 40], [5, 0]] = code
    with pytest.warns(UserWarning, match=rf"2 columns \(0, 5\): {code} looks like") as caught:
        warn_of(imputed, fitting=True)
    assert len(caught) == 1


@pytest.mark.parametrize("kind", ["boolean", "Int8", "object", "masked", "polars"])
def test_gaps_of_lines_coded_0_and_1_are_no_negative_values(data, short, kind):
    F = pd.DataFrame((data.X > 0).astype(np.int8), columns=SNPS)
    gaps = data.X < 0
    X = {
        "boolean": lambda: F.astype("boolean").mask(gaps),
        "Int8": lambda: F.astype("Int8").mask(gaps),
        "object": lambda: F.astype(object).mask(gaps, None),
        "masked": lambda: np.ma.masked_array(F.to_numpy(np.uint8), gaps),
        "polars": lambda: pl.from_pandas(F.astype("boolean").mask(gaps)),
    }[kind]()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "X has")
        model = short().fit(X, data.y)
        kept = MissingRateSelector().fit_transform(X)
    expected = short().fit(np.where(gaps, np.nan, F), data.y)
    assert_array_equal(model.coef_, expected.coef_)
    assert_array_equal(np.asarray(kept, float)[gaps], -1)


def test_numbers_beyond_64_bits_are_numbers(data, table):
    for huge in (np.full(80, 2**63 + 7, np.uint64), np.array([10**30] * 80, object)):
        converted = genotype_array(table.assign(rs0=huge))
        np.testing.assert_allclose(converted[:, 0], float(huge[0]))


MIXED = [np.datetime64("2020-01-01"), np.timedelta64(5, "D"), np.complex128(1j), "7", 2j]


@pytest.mark.parametrize("odd", MIXED, ids=lambda odd: type(odd).__name__)
def test_objects_that_are_no_numbers_are_refused_beside_numbers(data, short, table, odd):
    mixed = np.array([odd, *range(79)], dtype=object)
    with pytest.raises(
        ValueError, match=f"y must be numeric, but holds values of .*{type(odd).__name__}"
    ):
        short().fit(data.X, mixed)
    with pytest.raises(ValueError, match="X column 'rs3' must be numeric"):
        MissingRateSelector().fit(table.assign(rs3=mixed))
    with pytest.raises(ValueError, match="y_true must be numeric"):
        predictive_correlation(mixed, data.y)


def test_text_in_a_polars_table_is_named(data, short, table):
    named = pl.from_pandas(table).with_columns(pl.Series("id", [f"a{i}" for i in range(80)]))
    with pytest.raises(ValueError, match="X column 'id' must be numeric, but holds text"):
        short().fit(named, data.y)
    with pytest.raises(TypeError, match=r"pass frame.collect\(\)"):
        short().fit(pl.from_pandas(table).lazy(), data.y)


@pytest.mark.parametrize("values", [pd.date_range("2020", periods=80), ["1"] * 80, ["a", "b"] * 40])
def test_metrics_refuse_what_fit_refuses(data, values):
    for column in (pd.Series(values), pd.Series(values).astype("category"), np.asarray(values)):
        with pytest.raises(ValueError, match="y_true must be numeric"):
            predictive_correlation(column, data.y)


def test_counts_beside_lines_coded_0_and_1_do_not_change_their_frequencies(data):
    X = (data.X > 0).astype(float)
    expected = MinorAlleleFrequencySelector().fit(X).minor_allele_frequency_
    counts = np.random.default_rng(0).poisson(5, (80, 1))
    with pytest.warns(UserWarning, match=r"1 columns.*outside \[0, 2\] \(24\)"):
        found = MinorAlleleFrequencySelector().fit(np.hstack([X, counts]))
    assert_array_equal(found.minor_allele_frequency_[:-1], expected)


@pytest.mark.parametrize("kind", [MissingRateSelector, LDPruner, MinorAlleleFrequencySelector])
def test_a_failed_refit_leaves_a_selector_whole(data, kind):
    selector = kind().fit(data.X[:, :20])
    expected = selector.transform(data.X[:, :20])
    with pytest.raises(ValueError, match="infinity"):
        selector.fit(np.full((5, 7), np.inf))
    assert_array_equal(selector.transform(data.X[:, :20]), expected)
    assert selector.n_features_in_ == 20
