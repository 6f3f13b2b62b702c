"""Sums of rows by level, and effects of levels drawn one after the other."""

import numpy as np

from sknnmm.common.compiled import njit


@njit(nogil=True, cache=True)
def sums_by_level(rows, codes, factors, n_levels):
    """Return the sums (L, C) over the rows of each level of factor times row (n, C).

    Parameters
    ----------
    rows : (n, C)
    codes : (n,), level of each row; negative: none
    factors : (n,)
    n_levels : L
    """
    sums = np.zeros((n_levels, rows.shape[1]))
    for i in range(codes.size):
        if codes[i] >= 0 and factors[i] != 0:
            for c in range(rows.shape[1]):
                sums[codes[i], c] += factors[i] * rows[i, c]
    return sums


@njit(nogil=True, cache=True)
def spread_levels(effects, codes, factors, out):
    """Write factor times the effects (L, C) of its level into each row of `out`, (n, C)."""
    for i in range(codes.size):
        for c in range(out.shape[1]):
            out[i, c] = factors[i] * effects[codes[i], c] if codes[i] >= 0 else 0.0


@njit(nogil=True, cache=True, error_model="numpy")
def draw_levels(
    products, squared, indptr, indices, inverse, variance, residual_variance, rng, effects
):  # fmt: skip
    """Draw every effect given the others, in place; return the quadratic forms u'R^-1 u, (C,).

    Parameters
    ----------
    products : (L, C), sums by level of the weighted target
    squared : (L,), sums by level of weights
    indptr, indices, inverse : R^-1 in compressed rows
    variance, residual_variance : (C,)
    effects : (L, C)
    """
    n_levels, n_columns = effects.shape
    # Both ways: records inform on parents through offspring, and parents on other offspring.
    for turn in range(2 * n_levels):
        level = turn if turn < n_levels else 2 * n_levels - 1 - turn
        own = 0.0
        for entry in range(indptr[level], indptr[level + 1]):
            if indices[entry] == level:
                own = inverse[entry]
        for c in range(n_columns):
            ratio = residual_variance[c] / variance[c]
            rest = products[level, c]
            for entry in range(indptr[level], indptr[level + 1]):
                other = indices[entry]
                if other != level:
                    rest -= ratio * inverse[entry] * effects[other, c]
            precision = squared[level] + ratio * own
            noise = rng.standard_normal() * np.sqrt(residual_variance[c] / precision)
            effects[level, c] = rest / precision + noise
    forms = np.zeros(n_columns)
    for level in range(n_levels):
        for entry in range(indptr[level], indptr[level + 1]):
            for c in range(n_columns):
                forms[c] += inverse[entry] * effects[level, c] * effects[indices[entry], c]
    return forms
