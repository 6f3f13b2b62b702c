"""Quality of genotypes, SNP by SNP: missing rate, allele frequency, Hardy-Weinberg proportions."""

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.genotypes.dosages import is_missing


def snp_quality(dosages, haploid=None):
    """Return missing rates, minor allele frequencies and p-values of the Hardy-Weinberg test.

    Parameters
    ----------
    dosages : ndarray of shape (m, n)
        SNP after SNP: 0 to 2; NaN, or a negative integer, = missing. Dosages between whole numbers
        are rounded for the test.
    haploid : ndarray of shape (m, n) or (n,), bool, or None, default=None
        Genotypes of one allele, coded 0 and 2. They are left out of the test.

    Returns
    -------
    missing_rate, maf, hwe_p : ndarrays of shape (m,)
        maf and hwe_p are NaN where no genotype is known.
    """
    n_missing = np.count_nonzero(is_missing(dosages), axis=1)
    is_whole = dosages.dtype.kind != "f"
    calls = dosages if is_whole else np.rint(dosages)
    counts = _genotype_counts(calls)
    sums = counts[1] + 2 * counts[2] if is_whole else np.nansum(dosages, axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        frequency = sums / (2 * (dosages.shape[1] - n_missing))
    if haploid is not None:
        counts = _genotype_counts(np.where(haploid, -1, calls))
    maf = np.minimum(frequency, 1 - frequency)
    return n_missing / dosages.shape[1], maf, hardy_weinberg_p(*counts)


def _genotype_counts(calls):
    return [np.count_nonzero(calls == k, axis=1) for k in range(3)]


def hardy_weinberg_p(n_first, n_heterozygous, n_second):
    """Return p-values of the exact test of Hardy-Weinberg proportions.

    The p-value is the probability of all numbers of heterozygotes that are no more likely than the
    observed one, given the numbers of alleles (Wigginton, Cutler & Abecasis 2005, doi
    10.1086/429864).

    Parameters
    ----------
    n_first, n_heterozygous, n_second : array-like of shape (m,), int
        Numbers of individuals with each genotype.

    Returns
    -------
    ndarray of shape (m,)
        NaN where there are no individuals.

    Examples
    --------
    >>> from sknnmm.genotypes.quality import hardy_weinberg_p
    >>> hardy_weinberg_p([0, 25], [2, 50], [0, 25]).round(3)  # 1/3 is that of no heterozygote
    array([1., 1.])
    >>> hardy_weinberg_p([1], [0], [1]).round(3)
    array([0.333])
    """
    counts = np.array([n_first, n_heterozygous, n_second], np.int64)
    p_values = np.empty(counts.shape[1])
    _exact_tests(counts, p_values)
    return p_values


@njit(nogil=True, cache=True)
def _exact_tests(counts, p_values):
    """Fill in the p-values (m,) of genotype counts (3, m).

    Probabilities of the possible numbers of heterozygotes are ratios to the one near the expected
    number, where the recurrence starts.
    """
    for k in range(counts.shape[1]):
        first, observed, second = counts[0, k], counts[1, k], counts[2, k]
        n = first + observed + second
        if n == 0:
            p_values[k] = np.nan
            continue
        rare = 2 * min(first, second) + observed  # alleles
        middle = int(rare * ((2 * n - rare) / (2 * n)))
        middle += (rare - middle) % 2
        likelihood = np.zeros(rare + 1)
        likelihood[middle] = 1.0
        for het in range(middle, 1, -2):
            rare_pairs, common_pairs = (rare - het) // 2, n - (rare + het) // 2
            ratio = het * (het - 1.0) / (4.0 * (rare_pairs + 1.0) * (common_pairs + 1.0))
            likelihood[het - 2] = likelihood[het] * ratio
        for het in range(middle, rare - 1, 2):
            rare_pairs, common_pairs = (rare - het) // 2, n - (rare + het) // 2
            ratio = 4.0 * rare_pairs * common_pairs / ((het + 2.0) * (het + 1.0))
            likelihood[het + 2] = likelihood[het] * ratio
        total, extreme = 0.0, 0.0
        limit = likelihood[observed] * (1 + 1e-9)  # equal ones differ by rounding
        for het in range(rare % 2, rare + 1, 2):
            total += likelihood[het]
            if likelihood[het] <= limit:
                extreme += likelihood[het]
        p_values[k] = extreme / total
