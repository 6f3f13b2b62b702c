"""What is expected of individuals, given values of their relatives."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sknnmm.common.cached import cached
from sknnmm.common.typing import Column
from sknnmm.relationship._kernels import average_of_parents
from sknnmm.relationship._pedigree import Pedigree
from sknnmm.relationship._sparse_factor import SparseFactor


class ExpectedByPedigree:
    """Expectations of values with mean 0 and covariances A, given those of some individuals.

    E[x_n | x_g] = -(A^nn)^-1 A^ng x_g, with blocks of the inverse of A. Only ancestors of the given
    ones need the solution: anybody else has the mean of the parents.

    Parameters
    ----------
    pedigree : Pedigree
    ids : array-like of shape (n_given,)
        The individuals whose values will be given.
    """

    def __init__(self, pedigree: Pedigree, ids: Column) -> None:
        self._pedigree = pedigree
        self._core = pedigree.prune(ids)
        self._given = self._core.levels(ids)
        self._others = np.setdiff1d(np.arange(len(self._core)), self._given)

    def of(self, ids: Column) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function from values given (n_given, C) to those expected of `ids` (n, C)."""
        family = self._pedigree.prune(ids)
        wanted, in_core = family.levels(ids), self._core.levels(family.ids)
        known = in_core >= 0
        is_solved = bool(np.isin(in_core, self._others).any())

        def expect(given: np.ndarray) -> np.ndarray:
            core = np.zeros((len(self._core), given.shape[1]))
            core[self._given] = given
            if is_solved:
                core[self._others] = self._of_ancestors(given)
            values = np.empty((len(family), given.shape[1]))
            values[known] = core[in_core[known]]
            average_of_parents(values, known, family.sires, family.dams)
            return values[wanted]

        return expect

    def base_weights(self) -> np.ndarray:
        """Return the weights of the given individuals in the mean of the founders, (n_given,).

        The mean is that of generalised least squares, so the weights are in proportion to
        A_gg^-1 1.
        """
        inverse = self._core.relationship_inverse[self._given]
        ones = np.ones((len(self._given), 1))
        weights = inverse[:, self._given] @ ones
        if len(self._others):
            weights += inverse[:, self._others] @ self._of_ancestors(ones)
        return weights[:, 0] / weights.sum()

    def _of_ancestors(self, given):
        """Return the expectations of ancestors that are not given themselves."""
        factor, coupling = self._equations
        return -factor.solve(coupling @ given)

    @cached
    def _equations(self):
        """Return A^nn, factorised, and A^ng of the given ones and their ancestors."""
        inverse = self._core.relationship_inverse[self._others]
        return SparseFactor(inverse[:, self._others]), inverse[:, self._given]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_equations"}
