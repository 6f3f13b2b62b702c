"""Questions about genotypes in any storage: what is missing, some of them, their range."""

import numpy as np
from sklearn.utils import gen_batches

from sknnmm.genotypes.plink_bits import PackedGenotypes

SNPS_AT_ONCE = 128
LARGE = 2**26  # bytes of genotypes that are not copied to change their order


def is_missing(dosages):
    """Return where genotypes are missing: NaN, or negative integers."""
    return np.isnan(dosages) if dosages.dtype.kind == "f" else dosages < 0


def stored_array(X):
    """Return the array that holds genotypes: the bytes of PackedGenotypes."""
    return X.packed if isinstance(X, PackedGenotypes) else X


def columns_of(X, snps):
    """Return the dosages of some SNPs, (n, m), of an array or PackedGenotypes."""
    return X.snps(snps) if isinstance(X, PackedGenotypes) else X[:, snps]


def has_genotypes(X):
    """Return which rows of an array or PackedGenotypes have any genotype, (n,)."""
    has = np.zeros(X.shape[0], bool)
    for snps in gen_batches(X.shape[1], SNPS_AT_ONCE):
        if has.all():
            break
        has |= ~is_missing(columns_of(X, snps)).all(axis=1)
    return has


def column_range(X):
    """Return the lowest and highest value of each column of an array (n, p), 0 if all are NaN."""
    by_rows = in_memory_order(X) is X
    low, high = np.empty((2, X.shape[1]), X.dtype)
    if by_rows:
        low[:], high[:] = X[0], X[0]
    for start, part in row_parts(in_memory_order(X)):  # in parts, so that a file is read once
        if by_rows:
            np.fmin(low, np.fmin.reduce(part, axis=0), out=low)
            np.fmax(high, np.fmax.reduce(part, axis=0), out=high)
        else:
            own = slice(start, start + len(part))
            low[own], high[own] = np.fmin.reduce(part, axis=1), np.fmax.reduce(part, axis=1)
    if X.dtype.kind == "f":
        low[np.isnan(low)] = high[np.isnan(high)] = 0
    return low, high


def in_memory_order(X):
    """Return X, or its transpose, so that rows are contiguous."""
    return X.T if X.flags.f_contiguous and not X.flags.c_contiguous else X


def row_parts(X, bytes_at_once=2**24):
    """Yield (position of the first, view of some) rows, few enough that temporaries stay small."""
    step = max(1, bytes_at_once // (8 * max(1, X.shape[1])))
    for start in range(0, X.shape[0], step):
        yield start, X[start : start + step]


def snp_after_snp(X):
    """Return an array (n, p) stored SNP after SNP, as kernels go; large ones as they are."""
    return X if X.nbytes > LARGE else np.asfortranarray(X)
