"""Draws of large arrays within a number of bytes."""


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


def _n_bytes(draw):
    """Return the bytes of a draw in the end, where a sparse value has four indices (int32)."""
    return sum(
        array[1].nbytes + 16 * len(array[1]) if isinstance(array, tuple) else array.nbytes
        for array in draw.values()
    )
