"""Passes over a pedigree: arrays `sires` and `dams` hold positions of parents, -1 = unknown."""

import numpy as np

from sknnmm.common.compiled import njit


@njit(nogil=True, cache=True)
def add_with_ancestors(root, sires, dams, mark, seen, order, n_ordered, stack):
    """Append to `order` an individual and those of its ancestors that have not been seen.

    Parents come before their offspring.

    Parameters
    ----------
    root : int
    mark : int
        Of those seen.
    seen : ndarray of shape (n,)
        Changed in place.
    order : ndarray of shape (n,)
        Its first `n_ordered` places are taken.
    stack : ndarray of shape (n,)
        Room for the path that is followed.

    Returns
    -------
    int
        How many places of `order` are taken; -1 if an individual is its own ancestor.
    """
    if seen[root] == mark:
        return n_ordered
    stack[0], height = root, 1
    while height:
        individual = stack[height - 1]
        parent = sires[individual]
        if parent < 0 or seen[parent] == mark:
            parent = dams[individual]
        if parent < 0 or seen[parent] == mark:
            seen[individual] = mark
            order[n_ordered] = individual
            n_ordered += 1
            height -= 1
        elif height == len(stack):
            return -1
        else:
            stack[height] = parent
            height += 1
    return n_ordered


@njit(nogil=True, cache=True)
def with_ancestors(roots, sires, dams):
    """Return individuals and all their ancestors, parents before their offspring.

    Nothing is returned if one of them is its own ancestor.
    """
    n = len(sires)
    seen, order, stack = np.zeros(n, np.bool_), np.empty(n, np.int64), np.empty(n, np.int64)
    n_ordered = 0
    for root in roots:
        n_ordered = add_with_ancestors(root, sires, dams, True, seen, order, n_ordered, stack)
        if n_ordered < 0:
            return order[:0]
    return order[:n_ordered]


@njit(nogil=True, cache=True)
def mendelian_variance(individual, sires, dams, inbreeding):
    """Return the variance of an individual given its parents, relative to the base population."""
    variance = 1.0
    if sires[individual] >= 0:
        variance -= 0.25 * (1 + inbreeding[sires[individual]])
    if dams[individual] >= 0:
        variance -= 0.25 * (1 + inbreeding[dams[individual]])
    return variance


@njit(nogil=True, cache=True)
def mendelian_variances(sires, dams, inbreeding):
    """Return the variance of each individual given its parents, (n,)."""
    variances = np.empty(len(sires))
    for i in range(len(sires)):
        variances[i] = mendelian_variance(i, sires, dams, inbreeding)
    return variances


@njit(nogil=True, cache=True)
def inbreeding_coefficients(sires, dams, progeny, starts):
    """Return the inbreeding coefficient of each individual, (n,).

    Sire by sire: a pass from the sire up to its ancestors, and one from all ancestors of its mates
    down to these, give the relationship of the sire to each of them, half of which is the
    inbreeding of their progeny. The Mendelian variances that are needed are those of the sire and
    its ancestors, whose inbreeding is known by then.

    Parameters
    ----------
    sires, dams : ndarray of shape (n,)
        Parents come before their offspring.
    progeny : ndarray of shape (number of individuals with a sire,)
        Those individuals, sire after sire.
    starts : ndarray of shape (n + 1,)
        Where the progeny of each sire begin.
    """
    n = len(sires)
    inbreeding = np.zeros(n)
    passed_up, relationship = np.zeros(n), np.empty(n)
    seen, order, stack = np.full(n, -1), np.empty(n, np.int64), np.empty(n, np.int64)
    for sire in range(n):
        if starts[sire] == starts[sire + 1]:
            continue
        n_own = add_with_ancestors(sire, sires, dams, sire, seen, order, 0, stack)
        passed_up[sire] = 1
        for k in range(n_own - 1, -1, -1):
            i = order[k]
            share = 0.5 * passed_up[i]
            if sires[i] >= 0:
                passed_up[sires[i]] += share
            if dams[i] >= 0:
                passed_up[dams[i]] += share
        n_all = n_own
        for k in range(starts[sire], starts[sire + 1]):
            dam = dams[progeny[k]]
            if dam >= 0:
                n_all = add_with_ancestors(dam, sires, dams, sire, seen, order, n_all, stack)
        for k in range(n_all):
            i = order[k]
            total = 0.0
            if sires[i] >= 0:
                total += relationship[sires[i]]
            if dams[i] >= 0:
                total += relationship[dams[i]]
            relationship[i] = 0.5 * total
            if k < n_own:
                variance = mendelian_variance(i, sires, dams, inbreeding)
                relationship[i] += passed_up[i] * variance
                passed_up[i] = 0
        for k in range(starts[sire], starts[sire + 1]):
            dam = dams[progeny[k]]
            if dam >= 0:
                inbreeding[progeny[k]] = 0.5 * relationship[dam]
    return inbreeding


@njit(nogil=True, cache=True)
def pass_down(values, sires, dams):
    """Add to the values (n, C) of each individual half of its parents', oldest first, in place."""
    for i in range(len(sires)):
        for parent in (sires[i], dams[i]):
            if parent >= 0:
                for c in range(values.shape[1]):
                    values[i, c] += 0.5 * values[parent, c]


@njit(nogil=True, cache=True)
def pass_up(values, sires, dams):
    """Add half of the values (n, C) of each individual to its parents', youngest first."""
    for i in range(len(sires) - 1, -1, -1):
        for parent in (sires[i], dams[i]):
            if parent >= 0:
                for c in range(values.shape[1]):
                    values[parent, c] += 0.5 * values[i, c]


@njit(nogil=True, cache=True)
def solve_transposed_factor(indptr, indices, data, values):
    """Solve L' x = values (n, C) in place; L is lower triangular, compressed by columns."""
    for j in range(len(indptr) - 2, -1, -1):
        for k in range(indptr[j], indptr[j + 1]):
            if indices[k] > j:
                for c in range(values.shape[1]):
                    values[j, c] -= data[k] * values[indices[k], c]


@njit(nogil=True, cache=True)
def average_of_parents(values, known, sires, dams):
    """Set the values (n, C) of individuals that are not known to the mean of their parents'.

    Unknown parents count 0. Parents come before their offspring.
    """
    for i in range(len(sires)):
        if not known[i]:
            values[i] = 0
            for parent in (sires[i], dams[i]):
                if parent >= 0:
                    for c in range(values.shape[1]):
                        values[i, c] += 0.5 * values[parent, c]
