"""Packed genotypes: chosen, unpacked and selected like an array, and never read beyond."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.io import align, open_plink
from sknnmm.preprocessing import (
    LDPruner,
    MinorAlleleFrequencySelector,
    MissingRateSelector,
    _base,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, P = 31, 50
INDEX, COLUMNS = [f"m{i}" for i in range(N)], [f"rs{j}" for j in range(P)]


@pytest.fixture(scope="module")
def X():
    """Return dosages (N, P) in linkage disequilibrium, -1 = missing."""
    rng = np.random.default_rng(5)
    X = rng.binomial(2, rng.uniform(0.05, 0.9, P), (N, P)).astype(np.int8)
    X[:, 1::5] = X[:, ::5]
    X[rng.random(X.shape) < 0.05] = -1
    return X


@pytest.fixture(scope="module")
def genotypes(X, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "herd.bed"
    to_bed(path, np.where(X < 0, -127, X).astype(np.int8), {"iid": INDEX, "sid": COLUMNS})
    return open_plink(path).genotypes


# --- lengths are checked before compiled code reads ------------------------------------------


@pytest.mark.parametrize(
    ("packed", "n", "p", "message"),
    [
        (np.zeros((5, 2), np.uint8), 10**9, 5, r"must have the shape \(5, 250000000\) .* \(5, 2\)"),
        (np.zeros((5, 2), np.uint8), 8, 6, r"\(6, 2\) for the 8 individuals"),
        (np.zeros((5, 2), np.uint8), 9, 5, r"\(5, 3\) for the 9"),
        (np.zeros((5, 2), np.uint8), 4, 5, r"\(5, 1\) for the 4"),
        (np.zeros(10, np.uint8), 4, 10, r"its shape is \(10,\)"),
        (np.zeros((5, 2), np.int8), 8, 5, "must be an array of uint8; got int8"),
        ([[0, 0]] * 5, 8, 5, "must be an array of uint8; got list"),
    ],
)
def test_bytes_must_fit_individuals_and_snps(packed, n, p, message):
    with pytest.raises(ValueError, match=f"packed {message}|{message}"):
        PackedGenotypes(packed, range(n), range(p))


@pytest.mark.parametrize("name", ["_index", "_columns"])
def test_an_inconsistent_state_is_not_unpickled(name, genotypes):
    state = vars(copy.copy(genotypes)) | {name: pd.RangeIndex(10**6)}
    with pytest.raises(ValueError, match="packed must have the shape"):
        PackedGenotypes.__new__(PackedGenotypes).__setstate__(state)


@pytest.mark.parametrize("positions", [[P], [-P - 1], [0, 10**12], np.ones(P - 1, bool), [0.5], 3])
def test_positions_out_of_range(positions, genotypes):
    with pytest.raises(IndexError):
        genotypes.snps(positions)
    with pytest.raises(IndexError):
        genotypes[:, positions]


@pytest.mark.parametrize("rows", [[N], [-N - 1], [10**12], np.ones(N + 1, bool), "m1", 3, None])
def test_individuals_out_of_range(rows, genotypes):
    with pytest.raises(IndexError):
        genotypes[rows]
    with pytest.raises(IndexError):
        genotypes[rows, [1, 2]]


def test_names_are_replaced_by_as_many(genotypes):
    part = genotypes[:5, :4]
    part.index, part.columns = pd.Series(list("vwxyz")), list("abcd")
    assert list(part.index) == list("vwxyz") and list(part.columns) == list("abcd")
    with pytest.raises(ValueError, match="index must have 5 values, as before; got 6"):
        part.index = range(6)
    with pytest.raises(ValueError, match="columns must have 4 values"):
        part.columns = ["a"]


# --- choosing ---------------------------------------------------------------------------------

ROWS = {
    "all": slice(None),
    "slice": slice(20, 3, -3),
    "positions": [5, 1, -1, 1],
    "mask": np.arange(N) % 3 == 0,
    "nullable mask": pd.array(np.arange(N) < 7, dtype="boolean"),
    "none": [],
}
SNPS = {
    "all": slice(None),
    "neighbours": slice(3, 30),
    "backwards": slice(None, None, -2),
    "positions": [7, 2, -1, 2],
    "mask": np.arange(P) % 4 == 1,
    "none": [],
}


@pytest.mark.parametrize("snps", SNPS.values(), ids=SNPS)
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_individuals_and_snps_are_chosen(rows, snps, X, genotypes):
    part = genotypes[rows, snps]
    expected = pd.DataFrame(X, genotypes.index, genotypes.columns).iloc[rows, snps]
    assert isinstance(part, PackedGenotypes)
    assert part.shape == expected.shape
    assert_array_equal(np.asarray(part, np.int8), expected)
    assert part.index.equals(expected.index) and part.columns.equals(expected.columns)


def test_snps_are_chosen_by_name(X, genotypes):
    for names in (["rs7", "rs3"], pd.Index(["rs7", "rs3"]), np.array(["rs7", "rs3"])):
        part = genotypes[2:5, names]
        assert_array_equal(np.asarray(part, np.int8), X[2:5, [7, 3]])
        assert list(part.columns) == ["rs7", "rs3"]
    with pytest.raises(KeyError, match="1 SNPs are not among the columns, e.g. 'rs99'"):
        genotypes[:, ["rs1", "rs99"]]
    twice = genotypes[:, [1, 1]]
    with pytest.raises(KeyError, match="not unique"):
        twice[:, ["rs1"]]


@pytest.mark.parametrize("dtype", [bool, "boolean"])
def test_a_mask_with_an_index_must_be_of_these_individuals_or_snps(dtype, X, genotypes):
    rows = pd.Series(np.arange(N) < 7, genotypes.index, dtype=dtype)
    snps = pd.Series(np.arange(P) < 9, genotypes.columns, dtype=dtype)
    assert_array_equal(np.asarray(genotypes[rows, snps], np.int8), X[:7, :9])
    assert_array_equal(genotypes.snps(snps), X[:, :9])
    for wrong in (rows[::-1], rows.reset_index(drop=True)):
        with pytest.raises(IndexError, match="mask of individuals must be theirs"):
            genotypes[wrong]
    for choose in (lambda wrong: genotypes[:, wrong], genotypes.snps):
        with pytest.raises(IndexError, match=r"mask of SNPs must be theirs.*reindex"):
            choose(snps[::-1])
    positions = pd.Series([4, 2], index=["some", "thing"])
    assert_array_equal(np.asarray(genotypes[positions], np.int8), X[[4, 2]])


@pytest.mark.parametrize("names", [["rs1", "rs2"], pd.Index(["m1"]), np.array(["rs1"]), "rs1"])
def test_individuals_by_name_are_refused_with_what_names_are_for(names, genotypes):
    with pytest.raises(IndexError, match=r"genotypes\[:, names\] chooses SNPs"):
        genotypes[names]


def test_neighbouring_snps_stay_in_the_file(genotypes):
    assert np.shares_memory(genotypes[:, 4:20].packed, genotypes.packed)
    assert np.shares_memory(genotypes[:, np.arange(P) < 20].packed, genotypes.packed)
    assert genotypes[:] is genotypes


# --- as an array ------------------------------------------------------------------------------


def test_unpacked_with_the_code_of_missing_values(X, genotypes):
    for dtype in (np.int8, np.int64):
        for unpacked in (np.asarray(genotypes, dtype), np.array(genotypes, dtype)):
            assert unpacked.dtype == dtype
            assert_array_equal(unpacked, X)
    with_nan = np.where(X < 0, np.nan, X)
    for dtype in (np.float16, np.float32, np.float64):
        unpacked = np.asarray(genotypes, dtype)
        assert unpacked.dtype == dtype
        assert_array_equal(unpacked, with_nan)


def test_unpacked_as_the_package_codes_genotypes(X, genotypes):
    frame = pd.DataFrame(genotypes, genotypes.index, genotypes.columns)
    for unpacked in (np.asarray(genotypes), np.array(genotypes), frame.to_numpy()):
        assert unpacked.dtype == genotypes.dtype == np.int8
        assert_array_equal(unpacked, X)


@pytest.mark.parametrize("dtype", [bool, np.uint8, complex, object, "U3"])
def test_not_unpacked_to_what_cannot_tell_missing_values(dtype, genotypes):
    with pytest.raises(TypeError, match="ask for signed integers"):
        np.asarray(genotypes, dtype)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(genotypes, copy=False)


def test_iteration_yields_individuals(X, genotypes):
    rows = list(genotypes)
    assert_array_equal(rows, X)
    assert {row.dtype for row in rows} == {np.dtype(np.int8)}
    assert_array_equal(list(reversed(genotypes)), X[::-1])
    assert list(genotypes[[]]) == []


def test_compared_with_none(genotypes):
    assert (genotypes == None, genotypes != None) == (False, True)  # noqa: E711
    assert genotypes in [None, genotypes]


def test_size(genotypes):
    assert genotypes.size == np.asarray(genotypes).size == N * P


REFUSED = {
    "mean": np.mean,
    "sum": np.sum,
    "max": np.max,
    "median": np.median,
    "isnan": np.isnan,
    "reduce": np.add.reduce,
    "corrcoef": np.corrcoef,
    "equal": lambda g: g == 0,
    "not equal": lambda g: g != 0,
    "array equal": lambda g: np.array([1, 2]) == g,
    "less": lambda g: g < 0,
    "plus": lambda g: g + 1,
    "product": lambda g: np.ones(N) @ g,
}


@pytest.mark.parametrize("calculate", REFUSED.values(), ids=REFUSED)
def test_no_number_in_which_missing_counts(calculate, genotypes):
    with pytest.raises(TypeError, match=r"np.asarray\(genotypes\)|not supported|unsupported"):
        calculate(genotypes)
    assert np.shape(genotypes) == (N, P)
    assert np.ndim(genotypes) == 2


@pytest.mark.parametrize("copied", [lambda g: pickle.loads(pickle.dumps(g)), copy.deepcopy])
def test_copies_are_equal(copied, X, genotypes):
    for part, expected in ((genotypes, X), (genotypes[3:9], X[3:9])):
        other = copied(part)
        assert_array_equal(np.asarray(other, np.int8), expected)
        assert other.index.equals(part.index)


# --- with the rest of the package -------------------------------------------------------------

SELECTORS = [MinorAlleleFrequencySelector(0.2), MissingRateSelector(0.06), LDPruner(0.5)]
each_selector = pytest.mark.parametrize("selector", SELECTORS, ids=lambda s: type(s).__name__)


@each_selector
def test_selectors_keep_packed_what_they_keep_of_an_array(selector, X, genotypes, monkeypatch):
    monkeypatch.setattr(_base, "VALUES_AT_ONCE", 7 * N)  # several blocks of SNPs
    of_array, of_packed = clone(selector).fit(X), clone(selector).fit(genotypes)
    learned = {name for name in vars(of_array) if name.endswith("_") and name[0] != "_"}
    for name in learned:
        assert_array_equal(getattr(of_packed, name), getattr(of_array, name))
    assert 0 < of_packed.get_support().sum() < P
    kept = of_packed.transform(genotypes)
    assert isinstance(kept, PackedGenotypes)
    assert_array_equal(np.asarray(kept, np.int8), of_array.transform(X))
    assert_array_equal(of_packed.get_feature_names_out(), kept.columns)
    assert kept.index.equals(genotypes.index)
    with pytest.raises(ValueError, match="feature names"):
        of_packed.transform(genotypes[:, ::-1])


@each_selector
def test_selectors_make_tables_on_demand(selector, X, genotypes):
    selector = clone(selector).set_output(transform="pandas").fit(genotypes)
    table = selector.transform(genotypes)
    expected = pd.DataFrame(X, genotypes.index, genotypes.columns).loc[:, selector.get_support()]
    pd.testing.assert_frame_equal(table, expected, check_names=False)


def test_nobody_and_nothing_is_an_error(genotypes, short):
    with pytest.raises(ValueError, match=r"X must have individuals and SNPs.*\(0, 50\)"):
        MinorAlleleFrequencySelector().fit(genotypes[:0])
    with pytest.raises(ValueError, match=r"X must have individuals and SNPs.*\(31, 0\)"):
        short().fit(genotypes[:, :0], np.arange(N))


@pytest.mark.slow  # kernels of packed genotypes and a single column
def test_cross_validation_of_a_pipeline(X, genotypes, short):
    y = X[:, 3] + np.random.default_rng(0).normal(size=N)
    model = make_pipeline(*(clone(s) for s in SELECTORS), short())
    scores = [
        cross_val_score(model, given, y, cv=3, n_jobs=n_jobs)
        for given, n_jobs in ((np.asfortranarray(X), None), (genotypes, None), (genotypes, 2))
    ]
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-4)
    assert_array_equal(scores[2], scores[1])


def test_aligned_genotypes_stay_packed(X, genotypes):
    milk = pd.Series(np.arange(4.0), index=["m9", "m2", "other", "m30"])
    data = align(genotypes, phenotypes=milk, how="phenotyped")
    assert isinstance(data.genotypes, PackedGenotypes)
    assert list(data.genotypes.index) == ["m2", "m9", "m30"]
    assert_array_equal(np.asarray(data.genotypes, np.int8), X[[2, 9, 30]])
    assert_array_equal(data.phenotypes, [1, 0, 3])
    assert align(genotypes, phenotypes=milk).genotypes is genotypes
