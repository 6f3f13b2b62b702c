"""Draws of SNP effects, prepared for many effects at once.

All that can be known of a draw before x'residual is computed in vectorised passes: the compiled
sweeps are left with a few multiplications per effect, and with one normal variate for each effect
that is not zero.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from sknnmm.vectors import WIDE, load, splat, square_root, store, where_greater

LARGEST = 1e30  # residual over prior variance: what single precision can hold
HALF_STEP = np.float32(2**-25)  # of uniform variates in single precision


def prepare(squares, multipliers, weights, variance, residual_variance, rng, dtype=float):
    """Return all that the draws of effects need besides xr = x'(residual without the effect).

    The mixture component is the one with the largest score + shrinkage * xr^2 / (2 s2), for the
    scores hold Gumbel variates; the effect is shrinkage * xr + sqrt(s2 * shrinkage) times a
    standard normal variate.

    Of two components the second is chosen by a uniform variate, an odd multiple of 2^-25: no
    probability is off by more.

    Parameters
    ----------
    squares : x'Wx of every effect, (m,), or (p, 1) for effects (p, C), or (1, p) for (C, p)
    multipliers : (M,)
    weights : (M, ...), of the mixture components; they broadcast to the shape of the effects, as do
    variance, residual_variance
    dtype : of the results

    Returns
    -------
    score, shrinkage : ndarrays of shape (M, *shape of the effects)
    """
    number = np.dtype(dtype).type
    shape = np.broadcast(squares, variance, residual_variance).shape
    tables = np.empty((2, len(multipliers), *shape), number)
    score, shrinkage = tables
    with np.errstate(divide="ignore"):  # a weight of exactly zero
        if len(multipliers) == 2:
            weights = np.stack([np.ones_like(weights[0]), weights[1] / weights[0]])
        for m, multiplier in enumerate(multipliers):
            if multiplier == 0:
                shrinkage[m] = 0
                if len(multipliers) > 2:
                    score[m] = weights[m]
                continue
            ratio = np.minimum(residual_variance / (multiplier * variance), LARGEST)
            given = (
                _in_rows(np.ascontiguousarray(v, number)) for v in (squares, ratio, weights[m])
            )
            shrink(*given, _in_rows(shrinkage[m]), _in_rows(score[m]))
        if len(multipliers) == 2:
            # The difference of two Gumbel variates is logistic: all goes to the second component.
            score[1] *= random_odds(shape, rng, number)
            if multipliers[0] > 0:
                score[1] /= score[0]
            score[0] = 0
            np.log(score[1], out=score[1])
        elif len(multipliers) > 2:
            np.log(score, out=score)
            exponential = rng.standard_exponential(score.shape, number)
            if number == np.float32:
                exponential += HALF_STEP  # some are 0
            score -= np.log(exponential, out=exponential)
    return tables


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
    size = math.prod(shape)
    half = -(-size // 2)
    bits = random_bits(2 * half, rng).reshape(2, half)
    uniform, angle = np.empty((2, half), np.float32)
    point_of(bits, uniform, angle)
    normals = np.empty((2, half), np.float32)
    np.cos(angle, out=normals[0])
    np.sin(angle, out=normals[1])
    lengthen(normals, np.log(uniform, out=uniform))
    return normals.reshape(-1)[:size].reshape(shape)


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
    """Multiply points (2, h) of the unit circle by the root of -2 log(uniform)."""
    for i in range(log_uniform.size):
        log_uniform[i] = np.sqrt(np.float32(-2) * log_uniform[i])
    for row in range(2):
        for i in range(log_uniform.size):
            points[row, i] *= log_uniform[i]


class Draws(NamedTuple):
    """What `prepare` wants to know of the effects of some columns, all but `rng` and `dtype`."""

    squares: np.ndarray
    multipliers: np.ndarray
    weights: np.ndarray
    variance: np.ndarray
    residual_variance: np.ndarray


def prepare_together(parts, axis, rng, dtype):
    """Return what `prepare` does for the columns of several Draws side by side.

    `axis` is that of the columns: -1 of effects (p, C), -2 of effects (C, p).
    """
    first = parts[0]
    if all(np.array_equal(part.multipliers, first.multipliers) for part in parts):
        squares = first.squares
        if any(part.squares is not squares for part in parts):
            widths = [part.residual_variance.shape[axis] for part in parts]
            given = zip(parts, widths, strict=True)
            squares = _join([part.squares.repeat(width, axis) for part, width in given], axis)
        rest = ("weights", "variance", "residual_variance")
        joined = (_join([getattr(part, name) for part in parts], axis) for name in rest)
        return prepare(squares, first.multipliers, *joined, rng, dtype)
    tables = [prepare(*part, rng, dtype) for part in parts]
    n_components = max(len(part.multipliers) for part in parts)
    return np.concatenate([_with_components(table, n_components) for table in tables], axis)


def _join(parts, axis):
    """Return arrays side by side; along the other one of the last two axes they broadcast."""
    other = -3 - axis
    size = max(part.shape[other] for part in parts)
    wide = [part if part.shape[other] == size else part.repeat(size, other) for part in parts]
    return np.concatenate(wide, axis)


def _with_components(tables, n_components):
    """Return tables filled up with components that are never drawn."""
    filled = np.zeros((2, n_components, *tables.shape[2:]), tables.dtype)
    filled[:, : tables.shape[1]] = tables
    filled[0, tables.shape[1] :] = -np.inf
    return filled


def _in_rows(values):
    """Return values as a matrix: effects (m,) of one column as one row."""
    return values if values.ndim == 2 else values[None]


@njit(nogil=True, cache=True, error_model="numpy")
def shrink(squares, ratio, weights, shrinkage, score):
    """Write 1 / (x'Wx + ratio), and the root of ratio over that sum times the weight.

    The root is the marginal likelihood of an effect at xr = 0, relative to that of no effect.
    `squares`, `ratio` and `weights`, each a matrix, a row or a column, broadcast to the results.
    """
    number, n_columns = shrinkage.dtype.type, shrinkage.shape[1]
    one = splat(number(1), WIDE)
    whole = n_columns // len(WIDE) * len(WIDE)
    for j in range(len(shrinkage)):
        for c in range(0, whole, len(WIDE)):
            given = lanes_at(squares, j, c, one), lanes_at(ratio, j, c, one)
            shrunk, root = shrink_one(*given, lanes_at(weights, j, c, one), one)
            store(shrinkage[j], c, shrunk)
            store(score[j], c, root)
        for c in range(whole, n_columns):
            given = number_at(squares, j, c), number_at(ratio, j, c), number_at(weights, j, c)
            shrinkage[j, c], score[j, c] = shrink_one(*given, number(1))


@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def shrink_one(square, ratio, weight, one):
    """Return what `shrink` writes, for one effect or some lanes."""
    shrunk = one / (square + ratio)
    return shrunk, weight * square_root(ratio * shrunk)


@njit(nogil=True, cache=True, forceinline=True)
def number_at(values, j, c):
    """Return element (j, c) of a matrix, or of the row or column that stands for one."""
    return values[min(j, values.shape[0] - 1), min(c, values.shape[1] - 1)]


@njit(nogil=True, cache=True, forceinline=True)
def lanes_at(values, j, c, like):
    """Return the same from column c on."""
    if values.shape[1] == 1:
        return splat(number_at(values, j, 0), WIDE)
    return load(values[min(j, values.shape[0] - 1)], c, like)


@njit(nogil=True, cache=True)
def pick(xr, s2, gain, score, shrinkage, j, c, rng):
    """Return mixture component and value of effect (j, c) of `prepare` given xr.

    `gain` is 1 / (2 s2): a division takes as long as all else.
    """
    gain *= xr * xr
    chosen = 0
    highest = score[0, j, c] + shrinkage[0, j, c] * gain
    for m in range(1, score.shape[0]):
        this = score[m, j, c] + shrinkage[m, j, c] * gain
        if this > highest:
            chosen, highest = m, this
    shrunk = shrinkage[chosen, j, c]
    if shrunk == 0:
        return chosen, 0.0
    return chosen, shrunk * xr + np.sqrt(s2 * shrunk) * rng.standard_normal()


@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def draw_own_block(
    products, gram, first, width, effects, component, s2, score, shrinkage, normal, change
):  # fmt: skip
    """Draw the effects of some neighbouring SNPs on one column, given X_b'W residual (b,).

    The SNPs are `first` to first + width of effects, component, the tables (M, m) and `normal`
    (m,). Writes what has changed to `change` (b,). No step depends on what was drawn: half of the
    branches would be taken otherwise than foreseen.
    """
    number = products.dtype.type
    gain = number(0.5) / s2
    change[:] = 0
    for k in range(width):
        j = first + k
        old = effects[j]
        xr = products[k] + gram[k, k] * old
        chosen, shrunk = 0, shrinkage[0, j]
        highest = score[0, j] + (shrunk * xr) * (xr * gain)
        for m in range(1, len(score)):
            this = score[m, j] + (shrinkage[m, j] * xr) * (xr * gain)
            chosen = m if this > highest else chosen
            shrunk = shrinkage[m, j] if this > highest else shrunk
            highest = max(highest, this)
        in_model = component[j] >= 0
        shrunk = shrunk if in_model else number(0)
        new = (shrunk * xr + np.sqrt(s2 * shrunk) * normal[j]) + number(0)  # not -0
        component[j] = chosen if in_model else -1
        effects[j] = new
        change[k] = new - old
        of_snp, difference = gram[k], change[k]
        for t in range(of_snp.size):  # those before k too: short loops make no whole vectors
            products[t] -= difference * of_snp[t]


@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def draw_block(
    products, grams, split, first, width, left, effects, component, s2, gain, score, shrinkage,
    normal, change, lanes,
):  # fmt: skip
    """Draw the effects of a block of SNPs on some columns, each as `pick` does.

    Parameters
    ----------
    products : (b, c), X_b'W residual
    grams : (G, b, b), X_b'W_g X_b; the last for columns from `split`
    effects, component : (s, L), of which `first` to first + width and the columns from `left` are
        updated in place; component -1 = not in the model
    s2, gain : (L,), residual variances, 1 / (2 s2)
    score, shrinkage : (M, s, L), of `prepare`; normal : (s, L)
    change : (b, c), of the effects; written
    lanes : tuple of c elements
    """
    number = products.dtype.type
    zero = splat(number(0), lanes)
    s2, gain = load(s2, left, zero), load(gain, left, zero)
    inside = min(max(split - left, 0), len(lanes))  # columns of the first set of row weights
    side = np.zeros(len(lanes), number)
    side[inside:] = 1
    second = load(side, 0, zero)
    change[:] = 0
    for k in range(width):
        j = first + k
        old = load(effects[j], left, zero)
        xr = load(products[k], 0, zero)
        if inside == 0:
            xr = without_block(xr, old, grams[-1, k], k, change, lanes)
        elif inside == len(lanes):
            xr = without_block(xr, old, grams[0, k], k, change, lanes)
        else:
            by_first = without_block(xr, old, grams[0, k], k, change, lanes)
            by_second = without_block(xr, old, grams[-1, k], k, change, lanes)
            xr = where_greater(second, zero, by_second, by_first)
        chosen, shrunk = zero, load(shrinkage[0, j], left, zero)
        highest = load(score[0, j], left, zero) + (shrunk * xr) * (xr * gain)
        for m in range(1, score.shape[0]):
            of_m = load(shrinkage[m, j], left, zero)
            this = load(score[m, j], left, zero) + (of_m * xr) * (xr * gain)
            chosen = where_greater(this, highest, splat(number(m), lanes), chosen)
            shrunk = where_greater(this, highest, of_m, shrunk)
            highest = where_greater(this, highest, this, highest)
        before = load(component[j], left, zero)
        chosen = where_greater(zero, before, before, chosen)
        shrunk = where_greater(zero, before, zero, shrunk)
        noise = square_root(s2 * shrunk) * load(normal[j], left, zero)
        new = (shrunk * xr + noise) + zero  # not -0
        store(component[j], left, chosen)
        store(effects[j], left, new)
        store(change[k], 0, new - old)


@njit(nogil=True, cache=True, forceinline=True)
def without_block(xr, old, of_snp, k, change, lanes):
    """Return x'residual of SNP k of a block without its effects, after the changes before it.

    `of_snp` holds its cross-products; `change` is zero from k on.
    """
    zero = xr - xr
    a, b, c, d = splat(of_snp[k], lanes) * old, zero, zero, zero
    for t in range(0, k, 4):
        a = a - splat(of_snp[t], lanes) * load(change[t], 0, zero)
        b = b - splat(of_snp[t + 1], lanes) * load(change[t + 1], 0, zero)
        c = c - splat(of_snp[t + 2], lanes) * load(change[t + 2], 0, zero)
        d = d - splat(of_snp[t + 3], lanes) * load(change[t + 3], 0, zero)
    return xr + ((a + b) + (c + d))
