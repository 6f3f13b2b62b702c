"""Quality of SNPs: missing rate, allele frequency and the exact Hardy-Weinberg test."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.genotypes.quality import hardy_weinberg_p, snp_quality


def enumerated_p(first, observed, second):
    """Return the p-value as a sum over all numbers of heterozygotes, exactly."""
    n, alleles = first + observed + second, 2 * first + observed

    def weight(het):
        pairs = (alleles - het) // 2
        ways = factorial(pairs) * factorial(het) * factorial(n - het - pairs)
        return Fraction(2**het, ways)

    possible = range(alleles % 2, min(alleles, 2 * n - alleles) + 1, 2)
    weights = [weight(het) for het in possible]
    limit = weight(observed)
    return float(sum(w for w in weights if w <= limit) / sum(weights))


COUNTS = [
    (1, 0, 1),
    (5, 10, 5),
    (0, 21, 79),
    (10, 4, 40),
    (40, 4, 10),
    (0, 0, 7),
    (30, 0, 30),
    (3, 9, 1),
]


@pytest.mark.parametrize("counts", COUNTS)
def test_exact_p_values_are_those_of_the_enumeration(counts):
    assert_allclose(hardy_weinberg_p(*np.array(counts)[:, None]), enumerated_p(*counts), rtol=1e-10)


def test_rates_and_frequencies():
    dosages = np.array([[0, 1, 2, -1], [2, 2, 2, 1], [-1, -1, -1, -1]], np.int8)
    missing, maf, p = snp_quality(dosages)
    assert_allclose(missing, [0.25, 0, 1])
    assert_allclose(maf, [0.5, 0.125, np.nan])
    assert_allclose(p, [1, 1, np.nan])


def test_dosages_are_rounded_for_the_test_only():
    calls = np.array([[0, 0, 2, 2, 1, 0, 0, 2]], np.int8)
    expected = np.array([[0.1, 0.4, 1.9, 1.6, 0.8, 0, 0, np.nan]], np.float32)
    missing, maf, p = snp_quality(expected)
    assert_allclose(missing, 1 / 8)
    assert_allclose(maf, np.nansum(expected) / 14, rtol=1e-6)
    calls[0, 7] = -1
    assert_allclose(p, snp_quality(calls)[2])


def test_haploid_genotypes_are_left_out_of_the_test():
    dosages = np.array([[0, 1, 2, 1, 0, 2, 2, 0]], np.int8)
    males = np.arange(8) >= 4
    assert_allclose(snp_quality(dosages, males)[2], snp_quality(dosages[:, :4])[2])
    assert snp_quality(dosages)[2] < 1
    assert_allclose(snp_quality(dosages, males)[1], 0.5)
