"""Checks of genotypes, and the form in which the sampler stores them."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from sknnmm.common.constant import is_constant
from sknnmm.common.messages import counted, some
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.dosages import column_range, has_genotypes, in_memory_order, row_parts
from sknnmm.genotypes.memory_map import check_map
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.genotype_array import genotype_array

SMALLEST_SNP_SD, LARGEST_SNP_SD = 1e-10, 1e10  # their variances stay in single precision
LARGE = 2**26  # bytes of genotypes that are not copied to change their order


@dataclass(frozen=True)
class CheckedGenotypes:
    """Genotypes of a user as one array, finite or missing, and the range of each column."""

    values: np.ndarray | PackedGenotypes  # (n, p), integer or floating
    low: np.ndarray | None  # (p,), 0 if all are NaN; None of PackedGenotypes
    high: np.ndarray | None  # (p,)


def check_genotypes(X, estimator, dtype=float):
    """Return CheckedGenotypes; the values are read once.

    Parameters
    ----------
    X : DataFrame, array, nested sequence or PackedGenotypes
    estimator : estimator
        Named in messages.
    dtype : floating type
        The widest for a table in which integer and floating columns meet.

    Raises
    ------
    TypeError, ValueError
        If X is not a table of numbers, is empty or has infinite values.
    OSError
        If X is in a file that has changed since it was opened.
    """
    if isinstance(X, PackedGenotypes):
        if 0 in X.shape:
            raise ValueError(f"X must have individuals and SNPs; its shape is {X.shape}.")
        X.check_file()
        return CheckedGenotypes(X, None, None)
    check_map(X)
    values = check_array(
        genotype_array(X, dtype),
        dtype="numeric",
        ensure_all_finite=False,
        estimator=estimator,
        input_name="X",
    )
    with np.errstate(invalid="ignore"):  # of R's NA
        low, high = column_range(values)
    if np.isinf(low).any() or np.isinf(high).any():
        raise ValueError("X contains infinity; use NaN for missing genotypes.")
    return CheckedGenotypes(values, low, high)


def stored_dosages(X, dtype):
    """Return checked genotypes as the sampler stores them, never wider than they came.

    int8 with negative = missing if X is integer or holds only 0, 1, 2 and NaN; otherwise floating
    in `dtype` (or as it came, if narrower) with NaN = missing. SNP after SNP, as sweeps go, unless
    that would copy large ones; these contiguous in the order given.
    """
    if isinstance(X.values, PackedGenotypes):
        return X.values
    stored = _narrow(X, dtype)
    if stored.flags.c_contiguous and stored.nbytes > LARGE:
        return stored
    return np.asfortranarray(stored)


def _narrow(X, dtype):
    values = X.values
    if values.dtype == bool:
        return values.view(np.int8)
    if values.dtype == np.int8:
        return values
    if np.issubdtype(values.dtype, np.integer):
        return _narrow_integers(X)
    within = X.low.min() >= 0 and X.high.max() <= 2
    dosages = _as_int8(values) if within else None
    if dosages is not None:
        return dosages
    narrow = np.promote_types(np.float32, min(values.dtype, np.dtype(dtype)))
    with np.errstate(invalid="ignore", over="ignore"):  # of R's NA; `check_snp_scales` sees it
        return values.astype(narrow, copy=False)


def _narrow_integers(X):
    values = X.values
    if X.high.max() <= np.iinfo(np.int8).max:
        if X.low.min() >= 0:
            return values.astype(np.int8)
        return np.maximum(values, -1, out=np.empty_like(values, np.int8), casting="unsafe")
    stored = values.astype(np.float32)
    stored[values < 0] = np.nan
    return stored


def _as_int8(values):
    """Return values in [0, 2] or NaN as int8 with -1 = missing; None if any has a fraction."""
    in_order = in_memory_order(values)
    stored = np.empty(in_order.shape, np.int8)
    for start, part in row_parts(in_order):
        filled = np.where(np.isnan(part), -1, part)
        codes = stored[start : start + len(part)]
        codes[:] = filled
        if (codes != filled).any():
            return None
    return stored if in_order is values else stored.T


def warn_of_empty_rows(dosages, names):
    """Warn of rows without any genotype; `names` (n,) are those of all rows."""
    empty = ~has_genotypes(dosages)
    if empty.any():
        warn(
            f"X has {counted(empty.sum(), 'row')} without any genotype ({some(names[empty])}). "
            "The genotypes of such an individual count as their means. With a pedigree, "
            "sknnmm.preprocessing.PedigreeImputer fills in what is expected of them."
        )


def check_snp_scales(X, genotypes, names):
    """Raise if SNPs have a unit, or lie so far from zero, that the sampler cannot hold them.

    Parameters
    ----------
    X : CheckedGenotypes
    genotypes : Genotypes
        The same as stored.
    names : sequence of str, or None
    """
    stored = genotypes.dosages
    if stored.dtype.kind != "f":
        return
    constant, sd = ~genotypes.polymorphic, np.sqrt(genotypes.variance)
    if X.values.dtype != stored.dtype and not _are_small_integers(X):  # storing them has rounded
        with np.errstate(over="ignore"):
            constant = is_constant(X.high - X.low, np.maximum(np.abs(X.low), np.abs(X.high)))
    in_range = (sd >= SMALLEST_SNP_SD) & (sd <= LARGEST_SNP_SD)
    resolved = sd > 100 * np.finfo(stored.dtype).eps * np.abs(genotypes.mean)
    wrong = np.flatnonzero(~(constant | (in_range & resolved)))
    if not wrong.size:
        return
    shown = wrong if names is None else np.asarray(names)[wrong]
    first = X.values[:, wrong[0]].astype(float)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = np.nanmean(first), np.nanstd(first)
    raise ValueError(
        f"X has columns that the sampler cannot hold ({some(shown)}): the first has mean "
        f"{mean:.3g} and standard deviation {sd:.3g}. Pass allele dosages, or "
        f"standardise these columns (standard deviations from {SMALLEST_SNP_SD:g} to "
        f"{LARGEST_SNP_SD:g} can be held)."
    )


def _are_small_integers(X):
    return X.values.dtype.kind in "iu" and X.high.max() < 2**24  # single precision holds them


def warn_of_constant_snps(polymorphic, names):
    """Warn once of SNPs without variance, whose effects are zero."""
    constant = np.flatnonzero(~polymorphic)
    if constant.size == len(polymorphic):
        raise ValueError(
            "X has no column with variance: there is nothing to estimate SNP effects from."
        )
    if constant.size:
        shown = constant if names is None else np.asarray(names)[constant]
        warn(
            f"X has {counted(constant.size, 'column')} without variance ({some(shown)}). Such SNPs "
            "are kept with effect zero."
        )
