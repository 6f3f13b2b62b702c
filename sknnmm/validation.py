"""Checks of what users pass, before any sampling; every error names the argument."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import _get_feature_names, validate_data

from sknnmm.genotype_kernels import column_moments
from sknnmm.packed import PackedGenotypes
from sknnmm.scales import CONSTANT, mean_and_sd

MAX_NAMES_SHOWN = 5
SMALLEST_SNP, LARGEST_SNP = 1e-10, 1e10  # SDs: effects and their variances stay in single precision
LARGE = 2**26  # bytes of int8 genotypes that are not copied to change their order


def check_directory(path, argument):
    """Make a directory if need be; None stands for none."""
    if path is None:
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"{argument}={str(path)!r} is a file, or in one: pass a directory."
        ) from error


def check_features(estimator, X, *, reset):
    """Check (or, with `reset`, set) number and names of the columns of X, before it is split."""
    _refuse_duplicates(getattr(X, "columns", ()), "X")
    if isinstance(X, PackedGenotypes):
        raise TypeError(
            "X holds packed genotypes, all of them SNPs, so it has no columns for omics_features: "
            "pass the omics beside X."
        )
    if np.ndim(X) != 2:
        raise ValueError(
            f"X must be a table with omics_features among its columns; it has {np.ndim(X)} "
            "dimensions."
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)


def check_genotypes(estimator, X, *, fitting, features_checked=False):
    """Return X as an array (n, p), integer or floating; see `stored_dosages` for missing values.

    Number and names of its columns are checked too (at fit: set), unless that is done. Packed
    genotypes are returned as they are.
    """
    _refuse_duplicates(getattr(X, "columns", ()), "X")
    if isinstance(X, PackedGenotypes):
        names = pd.DataFrame(columns=X.columns)
        validate_data(estimator, names, reset=fitting, skip_check_array=True)
        return X
    options = {
        "accept_sparse": False,
        "dtype": "numeric",
        "ensure_all_finite": False,
        "estimator": estimator,
    }
    if features_checked:
        X = check_array(X, input_name="X", **options)
    else:
        X = validate_data(estimator, X, reset=fitting, **options)
    for part in _parts(_in_memory_order(X)):  # as a whole it may be copied
        assert_all_finite(part, allow_nan=True, input_name="X")
    if fitting and X.dtype.kind == "i" and X.max() <= 1 and X.min() < 0:
        warnings.warn(
            "X has negative values and none above 1: this looks like -1/0/1 coding, but "
            "negative integers mean missing. Recode to 0/1/2 (X + 1), or pass floats.",
            stacklevel=5,
        )
    if X.dtype.kind == "f" and X.dtype not in (np.float32, np.float64):
        # Half or extended precision, or another byte order: nothing that kernels compile for.
        return X.astype(np.float32 if X.dtype.itemsize <= 4 else np.float64)
    return X


def stored_dosages(X, dtype):
    """Return genotypes as the sampler stores them, never wider than they came.

    int8 with negative = missing if X is integer or holds only 0, 1, 2 and NaN; otherwise floating
    in `dtype` (or as it came, if narrower) with NaN = missing. Contiguous; int8
    SNP after SNP, as sweeps go, unless that would copy large ones. Others in the order given.
    """
    if isinstance(X, PackedGenotypes):
        return X
    stored = _narrow(X, dtype)
    as_it_is = stored.dtype != np.int8 or stored.nbytes > LARGE
    if stored.flags.f_contiguous or (stored.flags.c_contiguous and as_it_is):
        return stored
    return np.asfortranarray(stored)


def _narrow(X, dtype):
    if X.dtype == bool:
        return X.view(np.int8)
    if X.dtype == np.int8:
        return X
    if np.issubdtype(X.dtype, np.integer):
        low, high = X.min(), X.max()
        if high <= np.iinfo(np.int8).max:
            return np.maximum(X, -1).astype(np.int8) if low < 0 else X.astype(np.int8)
        return np.where(X < 0, np.nan, X).astype(np.float32)
    in_order = _in_memory_order(X)
    if _holds_only_dosages(in_order):
        stored = np.empty(in_order.shape, np.int8)
        for part, narrow in zip(_parts(in_order), _parts(stored), strict=True):
            narrow[:] = np.where(np.isnan(part), -1, part)
        return stored if in_order is X else stored.T
    return X.astype(np.promote_types(np.float32, min(X.dtype, np.dtype(dtype))), copy=False)


def _holds_only_dosages(X):
    return all(
        (np.isnan(part) | (part == 0) | (part == 1) | (part == 2)).all() for part in _parts(X)
    )


def _in_memory_order(X):
    """Return X, or its transpose, so that rows are contiguous."""
    return X.T if X.flags.f_contiguous and not X.flags.c_contiguous else X


def _parts(X, bytes_at_once=2**24):
    """Yield views of rows, few enough that temporaries stay small."""
    step = max(1, bytes_at_once // (8 * max(1, X.shape[1])))
    for start in range(0, X.shape[0], step):
        yield X[start : start + step]


def check_snp_scales(X, stored, names):
    """Raise if SNPs have a unit, or lie so far from zero, that the sampler cannot hold them.

    Parameters
    ----------
    X : ndarray of shape (n, p), or PackedGenotypes
        As checked.
    stored : ndarray of shape (n, p), or PackedGenotypes
        From `stored_dosages`.
    names : sequence of str, or None
    """
    if stored.dtype.kind != "f":
        return
    mean, variance, low, high, _ = column_moments(X)
    largest = np.maximum(np.abs(low), np.abs(high))
    constant = high - low <= CONSTANT * largest
    sd = np.sqrt(variance)
    in_range = (sd >= SMALLEST_SNP) & (sd <= LARGEST_SNP)
    resolved = sd > 100 * np.finfo(stored.dtype).eps * np.abs(mean)
    wrong = np.flatnonzero(~(constant | (in_range & resolved)))
    if not wrong.size:
        return
    shown = wrong if names is None else np.asarray(names)[wrong]
    raise ValueError(
        f"X has columns that the sampler cannot hold ({_some(shown)}): the first has mean "
        f"{mean[wrong[0]]:.3g} and standard deviation {sd[wrong[0]]:.3g}. Pass allele dosages, or "
        f"centre these columns and divide them by their standard deviation (held are those "
        f"between {SMALLEST_SNP:g} and {LARGEST_SNP:g})."
    )


def warn_of_constant_snps(polymorphic, names):
    """Warn once of SNPs without variance, whose effects are zero."""
    constant = np.flatnonzero(~polymorphic)
    if constant.size == len(polymorphic):
        raise ValueError(
            "X has no column with variance: there is nothing to estimate SNP effects from."
        )
    if constant.size:
        shown = constant if names is None else np.asarray(names)[constant]
        warnings.warn(
            f"X has {constant.size} columns without variance ({_some(shown)}); they are kept with "
            "effect zero.",
            stacklevel=4,
        )


def check_connections(connections, genotypes, names):
    """Raise if a node's connected SNPs have no variance."""
    empty = np.flatnonzero(connections.sums(genotypes.variance) == 0)
    if empty.size:
        raise ValueError(
            f"mask connects {_some(names[empty])} to SNPs without variance only: nothing can be "
            "estimated for them. Connect other SNPs or leave these omics out."
        )


def check_weights(sample_weight, n_samples):
    """Return weights (n,) in double precision, or None."""
    if sample_weight is None:
        return None
    weight = _as_float(column_or_1d(sample_weight), "sample_weight")
    if len(weight) != n_samples:
        raise ValueError(
            f"sample_weight has {len(weight)} values but X has {n_samples} samples: pass one per "
            "row."
        )
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError(
            "sample_weight must be finite and not negative; weight 0 is a missing phenotype."
        )
    if not weight.any():
        raise ValueError("sample_weight is zero for every sample: no phenotype is left.")
    return weight


def check_phenotype(y, n_samples, weight=None):
    """Return y (n,) in double precision, NaN = missing; also where the weight is 0."""
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: pass a phenotype, NaN = missing."
        )
    y = _as_float(column_or_1d(y, warn=True), "y")
    if len(y) != n_samples:
        raise ValueError(f"y has {len(y)} values but X has {n_samples} samples: pass one per row.")
    _refuse_infinite(y, "y")
    if weight is not None:
        y = np.where(weight == 0, np.nan, y)
    observed = y[~np.isnan(y)]
    if observed.size == 0:
        raise ValueError("y has no observed value: all are missing (NaN).")
    if n_samples == 1:
        raise ValueError("n_samples = 1: X and y need at least two samples to estimate variances.")
    if not _varies(observed):
        raise ValueError(
            f"y has no variance over its {observed.size} observed values; it must vary to be "
            "predicted."
        )
    return y


def check_omics(omics, n_samples, *, for_fit):
    """Return omics (n, n_omics) in double precision with NaN = missing, and their names."""
    values, names = _table(omics, "omics", n_samples)
    _refuse_infinite(values, "omics")
    if for_fit:
        for name, column in zip(names, values.T, strict=True):
            observed = column[~np.isnan(column)]
            if observed.size < 2:
                raise ValueError(
                    f"omics column {name!r} has {observed.size} observed values; at least two are "
                    "needed. Drop it, or use n_latent for a node without data."
                )
            if not _varies(observed):
                raise ValueError(
                    f"omics column {name!r} has no variance over its observed values. Drop it."
                )
    return values, names


def check_covariates(covariates, n_samples):
    """Return covariates (n, q) in double precision, and their names."""
    values, names = _table(covariates, "covariates", n_samples)
    incomplete = ~np.isfinite(values).all(axis=0)
    if incomplete.any():
        raise ValueError(
            f"covariates has NaN or infinity in {_some(names[incomplete])}, but must be complete: "
            "impute these values or drop their rows."
        )
    return values, names


def check_same_columns(names, fitted, argument, frame):
    """Raise if the columns at predict are not those at fit; names count only for DataFrames."""
    if len(names) and not len(fitted):
        raise ValueError(
            f"{argument} has {len(names)} columns but the model was fitted without {argument}: "
            "leave it out."
        )
    if len(names) != len(fitted):
        raise ValueError(
            f"{argument} has {len(names)} columns but the model was fitted with {len(fitted)}: "
            f"{_some(fitted)}."
        )
    if hasattr(frame, "columns") and list(names) != list(fitted):
        raise ValueError(
            f"{argument} must have the columns seen in fit, in that order: {_some(fitted)}; got "
            f"{_some(names)}."
        )


def check_same_index(**tables):
    """Raise if labelled tables describe different individuals or the same in another order."""
    labelled = {name: t.index for name, t in tables.items() if isinstance(t, _LABELLED)}
    first = next(iter(labelled), None)
    for name, index in labelled.items():
        if len(index) == len(labelled[first]) and not index.equals(labelled[first]):
            raise ValueError(
                f"{name} and {first} have different indexes: their rows are not the same "
                f"individuals in the same order. Align them, e.g. {name}.loc[{first}.index], or "
                "pass arrays."
            )


_LABELLED = (pd.DataFrame, pd.Series, PackedGenotypes)


def _table(table, argument, n_samples):
    """Return a table in double precision, and its column names."""
    _refuse_duplicates(getattr(table, "columns", ()), argument)
    try:
        names = _get_feature_names(table)
        values = check_array(
            table,
            dtype=np.float64,
            ensure_all_finite=False,
            ensure_2d=False,
            ensure_min_features=0,
            ensure_min_samples=0,
            input_name=argument,
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{argument} must be a numeric table (code categories as 0/1 columns): {error}"
        ) from error
    if values.ndim != 2:
        raise ValueError(
            f"{argument} must have two dimensions, rows and columns, but has {values.ndim}; "
            "reshape a single column with .reshape(-1, 1) or .to_frame()."
        )
    if len(values) != n_samples:
        raise ValueError(
            f"{argument} has {len(values)} rows but X has {n_samples} samples: rows must be the "
            "same individuals."
        )
    if names is None:
        stem = {"omics": "omic", "covariates": "covariate"}[argument]
        names = [f"{stem}_{k}" for k in range(values.shape[1])]
    return values, np.asarray(names, dtype=object)


def _refuse_duplicates(names, argument):
    names = list(names)
    if len(set(names)) < len(names):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(f"{argument} has duplicated column names: {_some(twice)}. Rename them.")


def _as_float(values, argument):
    try:
        return pd.array(values).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} must be numeric: {error}") from error


def _refuse_infinite(values, argument):
    if np.isinf(values).any():
        raise ValueError(f"{argument} contains infinity; use NaN for missing values.")


def _varies(observed):
    _, (sd,) = mean_and_sd(observed[:, None])
    return sd > 0


def _some(names):
    shown = ", ".join(str(name) for name in list(names)[:MAX_NAMES_SHOWN])
    return shown + (", ..." if len(names) > MAX_NAMES_SHOWN else "")
