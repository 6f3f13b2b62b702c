"""Genotype matrix as stored, read centred and block by block: it is never widened as a whole."""

import numpy as np
from scipy.sparse import csc_array

from sknnmm.common.constant import is_constant
from sknnmm.genotypes.dosages import snp_after_snp
from sknnmm.genotypes.kernels import (
    centred_block,
    column_moments,
    dense_row_products,
    sparse_row_products,
)
from sknnmm.genotypes.memory_map import StoredArray, read_only
from sknnmm.genotypes.plink_bits import PackedGenotypes

WIDENED_SNPS = 64  # at a time: one cache line of int8 per row, a few MB of floats


class Genotypes:
    """Allele dosages centred at their training mean, missing values at the mean.

    Parameters
    ----------
    dosages : ndarray of shape (n, p), or PackedGenotypes
        int8 (negative = missing) or floating (NaN = missing); any memory layout, may be a
        read-only memory map.

    Attributes
    ----------
    mean, variance : ndarray of shape (p,)
        Mean over the observed values; population variance with missing values at the mean.
    polymorphic : ndarray of shape (p,), bool
        SNPs whose observed values differ, by more than rounding if they are floating.
    any_missing : bool
    expected_variance : ndarray of shape (p,)
        In Hardy-Weinberg equilibrium 2 f (1 - f), f half the mean dosage. If no value is above 1,
        as of inbred lines or haploids coded 0 and 1, f (1 - f), f the mean. The observed variance
        if any value lies outside [0, 2].
    """

    def __init__(self, dosages):
        self._stored = StoredArray(dosages)
        self.mean, self.variance, low, high, count = column_moments(self.dosages)
        self.polymorphic = ~is_constant(high - low, np.maximum(np.abs(low), np.abs(high)))
        self.any_missing = bool((count < len(dosages)).any())
        if (low < 0).any() or (high > 2).any():
            self.expected_variance = self.variance
        else:
            self.expected_variance = allele_count_variance(self.mean, high.max(initial=0) <= 1)

    @property
    def dosages(self):
        """Return the dosages (n, p) as stored, read-only."""
        return self._stored.values

    @property
    def per_allele(self):
        """Return what turns an effect of every SNP as it is here into one per allele, (p,)."""
        return np.ones(self.shape[1])

    @property
    def unscaled(self):
        """Return the Genotypes whose effects are per allele."""
        return self

    @property
    def shape(self):
        """Return (n, p)."""
        return self.dosages.shape

    def blocks(self, dtype, size=WIDENED_SNPS):
        """Yield (slice of SNPs, centred dosages (n, b)); each block overwrites the one before."""
        n, p = self.shape
        mean = self.mean.astype(dtype)
        buffer = np.empty(n * min(size, p), dtype)
        for start in range(0, p, size):
            width = min(size, p - start)
            yield (
                slice(start, start + width),
                centred_block(self.dosages, start, mean, buffer, width),
            )

    def columns(self, snps, dtype):
        """Return the centred dosages of some SNPs, (n, len(snps))."""
        if isinstance(self.dosages, PackedGenotypes):
            stored = self.dosages.snps(snps)
        else:
            stored = np.asfortranarray(self.dosages[:, snps])
        buffer = np.empty(stored.size, dtype)
        return centred_block(read_only(stored), 0, self.mean[snps].astype(dtype), buffer, len(snps))

    def dot(self, effects):
        """Return X b, (n, C), for effects (p, C), in the precision of the effects."""
        product = np.zeros((self.shape[0], effects.shape[1]), effects.dtype)
        for snps, block in self.blocks(effects.dtype):
            product += block @ effects[snps]
        return product

    def transpose_dot(self, rows):
        """Return X' r, (p, C), for r (n, C), in the precision of r."""
        product = np.empty((self.shape[1], rows.shape[1]), rows.dtype)
        for snps, block in self.blocks(rows.dtype):
            product[snps] = block.T @ rows
        return product

    def block_grams(self, row_weights, dtype, size=WIDENED_SNPS):
        """Return X_b' W_g X_b of every block of neighbouring SNPs, (n_blocks, G, size, size).

        `row_weights` are G arrays (n,).
        """
        n_blocks = -(-self.shape[1] // size)
        grams = np.zeros((n_blocks, len(row_weights), size, size), dtype)
        for of_block, (_, block) in zip(grams, self.blocks(dtype, size), strict=True):
            width = block.shape[1]
            for gram, row_weight in zip(of_block, row_weights, strict=True):
                gram[:width, :width] = block.T @ (block * row_weight[:, None].astype(dtype))
        return grams

    def row_gram(self):
        """Return X X' (n, n) in double precision."""
        n = self.shape[0]
        gram = np.zeros((n, n))
        for _, block in self.blocks(np.float64):
            gram += block @ block.T
        return gram

    def column_gram(self, row_weight):
        """Return X' W X (p, p) in double precision."""
        p = self.shape[1]
        gram = np.empty((p, p))
        for snps, block in self.blocks(np.float64):
            gram[snps] = self.transpose_dot(block * row_weight[:, None]).T
        return gram


def allele_count_variance(mean, haploid):
    """Return the variance of the counts of an allele with these means, copies drawn at random."""
    copies = 1 if haploid else 2
    frequency = mean / copies
    return copies * frequency * (1 - frequency)


class ScaledGenotypes(Genotypes):
    """Centred genotypes divided, SNP by SNP, by their expected standard deviation.

    SNPs without variance are left as they are.
    """

    def __init__(self, genotypes):
        self._unscaled = genotypes
        self._stored, self.mean = genotypes._stored, genotypes.mean
        self.polymorphic = genotypes.polymorphic
        self.any_missing = genotypes.any_missing
        self.expected_variance = genotypes.expected_variance
        self.scale = np.sqrt(np.where(self.polymorphic, self.expected_variance, 1))
        self.variance = genotypes.variance / self.scale**2

    @property
    def per_allele(self):
        """Return what turns an effect of every SNP as it is here into one per allele, (p,)."""
        return 1 / self.scale

    @property
    def unscaled(self):
        """Return the Genotypes whose effects are per allele."""
        return self._unscaled

    def columns(self, snps, dtype):
        """Return the scaled centred dosages of some SNPs, (n, len(snps))."""
        return super().columns(snps, dtype) / self.scale[snps].astype(dtype)

    def blocks(self, dtype, size=WIDENED_SNPS):
        """Yield (slice of SNPs, scaled centred dosages (n, b)); see Genotypes."""
        for snps, block in super().blocks(dtype, size):
            block /= self.scale[snps].astype(dtype)
            yield snps, block

    def dot(self, effects):
        """Return X b (see Genotypes): the effects are scaled, for they are fewer."""
        scaled = effects / self.scale[:, None].astype(effects.dtype)
        return self._unscaled.dot(scaled)

    def transpose_dot(self, rows):
        """Return X' r (see Genotypes)."""
        return self._unscaled.transpose_dot(rows) / self.scale[:, None].astype(rows.dtype)


def row_products(dosages, mean, effects):
    """Return (X - mean) b in double precision, each row independent of all others to the bit.

    Parameters
    ----------
    dosages : ndarray of shape (n, p), or PackedGenotypes
        As in Genotypes.
    mean : ndarray of shape (p,)
    effects : ndarray of shape (p, C), or scipy.sparse.csc_array

    Returns
    -------
    ndarray of shape (n, C)

    Raises
    ------
    ValueError
        If the numbers of SNPs differ, or the indices of sparse effects are not those of a matrix
        (p, C): the compiled code would read beyond the arrays.
    """
    n_rows, n_snps = dosages.shape
    if mean.shape != (n_snps,) or len(effects.shape) != 2 or effects.shape[0] != n_snps:
        raise ValueError(
            f"The genotypes are of {n_snps} SNPs, but the means of the model have the shape "
            f"{mean.shape} and its effects {effects.shape}: pass the SNPs of the fit, or save the "
            "model again if it comes from a file."
        )
    mean = read_only(mean)
    # Transposed, for a single row is contiguous in both orders: nearly all arrays have one type.
    snps = dosages if isinstance(dosages, PackedGenotypes) else snp_after_snp(dosages).T
    snps = read_only(snps)
    if not hasattr(effects, "indptr"):
        effects = read_only(np.ascontiguousarray(effects.T, dtype=float))
        return dense_row_products(snps, n_rows, mean, effects)
    effects = _checked(effects)
    indptr, indices = (a.astype(np.int64, copy=False) for a in (effects.indptr, effects.indices))
    return sparse_row_products(snps, n_rows, mean, indptr, indices, effects.data.astype(float))


def _checked(effects):
    """Return sparse effects whose indices are sorted and within their matrix, to rely on."""
    try:  # a new array, as a loaded one might wrongly say of itself that it is sorted
        effects = csc_array((effects.data, effects.indices, effects.indptr), effects.shape)
        effects.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(
            f"The sparse SNP effects of the model are damaged ({error}); save the model again."
        ) from error
    return effects if effects.has_sorted_indices else effects.sorted_indices()
