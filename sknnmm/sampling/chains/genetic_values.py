"""Genetic values of the training rows at the kept draws: moments of all rows, the draws of some.

Of every phenotype, as deviations from their mean over the training rows.
"""

from dataclasses import dataclass

import numpy as np

FOLLOWED_ROWS = 50  # of which every draw is kept

# From sums over the rows the genetic values of all rows are the only work that grows with them.
WORK = 2**20  # multiplications per kept draw that they may take; with more rows, fewer draws
MAX_SPACING = 16
AT_ONCE = 16  # draws


def followed_rows(entropy, n_rows):
    """Return the rows of which every draw is kept, at most 50: the same for all chains of a fit.

    `entropy` is that of its seeds.
    """
    chosen = np.random.default_rng(entropy).permutation(n_rows)[:FOLLOWED_ROWS]
    return np.sort(chosen)


@dataclass
class GeneticMoments:
    """Sums over some draws of the genetic values of all rows."""

    total: np.ndarray  # (n, C)
    squares: np.ndarray
    count: int  # of draws


class ValuesByRow:
    """Takes the genetic values of all rows at every draw.

    Parameters
    ----------
    rows : ndarray of int
        Those of which every draw is kept.
    shape : tuple
        Numbers of rows and of phenotypes, (n, C).
    """

    def __init__(self, rows, shape):
        self._rows = rows
        self._total, self._squares = np.zeros((2, *shape))
        self.n_seen = 0  # draws

    def add(self, values):
        """Add a draw (n, C); return the values of the rows to keep."""
        self.n_seen += 1
        self._total += values
        self._squares += values * values
        return values[self._rows]

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {"total": self._total, "squares": self._squares}

    def moments(self):
        """Return the GeneticMoments."""
        return GeneticMoments(self._total, self._squares, self.n_seen)


class ValuesFromEffects:
    """Takes the total effects of the SNPs on the phenotypes at every draw.

    Values of the rows to keep are made at every draw, those of all rows of many draws together.

    Parameters
    ----------
    update : SNPUpdate
        Has totals, of rows that weigh 1.
    rows : ndarray of int
        Those of which every draw is kept.
    shape : tuple
        Numbers of rows and of phenotypes, (n, C).
    dtype : floating type
        Of the products with genotypes.
    """

    def __init__(self, update, rows, shape, dtype):
        self._update = update
        self._total, self._squares = np.zeros((2, *shape))
        chosen = np.zeros((shape[0], len(rows)))
        chosen[rows, np.arange(len(rows))] = 1
        self._predictors = np.ascontiguousarray(update.table(chosen).T)  # (rows, m)
        n_effects = self._predictors.shape[1]
        self._spacing = min(MAX_SPACING, -(-shape[0] * n_effects // WORK))
        self._waiting = np.zeros((AT_ONCE, n_effects, shape[1]), dtype)
        self.n_seen = 0  # draws

    def add(self, effects):
        """Add a draw (m, C); return the values of the rows to keep."""
        taken, skipped = divmod(self.n_seen, self._spacing)
        self.n_seen += 1
        if not skipped:
            self._waiting[taken % AT_ONCE] = effects
            if taken % AT_ONCE == AT_ONCE - 1:
                self._add_waiting(self._total, self._squares, AT_ONCE)
        return self._predictors @ effects

    def _add_waiting(self, total, squares, count):
        """Add the first of the draws that wait; always in one product, hence to the same bits."""
        effects = np.concatenate(list(self._waiting), axis=1)
        values = self._update.fitted(effects).reshape(len(total), AT_ONCE, -1)[:, :count]
        total += values.sum(axis=1, dtype=float)
        squares += np.square(values, dtype=float).sum(axis=1)

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {"total": self._total, "squares": self._squares, "waiting": self._waiting}

    def moments(self):
        """Return the GeneticMoments, of draws that wait too."""
        count = -(-self.n_seen // self._spacing)
        total, squares = self._total.copy(), self._squares.copy()
        if count % AT_ONCE:
            self._add_waiting(total, squares, count % AT_ONCE)
        return GeneticMoments(total, squares, count)
