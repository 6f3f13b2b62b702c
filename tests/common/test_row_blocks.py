"""Blocks of rows of large tables."""

import numpy as np
import pytest

from sknnmm.common.row_blocks import AT_ONCE, row_blocks


@pytest.mark.parametrize("shape", [(0, 3), (5, 0), (5,), (7, AT_ONCE // 3), (3, 2 * AT_ONCE)])
def test_blocks_are_all_rows_in_order_and_small(shape):
    table = np.zeros(shape)
    blocks = [np.arange(len(table))[rows] for rows in row_blocks(table)]
    assert np.array_equal(np.concatenate([*blocks, []]), np.arange(len(table)))
    assert all(len(rows) == 1 or table[rows].size <= AT_ONCE for rows in blocks)
