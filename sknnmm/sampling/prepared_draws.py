"""Draws of SNP effects, prepared for many effects at once.

All that can be known of a draw before x'residual is computed in vectorised passes: the compiled
sweeps are left with a few multiplications per effect, and with one normal variate for each effect
that is not zero.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

LARGEST = 1e30  # residual over prior variance: what single precision can hold
HALF_STEP = {t: t(np.finfo(t).epsneg / 2) for t in (np.float32, np.float64)}  # of uniforms


def prepare(squares, multipliers, weights, variance, residual_variance, rng, dtype=float):
    """Return all that the draws of effects need besides xr = x'(residual without the effect).

    The mixture component is the one with the largest score + shrinkage * xr^2 / (2 s2), for the
    scores hold Gumbel variates; the effect is shrinkage * xr + sqrt(s2 * shrinkage) times a
    standard normal variate.

    In single precision the uniforms are odd multiples of 2^-25: no probability is off by more.

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
    half_step = HALF_STEP[number]
    shape = np.broadcast(squares, variance, residual_variance).shape
    tables = np.empty((2, len(multipliers), *shape), number)
    score, shrinkage = tables
    for m, multiplier in enumerate(multipliers):
        if multiplier == 0:
            shrinkage[m] = 0
            continue
        ratio = np.minimum(residual_variance / (multiplier * variance), LARGEST).astype(number)
        shrink(_in_rows(squares), _in_rows(ratio), _in_rows(shrinkage[m]), _in_rows(score[m]))
    with np.errstate(divide="ignore"):  # a weight of exactly zero
        if len(multipliers) == 2:
            # The difference of two Gumbel variates is logistic: all goes to the second component.
            odds = rng.random(shape, number)
            odds += half_step
            odds /= 1 - odds
            odds *= (weights[1] / weights[0]).astype(number)
            if multipliers[0] > 0:
                odds /= score[0]
            if multipliers[1] > 0:
                odds *= score[1]
            score[0] = 0
            np.log(odds, out=score[1])
            return tables
        for m, multiplier in enumerate(multipliers):
            if multiplier > 0:
                np.log(score[m], out=score[m])
                score[m] += np.log(weights[m]).astype(number)
            else:
                score[m] = np.log(weights[m])
    if len(multipliers) > 2:
        exponential = rng.standard_exponential(score.shape, number)
        exponential += half_step  # in single precision some are 0
        score -= np.log(exponential, out=exponential)
    return tables


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


@njit(nogil=True, cache=True)
def copy_row(values, j, row):
    """Write row j of a matrix to `row`; of one row or one column what stands for it."""
    if values.shape[0] == 1 and j > 0:
        return
    if values.shape[1] == 1:
        row[:] = values[j, 0]
    else:
        row[:] = values[j]


@njit(nogil=True, cache=True, error_model="numpy")
def shrink(squares, ratio, shrinkage, root):
    """Write 1 / (x'Wx + ratio), and the root of ratio over that sum.

    The latter is the marginal likelihood of an effect at xr = 0, relative to that of no effect.
    `squares` and `ratio`, each a matrix, a row or a column, broadcast to the results.
    """
    n_columns = shrinkage.shape[1]
    of_row = np.empty(n_columns, shrinkage.dtype)
    ratios = np.empty(n_columns, shrinkage.dtype)
    for j in range(shrinkage.shape[0]):
        copy_row(squares, j, of_row)
        copy_row(ratio, j, ratios)
        shrinkages, roots = shrinkage[j], root[j]
        for c in range(n_columns):
            shrunk = shrinkage.dtype.type(1) / (of_row[c] + ratios[c])
            shrinkages[c] = shrunk
            roots[c] = np.sqrt(ratios[c] * shrunk)


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


@njit(nogil=True, cache=True)
def draw_own_block(
    products, gram, first, width, effects, component, s2, score, shrinkage, change, rng
):  # fmt: skip
    """Draw the effects of some neighbouring SNPs on one column, given X_b'W residual (b,).

    The SNPs are `first` to first + width of effects, component and the tables (M, m, 1). Writes
    what has changed to `change` (b,), zero before.
    """
    gain = 0.5 / s2
    for k in range(width):
        j = first + k
        if component[j] < 0:
            continue
        old = effects[j]
        xr = products[k] + gram[k, k] * old
        component[j], effects[j] = pick(xr, s2, gain, score, shrinkage, j, 0, rng)
        if effects[j] != old:
            change[k] = effects[j] - old
            of_snp, difference = gram[k], change[k]
            for t in range(of_snp.size):  # those before k too: short loops make no whole vectors
                products[t] -= difference * of_snp[t]


@njit(nogil=True, cache=True, forceinline=True)
def draw_row(
    xr, s2, gain, score, shrinkage, row, first, effects, component, change, room, positions, rng
):
    """Draw the effects of one SNP on C columns, each as `pick` does; for a dozen and more.

    Parameters
    ----------
    xr : (C,), x'W(residual without the effects of the SNP); overwritten
    s2, gain : (C,), residual variances, 1 / (2 s2)
    score, shrinkage : of `prepare`, of which the SNP has row `row`, and the columns from `first`
    effects, component : (C,), updated in place; component -1 = not in the model
    change : (C,), of the effects; written
    room : (5 C,), zero at first, for C columns alone; positions : (C + 1,), room for integers
    """
    number, n = xr.dtype.type, xr.size
    # In `room`: score of this component, highest score, the component, its shrinkage, normals. One
    # array, and loops that write to one: the compiler vectorises them.
    for m in range(score.shape[0]):
        score_m, shrinkage_m = score[m, row][first:], shrinkage[m, row][first:]
        for c in range(n):
            room[c] = score_m[c] + (shrinkage_m[c] * xr[c]) * (xr[c] * gain[c])
        if m == 0:
            for c in range(n):
                room[n + c] = -np.inf
        for c in range(n):
            better = room[c] > room[n + c] or m == 0
            room[3 * n + c] = shrinkage_m[c] if better else room[3 * n + c]
        for c in range(n):
            better = room[c] > room[n + c] or m == 0
            room[2 * n + c] = number(m) if better else room[2 * n + c]
            room[n + c] = room[c] if better else room[n + c]
    for c in range(n):
        room[3 * n + c] = room[3 * n + c] if component[c] >= 0 else number(0)
    count = 0  # positions first: a branch in every draw, none to be foreseen, takes longer
    for c in range(n):
        positions[count] = c
        count += room[3 * n + c] > 0
    for c in positions[:count]:
        room[4 * n + c] = rng.standard_normal()
    for c in range(n):
        shrunk, normal = room[3 * n + c], room[4 * n + c]
        xr[c] = (shrunk * xr[c] + np.sqrt(s2[c] * shrunk) * normal) + number(0)  # not -0
    for c in range(n):
        change[c] = xr[c] - effects[c]
    for c in range(n):
        effects[c] = xr[c]
    for c in range(n):
        component[c] = np.int8(room[2 * n + c]) if component[c] >= 0 else np.int8(-1)


@njit(nogil=True, cache=True, forceinline=True)
def add_contributions(xr, gram, k, effects, change):
    """Add the own effects of SNP k of a block to x'residual (C,); take earlier changes off."""
    xx, n_columns = gram[k], xr.size
    for q in range(n_columns):
        xr[q] += xx * effects[q]
    for t in range(0, k - 3, 4):
        of_a, of_b, of_c, of_d = change[t], change[t + 1], change[t + 2], change[t + 3]
        a, b, c, d = gram[t], gram[t + 1], gram[t + 2], gram[t + 3]
        for q in range(n_columns):
            xr[q] -= (a * of_a[q] + b * of_b[q]) + (c * of_c[q] + d * of_d[q])
    for t in range(k // 4 * 4, k):
        a, of_a = gram[t], change[t]
        for q in range(n_columns):
            xr[q] -= a * of_a[q]


@njit(nogil=True, cache=True, error_model="numpy")
def draw_strip(
    products, grams, split, first, width, strip, effects, component, s2, gain, score, shrinkage,
    change, room, rng,
):  # fmt: skip
    """Draw the effects of a block of SNPs on a strip of C columns, given X_b'W residual (b, C).

    The compiler must not know how short these loops are: it would unroll them, and then not
    vectorise them.

    Parameters
    ----------
    products : (b, C); overwritten
    grams : (G, b, b), X_b'W_g X_b; the last for columns of the strip from `split`
    effects, component : (s, L), of which `first` to first + width and the columns `strip`, a slice,
        are updated in place
    s2, gain : (C,), residual variances, 1 / (2 s2)
    score, shrinkage : (M, s, L), of `prepare`
    change : (b, C), of the effects; written
    room : (5 C,), zero at first, of this strip alone
    """
    n = products.shape[1]
    positions = np.empty(n + 1, np.int64)
    first_gram = 1 if split <= 0 else 0
    for k in range(width):
        j = first + k
        xr, old, of_snp = products[k], effects[j][strip], change[k]
        if 0 < split < n:  # two sets of row weights
            for q in range(n):
                of_snp[q] = xr[q]
            add_contributions(of_snp, grams[1, k], k, old, change)
        add_contributions(xr, grams[first_gram, k], k, old, change)
        if 0 < split < n:
            for q in range(n):
                xr[q] = xr[q] if q < split else of_snp[q]
        draw_row(
            xr, s2, gain, score, shrinkage, j, strip.start, old, component[j][strip], of_snp, room,
            positions, rng,
        )  # fmt: skip
