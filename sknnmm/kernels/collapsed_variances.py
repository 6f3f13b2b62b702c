"""Draws of the variance of effects and the residual variance, the effects integrated out.

In a spectral basis the target has the coordinates c_i ~ N(0, v d_i^2 + s2), and outside the basis a
sum of squares that knows s2 alone. With g = v / s2 and both variances unknown, s2 given g is scaled
inverse chi-square, so g is drawn with s2 integrated out, by slice sampling of log g (Neal 2003, doi
10.1214/aos/1056562461), and then s2. With one of them fixed, g alone is unknown.
"""

import numpy as np

from sknnmm.common.compiled import inlined, njit
from sknnmm.kernels.simd import WIDE, load, splat, store, sum_of_lanes

STEP = 1.0  # first width of the slice of log g, and by how much it grows
MAX_STEPS = 200  # by which it grows in all
LARGEST = 150.0  # logarithm of a product of factors; those of AT_ONCE products are to be finite
AT_ONCE = 4  # vectors that share a division, and products that share a logarithm


@njit(nogil=True, cache=True, error_model="numpy")
def draw_variances(
    products, squared, total, n_rows, prior, residual_prior, variance, residual_variance, rng
):  # fmt: skip
    """Draw both variances of every column, in place.

    Parameters
    ----------
    products : (C, r), V'X'W target: the coordinates times d
    squared : (r,), d^2
    total : (C,), weighted sums of squares of the target
    n_rows : number of rows that inform the columns
    prior, residual_prior : (2, C), degrees of freedom and sums of squares of the prior of each
        variance; 0 degrees of freedom: it is fixed
    variance, residual_variance : (C,), updated in place
    """
    rank = squared.size
    of_pass = AT_ONCE * len(WIDE)
    size = -(-rank // of_pass) * of_pass  # filled up with coordinates that say nothing
    filled, squares = np.zeros(size), np.zeros(size)
    largest = 0.0
    for i in range(rank):
        filled[i] = squared[i]
        largest = max(largest, squared[i])
    for c in range(variance.size):
        df, of_prior = prior[0, c], prior[1, c]
        residual_df, rest = residual_prior[0, c], residual_prior[1, c]
        if df == 0 and residual_df == 0:
            continue
        inside = 0.0
        for i in range(rank):
            squares[i] = float(products[c, i]) ** 2 / squared[i]
            inside += squares[i]
        rest += max(total[c] - inside, 0.0)
        sums = (
            df, of_prior, n_rows + residual_df, rest, variance[c], residual_variance[c], largest
        )  # fmt: skip
        kind = 0 if df > 0 and residual_df > 0 else 1 if df > 0 else 2
        log_ratio = np.log(variance[c] / residual_variance[c])
        log_ratio, scaled = slice_of_ratio(log_ratio, filled, squares, sums, kind, rng)
        ratio = np.exp(log_ratio)
        if kind == 0:
            residual_variance[c] = scaled / rng.chisquare(n_rows + df + residual_df)
        if kind == 2:
            residual_variance[c] = variance[c] / ratio
        else:
            variance[c] = ratio * residual_variance[c]


@inlined(error_model="numpy")
def slice_of_ratio(start, squared, squares, sums, kind, rng):
    """Return log g drawn from its slice around `start`, and its sum of squares."""
    density, scaled = log_density(start, squared, squares, sums, kind)
    level = density - rng.standard_exponential()
    low = start - STEP * rng.random()
    high = low + STEP
    below = int(MAX_STEPS * rng.random())
    above = MAX_STEPS - 1 - below
    while below > 0 and log_density(low, squared, squares, sums, kind)[0] > level:
        low, below = low - STEP, below - 1
    while above > 0 and log_density(high, squared, squares, sums, kind)[0] > level:
        high, above = high + STEP, above - 1
    while high - low > 1e-12:
        point = low + (high - low) * rng.random()
        density, of_point = log_density(point, squared, squares, sums, kind)
        if density >= level:
            return point, of_point
        if point < start:
            low = point
        else:
            high = point
    return start, scaled


@inlined(error_model="numpy")
def log_density(log_ratio, squared, squares, sums, kind):
    """Return the log density of log g, and the sum of squares that s2 has given g.

    `kind`: 0 both variances are unknown, 1 that of the effects, 2 the residual one.
    """
    df, of_prior, residual_df, rest, variance, residual_variance, largest = sums
    ratio = np.exp(log_ratio)
    n_finite = int(LARGEST / max(np.log1p(ratio * largest), 1.0))  # factors in a product
    if n_finite >= AT_ONCE:
        logs, quadratic = of_coordinates(ratio, squared, squares, n_finite)
    else:  # an extreme ratio, which a slice may look at
        logs, quadratic = 0.0, 0.0
        for i in range(squared.size):
            factor = 1 + ratio * squared[i]
            logs, quadratic = logs + np.log(factor), quadratic + squares[i] / factor
    scaled = quadratic + rest + of_prior / ratio
    density = -0.5 * (logs + df * log_ratio)
    if kind == 0:
        density -= 0.5 * (df + residual_df) * np.log(scaled)
    elif kind == 1:
        density -= 0.5 * scaled / residual_variance
    else:
        density += 0.5 * residual_df * log_ratio - 0.5 * scaled * ratio / variance
    return density, scaled


@njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
def of_coordinates(ratio, squared, squares, n_finite):
    """Return the sums of log(1 + g d^2) and of squares / (1 + g d^2) over the coordinates.

    AT_ONCE vectors share a division, and `n_finite` factors (in every lane) a logarithm.
    """
    lanes = len(WIDE)
    zero, one, gain = splat(0.0, WIDE), splat(1.0, WIDE), splat(ratio, WIDE)
    quadratic, logs, products = zero, 0.0, np.empty(lanes)
    of_product = n_finite // AT_ONCE * AT_ONCE * lanes
    for first in range(0, squared.size, of_product):
        product = one
        for i in range(first, min(first + of_product, squared.size), AT_ONCE * lanes):
            a = one + gain * load(squared, i, zero)
            b = one + gain * load(squared, i + lanes, zero)
            c = one + gain * load(squared, i + 2 * lanes, zero)
            d = one + gain * load(squared, i + 3 * lanes, zero)
            ab, cd = a * b, c * d
            of_ab = load(squares, i, zero) * b + load(squares, i + lanes, zero) * a
            of_cd = load(squares, i + 2 * lanes, zero) * d + load(squares, i + 3 * lanes, zero) * c
            quadratic = quadratic + (of_ab * cd + of_cd * ab) / (ab * cd)
            product = product * (ab * cd)
        store(products, 0, product)
        for k in range(0, lanes, AT_ONCE):
            logs += np.log((products[k] * products[k + 1]) * (products[k + 2] * products[k + 3]))
    return logs, sum_of_lanes(quadratic)


@njit(nogil=True, cache=True, error_model="numpy")
def draw_coordinates(products, squared, variance, residual_variance, normals, coordinates):
    """Write the coordinates V'b (C, r) given both variances, as in `draw_variances`."""
    for c in range(variance.size):
        s2, ratio = residual_variance[c], residual_variance[c] / variance[c]
        of_column, mean, normal = coordinates[c], products[c], normals[c]
        for i in range(squared.size):
            shrinkage = 1 / (squared[i] + ratio)
            of_column[i] = shrinkage * mean[i] + np.sqrt(s2 * shrinkage) * normal[i]


@njit(nogil=True, cache=True)
def squared_fits(squared, coordinates):
    """Return the sums of squares (C,) of fits, given d^2 (r,) and coordinates (C, r)."""
    sums, lanes, zero = np.zeros(len(coordinates)), len(WIDE), splat(0.0, WIDE)
    whole = squared.size // lanes * lanes
    for c in range(sums.size):
        of_column, total = coordinates[c], zero
        for i in range(0, whole, lanes):
            value = load(of_column, i, zero)
            total = total + load(squared, i, zero) * (value * value)
        sums[c] = sum_of_lanes(total)
        for i in range(whole, squared.size):
            sums[c] += squared[i] * float(of_column[i]) ** 2
    return sums
