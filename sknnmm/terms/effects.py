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


def scale_density(
    prior: Prior, state: EffectsState, residual_variance: np.ndarray
) -> tuple[float, float, float]:
    """Return the `scale_density` of a Term that consists of effects on one response."""
    of_prior = prior.density_of_scale(state.hyper)
    if of_prior is not None:
        a, b, c = (float(part[0]) for part in of_prior)
        return a, b, c
    multiplier = np.array(prior.multipliers)[state.component]
    variance = prior.effect_variances(state.hyper, residual_variance) * multiplier
    nonzero = state.effects != 0
    squares = np.square(state.effects[nonzero], dtype=float)
    return float(nonzero.sum()), 0.5 * float((squares / variance[nonzero]).sum()), 0.0


def rescale_all(prior: Prior, state: EffectsState, factor: float) -> None:
    """Multiply effects, and what of the prior moves with them, in place."""
    state.effects *= factor
    if prior.density_of_scale(state.hyper) is not None:
        prior.rescale(state.hyper, np.array([factor]))


def hyperparameter_variables(
    prior: Prior, layer: "Layer", effects: str, pi: str, group_dim: str
) -> list[Variable]:
    """Return the Variables of a prior: those it keeps, and pi.

    Parameters
    ----------
    prior : Prior
    layer : Layer
    effects, pi : str
        Names of the effects and of their probability of no effect.
    group_dim : str
        What groups of these effects are called; there is a value for each, if there are any.
    """
    dims = layer.dims(group_dim) if prior.groups else layer.dims()
    variables = [
        Variable(
            f"{effects}_{name}",
            layer.name,
            f"{name.replace('_', ' ')} in the prior of {effects}, on the standardised scale",
            dims,
            is_diagnosed=True,
        )
        for name in prior.keeps
    ]
    if prior.selects:
        description = f"probability of no effect in {effects}"
        variables.append(Variable(pi, layer.name, description, dims, is_diagnosed=True))
    return variables


def hyperparameter_values(prior: Prior, state: EffectsState) -> list[np.ndarray]:
    """Return the values of these variables, each (C,), or (groups, C)."""
    pi = prior.zero_weight(state.hyper)
    return prior.kept(state.hyper) + ([] if pi is None else [pi])
