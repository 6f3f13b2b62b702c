"""Compiled Gibbs sweep over the effects of a linear predictor: every mixture prior, one kernel.

`sweep_genotypes` runs over blocks of neighbouring SNPs and all columns (omics, direct path)
together: one product with the residuals, a single-site pass inside the block by its Gram matrix,
one product back (Breen et al. 2022, doi 10.1038/s42003-022-03624-1).
"""

import numpy as np
from numba import njit

from sknnmm.genotype_kernels import centred_block


@njit(nogil=True, cache=True)
def few_changes(n_columns):
    """Return the share of changed effects up to which they are taken off the residuals singly.

    A product of matrices does all n b C multiplications whatever the change, but faster, above
    all with many columns. Measured at n = 3,534 for 1 to 100 columns.
    """
    return min(0.6, 0.15 + 5 / n_columns)


@njit(nogil=True, cache=True, error_model="numpy")
def draw_effect(xx, xr, s2, ratios, log_weights, c, uniform, normal, log_odds):
    """Draw the mixture component of one effect, the effect integrated out, then the effect.

    `xx` is x'x, `xr` is x'(residual without this effect), `c` the column, `s2` its residual
    variance, ratios[m, c] that over the prior variance of the effect, infinite for "no effect";
    `log_odds` is room for one number per component. Returns component and effect.
    """
    n_components = ratios.shape[0]
    chosen = n_components - 1
    if n_components > 1:
        highest = -np.inf
        for m in range(n_components):
            log_odds[m] = log_weights[m, c]
            if ratios[m, c] < np.inf:
                shrunk = 1 / (xx + ratios[m, c])
                log_odds[m] += 0.5 * (np.log(ratios[m, c] * shrunk) + xr * xr * shrunk / s2)
            highest = max(highest, log_odds[m])
        total = 0.0
        for m in range(n_components):
            log_odds[m] = 1.0 if log_odds[m] == highest else np.exp(log_odds[m] - highest)
            total += log_odds[m]
        remaining = uniform * total
        for m in range(n_components - 1):
            remaining -= log_odds[m]
            if remaining < 0:
                chosen = m
                break
    if ratios[chosen, c] == np.inf:
        return chosen, 0.0
    shrunk = 1 / (xx + ratios[chosen, c])
    return chosen, xr * shrunk + normal * np.sqrt(s2 * shrunk)


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_block(
    products, grams, columns, first, effects, component, multipliers, weights, variance,
    residual_variance, normals, uniforms, change,
):  # fmt: skip
    """Draw the effects of one block given `products` = X_b' residual (b, C), all columns.

    grams[g] is X_b' W_g X_b, with row weights g holding for columns[g] to columns[g + 1]. Writes
    the new effects and components (rows from `first`) and `change` = new - old (b, C). Returns the
    number of effects that changed.
    """
    n_columns = change.shape[1]
    log_weights = np.log(weights)
    log_odds = np.empty(multipliers.shape[0])
    moved = np.zeros(n_columns, change.dtype)
    ratios = np.empty(multipliers.shape)
    n_changed = 0
    for j in range(change.shape[0]):
        row = first + j
        if j == 0 or variance.shape[0] > 1:
            prior_variance = variance[row if variance.shape[0] > 1 else 0]
            for c in range(n_columns):
                for m in range(multipliers.shape[0]):
                    ratios[m, c] = residual_variance[c] / (multipliers[m, c] * prior_variance[c])
        # What the changes so far have taken from x_j' residual.
        if n_changed > 0:
            np.dot(grams[0, j, :j], change[:j], moved)
            for g in range(1, columns.size - 1):
                for c in range(columns[g], columns[g + 1]):
                    moved[c] = np.dot(grams[g, j, :j], change[:j, c].copy())
        for g in range(columns.size - 1):
            xx = float(grams[g, j, j])
            for c in range(columns[g], columns[g + 1]):
                change[j, c] = 0
                if component[row, c] < 0:
                    continue
                old = effects[row, c]
                component[row, c], effects[row, c] = draw_effect(
                    xx,
                    products[j, c] - moved[c] + xx * old,
                    residual_variance[c],
                    ratios,
                    log_weights,
                    c,
                    uniforms[j, c],
                    normals[j, c],
                    log_odds,
                )
                change[j, c] = effects[row, c] - old
                n_changed += change[j, c] != 0
    return n_changed


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_genotypes(
    dosages, mean, grams, columns, reweighted, residual, effects, component, multipliers,
    weights, variance, residual_variance, rng,
):  # fmt: skip
    """Sweep all SNPs of all C columns once.

    Parameters
    ----------
    dosages : (n, p); mean : (p,)
    grams : (n_blocks, G, b, b), X_b' W_g X_b
    columns : (G + 1,) first column of each set of row weights, then C
    reweighted : (first, rows, weights), the rows whose weight is not 1: set g owns entries
        first[g] to first[g + 1]
    residual : (C, n), target - X b for all rows, whatever their weight; updated in place
    effects, component : (p, C), updated in place; component -1 = not in the model
    multipliers, weights : (M, C), of the mixture components
    variance : (1, C) or (p, C); residual_variance : (C,)
    """
    n_columns, n = residual.shape
    block_size = grams.shape[2]
    buffer = np.empty(n * block_size, residual.dtype)
    shift = np.empty_like(residual)
    flat_residual, flat_shift = residual.reshape(-1), shift.reshape(-1)
    for b in range(grams.shape[0]):
        first = b * block_size
        width = min(block_size, effects.shape[0] - first)
        block = centred_block(dosages, first, mean, buffer, width)
        products = weighted_products(block, residual, columns, reweighted)
        normals = rng.standard_normal(width * n_columns).reshape(width, n_columns)
        uniforms = rng.random(width * n_columns).reshape(width, n_columns)
        change = np.empty((width, n_columns), residual.dtype)
        n_changed = sweep_block(
            products, grams[b], columns, first, effects, component, multipliers, weights,
            variance, residual_variance, normals, uniforms, change,
        )  # fmt: skip
        if n_changed > few_changes(n_columns) * change.size:
            np.dot(change.T, block.T, shift)
            for i in range(flat_residual.size):
                flat_residual[i] -= flat_shift[i]
        elif n_changed > 0:
            for j in range(width):
                for c in range(n_columns):
                    if change[j, c] != 0:
                        subtract_multiple(residual[c], change[j, c], block[:, j])


@njit(nogil=True, cache=True, error_model="numpy")
def subtract_multiple(target, factor, values):
    """Subtract factor * values from `target`."""
    for i in range(target.size):
        target[i] -= factor * values[i]


@njit(nogil=True, cache=True, error_model="numpy")
def weighted_products(block, residual, columns, reweighted):
    """Return X_b' W residual', (b, C); `residual` is as it was at the end."""
    first, rows, weights = reweighted
    n_columns = residual.shape[0]
    kept = np.empty((rows.size, n_columns), residual.dtype)
    for g in range(columns.size - 1):
        for entry in range(first[g], first[g + 1]):
            for c in range(columns[g], columns[g + 1]):
                kept[entry, c] = residual[c, rows[entry]]
                residual[c, rows[entry]] *= weights[entry]
    products = np.dot(block.T, residual.T)
    for g in range(columns.size - 1):
        for entry in range(first[g], first[g + 1]):
            for c in range(columns[g], columns[g + 1]):
                residual[c, rows[entry]] = kept[entry, c]
    return products
