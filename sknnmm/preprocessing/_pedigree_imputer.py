"""Genotypes that are expected of animals without any, given their genotyped relatives."""

import copy
from collections.abc import Hashable, Iterator, Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags, gen_batches
from sklearn.utils.validation import check_is_fitted

from sknnmm.common.ids import coded_ids, index_of, may_count_rows
from sknnmm.common.messages import some
from sknnmm.common.typing import Column, Table
from sknnmm.common.user_warnings import warn
from sknnmm.genotypes.dosages import columns_of, has_genotypes, is_missing
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.inputs.features import check_features
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages
from sknnmm.inputs.tables import as_pandas
from sknnmm.relationship import Pedigree, Relationship
from sknnmm.relationship._expected import ExpectedByPedigree

SNPS_AT_ONCE = 128

Labelled = pd.DataFrame | PackedGenotypes  # (n, p), the index holds IDs
IDs = Sequence[Hashable] | pd.Index
Dosages = np.ndarray | PackedGenotypes  # (n, p)


class PedigreeImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Impute the genotypes of animals without any from those of their genotyped relatives.

    The first step of single-step genomic prediction [1]_: rows of X without any genotype become
    their expectation given the pedigree and all genotyped animals. Other rows stay as they are.

    Parameters
    ----------
    pedigree : Pedigree

    Attributes
    ----------
    genotyped_ids_ : Index of str
        The animals with genotypes that the pedigree has, in the order of X.
    base_mean_ : ndarray of shape (p,)
        Expected dosage of every SNP in the founders.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (p,)
        Only if X has string column names.

    See Also
    --------
    sknnmm.relationship.Pedigree : Made of a table with `from_frame`.

    Notes
    -----
    With A the relationships by pedigree, x the dosages of a SNP as deviations from `base_mean_`, g
    the genotyped animals and n the others, E[x_n | x_g] = A_ng A_gg^-1 x_g =
    -(A^nn)^-1 A^ng x_g, where raised letters mean blocks of the inverse of A. That is sparse. A^nn
    is factorised once, for the ancestors of the genotyped animals alone: the others are the mean
    of their parents. Time and memory depend on how many ancestors have no genotypes, and most of
    all on how many sires they descend from.

    `base_mean_` is the generalised least-squares mean of the genotyped animals, 1' A_gg^-1 x_g /
    1' A_gg^-1 1 [2]_. It is an estimate. Where its error matters, give the model
    `centring_covariate` as a covariate too [1]_.

    Dosages that are missing in rows with others are left as they are, and count as the mean of
    their SNP for relatives. The expectation does not have the variance of true genotypes:
    `imputation_residual` has the relationships of what is missing, for a random effect.

    `transform` uses the genotypes that were passed to `fit`, so what it returns for a row does not
    depend on other rows. Phenotypes are not used: to use all genotypes, fit the imputer to them
    before the data are split.

    References
    ----------
    .. [1] Fernando, R. L., Dekkers, J. C. M. & Garrick, D. J. (2014). A class of Bayesian methods
       to combine large numbers of genotyped and non-genotyped animals for whole-genome analyses.
       Genetics Selection Evolution, 46, 50, doi 10.1186/1297-9686-46-50.
    .. [2] Gengler, N., Mayeres, P. & Szydlowski, M. (2007). A simple method to approximate gene
       content in large pedigree populations: application to the myostatin gene in dual-purpose
       Belgian Blue cattle. Animal, 1, 21-28, doi 10.1017/S1751731107392628.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sknnmm.preprocessing import PedigreeImputer
    >>> from sknnmm.relationship import Pedigree
    >>> table = pd.DataFrame({"id": ["calf"], "sire": ["bull"], "dam": ["cow"]})
    >>> pedigree = Pedigree.from_frame(table, "id", "sire", "dam")
    >>> X = pd.DataFrame({"rs1": [2, 0, np.nan], "rs2": [1, 1, np.nan]}, ["bull", "cow", "calf"])
    >>> PedigreeImputer(pedigree).fit_transform(X)
          rs1  rs2
    bull  2.0  1.0
    cow   0.0  1.0
    calf  1.0  1.0
    """

    _parameter_constraints = {"pedigree": [Pedigree]}

    def __init__(self, pedigree: Pedigree) -> None:
        self.pedigree = pedigree

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: object = None) -> Self:
        """Learn the genotypes of the genotyped animals.

        Parameters
        ----------
        X : DataFrame of shape (n, p), or PackedGenotypes
            The index holds the IDs of the animals. Floating with NaN = missing, or integer with
            negative = missing. Rows without any genotype are ignored. An animal with several
            records may have several rows, which then have the same genotypes or none.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If X has no IDs, is no table of numbers, if rows of an animal have different genotypes,
            or if no genotyped animal is in the pedigree.

        Warns
        -----
        UserWarning
            If the pedigree lacks some genotyped animals.
        """
        fitted = copy.copy(self)  # the imputer changes only when the fit has succeeded
        fitted._learn(*fitted._check(X, reset=True))
        self.__dict__ = fitted.__dict__
        return self

    def _learn(self, X: Labelled, ids: np.ndarray, dosages: Dosages) -> None:
        rows = np.flatnonzero(has_genotypes(dosages))
        rows = _one_row_each(rows, ids, dosages)
        if not len(rows):
            raise ValueError("X has no row with genotypes to impute others from.")
        genotyped = ids[rows]
        known = self.pedigree.levels(genotyped) >= 0
        if not known.any():
            raise ValueError(
                f"The pedigree has none of the {len(genotyped)} animals with genotypes. Its IDs: "
                f"{some(self.pedigree.ids)}; those of X: {some(genotyped)}."
            )
        if not known.all():
            warn(
                f"The pedigree lacks {(~known).sum()} animals with genotypes "
                f"({some(genotyped[~known])}): no others are imputed from them."
            )
        self.genotyped_ids_ = index_of(genotyped[known])
        self._dosages = dosages[rows[known]]
        self._expected = ExpectedByPedigree(self.pedigree, self.genotyped_ids_)
        weights = self._expected.base_weights()
        self.base_mean_ = np.concatenate(
            [weights @ _filled(columns_of(self._dosages, snps)) for snps in self._batches()]
        )

    def transform(self, X: Table) -> Table:
        """Return X with rows that have no genotypes filled in.

        Parameters
        ----------
        X : DataFrame of shape (n, p), or PackedGenotypes
            As in `fit`. Animals need not have been in it.

        Returns
        -------
        DataFrame of shape (n, p), float32 or float64
            Expected dosages in rows without genotypes, those of `fit` if the animal had some there.
            Other rows have their own, NaN = missing. X itself if every row has genotypes.

        Raises
        ------
        ValueError
            If the pedigree lacks an animal without genotypes.
        """
        check_is_fitted(self)
        table, ids, dosages = self._check(X, reset=False)
        rows = np.flatnonzero(~has_genotypes(dosages))
        if not len(rows):
            return X
        dtype = np.promote_types(dosages.dtype, np.float32)
        imputed = np.empty(table.shape, dtype, order="F")
        for snps, expected in self._expected_dosages(ids[rows], "X, in rows without genotypes,"):
            own = columns_of(dosages, snps)
            imputed[:, snps] = np.where(is_missing(own), np.nan, own)
            imputed[rows, snps] = expected
        return pd.DataFrame(imputed, table.index, table.columns)

    def impute(self, ids: IDs) -> pd.DataFrame:
        """Return the expected genotypes of any animals of the pedigree.

        Parameters
        ----------
        ids : array-like of shape (n,)

        Returns
        -------
        DataFrame of shape (n, p)
            The index is `ids`. Genotyped animals have their genotypes, missing ones at the mean.

        Raises
        ------
        ValueError
            If an ID is not in the pedigree.
        """
        check_is_fitted(self)
        ids = pd.Index(ids)
        imputed = np.empty((len(ids), self.n_features_in_), order="F")
        for snps, expected in self._expected_dosages(ids, "ids"):
            imputed[:, snps] = expected
        return pd.DataFrame(imputed, ids, getattr(self, "feature_names_in_", None))

    def centring_covariate(self, ids: IDs) -> pd.Series:
        """Return the covariate J whose effect corrects the mean of the founders.

        Parameters
        ----------
        ids : array-like of shape (n,)

        Returns
        -------
        Series of shape (n,)
            -1 of genotyped animals; of others, the expectation given -1 of all genotyped ones.

        Raises
        ------
        ValueError
            If an ID is not in the pedigree.
        """
        check_is_fitted(self)
        ids = pd.Index(ids)
        genotyped = np.full((len(self.genotyped_ids_), 1), -1.0)
        return pd.Series(self._expected.of(ids)(genotyped)[:, 0], ids, name="J")

    def imputation_residual(self) -> Relationship:
        """Return the relationships of what imputation misses, of all animals not genotyped.

        Given the genotypes, breeding values deviate from those of the expected genotypes by a
        random effect with covariances (A^nn)^-1.

        Returns
        -------
        Relationship
            Sparse, by its inverse A^nn. Genotyped animals are no levels: set them to missing in
            the column of the random effect. The diagonal of R, its determinant and draws from it
            need the factors of A^nn, which take minutes for 100,000 animals of many families.

        Raises
        ------
        ValueError
            If all animals of the pedigree are genotyped.
        """
        check_is_fitted(self)
        others = np.flatnonzero(~self.pedigree.ids.isin(self.genotyped_ids_))
        if not len(others):
            raise ValueError(
                "All animals of the pedigree are genotyped: imputation misses nothing."
            )
        inverse = self.pedigree.relationship_inverse[others][:, others]
        return Relationship.of_definite_inverse(inverse, self.pedigree.ids[others])

    def _check(self, X: Table, *, reset: bool) -> tuple[Labelled, np.ndarray, Dosages]:
        """Return X as a table, the IDs of its rows as text, and its dosages as stored."""
        X = as_pandas(X)
        if not isinstance(X, pd.DataFrame | PackedGenotypes):
            raise TypeError(
                "X must be a DataFrame or PackedGenotypes whose index holds IDs of animals; got "
                f"{type(X).__name__}."
            )
        if may_count_rows(X.index):
            raise ValueError(
                f"X has no IDs: its index has no name, and its numbers ({some(X.index)}) may only "
                "count rows. Make the IDs the index; if these are the IDs, name it: "
                ".rename_axis('id')."
            )
        codes, texts = coded_ids(X.index, "The index of X")
        if (codes < 0).any():
            raise ValueError(f"The index of X has {(codes < 0).sum()} missing IDs.")
        genotypes = check_genotypes(X, self)
        check_features(self, X, reset=reset)
        return X, texts[codes], stored_dosages(genotypes, np.float64)

    def _expected_dosages(self, ids: Column, argument: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield (slice of SNPs, their expected dosages of animals)."""
        self.pedigree.levels(ids, argument)
        expect = self._expected.of(ids)
        for snps in self._batches():
            deviations = _filled(columns_of(self._dosages, snps)) - self.base_mean_[snps]
            yield snps, expect(deviations) + self.base_mean_[snps]

    def _batches(self) -> Iterator[slice]:
        return gen_batches(self.n_features_in_, SNPS_AT_ONCE)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _one_row_each(rows: np.ndarray, ids: np.ndarray, dosages: Dosages) -> np.ndarray:
    """Return the first of the rows of each animal; they must be alike."""
    codes, _ = pd.factorize(ids[rows])
    first = rows[np.unique(codes, return_index=True)[1]]
    repeated = np.setdiff1d(rows, first)
    if not len(repeated):
        return first
    of_animal = first[codes[np.isin(rows, repeated)]]
    differ = np.zeros(len(repeated), bool)
    for snps in gen_batches(dosages.shape[1], SNPS_AT_ONCE):
        one, other = (_with_gaps(columns_of(dosages, snps)[of]) for of in (repeated, of_animal))
        differ |= (one != other).any(axis=1)
    if differ.any():
        animals = list(dict.fromkeys(ids[repeated[differ]]))
        raise ValueError(
            f"X has {len(animals)} animals with rows of different genotypes ({some(animals)}): "
            "keep one of them in all rows of the animal."
        )
    return first


def _with_gaps(dosages: np.ndarray) -> np.ndarray:
    """Return dosages with -1 where they are missing, to be compared."""
    return np.where(is_missing(dosages), -1, dosages)


def _filled(dosages: np.ndarray) -> np.ndarray:
    """Return dosages (n, m) in double precision, missing ones at the mean of their SNP."""
    missing = is_missing(dosages)
    values = np.where(missing, 0, dosages).astype(np.float64, order="C")  # the same sums for all
    observed = len(values) - missing.sum(axis=0)
    mean = np.where(observed, values.sum(axis=0), np.nan) / np.maximum(observed, 1)
    return np.where(missing, mean, values)
