"""Compiled access to stored genotypes: centring, block by block and row by row.

Loops follow the storage of the dosages, which numba knows from their type: SNP-major ("F"),
individual-major (any other array) or packed (see `sknnmm.packed`).
"""

import operator

import numpy as np
from numba import njit, types
from numba.extending import overload

from sknnmm.packed import DOSAGES, PackedType, code_at, decode_snp

SNPS, ROWS = 256, 64  # of the tiles in products of rows: what is read of a map stays at hand


@overload(operator.getitem)
def _packed_dosage(dosages, position):
    if isinstance(dosages, PackedType):
        return lambda dosages, position: DOSAGES[code_at(dosages.packed[position[1]], position[0])]


def is_observed(x):
    """Return whether a stored dosage is observed: integer >= 0, or floating and not NaN."""


@overload(is_observed)
def _is_observed(x):
    if isinstance(x, types.Integer):
        return lambda x: x >= 0
    return lambda x: x == x


def block_view(dosages, buffer, width):
    """Return an (n, width) view of a flat buffer in the memory order of the dosages."""


@overload(block_view)
def _block_view(dosages, buffer, width):
    if dosages.layout in ("F", "packed"):
        return lambda dosages, buffer, width: (
            buffer[: width * dosages.shape[0]].reshape(width, dosages.shape[0]).T
        )
    return lambda dosages, buffer, width: buffer[: width * dosages.shape[0]].reshape(
        dosages.shape[0], width
    )


def centre_block(dosages, start, mean, out):
    """Write the centred dosages of SNPs start, start + 1, ... to `out`; missing becomes 0."""


@overload(centre_block)
def _centre_block(dosages, start, mean, out):
    if dosages.layout == "F":

        def snp_by_snp(dosages, start, mean, out):
            for j in range(out.shape[1]):
                stored = dosages[:, start + j]
                centred = out[:, j]
                centre = mean[start + j]
                for i in range(out.shape[0]):
                    x = stored[i]
                    centred[i] = x - centre if is_observed(x) else 0

        return snp_by_snp

    if dosages.layout == "packed":

        def decoded(dosages, start, mean, out):
            values = np.zeros(4, mean.dtype)
            for j in range(out.shape[1]):
                for code in range(4):
                    if DOSAGES[code] >= 0:
                        values[code] = DOSAGES[code] - mean[start + j]
                decode_snp(dosages.packed[start + j], values, out[:, j])

        return decoded

    def row_by_row(dosages, start, mean, out):
        width = out.shape[1]
        centre = mean[start : start + width]
        for i in range(out.shape[0]):
            stored = dosages[i, start : start + width]
            centred = out[i]
            for j in range(width):
                x = stored[j]
                centred[j] = x - centre[j] if is_observed(x) else 0

    return row_by_row


def centre_row(dosages, i, start, mean, out):
    """Write the centred dosages of one individual at SNPs start, start + 1, ... to `out`."""


@overload(centre_row)
def _centre_row(dosages, i, start, mean, out):
    if dosages.layout == "packed":

        def one_by_one(dosages, i, start, mean, out):
            for j in range(out.size):
                x = dosages[i, start + j]
                out[j] = x - mean[start + j] if is_observed(x) else 0

        return one_by_one

    def in_row(dosages, i, start, mean, out):
        stored = dosages[i, start : start + out.size]
        centre = mean[start : start + out.size]
        for j in range(out.size):
            x = stored[j]
            out[j] = x - centre[j] if is_observed(x) else 0

    return in_row


@njit(nogil=True, cache=True)
def centred_block(dosages, start, mean, buffer, width):
    """Return SNPs start to start + width centred, as a view of `buffer`."""
    block = block_view(dosages, buffer, width)
    centre_block(dosages, start, mean, block)
    return block


@njit(nogil=True, cache=True)
def column_moments(dosages):
    """Return mean of the observed, variance with missing at the mean, lowest, highest, count."""
    n, p = dosages.shape
    total = np.zeros(p)
    count = np.zeros(p, np.int64)
    low = np.full(p, np.inf)
    high = np.full(p, -np.inf)
    squares = np.zeros(p)
    for first in range(0, p, 64):  # tiles suit either memory order
        last = min(first + 64, p)
        for i in range(n):
            for j in range(first, last):
                x = dosages[i, j]
                if is_observed(x):
                    total[j] += x
                    count[j] += 1
                    low[j] = min(low[j], x)
                    high[j] = max(high[j], x)
        mean = total / np.maximum(count, 1)
        for i in range(n):
            for j in range(first, last):
                x = dosages[i, j]
                if is_observed(x):
                    squares[j] += (x - mean[j]) ** 2
    return total / np.maximum(count, 1), squares / n, low, high, count


@njit(nogil=True, cache=True)
def dense_row_products(dosages, mean, effects):
    """Return centred dosages times effects (p, C), each row summed over SNPs in order."""
    n, p = dosages.shape
    n_columns = effects.shape[1]
    product = np.zeros((n, n_columns))
    for start in range(0, p, SNPS):
        stop = min(start + SNPS, p)
        for first in range(0, n_columns, 64):  # 64 running sums stay in the nearest cache
            last = min(first + 64, n_columns)
            for i in range(n):
                sums = product[i, first:last]
                for j in range(start, stop):
                    x = dosages[i, j]
                    if is_observed(x):
                        centred = x - mean[j]
                        row = effects[j, first:last]
                        for c in range(sums.shape[0]):
                            sums[c] += centred * row[c]
    return product


@njit(nogil=True, cache=True)
def sparse_row_products(dosages, mean, indptr, indices, values):
    """Return centred dosages times the sparse columns of effects, each row on its own.

    Indices of a column are in order.
    """
    n, p = dosages.shape
    n_columns = indptr.size - 1
    product = np.zeros((n, n_columns))
    centred = np.empty((ROWS, SNPS))
    begin, end = indptr[:-1].copy(), indptr[:-1].copy()  # entries of each column in these SNPs
    for start in range(0, p, SNPS):
        stop = min(start + SNPS, p)
        for c in range(n_columns):
            begin[c] = end[c]
            while end[c] < indptr[c + 1] and indices[end[c]] < stop:
                end[c] += 1
        for first in range(0, n, ROWS):
            last = min(first + ROWS, n)
            for i in range(first, last):
                centre_row(dosages, i, start, mean, centred[i - first, : stop - start])
            for i in range(first, last):
                row = centred[i - first]
                for c in range(n_columns):
                    total = product[i, c]
                    for k in range(begin[c], end[c]):
                        total += row[indices[k] - start] * values[k]
                    product[i, c] = total
    return product
