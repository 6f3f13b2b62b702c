"""Genotypes times many effects at once, against the product of matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.genotypes.kernels import TILE
from sknnmm.genotypes.memory_map import read_only
from sknnmm.kernels.codes import GROUP
from sknnmm.kernels.fits import add_fits, coded_fits, in_blocks


@pytest.mark.parametrize("n", [50, 128, 300])
@pytest.mark.parametrize(
    ("order", "any_missing"),
    [("F", None), ("F", True), ("C", True), pytest.param("C", None, marks=pytest.mark.slow)],
)
def test_genotypes_times_effects_equal_the_product_of_matrices(n, order, any_missing):
    """One column has effects in every block of SNPs, one in the last block only, one none."""
    rng, p = np.random.default_rng(0), 2 * TILE + 3
    dosages = np.array(rng.integers(0, 3, (n, p)), np.int8, order=order)
    if any_missing:
        dosages[rng.random((n, p)) < 0.2] = -1
    mean = rng.random(p)
    centred = np.where(dosages < 0, 0, dosages - mean)
    effects = rng.standard_normal((3, p)) * (rng.random((3, p)) < 0.3)
    effects[1, : 2 * TILE], effects[2] = 0, 0
    effects[1, -1] = 1
    before = rng.standard_normal((3, n))
    fit = before.copy()
    add_fits(read_only(dosages), any_missing, read_only(mean), effects, fit)
    assert_allclose(fit - before, effects @ centred.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [50, GROUP, 2 * GROUP + 44])
@pytest.mark.parametrize("any_missing", [None, True])
def test_coded_genotypes_times_effects_equal_the_product_of_matrices(n, any_missing):
    rng, p = np.random.default_rng(0), 70
    dosages = rng.integers(0, 3, (n, p)).astype(np.int8)
    if any_missing:
        dosages[rng.random((n, p)) < 0.2] = -1
    mean = rng.random(p)
    centred = np.where(dosages < 0, 0, dosages - mean)
    effects = rng.standard_normal((p, 3)) * (rng.random((p, 3)) < [1, 0.3, 0])
    fit = np.empty((n, 3))
    coded_fits(read_only(in_blocks(dosages)), any_missing, read_only(mean), effects, fit)
    assert_allclose(fit, centred @ effects, rtol=1e-12, atol=1e-12)
