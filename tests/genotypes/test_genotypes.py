"""Stored genotypes: any storage gives the same numbers, and products agree with dense algebra."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import dump, load
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknnmm.genotypes import Genotypes, row_products
from sknnmm.genotypes.centred import WIDENED_SNPS as BLOCK
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X does not have valid feature names",
)

N, P = 37, BLOCK + 11  # two blocks, the second not full


@pytest.fixture(scope="module")
def dosages():
    """Return 0/1/2 in double precision with NaN, one column constant and one all missing."""
    rng = np.random.default_rng(1)
    X = rng.binomial(2, rng.uniform(0.1, 0.9, P), (N, P)).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 4] = 1
    X[:, BLOCK + 2] = np.nan
    return X


@pytest.fixture(scope="module")
def dense(dosages):
    """Return centred dosages, missing values at the mean (a column without data: at 0)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the mean of a column without data
        return np.nan_to_num(dosages - np.nanmean(dosages, axis=0))


def stored_as(X, dtype):
    return stored_dosages(check_genotypes(X, "NNMMRegressor"), dtype)


def coded(X, dtype, missing=-1):
    return np.where(np.isnan(X), missing, X).astype(dtype)


def memory_map(array, folder):
    dump(array, folder / "array")
    return load(folder / "array", mmap_mode="r")


def every_second(array):
    """Return a view with the values of `array` that is contiguous in neither order."""
    wide = np.zeros((2 * array.shape[0], 3 * array.shape[1]), array.dtype)
    wide[::2, ::3] = array
    return wide[::2, ::3]


STORAGES = {
    "int8": lambda X, folder: coded(X, np.int8),
    "int8, SNP-major": lambda X, folder: np.asfortranarray(coded(X, np.int8)),
    "int8, strided": lambda X, folder: every_second(coded(X, np.int8)),
    "int8, other missing codes": lambda X, folder: coded(X, np.int8, missing=-9),
    "int8, memory map": lambda X, folder: memory_map(coded(X, np.int8), folder),
    "int8, SNP-major memory map": lambda X, folder: memory_map(
        np.asfortranarray(coded(X, np.int8)), folder
    ),
    "int16": lambda X, folder: coded(X, np.int16, missing=-999),
    "int64": lambda X, folder: coded(X, np.int64, missing=-(2**40)),
    "int16, other byte order": lambda X, folder: coded(X, ">i2"),
    "float32": lambda X, folder: X.astype(np.float32),
    "float64": lambda X, folder: X,
    "float64, SNP-major": lambda X, folder: np.asfortranarray(X),
    "float64, strided": lambda X, folder: every_second(X),
    "float64, memory map": lambda X, folder: memory_map(X, folder),
}
every_storage = pytest.mark.parametrize("store", STORAGES.values(), ids=STORAGES)


@every_storage
def test_moments_and_products_for_any_storage(store, dosages, dense, tmp_path):
    genotypes = Genotypes(stored_as(store(dosages, tmp_path), np.float64))
    rng = np.random.default_rng(2)
    effects, rows, weight = rng.normal(size=(P, 3)), rng.normal(size=(N, 3)), rng.random(N)
    assert genotypes.dosages.dtype == np.int8
    assert genotypes.shape == (N, P)
    close = {"rtol": 1e-12, "atol": 1e-12}
    observed = ~np.isnan(dosages)
    sums = np.where(observed, dosages, 0).sum(axis=0)
    assert_allclose(genotypes.mean, sums / np.maximum(observed.sum(axis=0), 1), **close)
    assert_allclose(genotypes.variance, dense.var(axis=0), **close)
    assert_array_equal(np.flatnonzero(~genotypes.polymorphic), [4, BLOCK + 2])
    assert_allclose(genotypes.dot(effects), dense @ effects, **close)
    assert_allclose(genotypes.transpose_dot(rows), dense.T @ rows, **close)
    assert_allclose(genotypes.row_gram(), dense @ dense.T, **close)
    assert_allclose(genotypes.column_gram(weight), dense.T @ (weight[:, None] * dense), **close)
    grams = genotypes.block_grams([weight], np.float64)
    assert grams.shape == (2, 1, BLOCK, BLOCK)
    for (gram,), snps in zip(grams, (slice(0, BLOCK), slice(BLOCK, P)), strict=True):
        expected = np.zeros((BLOCK, BLOCK))
        block = dense[:, snps]
        expected[: block.shape[1], : block.shape[1]] = block.T @ (weight[:, None] * block)
        assert_allclose(gram, expected, **close)
    products = row_products(genotypes.dosages, genotypes.mean, effects)
    assert_allclose(products, dense @ effects, **close)


def test_precision_of_products_is_that_of_the_factor(dosages, dense):
    genotypes = Genotypes(coded(dosages, np.int8))
    effects = np.random.default_rng(3).normal(size=(P, 2)).astype(np.float32)
    product = genotypes.dot(effects)
    assert product.dtype == np.float32
    assert_allclose(product, dense @ effects, rtol=1e-4, atol=1e-4)
    assert genotypes.transpose_dot(product).dtype == np.float32


# --- how genotypes are stored -----------------------------------------------------------------


def test_bool_is_two_dosages(dosages):
    X = np.nan_to_num(dosages) > 0
    stored = stored_as(X, np.float32)
    assert stored.dtype == np.int8
    assert_array_equal(stored, X)
    assert_allclose(Genotypes(stored).mean, X.mean(axis=0))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_large_integers_are_kept(dtype):
    X = np.arange(12, dtype=dtype).reshape(4, 3) * 23  # up to 253
    signed = np.dtype(dtype).kind == "i"
    if signed:
        X[1, 1] = -7
    stored = stored_as(X, np.float32)
    assert stored.dtype == np.float32
    assert np.isnan(stored[1, 1]) == signed
    rest = X.ravel() >= 0
    assert_array_equal(stored.ravel()[rest], X.ravel()[rest])


def test_what_is_not_0_1_2_stays_floating():
    X = np.array([[0.25, np.nan], [2, 1], [-1, 0]])
    for dtype, kept in ((np.float32, np.float32), (np.float64, np.float64)):
        stored = stored_as(X, dtype)
        assert stored.dtype == kept
        assert_array_equal(stored, X)
    assert stored_as(X.astype(np.float32), np.float64).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_large_contiguous_genotypes_are_not_copied(dtype, dosages, tmp_path, monkeypatch):
    monkeypatch.setattr("sknnmm.genotypes.dosages.LARGE", 1000)
    X = coded(dosages, dtype)
    for array in (X, np.asfortranarray(X), memory_map(X, tmp_path)):
        assert np.shares_memory(stored_as(array, np.float32), array)


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_others_are_stored_snp_after_snp(dtype, dosages):
    X = coded(dosages, dtype)
    stored = stored_as(X, np.float32)
    assert stored.flags.f_contiguous
    assert_array_equal(stored, X)


# --- products row by row ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_row_products_are_independent_to_the_bit(dtype, dosages):
    X = coded(dosages, np.int8) if dtype is np.int8 else dosages
    rng = np.random.default_rng(4)
    effects = rng.normal(size=(P, 70)) * (rng.random((P, 70)) < 0.2)
    mean = rng.random(P)
    products = row_products(X, mean, effects)
    assert_array_equal(row_products(X, mean, sparse.csc_array(effects)), products)
    for rows in (slice(0, 1), slice(5, 9), [30, 2]):
        assert_array_equal(row_products(X[rows], mean, effects), products[rows])
        part = row_products(X[rows], mean, sparse.csc_array(effects))
        assert_array_equal(part, products[rows])
    one = row_products(X, mean, effects[:, [41]])
    assert_array_equal(one, products[:, [41]])


def damaged(effects, **parts):
    """Return sparse effects as a file that was tampered with may hold them, unchecked."""
    effects = effects.copy()
    vars(effects).update(parts)
    return effects


OF_THREE = sparse.csc_array(np.array([[1.0, 0], [0, 3], [2, 4]]))  # indices 0, 2, 1, 2
DAMAGES = {
    "index beyond": ({"indices": np.array([0, 10**9, 1, 2])}, "indices must be < 3"),
    "index negative": ({"indices": np.array([0, -(10**9), 1, 2])}, "indices must be >= 0"),
    "pointer beyond": ({"indptr": np.array([0, 2, 10**9])}, "index pointer"),
    "pointer decreases": ({"indptr": np.array([0, 9, 4])}, "indptr must be"),
    "pointer too short": ({"indptr": np.array([0, 4])}, "index pointer size"),
    "pointer negative": ({"indptr": np.array([-5, 2, 4])}, "index pointer"),
    "values missing": ({"data": np.ones(2)}, "same size"),
}


@pytest.mark.parametrize(("parts", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_sparse_effects_are_refused(parts, message):
    with pytest.raises(ValueError, match=rf"sparse SNP effects .* damaged \(.*{message}"):
        row_products(np.ones((4, 3), np.int8), np.zeros(3), damaged(OF_THREE, **parts))


def test_unsorted_indices_are_sorted_whatever_they_say():
    parts = {"indices": np.array([2, 0, 2, 1]), "data": np.array([2.0, 1, 4, 3])}
    effects = damaged(OF_THREE, **parts)
    effects.has_sorted_indices = True
    X = np.array([[0, 1, 2], [2, 1, 0]], np.int8)
    assert_array_equal(row_products(X, np.zeros(3), effects), X @ OF_THREE.toarray())


@pytest.mark.parametrize("convert", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize(("n_mean", "n_effects"), [(3, 4), (4, 3), (3, 2), (2, 3), (10**6, 10**6)])
def test_lengths_that_differ_are_refused(n_mean, n_effects, convert):
    effects = convert(np.ones((n_effects, 2)))
    message = rf"of 3 SNPs, .* shape \({n_mean},\) and its effects \({n_effects}, 2\)"
    with pytest.raises(ValueError, match=message):
        row_products(np.ones((4, 3), np.int8), np.ones(n_mean), effects)


@pytest.mark.parametrize("name", ["genotypes_mean", "effects", "weighted_effects"])
def test_a_loaded_model_with_arrays_cut_short_is_refused(name, data, short):
    model = short().fit(data.X, data.y, omics=data.omics)
    layer = model._network.layers[name == "weighted_effects"]
    (part,) = (part for part in layer.parts if hasattr(part, name))
    setattr(part, name, getattr(part, name)[:5])
    with pytest.raises(ValueError, match="genotypes are of 24 SNPs, but"):
        model.predict(data.X)


# --- fits -------------------------------------------------------------------------------------


def frame(X, dtype=None):
    return pd.DataFrame(X, columns=[f"rs{j}" for j in range(X.shape[1])], dtype=dtype)


def with_nan(X):
    return np.where(X < 0, np.nan, X)


SAME_GENOTYPES = {
    "float64": with_nan,
    "float32": lambda X: with_nan(X).astype(np.float32),
    "float16": lambda X: with_nan(X).astype(np.float16),
    "int64": lambda X: X.astype(np.int64) * np.where(X < 0, 5, 1),
    "read-only": lambda X: np.frombuffer(X.tobytes(), np.int8).reshape(X.shape),
    "list": lambda X: with_nan(X).tolist(),
    "frame of int8": frame,
    "frame of floats": lambda X: frame(with_nan(X)),
    "frame of nullable Int8": lambda X: frame(with_nan(X), "Int8"),
    "frame of mixed types": lambda X: frame(with_nan(X)).astype({"rs1": "Int8", "rs2": "f4"}),
}


def predictions(model, X):
    return np.column_stack([model.predict(X), model.breeding_value(X), model.predict_omics(X)])


def test_the_fit_does_not_depend_on_the_storage(data, short, tmp_path):
    # To the bit among arrays of one memory order (a DataFrame may be SNP-major).
    expected = [
        predictions(short().fit(X, data.y, omics=data.gappy), data.X)
        for X in (data.X, np.asfortranarray(data.X))
    ]
    stored = {name: convert(data.X) for name, convert in SAME_GENOTYPES.items()}
    stored["memory map"] = memory_map(data.X, tmp_path)
    for name, X in stored.items():
        model = short().fit(X, data.y, omics=data.gappy)
        predicted = predictions(model, X)
        orders = expected if name.startswith("frame") else expected[:1]
        assert any(np.array_equal(predicted, e) for e in orders), name
        assert_array_equal(predictions(model, data.X), predicted, err_msg=name)


@pytest.mark.parametrize("convert", [np.asfortranarray, every_second], ids=["SNP-major", "strided"])
def test_other_memory_orders_give_the_same_fit(convert, data, short):
    one = short(precision="double").fit(data.X, data.y, omics=data.omics)
    other = short(precision="double").fit(convert(data.X), data.y, omics=data.omics)
    assert_allclose(other.predict(data.X), one.predict(data.X), rtol=1e-9)
    assert_array_equal(other.predict(convert(data.X)), other.predict(data.X))


def test_fractional_dosages_and_large_counts(data, short):
    rng = np.random.default_rng(5)
    imputed = np.clip(with_nan(data.X) + rng.uniform(-0.3, 0.3, data.X.shape), 0, 2)
    for X in (imputed, np.maximum(data.X, 0).astype(np.int16) * 150):
        model = short().fit(X, data.y, omics=data.omics)
        mean = np.nanmean(X, axis=0, keepdims=True)
        assert np.isfinite(model.predict(X)).all()
        assert_allclose(model.breeding_value(mean), 0, atol=1e-5)


def test_genotypes_are_left_as_they_are(data, short):
    for X in (data.X.copy(), with_nan(data.X)):
        before = X.copy()
        short().fit(X, data.y, omics=data.gappy).predict(X)
        assert_array_equal(X, before)
