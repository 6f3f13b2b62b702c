"""Draws of large arrays within a number of bytes."""

import numpy as np


class ThinnedDraws:
    """Evenly spaced draws of large arrays within a number of bytes.

    When the draws outgrow the budget, every second one is dropped and the spacing doubles, so the
    number of draws to come need not be known.
    """

    def __init__(self, budget):
        self._budget = budget
        self._n_bytes = {}  # index of the kept draw -> bytes that it counts
        self._total = 0
        self.spacing = 1
        self.draws = {}  # index of the kept draw -> {name: array or (indices, values)}

    def wants(self, index):
        """Return whether kept draw `index` falls on the present spacing."""
        return index % self.spacing == 0

    def add(self, index, arrays, n_bytes):
        """Store the arrays of a draw: {name: array or (flat indices, values)}."""
        self.draws[index], self._n_bytes[index] = arrays, n_bytes
        self._total += n_bytes
        while self._total > self._budget and len(self.draws) > 1:
            self.spacing *= 2
            self.thin(self.spacing)

    def thin(self, spacing):
        """Keep the draws on a wider spacing only."""
        self.spacing = spacing
        self.draws = {index: draw for index, draw in self.draws.items() if index % spacing == 0}
        self._n_bytes = {index: self._n_bytes[index] for index in self.draws}
        self._total = sum(self._n_bytes.values())

    def copy(self):
        """Return the same draws in dictionaries of their own."""
        copy = ThinnedDraws(self._budget)
        copy.draws = {index: dict(draw) for index, draw in self.draws.items()}
        copy._n_bytes = dict(self._n_bytes)
        copy.thin(self.spacing)
        return copy

    def of(self, name):
        """Return the arrays of one name."""
        return [draw[name] for draw in self.draws.values()]

    def put(self, name, arrays):
        """Exchange the arrays of one name."""
        for draw, array in zip(self.draws.values(), arrays, strict=True):
            draw[name] = array

    def contents(self):
        """Return the draws as plain data: those of each name joined into one array."""
        first = next(iter(self.draws.values()), {})
        return {
            "spacing": self.spacing,
            "index": np.array(list(self.draws), np.int64),
            "n_bytes": np.array(list(self._n_bytes.values()), np.int64),
            "draws": {name: _joined(self.of(name)) for name in first},
        }

    def restore(self, saved):
        """Put back what `contents` returned."""
        draws = {name: _parted(joined) for name, joined in saved["draws"].items()}
        self.draws = {
            index: {name: parts[i] for name, parts in draws.items()}
            for i, index in enumerate(saved["index"].tolist())
        }
        self._n_bytes = dict(zip(self.draws, saved["n_bytes"].tolist(), strict=True))
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
