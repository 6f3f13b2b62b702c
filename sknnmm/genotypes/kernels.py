"""Compiled access to stored genotypes: centring, block by block and row by row.

Loops follow the storage of the dosages, which numba knows from their type: SNP-major ("F"),
individual-major (any other array) or packed (see `sknnmm.genotypes.plink_bits`).
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.plink_bits import DOSAGES, decode_snp

PRODUCT_SNPS, PRODUCT_ROWS = 256, 64  # of the tiles in products of rows
LINE = 64  # bytes of a cache line, and of the widest vectors
TILE = 64  # SNPs gathered at a time where a SNP is not contiguous in memory


def is_observed(x):
    """Return whether a stored dosage is observed: integer >= 0, or floating and not NaN."""


@overload(is_observed)
def _is_observed(x):
    if isinstance(x, types.Integer):
        return lambda x: x >= 0
    return lambda x: x == x


def new_tile(dosages):
    """Return room for the gathered SNPs, (TILE, n); none if SNPs are contiguous as stored."""


@overload(new_tile)
def _new_tile(dosages):
    if dosages.layout == "F":
        return lambda dosages: np.empty((0, 0), dosages.dtype)
    if dosages.layout == "packed":
        return lambda dosages: np.empty((TILE, dosages.shape[0]), np.int8)
    return lambda dosages: np.empty((TILE, dosages.shape[0]), dosages.dtype)


def gather(dosages, snps, tile):
    """Copy or decode SNPs to the rows of `tile`, if they are not contiguous as stored."""


@overload(gather)
def _gather(dosages, snps, tile):
    if dosages.layout == "F":
        return lambda dosages, snps, tile: None

    if dosages.layout == "packed":

        def decoded(dosages, snps, tile):
            for t in range(snps.size):
                decode_snp(dosages.packed[snps[t]], DOSAGES, tile[t])

        return decoded

    def strip_by_strip(dosages, snps, tile):  # of rows: few cache lines to read, and in order
        n = dosages.shape[0]
        for first in range(0, n, TILE):
            for t in range(snps.size):
                for i in range(first, min(first + TILE, n)):
                    tile[t, i] = dosages[i, snps[t]]

    return strip_by_strip


@intrinsic
def prefetch(typing_context, values, index):
    """Ask for element `index` of a contiguous array to be brought to the second cache."""

    def generate(context, builder, signature, arguments):
        values, index = arguments
        array = context.make_array(signature.args[0])(context, builder, values)
        element = context.get_data_type(signature.args[0].dtype)
        place = builder.gep(array.data, [index], source_etype=element)
        address = builder.bitcast(place, cgutils.voidptr_t)
        number = cgutils.int32_t
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], kind)
        # to read; with some locality; of the data cache
        builder.call(function, [address, number(0), number(2), number(1)])
        return context.get_dummy_value()

    return types.void(values, types.intp), generate


def fetch(dosages, snps, first, last):
    """Ask for SNPs first to last of `snps`, if there are so many and they are contiguous.

    What a sweep does meanwhile does not wait for the memory. Ask for few at a time.
    """


@overload(fetch)
def _fetch(dosages, snps, first, last):
    if dosages.layout != "F" or not isinstance(dosages.dtype, types.Integer):
        return lambda dosages, snps, first, last: None

    def line_by_line(dosages, snps, first, last):
        for k in range(first, min(last, snps.size)):
            stored = dosages[:, snps[k]]
            for i in range(0, stored.size, LINE):
                prefetch(stored, i)

    return line_by_line


@inlined()
def fetch_part(flat, first, last):
    """Ask for some elements of a flat array, which may be beyond its end."""
    for i in range(first, last, LINE // flat.itemsize):
        prefetch(flat, i)


def gathered(dosages, snp, tile, position):
    """Return one SNP as stored, contiguous."""


@overload(gathered)
def _gathered(dosages, snp, tile, position):
    if dosages.layout == "F":
        return lambda dosages, snp, tile, position: dosages[:, snp]
    return lambda dosages, snp, tile, position: tile[position]


def number(value, stored):
    """Return a number to add dosages to: an integer if they are."""


@overload(number)
def _number(value, stored):
    kind = np.int64 if isinstance(stored.dtype, types.Integer) else np.float64
    return lambda value, stored: kind(value)


def largest(stored):
    """Return what no dosage exceeds, of their type."""


@overload(largest)
def _largest(stored):
    if isinstance(stored.dtype, types.Integer):
        limit = np.iinfo(str(stored.dtype)).max
        return lambda stored: stored.dtype.type(limit)
    return lambda stored: stored.dtype.type(np.inf)


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


def centre_tile(snps, first, start, mean, tile):
    """Write centred dosages to `tile` (SNPs, individuals), from SNP `start` and individual `first`.

    `snps` as in `dense_row_products`. Missing becomes 0. `first` is a multiple of four, the
    individuals of a packed byte.
    """


@overload(centre_tile)
def _centre_tile(snps, first, start, mean, tile):
    if snps.layout == "C":

        def snp_by_snp(snps, first, start, mean, tile):
            for j in range(tile.shape[0]):
                stored = snps[start + j, first : first + tile.shape[1]]
                centre = mean[start + j]
                for i in range(tile.shape[1]):
                    x = stored[i]
                    tile[j, i] = x - centre if is_observed(x) else 0

        return snp_by_snp

    if snps.layout == "packed":

        def decoded(snps, first, start, mean, tile):
            values = np.zeros(4)
            for j in range(tile.shape[0]):
                for code in range(4):
                    if DOSAGES[code] >= 0:
                        values[code] = DOSAGES[code] - mean[start + j]
                decode_snp(snps.packed[start + j, first // 4 :], values, tile[j])

        return decoded

    def copied(snps, first, start, mean, tile):
        stored = np.empty(tile.shape[1], snps.dtype)  # so that the arithmetic is vectorised
        for j in range(tile.shape[0]):
            centre = mean[start + j]
            for i in range(stored.size):
                stored[i] = snps[start + j, first + i]
            for i in range(stored.size):
                x = stored[i]
                tile[j, i] = x - centre if is_observed(x) else 0

    return copied


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
    mean, squares, count = np.empty(p), np.empty(p), np.empty(p, np.int64)
    low, high = np.empty(p), np.empty(p)
    tile = new_tile(dosages)
    for first in range(0, p, TILE):
        snps = np.arange(first, min(first + TILE, p))
        gather(dosages, snps, tile)
        for t in range(snps.size):
            j = snps[t]
            stored = gathered(dosages, j, tile, t)
            mean[j], low[j], high[j], count[j] = moments_of_observed(stored)
            squares[j] = squared_deviations(stored, mean[j])
    return mean, squares / n, low, high, count


@inlined()
def moments_of_observed(stored):
    """Return mean (0 if there are none), lowest, highest and number of observed dosages."""
    total, count = number(0, stored), 0
    low, high = largest(stored), -largest(stored)
    for x in stored:
        seen = is_observed(x)
        total += x if seen else 0
        count += seen
        low = min(low, x if seen else low)
        high = max(high, x if seen else high)
    return total / max(count, 1), low, high, count


@inlined()
def squared_deviations(stored, mean):
    """Return the sum of squared deviations of the observed dosages."""
    total = 0.0
    for x in stored:
        deviation = x - mean if is_observed(x) else 0.0
        total += deviation * deviation
    return total


@njit(nogil=True, cache=True)
def dense_row_products(snps, n, mean, effects):
    """Return centred dosages times effects (C, p), (n, C), each row summed over SNPs in order.

    `snps` is an array (p, n), or PackedGenotypes of n individuals.
    """
    p = mean.size
    product = np.zeros((effects.shape[0], n))
    room = np.empty(PRODUCT_SNPS * PRODUCT_ROWS)
    for start in range(0, p, PRODUCT_SNPS):
        own = np.arange(start, min(start + PRODUCT_SNPS, p))
        for first in range(0, n, PRODUCT_ROWS):
            last = min(first + PRODUCT_ROWS, n)
            tile = room[: own.size * (last - first)].reshape(own.size, last - first)
            centre_tile(snps, first, start, mean, tile)
            for c in range(product.shape[0]):
                values = effects[c, start : start + own.size]
                add_in_order(product[c, first:last], tile, start, own, values)
    return product.T


@njit(nogil=True, cache=True)
def sparse_row_products(snps, n, mean, indptr, indices, values):
    """Return the same for sparse columns of effects.

    Indices of a column are in order.
    """
    p = mean.size
    product = np.zeros((indptr.size - 1, n))
    room = np.empty(PRODUCT_SNPS * PRODUCT_ROWS)
    begin, end = indptr[:-1].copy(), indptr[:-1].copy()  # entries of each column in these SNPs
    for start in range(0, p, PRODUCT_SNPS):
        stop = min(start + PRODUCT_SNPS, p)
        for c in range(product.shape[0]):
            begin[c] = end[c]
            while end[c] < indptr[c + 1] and indices[end[c]] < stop:
                end[c] += 1
        for first in range(0, n, PRODUCT_ROWS):
            last = min(first + PRODUCT_ROWS, n)
            tile = room[: (stop - start) * (last - first)].reshape(stop - start, last - first)
            centre_tile(snps, first, start, mean, tile)
            for c in range(product.shape[0]):
                own = slice(begin[c], end[c])
                add_in_order(product[c, first:last], tile, start, indices[own], values[own])
    return product.T


@inlined()
def add_in_order(sums, tile, start, snps, values):
    """Add values[k] * SNP snps[k] of a tile that begins at SNP `start`, one k after the other.

    Individuals side by side: the compiler vectorises them, and the order of a sum stays.
    """
    last = 0
    for k in range(0, snps.size - 3, 4):
        last = k + 4
        a, b, c, d = values[k], values[k + 1], values[k + 2], values[k + 3]
        xa, xb = tile[snps[k] - start], tile[snps[k + 1] - start]
        xc, xd = tile[snps[k + 2] - start], tile[snps[k + 3] - start]
        for i in range(sums.size):
            sums[i] = (((sums[i] + a * xa[i]) + b * xb[i]) + c * xc[i]) + d * xd[i]
    for k in range(last, snps.size):
        x = tile[snps[k] - start]
        for i in range(sums.size):
            sums[i] += values[k] * x[i]
