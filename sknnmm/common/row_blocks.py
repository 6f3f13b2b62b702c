"""Large tables, some rows at a time: what is made of them on the way stays in the cache."""

from collections.abc import Iterator

import numpy as np

AT_ONCE = 2**15  # values


def row_blocks(table: np.ndarray) -> Iterator[slice]:
    """Yield slices of rows of a table, in order."""
    n_rows = max(1, AT_ONCE * len(table) // max(table.size, 1))
    for first in range(0, len(table), n_rows):
        yield slice(first, first + n_rows)
