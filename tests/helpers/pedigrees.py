"""Pedigrees at random, and relationships by the tabular method."""

import numpy as np


def random_parents(rng, n, *, unknown=0.2, selfing=0.0, window=None):
    """Return sires and dams (n,), -1 = unknown: earlier individuals, of the last `window`."""
    sires, dams = np.full((2, n), -1)
    for i in range(1, n):
        parents = rng.integers(max(0, i - (window or i)), i, 2)
        if rng.random() < selfing:
            parents[1] = parents[0]
        sires[i], dams[i] = np.where(rng.random(2) < unknown, -1, parents)
    return sires, dams


def tabular(sires, dams):
    """Return the relationship matrix A of individuals whose parents come before them."""
    n = len(sires)
    A = np.zeros((n + 1, n + 1))  # the last row and column are those of unknown parents
    for i in range(n):
        A[i, :i] = A[:i, i] = (A[sires[i], :i] + A[dams[i], :i]) / 2
        A[i, i] = 1 + A[sires[i], dams[i]] / 2
    return A[:-1, :-1]
