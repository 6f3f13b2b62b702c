"""Tables of what a posterior holds: its variables, and their summary."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sknnmm.common.layer_names import PHENOTYPE
from sknnmm.model.variables import Variable
from sknnmm.posterior.diagnostics import BATCH, labels_of, of_batch, targets


def variables_table(registry: dict[str, Variable], draws: dict) -> pd.DataFrame:
    """Return a row for each variable of which there are draws."""
    rows = {
        name: {
            "dims": variable.dims,
            "unit": unit_of(variable),
            "target": variable.is_target,
            "n_draws": draws[name].shape[1],
            "description": variable.description,
        }
        for name, variable in registry.items()
        if name in draws
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def unit_of(variable: Variable) -> str:
    """Return the unit of the draws of a variable, "1" if it has none."""
    unit = "liability" if variable.of_liability else "y" if variable.layer == PHENOTYPE else "omic"
    if variable.power == 0:
        return "1"
    if variable.power > 1:
        unit += f"^{variable.power}"
    per = "covariate" if variable.per_covariate else "allele" if "snp" in variable.dims else None
    return f"{unit} / {per}" if per else unit


def summary_table(
    draws: dict,
    chosen: Sequence[Variable],
    coords: dict[str, np.ndarray],
    judged: dict[str, np.ndarray],
    quantiles: Sequence[float],
) -> pd.DataFrame:
    """Return a row for each value of the chosen variables (see `Posterior.summary`)."""
    labels = list(chain.from_iterable(labels_of(variable, coords) for variable in chosen))
    is_target = [targets(v, draws[v.name].shape[2:], judged).ravel() for v in chosen]
    batches = chain.from_iterable(_batches(draws[variable.name]) for variable in chosen)
    table = pd.concat([_summary(batch, quantiles) for batch in batches])
    table["target"] = np.concatenate(is_target)
    table.index = labels
    return table[table["mean"].notna()]  # NaN: hyperparameters that a group does not have


def _summary(batch, quantiles):
    """Return the summaries of a few quantities (quantity, chain, draw)."""
    diagnostics = of_batch(batch)
    columns = {f"{100 * q:g}%": np.quantile(batch, q, axis=(1, 2)) for q in quantiles}
    moments = diagnostics[["mean", "sd"]].assign(**columns)
    return pd.concat([moments, diagnostics.drop(columns=["mean", "sd"])], axis=1)


def _batches(draws: Any) -> Iterator[np.ndarray]:
    """Yield a few quantities at a time, (quantity, chain, draw), of draws (chain, draw, ...)."""
    n_chains, n_draws = draws.shape[:2]
    n_quantities = int(np.prod(draws.shape[2:]))
    if sparse.issparse(draws):
        row, column = (
            np.ravel_multi_index(coords, shape)
            for coords, shape in (
                (draws.coords[:2], draws.shape[:2]),
                (draws.coords[2:], draws.shape[2:]),
            )
        )
        shape = (n_chains * n_draws, n_quantities)
        values = sparse.csc_array((draws.data, (row, column)), shape=shape)
    else:
        values = draws.reshape(n_chains * n_draws, n_quantities)
    for first in range(0, n_quantities, BATCH):
        batch = values[:, first : first + BATCH]
        batch = batch.toarray() if sparse.issparse(batch) else batch
        yield np.asarray(batch.T, float).reshape(-1, n_chains, n_draws)
