"""Covariates that say nothing, or nothing of their own, in the rows with data."""

import numpy as np

from sknnmm.common.constant import mean_and_sd
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.common.messages import MAX_NAMES_SHOWN, some
from sknnmm.common.user_warnings import warn

DEPENDENT = 1e-9  # share of a column's norm that others leave unexplained if it depends on them


def check_designs(designs, fixed, rows):
    """Raise if covariates leave nothing to learn; warn of columns without effects of their own.

    Parameters
    ----------
    designs : dict
        The design matrix (n, q) of each layer, by its name.
    fixed : dict
        The FixedColumns of each layer.
    rows : dict
        The rows (n,) bool that have a record in the layer.
    """
    warned = set()
    for layer, records in ((PHENOTYPE, "y"), (OMICS, "omics")):
        names, design = fixed[layer].names, designs[layer][rows[layer]]
        if not len(design):
            continue
        constant, dependent = _dependences(design, names)
        rank = 1 + len(names) - len(constant) - len(dependent)
        if names and rank >= len(design):
            raise ValueError(
                f"covariates have {rank - 1} independent columns besides the intercept "
                f"({some(names)}), but there are {len(design)} rows with {records}: nothing is "
                "left to learn from. Leave columns out; effects of a factor with many levels can "
                "be random (sknnmm.effects.Random)."
            )
        constant = [n for n in fixed[layer].single_levels + constant if n not in warned]
        dependent = {name: of for name, of in dependent.items() if name not in warned}
        warned |= {*constant, *dependent}
        if constant:
            warn(
                f"covariates {some(constant)} do not vary in the rows with {records}, so they have "
                "no effect there beside the intercept."
            )
        if dependent:
            examples = [f"{name} of {' and '.join(of)}" for name, of in dependent.items() if of]
            warn(
                f"covariates {some(dependent)} are linear combinations of others in the rows with "
                f"{records} ({some(examples)}). Collinear columns share one effect, which the data "
                "do not split. Predictions are the same as without one of them, but for rows in "
                "which the combination does not hold."
            )


def _dependences(design, names):
    """Return the names of constant columns, and {name: others} of those that depend on others.

    A column depends on the intercept and columns before it; `others` are those of the first few.
    """
    mean, sd = mean_and_sd(design)
    varying = np.flatnonzero(sd > 0)
    standardised = (design[:, varying] - mean[varying]) / sd[varying]
    own = np.zeros(len(varying))  # norm of what those before it leave
    diagonal = np.abs(np.diag(np.linalg.qr(standardised, mode="r")))
    own[: len(diagonal)] = diagonal
    independent = own > DEPENDENT * np.sqrt(len(design))
    dependent = {}
    for column in np.flatnonzero(~independent):
        others = []
        if len(dependent) < MAX_NAMES_SHOWN:
            before = np.flatnonzero(independent[:column])
            target = standardised[:, column]
            weights = np.linalg.lstsq(standardised[:, before], target, rcond=None)[0]
            others = [names[k] for k in varying[before[np.abs(weights) > DEPENDENT]]]
        dependent[names[varying[column]]] = others
    return [names[k] for k in np.flatnonzero(sd == 0)], dependent
