"""Vectors of compiled kernels against NumPy."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.kernels.simd import (
    NARROW,
    WIDE,
    load,
    splat,
    square_root,
    store,
    sum_of_lanes,
    where_greater,
)


@njit
def compute(a, b, start, lanes, out):
    like = splat(out.dtype.type(0), lanes)
    first, second = load(a, start, like), load(b, start, like)
    two = splat(out.dtype.type(2), lanes)
    store(out[0], start, first + second)
    store(out[1], start, first - two * second)
    store(out[2], start, first / second)
    store(out[3], start, where_greater(first, second, first, two))
    store(out[4], start, square_root(first))


@njit
def convert(values, like, out):
    store(out, 0, load(values, 0, splat(like, WIDE)))


@njit
def add_up(values):
    return sum_of_lanes(load(values, 0, splat(values[0], WIDE)))


@pytest.mark.parametrize("lanes", [WIDE, WIDE[:8], NARROW, ()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arithmetic_is_that_of_numbers_and_leaves_the_rest_alone(dtype, lanes):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 4, (2, 20)).astype(dtype)
    a[5] = b[5]  # not greater
    out = np.full((5, 20), -7, dtype)
    compute(a, b, 3, lanes, out)
    own = slice(3, 3 + max(len(lanes), 1))
    a, b = a[own], b[own]
    expected = [a + b, a - 2 * b, a / b, np.where(a > b, a, 2), np.sqrt(a)]
    assert_allclose(out[:, own], expected, rtol=1e-6)
    out[:, own] = -7
    assert_array_equal(out, -7)


@pytest.mark.parametrize("stored", [np.int8, np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_converted(stored, dtype):
    values = np.arange(16).astype(stored)
    values[3] = -1 if np.issubdtype(stored, np.signedinteger) else 200
    out = np.empty(16, dtype)
    convert(values, dtype(0), out)
    assert_array_equal(out, values)
    back = np.empty(16, np.int16)
    convert(out, dtype(0), back)
    assert_array_equal(back, values)


def test_nan_is_not_greater():
    out = np.empty((5, 16))
    compute(np.full(16, np.nan), np.ones(16), 0, WIDE, out)
    assert_array_equal(out[3], 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_of_lanes(dtype):
    values = np.random.default_rng(1).standard_normal(16).astype(dtype)
    assert_allclose(add_up(values), values.sum(dtype=float), rtol=1e-5)


def test_rows_that_are_not_contiguous_are_refused():
    with pytest.raises(TypingError, match="contiguous row"):
        add_up(np.zeros(32)[::2])
    with pytest.raises(TypingError, match="contiguous row"):
        convert(np.zeros((4, 4)), 0.0, np.empty(16))
