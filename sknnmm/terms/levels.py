"""The levels of a random effect: which row has which, and how their effects covary."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels of n rows, and the covariance matrix R of their effects over their variance."""

    codes: np.ndarray  # (n,), the level of each row; -1: none
    n_levels: int
    covariate: np.ndarray | None = None  # (n,), effects are slopes on it; None: intercepts
    root: np.ndarray | None = None  # (L, r), R = root root'; or
    inverse: sparse.csr_array | None = None  # R^-1, (L, L); neither: levels are independent
    diagonal: np.ndarray | None = None  # of R, (L,); None: of ones, or it is not known

    @property
    def mean_diagonal(self) -> float:
        """Return the mean of the diagonal of R."""
        return 1.0 if self.diagonal is None else float(self.diagonal.mean())

    @property
    def factors(self) -> np.ndarray:
        """Return what the effect of its level is multiplied by in each row, (n,)."""
        values = np.ones(len(self.codes)) if self.covariate is None else self.covariate
        return np.where(self.codes >= 0, values, 0.0)

    def mean_multiple(self, row_weight: np.ndarray) -> float:
        """Return the mean over the rows with weight of the variance of their effect over s2_u."""
        of_level = np.ones(self.n_levels) if self.diagonal is None else self.diagonal
        multiples = np.where(self.codes >= 0, of_level[self.codes], 0) * self.factors**2
        return float(multiples[row_weight > 0].mean())
