"""Omics from AnnData and MuData objects."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import sparse

from sknnmm.common.messages import some


def omics_from_anndata(data: Any, layer: str | None = None) -> pd.DataFrame:
    """Return the values of an AnnData or MuData object as a table of omics.

    Neither library is needed: the object has what is read.

    Parameters
    ----------
    data : AnnData or MuData
        Read with, for example, ``anndata.read_h5ad``.
    layer : str or None, default=None
        Name of a layer, e.g. "normalised". None: X. Of MuData, in every modality.

    Returns
    -------
    DataFrame of shape (n, K)
        The index is `obs_names`, the columns `var_names`. Sparse values become dense; those they do
        not store are 0, not missing. Modalities stand side by side; individuals that a
        modality lacks have NaN there.

    Raises
    ------
    TypeError
        If `data` is neither AnnData nor MuData.
    ValueError
        If there is no such layer, or no X.

    See Also
    --------
    align : Brings omics into the order of the genotypes.

    Examples
    --------
    >>> import anndata  # doctest: +SKIP
    >>> from sknnmm.io import omics_from_anndata
    >>> omics = omics_from_anndata(anndata.read_h5ad("liver.h5ad"), "normalised")  # doctest: +SKIP
    """
    if isinstance(getattr(data, "mod", None), Mapping):
        tables = {name: _table(part, layer, name) for name, part in data.mod.items()}
        omics = pd.concat(tables.values(), axis=1).reindex(pd.Index(data.obs_names))
        if omics.columns.has_duplicates:
            omics.columns = [f"{name}:{c}" for name, table in tables.items() for c in table]
        return omics
    if not all(hasattr(data, name) for name in ("X", "layers", "obs_names", "var_names")):
        raise TypeError(f"data must be an AnnData or MuData object; got {type(data).__name__}.")
    return _table(data, layer, "data")


def _table(data, layer, name):
    if layer is not None and layer not in data.layers:
        raise ValueError(
            f"{name} has no layer {layer!r}; its layers are: {some(data.layers.keys()) or 'none'}."
        )
    values = data.X if layer is None else data.layers[layer]
    if values is None:
        raise ValueError(
            f"{name} has no X. Pass layer, one of: {some(data.layers.keys()) or 'none'}."
        )
    if sparse.issparse(values):
        values = values.toarray()
    return pd.DataFrame(values, index=pd.Index(data.obs_names), columns=pd.Index(data.var_names))
