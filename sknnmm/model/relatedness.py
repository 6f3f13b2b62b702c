"""How the levels of a random effect are related: the contract of pedigrees and relationships."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse

from sknnmm.common.ids import coded_ids, index_of
from sknnmm.common.messages import some
from sknnmm.genotypes.memory_map import read_only


class BaseRelationship(ABC):
    """Relationships R of the levels of a random effect, u ~ N(0, s2 R).

    What a term of random effects needs. With `relationship_inverse` sparse, effects are drawn by
    it; with `eigen`, in the eigenbasis of a dense R, which may be singular. Objects do not change,
    so copies of an estimator share them.

    Attributes
    ----------
    ids : Index of str, shape (n,)
        The levels, in the order of all arrays.
    """

    ids: pd.Index
    _saved: tuple[str, ...]  # attributes from which the others follow

    @property
    @abstractmethod
    def relationship_inverse(self) -> sparse.csc_array | np.ndarray:
        """Return the inverse of R, (n, n), both triangles; sparse if `eigen` is None."""

    @property
    @abstractmethod
    def diagonal(self) -> np.ndarray:
        """Return the diagonal of R, (n,): the variance of each level relative to s2."""

    @property
    def has_quick_diagonal(self) -> bool:
        """Return whether the diagonal takes no factors of a sparse matrix."""
        return True

    @property
    @abstractmethod
    def log_determinant(self) -> float:
        """Return the logarithm of the determinant of R."""

    @property
    def eigen(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return eigenvalues (n,) and eigenvectors (n, n) of R; None if its inverse is sparse."""
        return None

    @abstractmethod
    def factor_product(self, vectors: np.ndarray) -> np.ndarray:
        """Return L z for z (n,) or (n, C), L L' = R: draws of N(0, R) from standard normals."""

    def levels(self, values: Any, argument: str | None = None) -> np.ndarray:
        """Return the positions of IDs in `ids`.

        Parameters
        ----------
        values : Series, Index, ndarray or list of length n
            IDs, compared as text; NaN, None or NA = missing.
        argument : str or None, default=None
            What holds them, for messages. None: unknown IDs are no error.

        Returns
        -------
        ndarray of shape (n,), int64
            -1 where the ID is missing or unknown.

        Raises
        ------
        TypeError
            If an ID is neither text nor a whole number.
        ValueError
            If `argument` is given and an ID is unknown.
        """
        codes, texts = coded_ids(values, argument or "The column of IDs")
        found = self.ids.get_indexer(index_of(texts)).astype(np.int64)
        if argument is not None and (found < 0).any():
            unknown = list(dict.fromkeys(texts[found < 0]))
            raise ValueError(
                f"{argument} has {len(unknown)} levels that the {type(self).__name__} does not "
                f"have ({some(unknown)}). Add them to it, or leave these records out."
            )
        return np.append(found, -1)[codes]

    def __len__(self) -> int:
        return len(self.ids)

    def __deepcopy__(self, memo: dict) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = {name: vars(self)[name] for name in self._saved}
        return state | {"ids": self.ids.to_numpy()}  # skops cannot store an Index

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({name: read_only(value) for name, value in state.items()})
        self.ids = index_of(state["ids"])
