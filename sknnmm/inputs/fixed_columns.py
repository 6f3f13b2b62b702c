"""Fixed effects: from covariates to the design matrix of a layer, in fit and for new rows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.common.messages import some
from sknnmm.effects import Fixed
from sknnmm.inputs.covariate_terms import use_of
from sknnmm.inputs.covariates import label_text


@dataclass(frozen=True)
class FixedColumns:
    """The design matrix of a layer without its intercept, q columns: plain data, for files.

    Columns that no term names come as they are (numbers) or in treatment coding (factors); then
    come the formulas.
    """

    plain: list[str]  # columns of covariates that no term names
    factors: dict[str, list]  # levels of the columns that are factors, in their order
    formula_columns: list[str]  # columns of covariates that formulas read
    formula: Any = None  # FormulaColumns, or None
    names: list[str] = field(default_factory=list)  # (q,)

    @property
    def reads(self):
        """Return the columns of covariates that it reads."""
        return [*self.plain, *self.formula_columns]

    @property
    def single_levels(self):
        """Return the factors with one level, which have no column."""
        return [name for name, levels in self.factors.items() if len(levels) == 1]

    def values(self, covariates, n_samples):
        """Return the design (n, q), NaN where a value is missing or a level is another one."""
        values = np.empty((n_samples, len(self.names)))  # in C order: sums are always the same
        column = 0
        for name in self.plain:
            if name not in self.factors:
                values[:, column] = covariates.columns[name]
                column += 1
                continue
            levels = self.factors[name]
            codes = level_codes(covariates.columns[name], levels)[:, None]
            dummies = np.where(codes < 0, np.nan, codes == np.arange(1, len(levels)))
            values[:, column : column + len(levels) - 1] = dummies
            column += len(levels) - 1
        if self.formula is not None:
            table, complete = self.formula_table(covariates, np.ones(n_samples, bool))
            values[:, column:] = np.nan
            if len(table):
                values[complete, column:] = self.formula.values(table)
        return values

    def formula_table(self, covariates, rows):
        """Return the columns that formulas read and which of some rows (n,) bool are complete.

        The table has complete rows only; where a level is not known, a row is not.
        """
        table = pd.DataFrame(index=range(len(rows)))
        for name in self.formula_columns:
            table[name] = values = covariates.columns[name]
            if name in self.factors:
                codes = level_codes(values, self.factors[name])
                known = pd.Categorical.from_codes(codes, self.factors[name])
                table[name] = known if covariates.is_factor(name) else values.where(codes >= 0)
        complete = rows & table.notna().all(axis=1).to_numpy()
        whole = {
            name: np.int64  # so that levels are not called 1.0
            for name, levels in self.factors.items()
            if name in table and all(isinstance(level, int) for level in levels)
        }
        return table[complete].astype(whole), complete

    def refuse_unseen(self, covariates):
        """Raise, naming columns, levels and rows, if factors have levels that are not known."""
        for name in self.reads:
            if name in self.factors:
                values = covariates.columns[name]
                unseen = (level_codes(values, self.factors[name]) < 0) & values.notna().to_numpy()
                if unseen.any():
                    levels = dict.fromkeys(map(label_text, values[unseen]))
                    raise ValueError(
                        f"covariates column {name!r} has levels without data in fit: "
                        f"{some(levels)} (rows {some(np.flatnonzero(unseen))}); in fit it had "
                        f"{some(self.factors[name])}. Their fixed effects are not known. Effects "
                        f"of factors with new levels can be random: Random({name!r})."
                    )


def level_codes(values, levels):
    """Return positions (n,) in `levels`, -1 where missing or another."""
    return pd.Index(levels).get_indexer(pd.Index(values))


def check_fixed(terms, plain, covariates, observed):
    """Return the FixedColumns and the design matrix of each layer, by its name.

    Parameters
    ----------
    terms : list of Fixed or Random
    plain : list of str
        The columns that no term names.
    covariates : Covariates
    observed : ndarray of shape (n,), bool
        Rows with y. In others values may be missing.
    """
    read = [*plain, *(name for term in _fixed(terms) for name in use_of(term, covariates).columns)]
    covariates.refuse_missing(read, observed, " where y is observed")
    fixed = {
        layer: _learn(layer, terms, plain, covariates, rows)
        for layer, rows in ((PHENOTYPE, observed), (OMICS, np.ones_like(observed)))
    }
    return fixed, {
        layer: columns.values(covariates, len(observed)) for layer, columns in fixed.items()
    }


def _learn(layer, terms, plain, covariates, rows):
    """Return the FixedColumns of a layer.

    Levels are those of some rows (n,) bool, which splines and the like learn their knots from.
    """
    fixed = [term for term in _fixed(terms) if term.layer in ("both", layer)]
    uses = [use_of(term, covariates) for term in fixed]
    read = list(dict.fromkeys(name for use in uses for name in use.columns))
    coded = {name for use in uses for name in use.coded}
    factors = {
        name: _levels(covariates.columns[name], rows)
        for name in [*plain, *read]
        if covariates.is_factor(name) or name in coded
    }
    names = [column for name in plain for column in _names(name, factors)]
    formula = None
    if fixed:
        from sknnmm.inputs.formulas import FormulaColumns, quoted

        table, _ = FixedColumns([], factors, read).formula_table(covariates, rows)
        formulas = [
            quoted(term.formula) if term.formula in covariates.columns else term.formula
            for term in fixed
        ]
        formula = FormulaColumns.learn(formulas, table)
        names += formula.names
    return FixedColumns(plain, factors, read, formula, names)


def _fixed(terms):
    return [term for term in terms if isinstance(term, Fixed) and term.layer is not None]


def _levels(values, rows):
    """Return the levels that occur in rows, in their order."""
    values = values[rows].dropna()
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.remove_unused_categories().cat.categories)
    return [int(v) if v.is_integer() else v for v in np.unique(values).tolist()]


def _names(name, factors):
    """Return the names of the columns of a column that no term names."""
    return [f"{name}[T.{level}]" for level in factors[name][1:]] if name in factors else [name]
