"""Pedigrees: inbreeding, additive relationships and their sparse inverse."""

from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import gen_batches

from sknnmm.common.cached import cached
from sknnmm.common.ids import unique_ids
from sknnmm.common.messages import some
from sknnmm.common.typing import Column, Table
from sknnmm.genotypes.memory_map import read_only
from sknnmm.model.relatedness import BaseRelationship
from sknnmm.relationship._kernels import (
    inbreeding_coefficients,
    mendelian_variances,
    pass_down,
    pass_up,
    with_ancestors,
)
from sknnmm.relationship._records import read_records

COLUMNS_AT_ONCE = 64  # of the relationship matrix
LEAST_VARIANCE = 1e-10  # Mendelian, of an individual that is not a copy of its parents


class Pedigree(BaseRelationship):
    """Parents of individuals, and the additive relationships A that follow from them.

    Usually made by :meth:`from_frame`. As `relationship` of a random effect, the effects are
    breeding values u ~ N(0, s2 A).

    Parameters
    ----------
    ids : array-like of shape (n,)
        Unique IDs, text or whole numbers.
    sires, dams : array-like of shape (n,), int
        Positions of the parents in `ids`, -1 = unknown. Parents come before their offspring.

    Attributes
    ----------
    ids : Index of shape (n,)
        The IDs as text, in the order of all arrays.
    sires, dams : ndarray of shape (n,), int64
        Positions of the parents, -1 = unknown.

    Raises
    ------
    ValueError
        If IDs are not unique, numbers of values differ, or a parent does not come before its
        offspring.

    See Also
    --------
    Relationship : Any other relationship matrix.
    genomic_relationship : Relationships by SNPs.

    Notes
    -----
    Founders, and unknown parents, are unrelated and not inbred. With T the matrix of the paths from
    ancestors to descendants, A = T D T', where D holds the Mendelian variances. A itself is never
    formed: its inverse is sparse [1]_ [2]_, products and single columns take two passes over the
    pedigree [3]_, and inbreeding is computed sire by sire by such passes [4]_. The latter gives
    what the method of [5]_ gives, in less time where sires have many mates.

    An individual may be sire and dam at once (selfing); its offspring then have inbreeding
    (1 + F) / 2.

    References
    ----------
    .. [1] Henderson, C. R. (1976). A simple method for computing the inverse of a numerator
       relationship matrix used in prediction of breeding values. Biometrics, 32, 69-83,
       doi 10.2307/2529339.
    .. [2] Quaas, R. L. (1976). Computing the diagonal elements and inverse of a large numerator
       relationship matrix. Biometrics, 32, 949-953, doi 10.2307/2529279.
    .. [3] Colleau, J.-J. (2002). An indirect approach to the extensive calculation of relationship
       coefficients. Genetics Selection Evolution, 34, 409-421, doi 10.1186/1297-9686-34-4-409.
    .. [4] Sargolzaei, M., Iwaisaki, H. & Colleau, J.-J. (2005). A fast algorithm for computing
       inbreeding coefficients in large populations. Journal of Animal Breeding and Genetics, 122,
       325-331, doi 10.1111/j.1439-0388.2005.00538.x.
    .. [5] Meuwissen, T. H. E. & Luo, Z. (1992). Computing inbreeding coefficients in large
       populations. Genetics Selection Evolution, 24, 305-313, doi 10.1186/1297-9686-24-4-305.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknnmm.relationship import Pedigree
    >>> table = pd.DataFrame(
    ...     {"animal": ["3", "4", "5", "6"], "sire": [1, 1, 4, 5], "dam": [2, 0, 3, 2]}
    ... )
    >>> pedigree = Pedigree.from_frame(table, "animal", "sire", "dam")
    >>> pedigree
    Pedigree(6 individuals, 2 without known parents)
    >>> pedigree.ids.tolist()
    ['1', '2', '3', '4', '5', '6']
    >>> pedigree.inbreeding
    array([0.   , 0.   , 0.   , 0.   , 0.125, 0.125])
    >>> pedigree.relationship(["4", "5"])
    id      4      5
    id
    4   1.000  0.625
    5   0.625  1.125
    """

    _saved = ("sires", "dams")

    def __init__(self, ids: Column, sires: Column, dams: Column) -> None:
        self.ids = unique_ids(ids, "ids")
        self.sires = _parents(sires, "sires", len(self.ids))
        self.dams = _parents(dams, "dams", len(self.ids))

    @classmethod
    def from_frame(
        cls, table: Table, id: str, sire: str, dam: str, birth: str | None = None
    ) -> Self:
        """Make a pedigree of a table.

        Parameters
        ----------
        table : DataFrame of pandas or polars, or Arrow table
            One row per individual, in any order. IDs are text or whole numbers and compared as
            text: 12, 12.0 and "12" are one individual, "012" is another. A parent is unknown if it
            is missing (NaN, None, NA), 0, "0" or other zeros, "", ".", "-", "?", "*", -1, -9,
            "NA", "nan", "none", "null" or "unknown" in any case.
        id, sire, dam : str
            Names of the columns.
        birth : str or None, default=None
            Name of a column of dates or numbers, such as years, NaN = missing: births, by which
            parents are checked. Relationships do not depend on it.

        Returns
        -------
        Pedigree
            Parents that have no row of their own are added as founders, at the front. The order
            of the rows is kept but where parents stand below their offspring.

        Raises
        ------
        TypeError
            If `table` is no table, or an ID neither text nor a whole number.
        ValueError
            If a column is absent, a row has no ID, rows of an individual contradict each other,
            an individual is its own ancestor, or births are neither dates nor numbers. The message
            names the individuals.

        Warns
        -----
        UserWarning
            If rows are repeated, which then count once; if an individual was born before a parent;
            and if a sire in one row is a dam in another, unless some individual of the pedigree was
            selfed.

        Examples
        --------
        >>> import pandas as pd
        >>> from sknnmm.relationship import Pedigree
        >>> table = pd.DataFrame({"id": ["b", "a"], "sire": ["a", "."], "dam": ["c", "."]})
        >>> Pedigree.from_frame(table, id="id", sire="sire", dam="dam").ids.tolist()
        ['c', 'a', 'b']
        """
        return cls(*read_records(table, id, sire, dam, birth))

    @cached
    def inbreeding(self) -> np.ndarray:
        """Return inbreeding F, (n,): the probability of two alleles identical by descent."""
        sires, dams = self.sires, self.dams
        if len(np.unique(dams)) < len(np.unique(sires)):
            sires, dams = dams, sires  # fewer passes
        progeny = np.argsort(sires, kind="stable")
        starts = np.searchsorted(sires[progeny], np.arange(len(self) + 1))
        return read_only(inbreeding_coefficients(sires, dams, progeny, starts))

    @cached
    def mendelian_variance(self) -> np.ndarray:
        """Return the variance of each individual given its parents, (n,), D of A = T D T'."""
        return read_only(mendelian_variances(self.sires, self.dams, self.inbreeding))

    @cached
    def relationship_inverse(self) -> sparse.csc_array:
        """Return the inverse of A, (n, n), in the order of `ids`: T^-1' D^-1 T^-1.

        Raises
        ------
        ValueError
            If an individual has no Mendelian variance, since its parents are completely inbred.
        """
        variance, n = self.mendelian_variance, len(self)
        if (fixed := variance < LEAST_VARIANCE).any():
            raise ValueError(
                f"The pedigree has {fixed.sum()} individuals whose parents are completely inbred "
                f"({some(self.ids[fixed])}): they are copies of their parents, and A has no "
                "inverse. Give copies one ID."
            )
        rows = np.arange(n)
        of_sire, of_dam = rows[self.sires >= 0], rows[self.dams >= 0]
        entries = np.concatenate([np.ones(n), np.full(len(of_sire) + len(of_dam), -0.5)])
        row = np.concatenate([rows, of_sire, of_dam])
        column = np.concatenate([rows, self.sires[of_sire], self.dams[of_dam]])
        deviation = sparse.csr_array((entries, (row, column)), (n, n))  # from the parents' mean
        inverse = sparse.csc_array(deviation.T @ sparse.diags_array(1 / variance) @ deviation)
        inverse.sort_indices()
        return inverse

    @property
    def diagonal(self) -> np.ndarray:
        """Return the diagonal of A, (n,): 1 + F."""
        return 1 + self.inbreeding

    @property
    def log_determinant(self) -> float:
        """Return the logarithm of the determinant of A."""
        return float(np.log(self.mendelian_variance).sum())

    def factor_product(self, vectors: np.ndarray) -> np.ndarray:
        """Return T D^(1/2) z for z (n,) or (n, C): breeding values from standard normals."""
        values = np.sqrt(self.mendelian_variance) * np.asarray(vectors, float).T
        values = np.ascontiguousarray(values.T)
        pass_down(values.reshape(len(self), -1), self.sires, self.dams)
        return values

    def relationship(self, ids: Column | None = None) -> pd.DataFrame:
        """Return the additive relationships of some individuals.

        Parameters
        ----------
        ids : array-like of shape (m,), or None, default=None
            None: all, in n^2 memory.

        Returns
        -------
        DataFrame of shape (m, m)
            Twice the coefficients of coancestry; the diagonal is 1 + F.

        Raises
        ------
        ValueError
            If an ID is not in the pedigree.
        """
        wanted = np.arange(len(self)) if ids is None else self._positions(ids)
        pruned = self if ids is None else self.prune(ids)
        variance = pruned.mendelian_variance[:, None]
        own = pruned.levels(self.ids[wanted])
        matrix = np.empty((len(own), len(own)))
        for batch in gen_batches(len(own), COLUMNS_AT_ONCE):
            columns = np.zeros((len(pruned), batch.stop - batch.start))
            columns[own[batch], np.arange(columns.shape[1])] = 1
            pass_up(columns, pruned.sires, pruned.dams)
            columns *= variance
            pass_down(columns, pruned.sires, pruned.dams)
            matrix[:, batch] = columns[own]
        return pd.DataFrame(matrix, self.ids[wanted], self.ids[wanted])

    def prune(self, ids: Column) -> Self:
        """Return the pedigree of some individuals and all their ancestors.

        Parameters
        ----------
        ids : array-like of shape (m,)

        Returns
        -------
        Pedigree
            In the order of this one. Relationships and inbreeding are the same.

        Raises
        ------
        ValueError
            If an ID is not in the pedigree.
        """
        kept = np.sort(with_ancestors(self._positions(ids), self.sires, self.dams))
        place = np.full(len(self) + 1, -1)
        place[kept] = np.arange(len(kept))
        return type(self)(self.ids[kept], place[self.sires[kept]], place[self.dams[kept]])

    def _positions(self, ids):
        positions = self.levels(ids, "ids")
        if (positions < 0).any():
            raise ValueError("ids has missing values.")
        return positions

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Pedigree)
            and self.ids.equals(other.ids)
            and np.array_equal(self.sires, other.sires)
            and np.array_equal(self.dams, other.dams)
        )

    def __repr__(self) -> str:
        founders = ((self.sires < 0) & (self.dams < 0)).sum()
        return f"Pedigree({len(self)} individuals, {founders} without known parents)"


def _parents(positions, argument, n):
    """Return positions of parents (n,), read-only."""
    positions = np.array(positions)
    if positions.shape != (n,) or positions.dtype.kind not in "iu":
        raise ValueError(
            f"{argument} must hold {n} whole numbers, one position for each ID; got an array of "
            f"{positions.dtype} of shape {positions.shape}."
        )
    if ((positions < -1) | (positions >= np.arange(n))).any():
        raise ValueError(
            f"{argument} must hold positions of parents before their offspring, -1 = unknown; "
            "Pedigree.from_frame takes tables in any order."
        )
    return read_only(positions.astype(np.int64))
