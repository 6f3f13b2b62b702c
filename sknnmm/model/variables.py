"""What a chain draws and users read: every variable described once, where it arises.

The recorder, the posterior, the diagnostics and the fitted attributes read these descriptions.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sknnmm.model.network import Layer, Network


@dataclass(frozen=True)
class Variable:
    """A quantity of the posterior.

    In original units a value is ``unit * value``, plus the mean of the response for a location;
    the unit is a power of that of the response.
    """

    name: str  # of its draws, and with an underscore of the fitted attribute
    layer: str  # whose responses it belongs to
    description: str
    dims: tuple[str, ...] = ()  # of one draw: "snp", "covariate", "row", then of the responses
    power: int = 0  # of the unit of the response
    per_covariate: bool = False  # in units of the response per unit of the covariate
    is_location: bool = False  # moves with the mean of the response
    is_target: bool = False  # chains are judged by it
    is_diagnosed: bool = False  # stands in the table of diagnostics
    is_record_variance: bool = False  # refers to a record of weight 1
    needs_variance: bool = False  # 0 of a response that does not vary
    of_liability: bool = False  # the response is a liability
    every: bool = True  # every draw is kept; else moments, and some draws


def registry(network: "Network") -> dict[str, Variable]:
    """Return the Variables of a network by name: the phenotype's first, then those of its nodes.

    Raises
    ------
    ValueError
        If two have the same name.
    """
    variables: dict[str, Variable] = {}
    for layer in reversed(network.layers):
        for variable in [*layer.variables, *_shares(network, layer)]:
            if variable.name in variables:
                raise ValueError(
                    f"layers {variables[variable.name].layer!r} and {layer.name!r} both have a "
                    f"variable {variable.name!r}: give every layer a prefix, every term of SNPs a "
                    "name of its own."
                )
            if layer.family.residual_variance_is_fixed:
                variable = replace(variable, of_liability=True)
            variables[variable.name] = variable
    return variables


def _shares(network: "Network", layer: "Layer") -> list[Variable]:
    """Return the Variables of the genetic values of a layer."""
    shown = {"is_target": True, "is_diagnosed": True}
    description = "share of the variance that is genetic"
    heritability = f"{layer.prefix}heritability"
    shares = [
        Variable(heritability, layer.name, description, layer.dims(), needs_variance=True, **shown)
    ]
    if network.reading(layer)[0]:
        return shares
    description = "variance of the genetic values of the training rows"
    shares.append(Variable("genetic_variance", layer.name, description, layer.dims(), power=2))
    description = "mean of the genetic values of the training rows"
    shares.append(Variable("genetic_mean", layer.name, description, layer.dims(), power=1))
    description = "genetic values of some training rows, as deviations from the mean of all"
    dims = layer.dims("row")
    shares.append(Variable("genetic_values", layer.name, description, dims, power=1, **shown))
    if any(term.source and term.has_weights for term in layer.terms):
        description = "share of the genetic variance that passes through a node"
        dims = layer.dims("omic")
        shares.append(Variable("mediated_variance", layer.name, description, dims, **shown))
    return shares
