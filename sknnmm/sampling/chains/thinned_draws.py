"""Draws of large arrays within a number of bytes."""

import numpy as np


class ThinnedDraws:
    """Evenly spaced draws of large arrays within a number of bytes.

    When the draws outgrow the budget, every second one is dropped and the spacing doubles, so the
    number of draws to come need not be known.
    """

    def __init__(self, budget):
        self._budget = budget
        self._bytes = 0
        self.spacing = 1
        self.draws = {}  # index of the kept draw -> {name: array or (indices, values)}

    def wants(self, index):
        """Return whether kept draw `index` falls on the present spacing."""
        return index % self.spacing == 0

    def add(self, index, arrays):
        """Store the arrays of a draw: {name: array or (flat indices, values)}."""
        self.draws[index] = arrays
        self._bytes += _n_bytes(arrays)
        while self._bytes > self._budget and len(self.draws) > 1:
            self.spacing *= 2
            self.thin(self.spacing)

    def thin(self, spacing):
        """Keep the draws on a wider spacing only."""
        self.spacing = spacing
        self.draws = {index: draw for index, draw in self.draws.items() if index % spacing == 0}
        self._bytes = sum(_n_bytes(draw) for draw in self.draws.values())

    def contents(self):
        """Return the draws as plain data: those of each name joined into one array."""
        first = next(iter(self.draws.values()), {})
        return {
            "spacing": self.spacing,
            "index": np.array(list(self.draws), np.int64),
            "draws": {name: _joined([d[name] for d in self.draws.values()]) for name in first},
        }

    def restore(self, saved):
        """Put back what `contents` returned."""
        draws = {name: _parted(joined) for name, joined in saved["draws"].items()}
        self.draws = {
            index: {name: parts[i] for name, parts in draws.items()}
            for i, index in enumerate(saved["index"].tolist())
        }
        self.thin(saved["spacing"])


def _joined(draws):
    """Return whole arrays (S, ...), or (indices, values) one after the other."""
    if not isinstance(draws[0], tuple):
        return {"values": np.stack(draws)}
    return {
        "lengths": np.array([len(indices) for indices, _ in draws]),
        "indices": np.concatenate([indices for indices, _ in draws]),
        "values": np.concatenate([values for _, values in draws]),
    }


def _parted(joined):
    """Return the draws that were joined; copies, so that each can be dropped by itself."""
    if "lengths" not in joined:
        return [values.copy() for values in joined["values"]]
    ends = np.cumsum(joined["lengths"])[:-1]
    indices, values = np.split(joined["indices"], ends), np.split(joined["values"], ends)
    return [(i.copy(), v.copy()) for i, v in zip(indices, values, strict=True)]


def _n_bytes(draw):
    """Return the bytes of a draw in the end, where a sparse value has four indices (int64)."""
    return sum(
        array[1].nbytes + 32 * len(array[1]) if isinstance(array, tuple) else array.nbytes
        for array in draw.values()
    )
