"""Checks of what users pass, before any sampling; every error names the argument."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import _get_feature_names, validate_data

from sknnmm.common.messages import some
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.kernels import column_moments
from sknnmm.genotypes.memory_map import check_map
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.dosages import genotype_array, in_memory_order, only_dosages, row_parts
from sknnmm.inputs.scales import CONSTANT, mean_and_sd
from sknnmm.inputs.tables import (
    as_doubles,
    as_pandas,
    column_of_doubles,
    plain_column,
    refuse_sparse,
    table_of_doubles,
)

FEWEST_ALIKE = 10  # individuals by whom an omic is compared with y
SAME = 0.999  # correlation of an omic with y beyond which it is taken for y itself
FAR_SD = 5  # SDs beyond the range of fit from which a value counts as far outside
TAIL_SD = 4  # SDs from the mean from which a value counts as far from the others
ALIGN = "sknnmm.io.align brings tables into the order of the genotypes."
SMALLEST_SNP, LARGEST_SNP = 1e-10, 1e10  # SDs: effects and their variances stay in single precision
LARGE = 2**26  # bytes of int8 genotypes that are not copied to change their order


def check_directory(path, argument):
    """Make a directory if need be and return its absolute Path; None stands for none.

    It is settled once: what changes the working directory later has no effect.
    """
    if path is None:
        return None
    path = os.fsdecode(path)
    if not path.strip():
        raise ValueError(f"{argument}={path!r} names no directory: pass its path, or None.")
    if path.startswith("~"):
        raise ValueError(
            f"{argument}={path!r}: ~ is not expanded. Pass os.path.expanduser({path!r})."
        )
    try:
        directory = Path(path).absolute()
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"{argument}={path!r} is a file, or in one: pass a directory.") from error
    except (OSError, ValueError) as error:  # no rights, a name too long or with a zero byte
        raise ValueError(
            f"{argument}={path!r} cannot be made a directory ({error}): pass another path."
        ) from error
    return directory


def check_features(estimator, X, *, reset):
    """Check (or, with `reset`, set) number and names of the columns of X, before it is split."""
    _refuse_duplicates(getattr(X, "columns", ()), "X")
    if isinstance(X, PackedGenotypes):
        raise TypeError(
            "X holds packed genotypes, all of them SNPs, so it has no columns for omics_features: "
            "pass the omics beside X."
        )
    refuse_sparse(X, "X")
    if np.ndim(X) != 2:
        raise ValueError(
            f"X must be a table with omics_features among its columns; it has {np.ndim(X)} "
            "dimensions."
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)


def check_genotypes(estimator, X, *, fitting, features_checked=False, dtype=float):
    """Return X as an array (n, p), integer or floating; see `stored_dosages` for missing values.

    Number and names of its columns are checked too (at fit: set), unless that is done. Packed
    genotypes are returned as they are.

    Parameters
    ----------
    estimator : estimator
    X : table, array or PackedGenotypes
    fitting : bool
    features_checked : bool
    dtype : floating type
        The widest for a table in which integer and floating columns meet.
    """
    X = as_pandas(X)
    columns = getattr(X, "columns", None)
    _refuse_duplicates(() if columns is None else columns, "X")
    if isinstance(X, PackedGenotypes):
        if 0 in X.shape:
            raise ValueError(f"X must have individuals and SNPs; its shape is {X.shape}.")
        X.check_file()
        features = pd.DataFrame(columns=X.columns)
        validate_data(estimator, features, reset=fitting, skip_check_array=True)
        return X
    check_map(X)
    array = check_array(
        genotype_array(X, dtype),
        dtype="numeric",
        ensure_all_finite=False,
        estimator=estimator,
        input_name="X",
    )
    if not features_checked:
        table = X if columns is not None else array
        validate_data(estimator, table, reset=fitting, skip_check_array=True)
    with np.errstate(invalid="ignore"):  # of R's NA
        for _, part in row_parts(in_memory_order(array)):  # as a whole it may be copied
            assert_all_finite(part, allow_nan=True, input_name="X")
    return array


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
            if low >= 0:
                return X.astype(np.int8)
            return np.maximum(X, -1, out=np.empty_like(X, np.int8), casting="unsafe")
        stored = X.astype(np.float32)
        stored[X < 0] = np.nan
        return stored
    in_order = in_memory_order(X)
    if _holds_only_dosages(in_order):
        stored = np.empty(in_order.shape, np.int8)
        for start, part in row_parts(in_order):
            stored[start : start + len(part)] = np.where(np.isnan(part), -1, part)
        return stored if in_order is X else stored.T
    with np.errstate(invalid="ignore"):  # of R's NA
        return X.astype(np.promote_types(np.float32, min(X.dtype, np.dtype(dtype))), copy=False)


def _holds_only_dosages(X):
    return all(only_dosages(part) for _, part in row_parts(X))


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
        f"X has columns that the sampler cannot hold ({some(shown)}): the first has mean "
        f"{mean[wrong[0]]:.3g} and standard deviation {sd[wrong[0]]:.3g}. Pass allele dosages, or "
        f"standardise these columns (standard deviations from {SMALLEST_SNP:g} to "
        f"{LARGEST_SNP:g} can be held)."
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
        warn(
            f"X has {constant.size} columns without variance ({some(shown)}); they are kept with "
            "effect zero."
        )


def check_connections(connections, genotypes, names):
    """Raise if a node's connected SNPs have no variance."""
    empty = np.flatnonzero(connections.sums(genotypes.variance) == 0)
    if empty.size:
        raise ValueError(
            f"mask connects {some(names[empty])} to SNPs without variance only: nothing can be "
            "estimated for them. Connect other SNPs or leave these omics out."
        )


def check_weights(sample_weight, n_samples):
    """Return weights (n,) in double precision, or None."""
    if sample_weight is None:
        return None
    weight = plain_column(sample_weight)
    if weight.ndim != 1:
        raise ValueError(
            "sample_weight must have one dimension: sample_weight should be a 1d array, one value "
            f"per row of X, but its shape is {weight.shape}."
        )
    weight = as_doubles(weight, "sample_weight")
    if len(weight) != n_samples:
        raise ValueError(
            f"sample_weight has {len(weight)} values but X has {n_samples} samples: pass one per "
            f"row. {ALIGN}"
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
    plain = plain_column(y)
    if plain.ndim == 2 and plain.shape[1] == 1:
        warn(
            "A column-vector y was passed when a 1d array was expected. Please change its shape "
            "to (n_samples,), for example using ravel().",
            DataConversionWarning,
        )
    y = column_of_doubles(y, "y")
    if len(y) != n_samples:
        raise ValueError(
            f"y has {len(y)} values but X has {n_samples} samples: pass one per row. {ALIGN}"
        )
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


def relative_weights(weight, y):
    """Return weights over their mean over the records with y, and that mean; only ratios matter.

    Parameters
    ----------
    weight : ndarray of shape (n,), or None
    y : ndarray of shape (n,)
        NaN = missing.
    """
    if weight is None:
        return None, 1.0
    largest = weight.max()
    mean = (weight[~np.isnan(y)] / largest).mean() * largest
    # Rounded, so that the same weights in other units are the same to the last bit.
    relative = (weight / mean).astype(np.float32).astype(float)
    if ((relative == 0) & (weight > 0)).any() or not np.isfinite(relative).all():
        raise ValueError(
            "sample_weight spans more than 38 orders of magnitude: set negligible weights to 0."
        )
    return relative, float(mean)


def check_omics(omics, n_samples):
    """Return omics (n, n_omics) in double precision with NaN = missing, and their names."""
    values, names = _table(omics, "omics", n_samples)
    _refuse_infinite(values, "omics")
    return values, names


def check_variation(varies, names):
    """Raise if no omic varies over its observed values; warn once of those that do not.

    Parameters
    ----------
    varies : ndarray of shape (n_omics,), bool
    names : ndarray of shape (n_omics,)
    """
    if len(varies) and not varies.any():
        raise ValueError(
            "omics has no column with variance over at least two observed values: nothing "
            "can be learned from it. Leave omics out, or use n_latent for nodes without data."
        )
    if not varies.all():
        warn(
            f"omics has {(~varies).sum()} columns without variance over their observed values "
            f"({some(names[~varies])}); they are kept with weight zero (a network function gets "
            "them as constants)."
        )


def warn_of_phenotype_among_omics(y, omics, names):
    """Warn once of omics that are y itself, or nearly."""
    same = []
    for name, column in zip(names, omics.T, strict=True):
        both = ~np.isnan(y) & ~np.isnan(column)
        comparable = both.sum() >= FEWEST_ALIKE and _varies(y[both]) and _varies(column[both])
        if comparable and abs(_correlation(y[both], column[both])) > SAME:
            same.append(name)
    if same:
        warn(
            f"omics {some(same)} have a correlation with y beyond {SAME}: is the phenotype among "
            "the omics? It would explain itself, and nothing else would. Leave it out."
        )


def _correlation(first, second):
    # Scaled first: squares of extreme units would overflow.
    first, second = (v / np.abs(v).max() for v in (first - first.mean(), second - second.mean()))
    return first @ second / np.sqrt((first @ first) * (second @ second))


def warn_of_tails(omics, names):
    """Warn once of omics in which a few values carry most of the variance."""
    heavy = [name for name, column in zip(names, omics.T, strict=True) if _has_tails(column)]
    if heavy:
        warn(
            f"omics {some(heavy)}: a few values, far outside the others, carry most of the "
            "variance. Predictions with such omics can be far off. Take logarithms or use "
            "PowerTransformer or QuantileTransformer of scikit-learn (see the page Preparing "
            'omics of the guide), or activation="tanh".'
        )


def _has_tails(column):
    observed = column[~np.isnan(column)]
    if not _varies(observed) or np.isin(observed, (0, 1)).all():  # no transformation helps
        return False
    deviation = observed - observed.mean()
    squares = np.sort((deviation / np.abs(deviation).max()) ** 2)[::-1]
    few = max(3, len(squares) // 50)
    far = squares[0] > TAIL_SD**2 * squares.mean()
    return far and squares[:few].sum() > 0.5 * squares.sum()


def warn_of_far_omics(omics, bounds, scale, names):
    """Warn once of values far outside the range seen in fit.

    Parameters
    ----------
    omics : ndarray of shape (n, n_omics)
    bounds : ndarray of shape (2, n_omics)
        Lowest and highest value in fit.
    scale : ndarray of shape (n_omics,)
        Their SD in fit.
    names : ndarray of shape (n_omics,)
    """
    low, high = bounds
    with np.errstate(over="ignore"):
        beyond = np.maximum(low / scale - omics / scale, omics / scale - high / scale)
    far = beyond > FAR_SD  # False where NaN
    if not far.any():
        return
    rows, columns = np.flatnonzero(far.any(axis=1)), np.flatnonzero(far.any(axis=0))
    warn(
        f"omics {some(names[columns])} have values far outside the range seen in fit, up to "
        f"{np.nanmax(beyond[:, columns]):.3g} SDs beyond it (rows {some(rows)}): predictions for "
        "these rows are extrapolations. Check their units, or transform the omics before the fit "
        "(see the page Preparing omics of the guide)."
    )


def check_covariates(covariates, n_samples, needed=None):
    """Return covariates (n, q) in double precision, and their names.

    They must be complete in the rows `needed` (n,) bool, by default all.
    """
    values, names = _table(covariates, "covariates", n_samples)
    bad = np.isnan(values) if needed is None else np.isnan(values) & needed[:, None]
    incomplete = (bad | np.isinf(values)).any(axis=0)
    if incomplete.any():
        where = "" if needed is None else " where y is observed"
        raise ValueError(
            f"covariates has NaN or infinity in {some(names[incomplete])}, but must be "
            f"complete{where}: impute these values or drop their rows."
        )
    return values, names


def check_same_columns(names, fitted, argument, frame):
    """Raise if the columns at predict are not those at fit; names count only for DataFrames."""
    if len(names) and not len(fitted):
        raise ValueError(
            f"{argument} has {len(names)} columns but the model was fitted without {argument}: "
            "leave it out."
        )
    unknown = [name for name in names if name not in set(fitted)]
    if len(names) != len(fitted) and (unknown or not hasattr(frame, "columns")):
        other = f", {some(unknown)} not among them" if hasattr(frame, "columns") else ""
        absent = " What was not measured may be NaN." if argument == "omics" else ""
        raise ValueError(
            f"{argument} has {len(names)} columns but the model was fitted with {len(fitted)}: "
            f"{some(fitted)}{other}.{absent}"
        )
    if hasattr(frame, "columns") and list(names) != list(fitted):
        raise ValueError(
            f"{argument} must have the columns seen in fit, in that order: {some(fitted)}; got "
            f"{some(names)}."
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
    table = as_pandas(table)
    columns = getattr(table, "columns", ())
    _refuse_duplicates(columns, argument)
    try:
        names = _get_feature_names(table)
        values = table_of_doubles(table, argument)
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
            f"same individuals. {ALIGN}"
        )
    if names is None:
        stem = {"omics": "omic", "covariates": "covariate"}[argument]
        names = [f"{stem}_{k}" for k in range(values.shape[1])]
    return values, np.asarray(names, dtype=object)


def _refuse_duplicates(names, argument):
    names = list(names)
    if len(set(names)) < len(names):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(f"{argument} has duplicated column names: {some(twice)}. Rename them.")


def _refuse_infinite(values, argument):
    if np.isinf(values).any():
        raise ValueError(f"{argument} contains infinity; use NaN for missing values.")


def _varies(observed):
    _, (sd,) = mean_and_sd(observed[:, None])
    return sd > 0
