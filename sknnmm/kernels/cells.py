"""Compiled products of genotypes with those cells of the responses of a layer that are drawn."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.kernels import LINE, fetch_part
from sknnmm.kernels.codes import GROUP, have_codes, in_codes, raised_by, raised_dosages
from sknnmm.kernels.simd import WIDE, load, splat, store

STRIP = 64  # individuals; widened, a span of their SNPs stays in the nearest cache
SPAN = GROUP  # SNPs; their sums stay in registers


@njit(nogil=True, cache=True, error_model="numpy")
def add_cells(tiles, any_missing, mean, indptr, rows, responses, products):
    """Add X'responses of some cells to `products` (C, p), X centred, a missing dosage at the mean.

    Parameters
    ----------
    tiles : of `in_tiles`; any_missing : None if no dosage is missing
    mean : (p,)
    indptr, rows : the cells, of strips of STRIP individuals, response after response: those of
        strip s and response c are indptr[s, c] to indptr[s, c + 1]
    responses : (n, C)
    """
    n_responses, n_snps = products.shape
    values, total = np.empty(rows.size, mean.dtype), np.zeros(n_responses)
    places = np.empty(rows.size, np.int32)  # in a tile
    for s in range(len(indptr)):
        for c in range(n_responses):
            for t in range(indptr[s, c], indptr[s, c + 1]):
                values[t] = responses[rows[t], c]
                total[c] += values[t]
                places[t] = SPAN * (rows[t] - STRIP * s)
    n_spans = tiles.shape[1]
    means, tile = np.zeros((n_spans, SPAN), mean.dtype), aligned(STRIP, SPAN, mean)
    added = mean.dtype.type(raised_by(tiles))
    for j in range(n_snps):
        means[j // SPAN, j % SPAN] = mean[j] + added
    sums = np.zeros((n_responses, n_spans, SPAN), mean.dtype)
    flat, size = tiles.reshape(-1), tiles[0, 0].size
    ahead, share = size, size // n_responses + 1
    for s in range(len(indptr)):
        for span in range(n_spans):
            widen(tiles[s, span], any_missing, means[span], tile)
            for c in range(n_responses):
                # The next tile comes from memory while this one is multiplied.
                fetch_part(flat, ahead + c * share, ahead + (c + 1) * share)
                own = slice(indptr[s, c], indptr[s, c + 1])
                add_rows_of(tile.reshape(-1), places[own], values[own], sums[c, span])
            ahead += size
    for c in range(n_responses):
        constant, of_response, added = mean.dtype.type(total[c]), products[c], sums[c].reshape(-1)
        for j in range(n_snps):
            of_response[j] += added[j] - constant * means[j // SPAN, j % SPAN]


def in_tiles(dosages):
    """Return dosages (n, p) tile after tile, as `add_cells` reads them: one stream of memory.

    Tiles are of STRIP individuals and SPAN SNPs, (strips, spans, STRIP, SPAN), the last axis in
    codes if dosages have them; what is beyond the last individual or SNP has no meaning.
    """
    n, p = dosages.shape
    coded, tiles = have_codes(dosages), []
    for first in range(0, n, STRIP):
        rows = np.zeros((STRIP, -(-p // SPAN) * SPAN), dosages.dtype)
        own = dosages[first : first + STRIP]
        rows[: len(own), :p] = own
        strip = rows.reshape(STRIP, -1, SPAN).swapaxes(0, 1)
        tiles.append(in_codes(strip) if coded else strip)
    return np.array(tiles)


@njit(nogil=True, cache=True, forceinline=True)
def aligned(n_rows, n_columns, like):
    """Return zeros (n_rows, n_columns) of the type of another array, that begin at a cache line."""
    room = np.zeros(n_rows * n_columns + LINE, like.dtype)
    start = -room.ctypes.data % LINE // like.itemsize
    return room[start : start + n_rows * n_columns].reshape(n_rows, n_columns)


@njit(nogil=True, cache=True, forceinline=True)
def widen(stored, any_missing, mean, tile):
    """Write a tile as it is stored to `tile`, in its precision, raised as the mean is."""
    lanes, zero = len(WIDE), splat(mean.dtype.type(0), WIDE)
    for t in range(STRIP):
        # All before the first is stored: from then on, what was loaded might have changed.
        vectors = eight_vectors(stored[t], any_missing, mean, zero)
        for k, vector in enumerate(vectors):
            store(tile[t], k * lanes, vector)


@inlined()
def eight_vectors(stored, any_missing, mean, zero):
    """Return the dosages of a span of SNPs, raised as the mean is, as vectors."""
    n = len(WIDE)
    return (
        raised_dosages(stored, 0, load(mean, 0, zero), any_missing),
        raised_dosages(stored, n, load(mean, n, zero), any_missing),
        raised_dosages(stored, 2 * n, load(mean, 2 * n, zero), any_missing),
        raised_dosages(stored, 3 * n, load(mean, 3 * n, zero), any_missing),
        raised_dosages(stored, 4 * n, load(mean, 4 * n, zero), any_missing),
        raised_dosages(stored, 5 * n, load(mean, 5 * n, zero), any_missing),
        raised_dosages(stored, 6 * n, load(mean, 6 * n, zero), any_missing),
        raised_dosages(stored, 7 * n, load(mean, 7 * n, zero), any_missing),
    )


@njit(nogil=True, cache=True, forceinline=True)
def add_rows_of(tile, places, values, sums):
    """Add the rows of a flat tile that begin at some places, times values, to `sums`."""
    lanes, zero = len(WIDE), splat(sums.dtype.type(0), WIDE)
    a, b = load(sums, 0, zero), load(sums, lanes, zero)
    c, d = load(sums, 2 * lanes, zero), load(sums, 3 * lanes, zero)
    e, f = load(sums, 4 * lanes, zero), load(sums, 5 * lanes, zero)
    g, h = load(sums, 6 * lanes, zero), load(sums, 7 * lanes, zero)
    for t in range(values.size):
        x, value = np.int64(places[t]), splat(values[t], WIDE)
        a = a + value * load(tile, x, zero)
        b = b + value * load(tile, x + lanes, zero)
        c = c + value * load(tile, x + 2 * lanes, zero)
        d = d + value * load(tile, x + 3 * lanes, zero)
        e = e + value * load(tile, x + 4 * lanes, zero)
        f = f + value * load(tile, x + 5 * lanes, zero)
        g = g + value * load(tile, x + 6 * lanes, zero)
        h = h + value * load(tile, x + 7 * lanes, zero)
    for k, vector in enumerate((a, b, c, d, e, f, g, h)):
        store(sums, k * lanes, vector)
