"""Many random variates at once, made of random bits by vectorised functions."""

import math

import numpy as np

from sknnmm.common.compiled import njit

AT_ONCE = 2**15  # normal variates: what they are made of stays in the cache


def random_odds(shape, rng, dtype):
    """Return u / (1 - u) of uniform variates u, odd multiples of 2^-25."""
    odds = np.empty(math.prod(shape), dtype)
    odds_of(random_bits(odds.size, rng), odds)
    return odds.reshape(shape)


@njit(nogil=True, cache=True, error_model="numpy")
def odds_of(bits, odds):
    """Write u / (1 - u), of uniform variates u, for 32 random bits each."""
    half = odds.dtype.type(0.5)
    for i in range(odds.size):
        k = np.int32(bits[i] >> 8)
        odds[i] = (odds.dtype.type(k) + half) / (odds.dtype.type(2**24 - k) - half)


def random_bits(size, rng):
    """Return `size` numbers of 32 random bits, two of every word of a generator of 64."""
    return rng.bit_generator.random_raw(-(-size // 2)).view(np.uint32)[:size]


def standard_normals(shape, rng, dtype):
    """Return standard normal variates.

    In single precision by the method of Box and Muller (1958, doi 10.1214/aoms/1177706645), from 32
    random bits each; none exceeds 6.8. All its functions are vectorised.
    """
    if dtype != np.float32:
        return rng.standard_normal(shape, dtype)
    normals = np.empty(math.prod(shape), np.float32)
    for first in range(0, normals.size, AT_ONCE):
        fill_with_normals(normals[first : first + AT_ONCE], rng)
    return normals.reshape(shape)


def fill_with_normals(normals, rng):
    """Write standard normal variates to an array in single precision."""
    half = -(-normals.size // 2)
    bits = random_bits(2 * half, rng).reshape(2, half)
    uniform, angle = np.empty((2, half), np.float32)
    point_of(bits, uniform, angle)
    np.cos(angle, out=normals[:half])
    np.sin(angle[: normals.size - half], out=normals[half:])
    lengthen(normals, np.log(uniform, out=uniform))


@njit(nogil=True, cache=True)
def point_of(bits, uniform, angle):
    """Write uniform variates in (0, 1] and angles for rows of 32 random bits each."""
    half, step, turn = np.float32(0.5), np.float32(2**-32), np.float32(np.pi / 2**31)
    for i in range(uniform.size):
        uniform[i] = (np.float32(bits[0, i]) + half) * step
    for i in range(angle.size):
        angle[i] = np.float32(np.int32(bits[1, i])) * turn


@njit(nogil=True, cache=True)
def lengthen(points, log_uniform):
    """Multiply points of the unit circle, x then y, by the root of -2 log(uniform)."""
    half = log_uniform.size
    for i in range(half):
        log_uniform[i] = np.sqrt(np.float32(-2) * log_uniform[i])
    for i in range(half):
        points[i] *= log_uniform[i]
    for i in range(points.size - half):
        points[half + i] *= log_uniform[i]
