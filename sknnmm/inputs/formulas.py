"""Formulas of fixed effects: which code they may hold, and their columns.

The library formulaic parses and evaluates them. It evaluates Python expressions, and a fitted model
carries its formulas, so here they are held to arithmetic and to functions of the columns: a file
cannot bring code along. What is learned from the training rows (levels, knots, means) is plain
data, for the same reason.
"""

import ast
import re
import warnings
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec, SimpleFormula
from formulaic.errors import DataMismatchWarning, FormulaicError
from formulaic.parser.types import Factor

from sknnmm.common.messages import some

# Functions of single rows, given what they learn from the training rows.
TRANSFORMS = {
    *("log", "log10", "log2", "exp", "exp10", "exp2", "I"),
    *("bs", "cc", "cr", "cs", "poly", "center", "scale", "standardize"),
}
CODINGS = {"C", "Treatment", "Poly", "Sum", "Helmert", "Diff"}
ALLOWED = (
    *(ast.Expression, ast.Load, ast.Name, ast.Constant, ast.Call, ast.keyword, ast.Attribute),
    *(ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop),
    *(ast.BoolOp, ast.boolop, ast.List, ast.Tuple),
)


def quoted(name):
    """Return a formula that is a single column."""
    return f"`{name}`"


@dataclass(frozen=True)
class FormulaUse:
    """The columns that a formula reads."""

    columns: list[str]
    coded: list[str]  # those that it makes factors of, by C(column)


def read_formula(formula, columns):
    """Return the FormulaUse of the right-hand side of a formula.

    Parameters
    ----------
    formula : str
    columns : sequence of str
        Those of the table.

    Raises
    ------
    ValueError
        If it cannot be parsed, names a column that the table lacks, or holds other code.
    """
    what = f"Fixed({formula!r})"
    try:
        parsed = Formula(formula)
    except (FormulaicError, SyntaxError) as error:
        raise ValueError(f"{what} is no formula: {str(error).splitlines()[0]}") from error
    if not isinstance(parsed, SimpleFormula):
        raise ValueError(f"{what} must be the right-hand side of a formula, without ~ or |.")
    used, coded = [], []
    for factor in (factor for term in parsed for factor in term.factors):
        if factor.eval_method is Factor.EvalMethod.LITERAL:
            continue
        if factor.eval_method is Factor.EvalMethod.LOOKUP:
            used.append(factor.expr)
            continue
        names, in_code = _read_expression(factor.expr, columns, what)
        used += names
        coded += in_code
    unknown = [name for name in used if name not in columns]
    if unknown:
        raise ValueError(
            f"{what} names {some(unknown)}, which covariates lacks; its columns are "
            f"{some(columns)}. Names that are no Python names stand in backticks."
        )
    return FormulaUse(list(dict.fromkeys(used)), list(dict.fromkeys(coded)))


def _read_expression(expression, columns, what):
    """Return the columns in a Python expression, and those that it makes factors of."""
    quotes = {}

    def alias(match):
        return quotes.setdefault(match[1], f"quoted_{len(quotes)}")

    tree = ast.parse(re.sub(r"`([^`]*)`", alias, expression), mode="eval")
    names = {made: name for name, made in quotes.items()}
    functions = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    used, coded = [], []
    for node in ast.walk(tree):
        allowed = isinstance(node, ALLOWED)
        if isinstance(node, ast.Attribute):
            allowed = _is_function(node)
        elif isinstance(node, ast.Call):
            allowed = isinstance(node.func, ast.Name | ast.Attribute)
        elif isinstance(node, ast.keyword):
            allowed = node.arg is not None and not node.arg.startswith("_")
        elif isinstance(node, ast.Name) and node in functions:
            allowed = node.id in TRANSFORMS | CODINGS
        elif isinstance(node, ast.Name) and node.id not in CODINGS | {"np", "contr"}:
            used.append(names.get(node.id, node.id))
        if not allowed:
            raise ValueError(
                f"{what} has {ast.unparse(node)!r}, which formulas may not use: they may use "
                f"columns of covariates (in backticks if they are no Python names), arithmetic, "
                f"NumPy's functions of numbers (np.sqrt), {', '.join(sorted(TRANSFORMS))}, and "
                "C with a coding."
            )
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "C" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Name):
                coded.append(names.get(first.id, first.id))
    return used, coded


def _is_function(node):
    """Return whether a.b is a function of numbers of NumPy, or a coding of factors."""
    if not isinstance(node.value, ast.Name):
        return False
    if node.value.id == "np":
        return isinstance(getattr(np, node.attr, None), np.ufunc)
    return node.value.id == "contr" and not node.attr.startswith("_")


@dataclass(frozen=True)
class FormulaColumns:
    """The columns of a formula, and what they learned from the training rows; plain data."""

    formula: str  # the intercept is its first term
    names: list[str] = field(default_factory=list)  # without the intercept
    transform_state: dict = field(default_factory=dict)
    categories: dict = field(default_factory=dict)  # of the factors, by their expression

    @classmethod
    def learn(cls, formulas, table):
        """Return the columns of all formulas together.

        Parameters
        ----------
        formulas : list of str
            As `read_formula` has checked them.
        table : DataFrame
            The training rows, complete.
        """
        formula = " + ".join(["1", *(f"({part.strip().removeprefix('~')})" for part in formulas)])
        spec = _evaluate(ModelSpec(formula=Formula(formula), **OPTIONS), table).model_spec
        categories = {
            expression: _plain(state["categories"])
            for expression, (_, state) in spec.encoder_state.items()
            if "categories" in state
        }
        names = list(spec.column_names[1:])
        return cls(formula, names, _plain(spec.transform_state), categories)

    def values(self, table):
        """Return the columns (n, q) for complete rows of the same columns."""
        read_formula(self.formula, list(table))  # it may come from a file
        states = {
            expression: (Factor.Kind.CATEGORICAL, {"categories": categories})
            for expression, categories in self.categories.items()
        }
        spec = ModelSpec(
            formula=Formula(self.formula),
            transform_state=deepcopy(self.transform_state),
            encoder_state=states,
            **OPTIONS,
        )
        matrix = _evaluate(spec, table)
        if list(matrix.model_spec.column_names[1:]) != self.names:
            raise RuntimeError(f"the formula {self.formula!r} has other columns than in fit.")
        return np.asarray(matrix, dtype=float)[:, 1:]


OPTIONS = {"output": "numpy", "na_action": "ignore"}  # of ModelSpec: nothing is left out


def _evaluate(spec, table):
    """Return the ModelMatrix, from the columns of the table and formulaic's functions alone."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = spec.get_model_matrix(table, context={})
    except (DataMismatchWarning, FormulaicError, ValueError, TypeError) as error:
        raise ValueError(f"effects: {spec.formula} cannot be evaluated: {error}") from error
    bad = ~np.isfinite(np.asarray(matrix, dtype=float))
    if bad.any():
        names = np.array(matrix.model_spec.column_names)[bad.any(axis=0)]
        rows = table.index[bad.any(axis=1)]
        raise ValueError(
            f"effects: {some(names)} is NaN or infinite in rows {some(rows)}, where covariates "
            "are not."
        )
    return matrix


def _plain(state):
    """Return nested dictionaries and lists with NumPy's numbers as Python's."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, list | tuple | pd.Index):
        return [_plain(value) for value in state]
    if isinstance(state, np.ndarray):
        return state if state.ndim else state.item()
    return state.item() if isinstance(state, np.generic) else state
