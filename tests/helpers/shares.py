"""Shares of variance and genetic values from sums over the rows, against those from the rows."""

import numpy as np
from numpy.testing import assert_allclose

from sknnmm.sampling.chains.variance_shares import SharesFromRows, SharesFromSums


def assert_sums_stand_for_rows(sampler, chain, fits):
    """Assert that both tell the same of the present draw; return the shares, by name.

    `fits` are genotypes times effects (n, C) of all rows, by the name of a term.
    """
    assert SharesFromSums.applies(sampler)
    from_rows, from_sums = SharesFromRows(sampler), SharesFromSums(sampler)
    expected, values = from_rows(chain, fits)
    shares, effects = from_sums(chain, {})
    assert shares.keys() == expected.keys()
    for name, value in expected.items():
        assert_allclose(shares[name], value, rtol=1e-8, atol=1e-10)
    rows = np.array([0, 3, 20])
    taken_by_row, taken = from_rows.genetic_values(rows), from_sums.genetic_values(rows)
    for factor in (1, 2, -1):  # three draws
        of_rows = taken_by_row.add(factor * values)
        assert_allclose(taken.add(factor * effects), of_rows, rtol=1e-8, atol=1e-10)
    moments, expected = taken.moments(), taken_by_row.moments()
    assert moments.count == expected.count == 3
    assert_allclose(moments.total, 2 * values, rtol=1e-8, atol=1e-10)
    assert_allclose(moments.squares, expected.squares, rtol=1e-8, atol=1e-10)
    return shares
