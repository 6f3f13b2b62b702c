"""The terms of `effects`, and which columns of the covariates they name."""

from sknnmm.common.layer_names import OMICS
from sknnmm.common.messages import some
from sknnmm.effects import Fixed, Random


def check_terms(effects, covariates, n_nodes):
    """Return the terms of `effects` and the columns that no term names.

    Parameters
    ----------
    effects : list of Fixed and Random, or None
    covariates : Covariates
    n_nodes : int

    Returns
    -------
    terms : list of Fixed or Random
    plain : list of str

    Raises
    ------
    TypeError, ValueError
        For other objects, bad parameters and columns that covariates lacks.
    """
    if effects is None:
        return [], list(covariates.columns)
    if not isinstance(effects, list | tuple):
        raise TypeError(
            f"effects must be a list of Fixed and Random (sknnmm.effects), but is of type "
            f"{type(effects).__name__}."
        )
    if effects and not covariates.columns:
        raise ValueError(
            "effects has terms, but there are no covariates: pass the table of their columns to "
            "fit (covariates=) or name columns of X (covariate_features)."
        )
    named = set()
    for term in effects:
        if not isinstance(term, Fixed | Random):
            raise TypeError(
                f"effects has an object of type {type(term).__name__}; its elements must be Fixed "
                "or Random (sknnmm.effects)."
            )
        term.check()
        if term.layer == OMICS and not n_nodes:
            raise ValueError(f"{term} has layer='omics', but there are no omics or latent nodes.")
        named |= set(_columns_of(term, covariates))
    return list(effects), [name for name in covariates.columns if name not in named]


def _columns_of(term, covariates):
    """Return the columns that a term names."""
    if isinstance(term, Fixed):
        return use_of(term, covariates).columns
    names = [name for name in (term.column, term.slope) if name is not None]
    for name in names:
        if name not in covariates.columns:
            raise ValueError(
                f"Random({term.column!r}) names {name!r}, which covariates lacks; its columns are "
                f"{some(covariates.columns)}."
            )
    return names


def use_of(term, covariates):
    """Return the FormulaUse of a Fixed term."""
    from sknnmm.inputs.formulas import FormulaUse, read_formula  # formulaic is slow to import

    if term.formula in covariates.columns:
        return FormulaUse([term.formula], [])
    return read_formula(term.formula, list(covariates.columns))
