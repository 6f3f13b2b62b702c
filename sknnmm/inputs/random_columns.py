"""Random effects: the levels and slopes of the rows, as the sampler's term needs them.

`FitInputs.random` holds one tuple of `RandomColumn` for each layer, in the order of `effects`.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknnmm.common.ids import EXACT, MISSING, coded_ids
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.common.messages import some
from sknnmm.effects import Random
from sknnmm.inputs.covariates import labels
from sknnmm.inputs.tables import as_doubles, kind_of

#: Names of other parts of the model, or of variables: `name`_variance and `name`_effects.
RESERVED = {
    *("SNPs", "omics", "residual", "genetic", "mediated", "group", "fixed", "covariate"),
    *("direct", "direct_effects", "snp", "snp_effects"),
}


@dataclass(frozen=True)
class RandomLevels:
    """What the levels of new rows are compared with."""

    name: str  # of the term
    column: str
    slope: str | None  # the column with the slopes
    levels: np.ndarray  # labels
    are_ids: bool  # of a relationship: compared as text

    def of(self, covariates):
        """Return the level (n,) of new rows and their slopes (n,).

        A level is -1 if it is missing; those that are new count down from -2.
        """
        values = covariates.raw(self.column)
        what = f"covariates column {self.column!r}"
        if self.are_ids:
            present, seen = coded_ids(values, what)
        else:
            present, seen = pd.factorize(comparable(values, what))
        found = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(seen, dtype=object))
        if len(seen) and (found < 0).all():
            self._refuse_other_types(seen, what)
        found = np.where(found < 0, MISSING - 1 - np.arange(len(seen)), found)
        codes = np.append(found, MISSING)[present]
        if self.slope is None:
            return codes, np.ones(len(codes))
        covariates.refuse_missing([self.slope], codes != MISSING)
        return codes, np.nan_to_num(covariates.columns[self.slope].to_numpy())

    def _refuse_other_types(self, seen, what):
        """Raise if the levels of fit were text, and these are not, or the reverse."""
        were_text, are_text = (
            {isinstance(label, str) for label in some_levels} for some_levels in (self.levels, seen)
        )
        if not were_text & are_text:
            raise ValueError(
                f"{what} has no level of the fit: there they were {some(map(repr, self.levels))}, "
                f"now they are {some(map(repr, seen))}. Give them the same type."
            )


@dataclass(frozen=True)
class RandomColumn:
    """One term of random effects in one layer, for the n rows passed to fit."""

    name: str  # of the term, unique in its layer
    codes: np.ndarray  # (n,) int: the level of each row, -1 = missing
    levels: np.ndarray  # (n_levels,) labels; with a relationship its ids, also those of no row
    slope: np.ndarray | None  # (n,) float, on its original scale, 0 where missing; None: no slope
    term: Random  # prior, relationship and the names of its columns

    @property
    def compared(self):
        """Return the arrays by which two of them are told apart."""
        arrays, relationship = [self.codes], self.term.relationship
        if self.slope is not None:
            arrays.append(self.slope)
        if relationship is None:
            return arrays
        if relationship.eigen is None:
            inverse = relationship.relationship_inverse
            return [*arrays, inverse.data, inverse.indices, inverse.indptr]
        return [*arrays, *relationship.eigen]

    @property
    def fitted(self):
        """Return the RandomLevels."""
        term = self.term
        are_ids = term.relationship is not None
        return RandomLevels(self.name, term.column, term.slope, self.levels, are_ids)


def check_random(terms, covariates, needed):
    """Return {layer: tuple of RandomColumn}.

    Parameters
    ----------
    terms : list of Fixed or Random
        Checked.
    covariates : Covariates
    needed : ndarray of shape (n,), bool
        Rows in which slopes must not be missing.

    Raises
    ------
    ValueError
        For two terms of one name, levels that their relationship does not have, slopes that are no
        numbers or missing.
    """
    terms = [term for term in terms if isinstance(term, Random) and term.layer is not None]
    names = [term.name or term.column for term in terms]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"effects has several Random terms called {some(repeated)}: give each a `name`."
        )
    if reserved := sorted({n for n in names if n in RESERVED or n.startswith("omics_")}):
        raise ValueError(
            f"effects has a Random term called {some(reserved)}, which is the name of another part "
            "of the model (as all that begin with omics_): give it another `name`."
        )
    columns = [_column(term, covariates, needed) for term in terms]
    return {
        layer: tuple(column for column in columns if column.term.layer in ("both", layer))
        for layer in (OMICS, PHENOTYPE)
    }


def _column(term, covariates, needed):
    codes, levels = _codes(term, covariates.raw(term.column))
    slope = None
    if term.slope is not None:
        if covariates.is_factor(term.slope):
            raise ValueError(
                f"covariates column {term.slope!r} is the slope of Random({term.column!r}), but "
                "has labels: it must be numeric."
            )
        covariates.refuse_missing([term.slope], needed & (codes >= 0), " where y is observed")
        slope = np.nan_to_num(covariates.columns[term.slope].to_numpy())
    informs = needed & (codes >= 0) & (True if slope is None else slope != 0)
    if term.layer != OMICS and not informs.any():
        warnings.warn(
            f"No record of y has a level of Random({term.column!r})"
            f"{'' if slope is None else ' and a slope other than 0'}: the data say nothing about "
            "its effects on y.",
            stacklevel=2,
        )
    return RandomColumn(term.name or term.column, codes, levels, slope, term)


def _codes(term, column):
    """Return the level of each row, and all levels."""
    if term.relationship is None:
        column = comparable(column, f"covariates column {term.column!r}")
        codes, levels = pd.factorize(column, sort=True)
        if not len(levels):
            raise ValueError(f"covariates column {term.column!r} has missing values only.")
        return codes, np.asarray(levels, dtype=object)
    what = f"covariates column {term.column!r}"
    ids = np.asarray(term.relationship.ids, dtype=object)
    return term.relationship.levels(column, what), ids


def comparable(column, what):
    """Return the values of a column, (n,) of objects, in which equal levels are equal.

    Whole numbers are integers, whatever their type; missing values are NaN.
    """
    if isinstance(getattr(column, "dtype", None), pd.CategoricalDtype):
        column = _categories(column)
    kind = kind_of(column)
    if kind == "floating":
        numbers = as_doubles(column, what)
        if (np.abs(numbers) > EXACT).any():
            raise ValueError(
                f"{what} has floating numbers beyond 2^53, of which digits are lost: give its "
                "levels as whole numbers or text."
            )
        return np.array([_number(value) for value in numbers], dtype=object)
    if kind == "integer":
        missing = np.asarray(pd.isna(column))
        values = [np.nan if gap else int(v) for v, gap in zip(column, missing, strict=True)]
        return np.array(values, dtype=object)
    values = np.asarray(column, dtype=object)
    return np.where(pd.isna(values), np.nan, values)


def _categories(column):
    """Return a Categorical as numbers, or as text."""
    if pd.api.types.is_numeric_dtype(column.dtype.categories):
        return pd.Series(np.asarray(column))
    return pd.Series(np.asarray(labels(column), dtype=object))


def _number(value):
    return int(value) if value.is_integer() else float(value)
