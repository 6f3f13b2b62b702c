"""What families of classes have in common: a liability, of which a class is an interval."""

import numpy as np
from scipy.special import ndtri

from sknnmm.families.base import Family


class Liability(Family):
    """Records 0, 1, ..., all of which occur: the interval of a liability of residual variance 1.

    What the terms explain is expected to be as much.
    """

    residual_variance_is_fixed = True
    explained_variance = 1.0
    expected_residual_variance = 1.0

    def start(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return the mean of each class if the liability were N(m, 1), m of its share (see Family).

        The first threshold is 0.
        """
        present = ~np.isnan(record)
        edges = np.concatenate([[-np.inf], class_edges(record), [np.inf]])
        density = np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi)
        share = np.bincount(record[present].astype(int)) / np.count_nonzero(present)
        means = -np.diff(density) / share - edges[1]
        return np.where(present, means[np.where(present, record, 0).astype(int)], 0)

    def is_bounded(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return that every record bounds a liability (see Family)."""
        return ~np.isnan(record)


def class_edges(record: np.ndarray) -> np.ndarray:
    """Return where classes meet if the liability were N(0, 1), (number of classes - 1,)."""
    counts = np.bincount(record[~np.isnan(record)].astype(int))
    return ndtri(np.cumsum(counts)[:-1] / counts.sum())
