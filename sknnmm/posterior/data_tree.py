"""A posterior as an xarray DataTree, which ArviZ reads."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from sknnmm.common.messages import some
from sknnmm.common.optional import import_optional
from sknnmm.posterior.tables import unit_of

if TYPE_CHECKING:
    from sknnmm.posterior.draws import Posterior

PURPOSE = "A DataTree"


def data_tree(posterior: "Posterior", snps: int | Literal["all"] | Sequence[str]) -> Any:
    """Return the DataTree (see `Posterior.to_datatree`)."""
    xarray = import_optional("xarray", PURPOSE)
    is_whole = {name: v.every for name, v in posterior.registry.items() if name in posterior.draws}
    of_snps = [name for name in is_whole if "snp" in posterior.registry[name].dims]
    coords = dict(posterior.coords)
    chosen = {}
    if of_snps:
        positions = _choose_snps([posterior.draws[name] for name in of_snps], snps, coords["snp"])
        coords["snp"] = coords["snp"][positions]
        chosen = {name: _take_snps(posterior.draws[name], positions) for name in of_snps}
    n_kept = posterior.draws["residual_variance"].shape[1]
    groups = {}
    for group, whole, draw in (
        ("posterior", True, np.arange(n_kept)),
        ("effects", False, posterior.effects_draw),
    ):
        arrays = {
            name: _array(xarray, posterior.registry[name], chosen.get(name, posterior.draws[name]))
            for name in is_whole
            if is_whole[name] is whole
        }
        if arrays:
            dims = {dim for array in arrays.values() for dim in array.dims}
            along = {dim: coords[dim] for dim in coords if dim in dims}
            n_chains = len(posterior.draws["residual_variance"])
            along |= {"chain": np.arange(n_chains), "draw": draw}
            groups[group] = xarray.Dataset(arrays, coords=along)
    return xarray.DataTree.from_dict(groups)


def _array(xarray, variable, draws):
    attributes = {
        "long_name": variable.description,
        "units": unit_of(variable),
        "target": int(variable.is_target),
    }
    return xarray.DataArray(draws, dims=("chain", "draw", *variable.dims), attrs=attributes)


def _choose_snps(draws, snps, names):
    """Return the positions of SNPs, in their order: all, those named, or the most included."""
    if isinstance(snps, str):
        if snps != "all":
            raise ValueError(f'snps must be a number, "all" or names of SNPs; got {snps!r}.')
        return np.arange(len(names))
    if isinstance(snps, Integral):
        if snps < 0:
            raise ValueError(f"snps must be 0 or more; got {snps}.")
        included, distance = np.max([_evidence(of_term) for of_term in draws], axis=0)
        return np.sort(np.lexsort((-distance, -included))[:snps])
    wanted = {str(name) for name in snps}
    unknown = wanted - set(names)
    if unknown:
        raise ValueError(f"snps names SNPs that the model does not have: {some(sorted(unknown))}.")
    return np.flatnonzero([name in wanted for name in names])


def _evidence(draws):
    """Return the share of draws in which a SNP has an effect, and its mean in SDs, (2, p).

    Of draws (chain, draw, p) or (chain, draw, p, K) the largest over the responses.
    """
    n_samples, shape = draws.shape[0] * draws.shape[1], draws.shape[2:]
    if sparse.issparse(draws):
        effect, n_effects = np.ravel_multi_index(draws.coords[2:], shape), int(np.prod(shape))
        included, total, squares = (
            np.bincount(effect, values, n_effects) / n_samples
            for values in (None, draws.data, draws.data.astype(float) ** 2)
        )
    else:
        total = draws.mean(axis=(0, 1), dtype=float).ravel()
        squares = total**2 + draws.var(axis=(0, 1), dtype=float).ravel()
        included = np.ones(len(total))
    sd = np.sqrt(np.maximum(squares - total**2, 0))
    distance = np.divide(np.abs(total), sd, out=np.zeros(len(sd)), where=sd > 0)
    return np.stack([included, distance]).reshape(2, shape[0], -1).max(axis=2)


def _take_snps(draws, positions):
    """Return the draws of some SNPs, dense."""
    if not sparse.issparse(draws):
        return draws[:, :, positions]
    place = np.full(draws.shape[2], -1)
    place[positions] = np.arange(len(positions))
    snp = place[draws.coords[2]]
    kept = snp >= 0
    chain, draw, _, *response = (axis[kept] for axis in draws.coords)
    dense = np.zeros((*draws.shape[:2], len(positions), *draws.shape[3:]), draws.dtype)
    dense[(chain, draw, snp[kept], *response)] = draws.data[kept]
    return dense
