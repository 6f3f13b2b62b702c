"""Products of genotypes with some cells of a matrix, against the products of matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.genotypes.memory_map import read_only
from sknnmm.kernels.cells import SPAN, STRIP, add_cells, in_tiles
from sknnmm.sampling.snp.drawn_cells import in_strips


@pytest.mark.parametrize(("n", "p"), [(3, 1), (STRIP, SPAN), (2 * STRIP + 5, SPAN + 19)])
@pytest.mark.parametrize(("any_missing", "largest"), [(None, 2), (True, 2), (True, 4)])
def test_products_with_cells_equal_the_product_of_matrices(n, p, any_missing, largest):
    """Also of polyploids, whose dosages have no codes."""
    rng = np.random.default_rng(0)
    dosages = rng.integers(0, largest + 1, (n, p)).astype(np.int8)
    if any_missing:
        dosages[rng.random((n, p)) < 0.2] = -1
    mean = rng.random(p)
    centred = np.where(dosages < 0, 0, dosages - mean)
    responses, before = rng.standard_normal((n, 3)), rng.standard_normal((3, p))
    drawn = rng.random((n, 3)) < [0.5, 0, 1]
    products = before.copy()
    cells = [read_only(values) for values in in_strips(drawn)]
    tiles = read_only(in_tiles(dosages))
    add_cells(tiles, any_missing, read_only(mean), *cells, responses, products)
    expected = np.where(drawn, responses, 0).T @ centred
    assert_allclose(products - before, expected, rtol=1e-12, atol=1e-12)
