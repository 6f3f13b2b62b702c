"""Compiled Gibbs sweep over the effects of all SNPs on several columns: every mixture prior.

A block of neighbouring SNPs is widened to floats, which stay in the second cache while they meet
the residuals of all columns (omics, direct path): four SNPs and four columns to a pass, sixteen
products from eight numbers, which is as fast as matrix products are. Within the block the
cross-products of its SNPs stand in for the residuals (Breen et al. 2022, doi
10.1038/s42003-022-03624-1), as many columns side by side as a vector has lanes; then the changes of
its effects are subtracted, at a cost in proportion to how many there are.
"""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.kernels import TILE, fetch, gather, gathered, new_tile
from sknnmm.kernels.draws import draw_block
from sknnmm.kernels.passes import REORDER, filled
from sknnmm.kernels.simd import WIDE, load, splat, store

GROUP = 4  # SNPs and columns in a pass that multiplies
ROWS = 4096  # individuals whose widened genotypes, of a block, stay in the second cache
PANEL = 8 * len(WIDE)  # whose residuals, of a column, stay in registers


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_blocks(
    dosages, any_missing, mean, grams, columns, row_weights, is_one, first, residual, x, effects,
    component, residual_variance, score, shrinkage, normal, lanes, seen, backward,
):  # fmt: skip
    """Draw the effects of some SNPs on all columns once; the last of L columns may be idle.

    Parameters
    ----------
    dosages : (n, p); any_missing : bool
    mean : (p,)
    grams : (n_blocks, G, b, b), X'W_g X of every b SNPs; b divides TILE
    columns : (G + 1,), first column of each set of row weights, then the number; G is 1 or 2
    row_weights : (G, n); is_one : (G,), whether they are all 1
    first : int, a multiple of b; the SNPs are first, first + 1, ...
    residual : (L, N), target - X b for all rows, then zeros to whole panels; updated in place
    x : (b, N), room for widened SNPs; zero beyond n
    effects, component : (s, L), of these SNPs, updated in place; component -1 = not in the model
    residual_variance : (L,)
    score, shrinkage : (M, s, L), of `prepare`
    normal : (s, L), standard normal variates
    lanes : tuple of as many elements as columns are drawn together; that number divides L
    seen : (s, L), what each effect was drawn given, x'residual without it; written
    backward : bool, from the last SNP to the first
    """
    n_snps, n_lanes = effects.shape
    n_columns, n_rows = columns[-1], -(-dosages.shape[0] // len(WIDE)) * len(WIDE)
    block_size = grams.shape[2]
    number = residual.dtype.type
    s2 = residual_variance.astype(number)
    gain = number(0.5) / s2
    split = n_lanes if columns.size == 2 else columns[1]
    tile = new_tile(dosages)
    weighted = np.zeros((GROUP, n_rows), number)
    products = np.empty((block_size, len(lanes)), number)
    change = np.empty_like(products)
    changes = (
        np.zeros((len(lanes), block_size + 1), np.int64),
        np.zeros((len(lanes), block_size + 1), number),
        np.zeros(len(lanes), np.int64),
    )
    # The next block comes from memory while this one is multiplied: some SNPs of it every pass.
    order = np.arange(first, min(first + n_snps + block_size, dosages.shape[1]))
    n_passes = -(-n_columns // GROUP) * -(-n_rows // ROWS)
    fetched = -(-GROUP // n_passes)
    n_tiles = -(-n_snps // TILE)
    for step in range(n_tiles):
        tile_first = TILE * (n_tiles - 1 - step if backward else step)
        tile_last = min(tile_first + TILE, n_snps)
        gather(dosages, order[tile_first:tile_last], tile)
        n_blocks = -(-(tile_last - tile_first) // block_size)
        for turn in range(n_blocks):
            start = tile_first + block_size * (n_blocks - 1 - turn if backward else turn)
            width = min(block_size, tile_last - start)
            for k in range(width):
                stored = gathered(dosages, first + start + k, tile, start - tile_first + k)
                centre = mean[first + start + k]
                if any_missing:  # a branch, not another type: most of the sweep is the same
                    widen(stored, centre, any_missing, x[k])
                else:
                    widen(stored, centre, None, x[k])
            x[width:] = 0
            ahead = max(start - block_size, 0) if backward else start + width
            last_ahead = start if backward else ahead + block_size
            for left in range(0, n_lanes, len(lanes)):
                last = min(left + len(lanes), n_columns)
                products[:] = 0
                for row in range(0, n_rows, ROWS):
                    stop = min(row + ROWS, n_rows)
                    for c in range(left, last, GROUP):
                        g, h = 1 if c >= split else 0, 1 if c + GROUP > split else 0
                        as_is = is_one[g] and is_one[h]
                        if not as_is:
                            for q in range(GROUP):
                                of_column = row_weights[1 if c + q >= split else 0]
                                weigh(residual[c + q], of_column, row, stop, weighted[q])
                        source, at = (residual, c) if as_is else (weighted, 0)
                        for k in range(0, width, GROUP):
                            fetch(dosages, order, ahead, min(ahead + fetched, last_ahead))
                            ahead += fetched
                            multiply(x, k, source, at, row, stop, products, c - left)
                draw_block(
                    products, grams[(first + start) // block_size], split, start, width, left,
                    effects, component, s2, gain, score, shrinkage, normal, change, lanes, seen,
                    backward,
                )  # fmt: skip
                take_changes(residual[left:last], change[:width], x, n_rows, *changes)


@inlined()
def take_changes(residual, change, x, n_rows, snps, amounts, counts):
    """Take the changes (b, L) of the effects of SNPs x (b, N) off the residuals (c, N).

    `snps` and `amounts`, (L, b + 1), and `counts` are room for the changes of every column.
    """
    for c in range(len(residual)):
        count = 0
        for k in range(len(change)):  # without a branch, which no processor could predict
            snps[c, count], amounts[c, count] = k, change[k, c]
            count += change[k, c] != 0
        counts[c] = count
    for row in range(0, n_rows, PANEL):  # their genotypes stay in the nearest cache
        for c in range(len(residual)):
            take_off_panel(residual[c], x, row, snps[c], amounts[c], counts[c])


@inlined()
def take_off_panel(r, x, row, snps, amounts, count):
    """Take `count` changes of a column off a panel of its residuals, which stay in registers."""
    zero, lanes = splat(r.dtype.type(0), WIDE), len(WIDE)
    a, b = load(r, row, zero), load(r, row + lanes, zero)
    c, d = load(r, row + 2 * lanes, zero), load(r, row + 3 * lanes, zero)
    e, f = load(r, row + 4 * lanes, zero), load(r, row + 5 * lanes, zero)
    g, h = load(r, row + 6 * lanes, zero), load(r, row + 7 * lanes, zero)
    for t in range(count):
        of_snp, amount = x[snps[t]], splat(amounts[t], WIDE)
        a = a - amount * load(of_snp, row, zero)
        b = b - amount * load(of_snp, row + lanes, zero)
        c = c - amount * load(of_snp, row + 2 * lanes, zero)
        d = d - amount * load(of_snp, row + 3 * lanes, zero)
        e = e - amount * load(of_snp, row + 4 * lanes, zero)
        f = f - amount * load(of_snp, row + 5 * lanes, zero)
        g = g - amount * load(of_snp, row + 6 * lanes, zero)
        h = h - amount * load(of_snp, row + 7 * lanes, zero)
    for q, vector in enumerate((a, b, c, d, e, f, g, h)):
        store(r, row + q * lanes, vector)


# Passes over the individuals; why they are inlined: see `kernels/passes.py`.


@inlined()
def widen(stored, centre, any_missing, x):
    """Write a centred SNP to x (n, or longer)."""
    for i in range(stored.size):
        x[i] = filled(stored[i], centre, any_missing) - centre


@inlined()
def weigh(residual, weights, row, stop, out):
    """Write some residuals of a column times their row weights."""
    rows = slice(row, min(stop, weights.size))
    residual, weights, out = residual[rows], weights[rows], out[rows]
    for i in range(weights.size):
        out[i] = residual[i] * weights[i]


@inlined(fastmath=REORDER)
def multiply(x, k, residual, first, row, stop, products, c):
    """Add the products of SNPs k to k + 3 of x (b, n) with four columns, from `first`.

    Individuals are those from `row` to `stop`; products those of rows k to k + 3, columns c to
    c + 3, of `products` (b, L).
    """
    rows = slice(row, stop)
    xa, xb, xc, xd = x[k][rows], x[k + 1][rows], x[k + 2][rows], x[k + 3][rows]
    r0, r1 = residual[first][rows], residual[first + 1][rows]
    r2, r3 = residual[first + 2][rows], residual[first + 3][rows]
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = xa.dtype.type(0)
    c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = xa.dtype.type(0)
    for i in range(r0.size):
        a0 += xa[i] * r0[i]
        a1 += xa[i] * r1[i]
        a2 += xa[i] * r2[i]
        a3 += xa[i] * r3[i]
        b0 += xb[i] * r0[i]
        b1 += xb[i] * r1[i]
        b2 += xb[i] * r2[i]
        b3 += xb[i] * r3[i]
        c0 += xc[i] * r0[i]
        c1 += xc[i] * r1[i]
        c2 += xc[i] * r2[i]
        c3 += xc[i] * r3[i]
        d0 += xd[i] * r0[i]
        d1 += xd[i] * r1[i]
        d2 += xd[i] * r2[i]
        d3 += xd[i] * r3[i]
    for t, of_snp in enumerate(
        ((a0, a1, a2, a3), (b0, b1, b2, b3), (c0, c1, c2, c3), (d0, d1, d2, d3))
    ):
        for q in range(GROUP):
            products[k + t, c + q] += of_snp[q]
