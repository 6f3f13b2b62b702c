"""Whether all arguments describe the same individuals, in the same order."""

import numpy as np
import pandas as pd

from sknnmm.genotypes.plink_bits import PackedGenotypes

ALIGN = "sknnmm.io.align brings tables into the order of the genotypes."
_LABELLED = (pd.DataFrame, pd.Series, PackedGenotypes)


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


def row_index(table, n_samples):
    """Return the index of a table, or numbers."""
    return table.index if isinstance(table, _LABELLED) else pd.RangeIndex(n_samples)


def row_names(table, n_samples):
    """Return unique names of rows as text (n,): the labels of a table, else their numbers.

    Where a label is not unique, the position of the row is added.
    """
    names = pd.Index([str(label) for label in row_index(table, n_samples)], dtype=object)
    with_position = [f"{name} (row {row})" for row, name in enumerate(names)]
    return np.where(names.duplicated(keep=False), with_position, names)


def check_n_values(values, argument, n_samples):
    """Raise unless a column has one value per row of X."""
    if len(values) != n_samples:
        raise ValueError(
            f"{argument} has {len(values)} values but X has {n_samples} samples: pass one per "
            f"row. {ALIGN}"
        )
