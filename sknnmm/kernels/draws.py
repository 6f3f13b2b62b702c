"""Compiled draws of SNP effects given x'residual and what `prepared_draws.py` has prepared."""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.kernels.simd import load, splat, square_root, store, where_greater


@inlined()
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


@inlined(error_model="numpy")
def draw_own_block(
    products, gram, first, width, effects, component, s2, score, shrinkage, normal, change
):  # fmt: skip
    """Draw the effects of some neighbouring SNPs on one column, given X_b'W residual (b,).

    The SNPs are `first` to first + width of effects, component, the tables (M, m) and `normal`
    (m,). Writes what has changed to `change` (b,). No step depends on what was drawn: half of the
    branches would be mispredicted.
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
    normal, change, lanes, seen, backward,
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
    seen : (s, L), what each was drawn given, x'residual without the effect; written
    backward : bool, from the last SNP to the first
    """
    number = products.dtype.type
    zero = splat(number(0), lanes)
    s2, gain = load(s2, left, zero), load(gain, left, zero)
    inside = min(max(split - left, 0), len(lanes))  # columns of the first set of row weights
    side = np.zeros(len(lanes), number)
    side[inside:] = 1
    second = load(side, 0, zero)
    change[:] = 0
    for step in range(width):
        k = width - 1 - step if backward else step
        j = first + k
        drawn = (k - k % 4, width) if backward else (0, k)  # those before it, about
        old = load(effects[j], left, zero)
        xr = load(products[k], 0, zero)
        if inside == 0:
            xr = without_block(xr, old, grams[-1, k], k, drawn, change, lanes)
        elif inside == len(lanes):
            xr = without_block(xr, old, grams[0, k], k, drawn, change, lanes)
        else:
            by_first = without_block(xr, old, grams[0, k], k, drawn, change, lanes)
            by_second = without_block(xr, old, grams[-1, k], k, drawn, change, lanes)
            xr = where_greater(second, zero, by_second, by_first)
        store(seen[j], left, xr)
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


@inlined()
def without_block(xr, old, of_snp, k, drawn, change, lanes):
    """Return x'residual of SNP k of a block without its effects, after the changes before it.

    `of_snp` holds its cross-products; those `drawn`, from one SNP to another, have a `change`, all
    others one of zero.
    """
    zero = splat(of_snp.dtype.type(0), lanes)
    a, b, c, d = splat(of_snp[k], lanes) * old, zero, zero, zero
    for t in range(drawn[0], drawn[1], 4):
        a = a - splat(of_snp[t], lanes) * load(change[t], 0, zero)
        b = b - splat(of_snp[t + 1], lanes) * load(change[t + 1], 0, zero)
        c = c - splat(of_snp[t + 2], lanes) * load(change[t + 2], 0, zero)
        d = d - splat(of_snp[t + 3], lanes) * load(change[t + 3], 0, zero)
    return xr + ((a + b) + (c + d))
