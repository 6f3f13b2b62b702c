"""Draws of SNP effects, prepared for many effects at once.

All that can be known of a draw before x'residual is computed in vectorised passes: the compiled
sweeps are left with a few multiplications per effect (kernels/draws.py).
"""

from typing import NamedTuple

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.memory_map import read_only
from sknnmm.kernels.simd import WIDE, load, splat, square_root, store
from sknnmm.kernels.variates import random_odds

ONE = np.ones((1, 1))
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
    multipliers : tuple of M numbers
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
            weights = ONE, weights[1] / weights[0]
        for m, multiplier in enumerate(multipliers):
            if multiplier == 0:
                shrinkage[m] = 0
                if len(multipliers) > 2:
                    score[m] = weights[m]
                continue
            ratio = np.minimum(residual_variance / (multiplier * variance), LARGEST)
            given = (
                _in_rows(read_only(np.ascontiguousarray(v, number)))
                for v in (squares, ratio, weights[m])
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


class Draws(NamedTuple):
    """What `prepare` wants to know of the effects of some columns, all but `rng` and `dtype`."""

    squares: np.ndarray
    multipliers: tuple
    weights: np.ndarray
    variance: np.ndarray
    residual_variance: np.ndarray


def prepare_together(parts, axis, rng, dtype):
    """Return what `prepare` does for the columns of several Draws side by side.

    `axis` is that of the columns: -1 of effects (p, C), -2 of effects (C, p).
    """
    first = parts[0]
    if all(part.multipliers == first.multipliers for part in parts):
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


@inlined(error_model="numpy")
def shrink_one(square, ratio, weight, one):
    """Return what `shrink` writes, for one effect or some lanes."""
    shrunk = one / (square + ratio)
    return shrunk, weight * square_root(ratio * shrunk)


@inlined()
def number_at(values, j, c):
    """Return element (j, c) of a matrix, or of the row or column that stands for one."""
    return values[min(j, values.shape[0] - 1), min(c, values.shape[1] - 1)]


@inlined()
def lanes_at(values, j, c, like):
    """Return the same from column c on."""
    if values.shape[1] == 1:
        return splat(number_at(values, j, 0), WIDE)
    return load(values[min(j, values.shape[0] - 1)], c, like)
