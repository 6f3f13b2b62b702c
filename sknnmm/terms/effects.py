"""Effects of many predictors on the responses of a layer: their state and their prior."""

from dataclasses import dataclass

import numpy as np

from sknnmm.model.variables import Variable
from sknnmm.priors import Hyperparameters


@dataclass
class EffectsState:
    """Effects of SNPs or nodes on C responses."""

    effects: np.ndarray  # (m, C), or (m,) of connections; spectral draw: coordinates V'b
    component: np.ndarray | None  # shaped alike, int8, mixture component, -1 = not in the model
    hyper: Hyperparameters | None


def prior_variances(prior, hyper, residual_variance):
    """Return the prior variances of effects, shaped like hyper.variance, in absolute units."""
    if not prior.relative_to_residual:
        return hyper.variance
    return hyper.variance * hyper.layout.spread(residual_variance)


def residual_terms(prior, state):
    """Return what effects of a prior in units of the residual variance say of it.

    Degrees of freedom and sums of squares, (C,).
    """
    layout = state.hyper.layout
    squares = np.square(state.effects, dtype=float)
    return layout.sum(state.component >= 0), layout.sum(squares / state.hyper.variance)


def hyperparameter_variables(prior, layer, effects, pi):
    """Return the Variables of a prior: those it keeps, and pi.

    Parameters
    ----------
    prior : Prior
    layer : Layer
    effects, pi : str
        Names of the effects and of their probability of no effect.
    """
    variables = [
        Variable(
            f"{effects}_{name}",
            layer.name,
            f"{name.replace('_', ' ')} in the prior of {effects}, on the standardised scale",
            layer.dims(),
            is_target=name == "variance",
            is_diagnosed=True,
        )
        for name in prior.keeps
    ]
    if prior.selects:
        description = f"probability of no effect in {effects}"
        shown = {"is_target": True, "is_diagnosed": True}
        variables.append(Variable(pi, layer.name, description, layer.dims(), **shown))
    return variables


def hyperparameter_values(prior, state):
    """Return the values of these variables, each (C,)."""
    pi = prior.zero_weight(state.hyper)
    return prior.kept(state.hyper) + ([] if pi is None else [pi])
