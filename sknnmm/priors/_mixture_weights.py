"""Mixture weights given the components of the effects, for every layout of these."""

import numpy as np
from numba.extending import overload

from sknnmm.common.compiled import inlined, njit


def component_totals(effects, component, indptr, n_components):
    """Return how many effects are in each component, and their sums of squares, (M, C)."""


@overload(component_totals)
def _component_totals(effects, component, indptr, n_components):
    if effects.ndim == 1:

        def by_connection(effects, component, indptr, n_components):
            n_columns = indptr.size - 1
            counts = np.zeros((n_components, n_columns))
            squares = np.zeros((n_components, n_columns))
            for c in range(n_columns):
                for j in range(indptr[c], indptr[c + 1]):
                    m = component[j]
                    if m >= 0:
                        counts[m, c] += 1
                        squares[m, c] += float(effects[j]) ** 2
            return counts, squares

        return by_connection

    def by_row(effects, component, indptr, n_components):
        n_effects, n_columns = effects.shape
        counts = np.zeros((n_components, n_columns))
        squares = np.zeros((n_components, n_columns))
        for j in range(n_effects):
            for c in range(n_columns):
                m = component[j, c]
                if m >= 0:
                    counts[m, c] += 1
                    squares[m, c] += float(effects[j, c]) ** 2
        return counts, squares

    return by_row


@inlined()
def draw_dirichlet(counts, weights, rng):
    """Draw mixture weights given component counts, under a uniform prior.

    As ratios of gammas, so that no weight can round to zero as one minus a Beta draw can.
    """
    total = 0.0
    for m in range(counts.size):
        weights[m] = rng.standard_gamma(1 + counts[m])
        total += weights[m]
    for m in range(counts.size):
        weights[m] /= total


@njit(nogil=True, cache=True)
def update_mixture_weights(effects, component, indptr, weights, rng):
    """Draw mixture weights (M, C) given the components of the effects."""
    counts, _ = component_totals(effects, component, indptr, weights.shape[0])
    for c in range(weights.shape[1]):
        draw_dirichlet(counts[:, c], weights[:, c], rng)
