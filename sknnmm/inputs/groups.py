"""Groups of SNPs and of omics: every form of `snp_groups` and `omics_groups` becomes one array."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.common.messages import counted, some
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.labels import OMICS, SEQUENCES, SNPS, as_labels, labels_of, look_up

RESERVED = {"all", "direct"}  # in group_variance_
LATENT = "latent"  # the group of latent nodes that no other has


@dataclass(frozen=True)
class Groups:
    """Groups of SNPs, or of nodes."""

    names: tuple[str, ...]
    of: np.ndarray  # number of the group of each, int64

    @property
    def compared(self):
        """Return the arrays by which they are known."""
        return [self.of, np.array(self.names, dtype=str)]


def resolve_snp_groups(groups, snp_names):
    """Return Groups of all SNPs, or None.

    Parameters
    ----------
    groups : None, mapping or sequence
        As the parameter `snp_groups` of `NNMMRegressor`.
    snp_names : array of str of shape (p,)
        Without duplicates.

    Raises
    ------
    ValueError, TypeError
        For another form, and unless every SNP is in one group.

    Warns
    -----
    UserWarning
        Once, if names are given that are not in `snp_names`.
    """
    if groups is None:
        return None
    members = _labels_of_groups(groups, "snp_groups", SNPS, len(snp_names))
    found, lacking = _look_up(members, "snp_groups", "SNP", snp_names)
    if lacking.size:
        warn(
            f"snp_groups names {counted(lacking.size, 'SNP')} not in X ({some(lacking)}). What is "
            "not in X is ignored."
        )
    return _checked(found, "snp_groups", "SNPs", snp_names)


def resolve_omics_groups(groups, node_names, n_latent):
    """Return Groups of all nodes, or None.

    Latent nodes, the last `n_latent`, that are in no group make the group "latent".

    Parameters
    ----------
    groups : None, mapping or sequence
        As the parameter `omics_groups` of `NNMMRegressor`.
    node_names : array of str of shape (K,)
        Without duplicates.
    n_latent : int

    Raises
    ------
    ValueError, TypeError
        For another form, unknown omics, and unless every node is in one group.
    """
    if groups is None:
        return None
    if not len(node_names):
        raise ValueError("omics_groups names groups of omics but there are none: pass omics.")
    n_omics = len(node_names) - n_latent
    members = _labels_of_groups(groups, "omics_groups", OMICS, n_omics)
    found, lacking = _look_up(members, "omics_groups", "omic", node_names)
    if lacking.size:
        raise ValueError(
            f"omics_groups has unknown omics: {some(lacking)}. The omics and latent nodes are "
            f"{some(node_names)}."
        )
    nodes = np.arange(n_omics, len(node_names))
    left = np.setdiff1d(nodes, np.concatenate(list(found.values())))
    if left.size:
        found[LATENT] = np.concatenate([found.get(LATENT, left[:0]), left])
    return _checked(found, "omics_groups", "nodes", node_names)


def _labels_of_groups(groups, argument, things, n):
    """Return the labels of the members of every group, by its name."""
    kind, there_are = things
    if isinstance(groups, Mapping):
        names = [str(name) for name in groups]
        refuse_duplicates(names, argument, "group names", "Give each once.")
        members = [
            labels_of(value, f"{argument}[{name!r}]", things, n) for name, value in groups.items()
        ]
        return dict(zip(names, members, strict=True))
    if not isinstance(groups, SEQUENCES):
        raise TypeError(
            f"{argument} must be None, a mapping from groups to {kind}, or a sequence with the "
            f"group of each; got {type(groups).__name__}."
        )
    groups = pd.Series(groups)
    labels = as_labels(groups.index, f"the index of {argument}")
    if labels.dtype != object and len(labels) != n:
        raise ValueError(
            f"{argument} has {len(labels)} values but {there_are} {n} {kind}: give one for each, "
            "in their order, or an index of names."
        )
    refuse_duplicates(labels, argument, "labels", "Give each once.")
    try:
        codes, distinct = pd.factorize(groups)  # missing values have code -1
    except TypeError as error:
        raise ValueError(f"{argument} must give each of the {kind} one group: {error}.") from error
    names = [str(name) for name in distinct]
    refuse_duplicates(names, argument, "group names", "Give each once.")
    return {name: labels[codes == code] for code, name in enumerate(names)}


def _look_up(members, argument, what, names):
    """Return the positions of the members of every group, and the names that are not there."""
    index, found, lacking = pd.Index(names, dtype=object), {}, [np.empty(0, object)]
    for group, labels in members.items():
        positions = look_up(labels, index, argument, what)
        found[group] = positions[positions >= 0]
        lacking.append(labels[positions < 0])
    return found, pd.unique(np.concatenate(lacking))


def _checked(members, argument, kind, names):
    """Return Groups; raise unless each of the names is in one group, and no group is empty."""
    reserved = sorted(RESERVED & members.keys())
    if reserved:
        raise ValueError(
            f"{argument} has a group {reserved[0]!r}, which has a meaning in group_variance_: "
            "choose another name."
        )
    empty = [group for group, positions in members.items() if not len(positions)]
    if empty:
        raise ValueError(
            f"{argument} has groups without {kind} of these data: {some(empty)}. Leave them out."
        )
    names, group_of = np.asarray(names), np.full(len(names), -1)
    for number, (group, positions) in enumerate(members.items()):
        taken = positions[(group_of[positions] >= 0)]
        if taken.size:
            other = list(members)[group_of[taken[0]]]
            raise ValueError(
                f"{argument} has {kind} in two groups, {other} and {group}: "
                f"{some(names[taken])}. Each belongs to one."
            )
        group_of[positions] = number
    left = names[group_of < 0]
    if left.size:
        raise ValueError(
            f"{argument} leaves {left.size} of {len(names)} {kind} in no group ({some(left)}): "
            "name a group for each."
        )
    return Groups(tuple(members), group_of)
