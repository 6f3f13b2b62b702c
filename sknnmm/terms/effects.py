"""Effects of many predictors on the responses of a layer: their state and their prior."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.model.variables import Variable
from sknnmm.priors import Hyperparameters, Prior

if TYPE_CHECKING:
    from sknnmm.model.network import Layer


@dataclass
class EffectsState:
    """Effects of SNPs or nodes on C responses."""

    effects: np.ndarray  # (m, C), or (m,) of connections; spectral draw: coordinates V'b
    component: np.ndarray | None  # shaped alike, int8, mixture component, -1 = not in the model
    hyper: Hyperparameters | None


def prior_variances(
    prior: Prior, hyper: Hyperparameters, residual_variance: np.ndarray
) -> np.ndarray:
    """Return the prior variances of effects, shaped like hyper.variance, in absolute units."""
    if not prior.relative_to_residual:
        return hyper.variance
    return hyper.variance * hyper.layout.spread(residual_variance)


def residual_terms(prior: Prior, state: EffectsState) -> tuple[np.ndarray, np.ndarray]:
    """Return what effects of a prior in units of the residual variance say of it.

    Degrees of freedom and sums of squares, (C,).
    """
    layout = state.hyper.layout
    squares = np.square(state.effects, dtype=float)
    return layout.sum(state.component >= 0), layout.sum(squares / state.hyper.variance)


def prior_fixes_scale(prior: Prior) -> bool:
    """Return whether a prior holds the scale of the effects."""
    return not prior.relative_to_residual and not prior.estimate_variance


def scale_terms(prior: Prior, hyper: Hyperparameters, column: int) -> tuple[float, float]:
    """Return the `scale_terms` of a Term whose effects have this prior, of one column."""
    if prior.relative_to_residual:
        return 0.0, 0.0
    variance = hyper.variance_of(column)
    of_scale = 0.5 * prior.df * hyper.scale[column] * (1 / variance).sum()
    return 0.5 * prior.df * len(variance), of_scale


def hyperparameter_variables(prior: Prior, layer: "Layer", effects: str, pi: str) -> list[Variable]:
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
            is_diagnosed=True,
        )
        for name in prior.keeps
    ]
    if prior.selects:
        description = f"probability of no effect in {effects}"
        variables.append(Variable(pi, layer.name, description, layer.dims(), is_diagnosed=True))
    return variables


def hyperparameter_values(prior: Prior, state: EffectsState) -> list[np.ndarray]:
    """Return the values of these variables, each (C,)."""
    pi = prior.zero_weight(state.hyper)
    return prior.kept(state.hyper) + ([] if pi is None else [pi])
