"""Levels of random effects of every kind, for tests of the sampler."""

import numpy as np
from scipy import sparse

from sknnmm.terms import Levels

KINDS = ["independent", "slopes", "singular covariance", "inverse", "one by one"]


def ancestors(n_levels, rng):
    """Return the inverse relationship matrix of a random pedigree without inbreeding terms."""
    inverse = np.zeros((n_levels, n_levels))
    for level in range(n_levels):
        contribution = np.zeros(n_levels)
        contribution[level] = 1
        known = min(level // 2, 2)
        parents = rng.choice(level, known, replace=False) if known else []
        contribution[parents] = -0.5
        inverse += np.outer(contribution, contribution) / (1 - 0.25 * known)
    return sparse.csr_array(inverse)


def levels_of(kind, rng, n, n_levels=7):
    """Return Levels of a kind; some rows have none, and a level has no row."""
    codes = rng.integers(0, n_levels - 1, n)
    if kind == "independent":
        codes[:3] = -1
        return Levels(codes, n_levels)
    if kind == "slopes":
        return Levels(codes, n_levels, covariate=rng.normal(1, 1, n))
    if kind == "singular covariance":
        root = rng.standard_normal((n_levels, 4)) / 2
        return Levels(codes, n_levels, root=root, diagonal=(root**2).sum(axis=1))
    inverse = ancestors(n_levels, rng)
    diagonal = np.diag(np.linalg.inv(inverse.toarray()))
    return Levels(codes, n_levels, inverse=inverse, diagonal=diagonal)


def covariance_of(levels):
    """Return R."""
    if levels.inverse is not None:
        return np.linalg.inv(levels.inverse.toarray())
    return np.eye(levels.n_levels) if levels.root is None else levels.root @ levels.root.T
