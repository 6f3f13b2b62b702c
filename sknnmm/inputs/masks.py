"""Which SNPs feed which nodes: every form of `mask` becomes one sparse matrix."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like
from scipy.sparse import csc_array, issparse

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import counted, some
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.labels import SEQUENCES, SNPS, as_labels, labels_of, look_up


def resolve_mask(mask, snp_names, omics_names, n_latent):
    """Return the connections between SNPs and nodes.

    Parameters
    ----------
    mask : None, array, sparse array, DataFrame, sequence or mapping
        As the parameter of `NNMMRegressor`. Integers are positions, never names.
    snp_names : array of str of shape (p,)
        Names of the SNPs of X, without duplicates.
    omics_names : array of str of shape (K,)
        Names of the nodes, without duplicates: observed omics, then latent nodes.
    n_latent : int
        How many of the last nodes are latent; those that `mask` does not mention are connected
        to all SNPs.

    Returns
    -------
    csc_array of bool of shape (p, K), or None
        With sorted indices and no duplicates or explicit zeros, every column with at least one
        SNP; None if all SNPs are connected to all nodes.

    Raises
    ------
    ValueError, TypeError
        For a mask of another form, shape or unknown names, or one that leaves a node without SNPs.

    Warns
    -----
    UserWarning
        Once, if the mask names SNPs that are not in `snp_names`.
    """
    if mask is None:
        return None
    p, n_nodes = len(snp_names), len(omics_names)
    if n_nodes == 0:
        raise ValueError("mask connects SNPs to nodes but there are none: pass omics or n_latent.")
    snps, nodes, mentioned = _connections(
        mask, pd.Index(snp_names, dtype=object), pd.Index(omics_names, dtype=object), n_latent
    )
    known = snps >= 0
    full = np.setdiff1d(np.arange(n_nodes - n_latent, n_nodes), mentioned)
    snps = np.concatenate([snps[known], np.tile(np.arange(p), len(full))], dtype=np.int32)
    nodes = np.concatenate([nodes[known], np.repeat(full, p)], dtype=np.int32)
    connected = csc_array((np.ones(len(snps), bool), (snps, nodes)), shape=(p, n_nodes))
    unfed = np.asarray(omics_names)[np.diff(connected.indptr) == 0]
    if unfed.size:
        raise ValueError(
            f"mask leaves {unfed.size} of {n_nodes} nodes without SNPs ({some(unfed)}): connect "
            "each to at least one SNP of X, or leave these nodes out."
        )
    return None if connected.nnz == p * n_nodes else connected


def check_connections(connections, genotypes, names):
    """Raise if a node's connected SNPs have no variance."""
    empty = np.flatnonzero(connections.sums(genotypes.polymorphic) == 0)
    if empty.size:
        raise ValueError(
            f"mask connects {some(names[empty])} to SNPs without variance only: nothing can be "
            "estimated for them. Connect other SNPs or leave these omics out."
        )


def is_sparse(mask):
    """Return whether results for SNPs and nodes are to be sparse, as the mask is."""
    if isinstance(mask, pd.DataFrame):
        return mask.shape[1] > 0 and all(isinstance(t, pd.SparseDtype) for t in mask.dtypes)
    return issparse(mask) or isinstance(mask, Mapping)


def _connections(mask, snps, nodes, n_latent):
    """Return SNP positions (-1: not in X), as many node positions, and the nodes mentioned."""
    if isinstance(mask, pd.DataFrame):
        return _from_frame(mask, snps, nodes)
    if isinstance(mask, Mapping):
        return _from_mapping(mask, snps, nodes)
    if issparse(mask) or _is_table(mask):
        if isinstance(mask, list | tuple):
            mask = np.array(mask, dtype=object)  # ragged rows become a wrong shape
        _check_shape(mask.shape, len(snps), len(nodes), n_latent)
        connected = _from_sparse(mask) if issparse(mask) else np.nonzero(_as_bool(np.asarray(mask)))
        return *connected, np.arange(mask.shape[1])
    if isinstance(mask, SEQUENCES):
        return _from_labels(mask, snps, nodes)
    raise TypeError(
        "mask must be None; a boolean array, sparse array or DataFrame of SNPs x omics; a sequence "
        f"with one omic per SNP; or a mapping omic -> SNPs; got {type(mask).__name__}."
    )


def _is_table(mask):
    if isinstance(mask, list | tuple):
        return len(mask) > 0 and is_list_like(mask[0])
    return isinstance(mask, np.ndarray) and mask.ndim != 1


def _check_shape(shape, p, n_nodes, n_latent):
    widths = {n_nodes, n_nodes - n_latent} - {0}
    if len(shape) != 2 or shape[0] != p or shape[1] not in widths:
        allowed = " or ".join(str((p, width)) for width in sorted(widths, reverse=True))
        raise ValueError(
            f"mask has shape {tuple(shape)} but X has {p} SNPs and there are {n_nodes} nodes, "
            f"{n_latent} of them latent: it must have shape {allowed}. A table of other SNPs or "
            "omics needs names: pass a DataFrame."
        )


def _from_sparse(mask):
    columns = csc_array(mask, copy=True)
    columns.sum_duplicates()
    entries = columns.tocoo(copy=False)
    connected = _as_bool(entries.data)
    return entries.row[connected], entries.col[connected]


def _from_frame(frame, snps, nodes):
    row_snps = _find_snps(_row_labels(frame.index, len(snps)), snps)
    column_nodes = _find_nodes(frame.columns, nodes)
    rows = [_connected_rows(column.array) for _, column in frame.items()]
    return (
        row_snps[np.concatenate([*rows, np.empty(0, int)])],
        np.repeat(column_nodes, [len(connected) for connected in rows]),
        column_nodes,
    )


def _connected_rows(column):
    if isinstance(column, pd.arrays.SparseArray) and column.fill_value == 0:
        rows = column.sp_index.to_int_index().indices
        return rows[_as_bool(column.sp_values)]
    return np.flatnonzero(_as_bool(np.asarray(column)))


def _from_labels(labels, snps, nodes):
    labels = pd.Series(labels)
    row_snps = _find_snps(_row_labels(labels.index, len(snps)), snps)
    try:
        codes, distinct = pd.factorize(labels)  # missing values have code -1
    except TypeError as error:
        raise ValueError(
            "mask must give each SNP one omic or None; if SNPs feed several, pass a mapping "
            f"omic -> SNPs or a boolean table: {error}."
        ) from error
    distinct = [_without_fraction(label) for label in distinct]
    feeding = [code for code, label in enumerate(distinct) if label != -1]
    mentioned = _find_nodes([distinct[code] for code in feeding], nodes)
    node_of_code = np.full(len(distinct) + 1, -1)
    node_of_code[feeding] = mentioned
    label_nodes = node_of_code[codes]
    feeds = label_nodes >= 0
    return row_snps[feeds], label_nodes[feeds], mentioned


def _without_fraction(label):
    """Return whole floats as integers: positions with missing values among them are floats."""
    is_whole = isinstance(label, float | np.floating) and label.is_integer()
    return int(label) if is_whole else label


def _from_mapping(mapping, snps, nodes):
    mentioned = _find_nodes(list(mapping), nodes)
    members = [
        labels_of(value, f"mask[{omic!r}]", SNPS, len(snps)) for omic, value in mapping.items()
    ]
    found, found_nodes = [np.empty(0, int)], [np.empty(0, int)]
    # All names at once: fast, and one warning for those that X lacks.
    for is_name in (True, False):
        chosen = [k for k, labels in enumerate(members) if (labels.dtype == object) == is_name]
        if chosen:
            found.append(_find_snps(np.concatenate([members[k] for k in chosen]), snps))
            found_nodes.append(np.repeat(mentioned[chosen], [len(members[k]) for k in chosen]))
    return np.concatenate(found), np.concatenate(found_nodes), mentioned


def _row_labels(index, p):
    """Return the names or positions of the SNPs of a table's rows."""
    labels = as_labels(index, "the index of mask")
    if labels.dtype != object and len(labels) != p:
        raise ValueError(
            f"mask has {len(labels)} rows but X has {p} SNPs: give one row per SNP in the order "
            "of X, or an index of SNP names."
        )
    refuse_duplicates(labels, "mask", "SNP labels", "Give each once.")
    return labels


def _find_snps(labels, snps):
    """Return the positions of SNPs in X, -1 for those that X lacks, with one warning."""
    positions = look_up(labels, snps, "mask", "SNP")
    lacking = pd.unique(labels[positions < 0])
    if lacking.size and (positions < 0).all():
        raise ValueError(
            f"mask names {counted(lacking.size, 'SNP')}, none of them in X ({some(lacking)}); X "
            f"has {some(snps)}."
        )
    if lacking.size:
        warn(
            f"mask names {counted(lacking.size, 'SNP')} not in X ({some(lacking)}). What is not in "
            "X is ignored."
        )
    return positions


def _find_nodes(labels, nodes):
    labels = as_labels(labels, "the omics of mask")
    refuse_duplicates(labels, "mask", "omic labels", "Give each once.")
    positions = look_up(labels, nodes, "mask", "omic")
    unknown = labels[positions < 0]
    if unknown.size:
        raise ValueError(
            f"mask has unknown omics: {some(unknown)}. The omics and latent nodes are "
            f"{some(nodes)}."
        )
    return positions


def _as_bool(values):
    """Return 0/1 or True/False as booleans; anything else is an error."""
    if values.dtype == bool:
        return values
    if values.dtype.kind in "iuf":
        valid = (values == 0) | (values == 1)
    else:
        valid = pd.Series(values.ravel()).isin([0, 1]).to_numpy().reshape(values.shape)
    if not valid.all():
        raise ValueError(
            f"mask must hold True/False or 0/1 but has {values[~valid][0]}. A sequence with one "
            "omic per SNP must have one dimension."
        )
    return values.astype(bool)
