"""Effects of the nodes of an earlier layer: their weights, or a network function of all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.activations import BaseActivation
from sknnmm.kernels.weights import draw_weights
from sknnmm.model.variables import Variable
from sknnmm.priors import DenseLayout, Prior
from sknnmm.terms.base import DrawnTerm, Term
from sknnmm.terms.effects import (
    EffectsState,
    hyperparameter_values,
    hyperparameter_variables,
    rescale_all,
    scale_density,
)
from sknnmm.terms.fixed import Fixed

if TYPE_CHECKING:
    from sknnmm.model.network import Layer
    from sknnmm.sampling.missing.base import Cells
    from sknnmm.sampling.residual import SummedResidual, Target
    from sknnmm.sampling.state import LayerState

BLOCK = 128  # nodes whose weights are drawn jointly


@dataclass
class NodesState(EffectsState):
    """Weights (K, C), and the nodes they weigh; of a network function: a weight of 1 each."""

    activated: np.ndarray  # g(z): (n, K), the same array if linear; network function: (n, 1)


@dataclass
class NodeBlock:
    """The activated nodes of one block in double precision, and their sums over informed rows."""

    nodes: np.ndarray  # (rows, b)
    weighted: np.ndarray  # the same, times the weights of the rows
    in_basis: np.ndarray  # (r, b), products with the basis of the fixed effects
    gram: np.ndarray  # (b, b), nodes'weighted


class RowProducts:
    """The response minus all but the fixed effects, in the informed rows.

    Parameters
    ----------
    values : ndarray of shape (rows, C)
        Changed in place.
    basis : ndarray of shape (rows, r)
        Of the fixed effects.
    """

    def __init__(self, values: np.ndarray, basis: np.ndarray) -> None:
        self._values, self._basis = values, basis

    def of_block(self, block: NodeBlock, own: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return products with the nodes of a block (b, C) and with the basis (r, C)."""
        return block.weighted.T @ self._values, self._basis.T @ self._values

    def subtract(self, block: NodeBlock, own: slice, change: np.ndarray) -> None:
        """Subtract changes (b, C) of the weights of a block."""
        self._values -= block.nodes @ change


class SummedProducts:
    """The same in its products with all nodes (K, C) and the basis (r, C), for fixed nodes.

    Parameters
    ----------
    of_nodes : ndarray of shape (K, C)
        Changed in place.
    in_basis : ndarray of shape (r, C)
        Changed in place.
    gram : ndarray of shape (K, K)
        Of the nodes.
    """

    def __init__(self, of_nodes: np.ndarray, in_basis: np.ndarray, gram: np.ndarray) -> None:
        self._of_nodes, self._in_basis, self._gram = of_nodes, in_basis, gram

    def of_block(self, block: NodeBlock, own: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return products with the nodes of a block (b, C) and with the basis (r, C)."""
        return self._of_nodes[own], self._in_basis

    def subtract(self, block: NodeBlock, own: slice, change: np.ndarray) -> None:
        """Subtract changes (b, C) of the weights of a block."""
        self._of_nodes -= self._gram[:, own] @ change
        self._in_basis -= block.in_basis @ change


class FewRowProducts:
    """The same for more nodes than rows: what is subtracted is held row by row."""

    def __init__(self, of_nodes: np.ndarray, in_basis: np.ndarray) -> None:
        self._of_nodes, self._in_basis = of_nodes, in_basis
        self._subtracted: np.ndarray | None = None  # (rows, C)

    def of_block(self, block: NodeBlock, own: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return products with the nodes of a block (b, C) and with the basis (r, C)."""
        of_nodes = self._of_nodes[own]
        if self._subtracted is not None:
            of_nodes = of_nodes - block.weighted.T @ self._subtracted
        return of_nodes, self._in_basis

    def subtract(self, block: NodeBlock, own: slice, change: np.ndarray) -> None:
        """Subtract changes (b, C) of the weights of a block."""
        fit = block.nodes @ change
        self._subtracted = fit if self._subtracted is None else self._subtracted + fit
        self._in_basis -= block.in_basis @ change


class Nodes(DrawnTerm[NodesState]):
    """The nodes of a layer as predictors of a later one, sum_k w_k g(z_k), or f(z).

    Weights are drawn block by block. A sweep over single weights draws their mixture components;
    then all weights of the block that are not zero are drawn jointly, for those of correlated omics
    hold each other in place. The flat fixed effects of the layer are integrated out (their basis
    is projected out of the activations), because g(z) need not have mean zero: given the
    intercept, a sweep would mix slowly. They are to be drawn next.

    Parameters
    ----------
    layer : str
    source : Layer
        Of the nodes.
    activation : BaseActivation
    prior : Prior
    share : float
        Of the variance of a response, expected of all nodes together.
    row_weight : ndarray of shape (n,)
        Of the layer.
    n_responses : int
    fixed : Fixed
        The fixed effects of the layer.
    idle : ndarray of shape (K,), bool, or None
        Nodes that have no weight; None: all have one.
    """

    def __init__(
        self,
        layer: str,
        source: "Layer",
        activation: BaseActivation,
        prior: Prior,
        share: float,
        row_weight: np.ndarray,
        n_responses: int,
        fixed: Fixed,
        idle: np.ndarray | None = None,
    ) -> None:
        super().__init__(f"{source.prefix}weights", layer)
        self.source, self._n_latent = source.name, source.n_latent
        self.reads_latent = source.n_latent > 0
        self._pi, self._dim = f"{source.prefix}pi", source.response_dim
        self._group_dim = f"{source.prefix}group"
        self.activation = activation
        self.prior = prior
        self.values_are_views = not prior.groups
        self.has_weights = not activation.is_network
        self.n_nodes = source.n_responses
        self.n_responses = n_responses
        self._fixed = fixed
        self.idle = idle
        # A slice of all rows is no copy.
        informed = row_weight > 0
        self._rows = slice(None) if informed.all() else np.flatnonzero(informed)
        self._row_weight = row_weight[self._rows, None]
        self._multipliers = np.array(prior.multipliers, float)
        if self.has_weights:
            self.expected_variance = prior.expected_variance(
                share, self._expected_variances(source), self._sums
            )
        ((_, basis, self._back),) = fixed.groups  # all responses have the same rows
        self._basis = basis[self._rows].astype(float)
        self._constant_blocks: list[NodeBlock] | None = None  # where no node is ever drawn
        if not source.is_drawn:
            self._take_constant(activation.value(source.starting_response))

    def _expected_variances(self, source: "Layer") -> np.ndarray:
        """Return the expected variances of the activated nodes, (K,)."""
        zero, one = np.zeros((1, self.n_nodes)), np.ones(self.n_nodes)
        first, second = self.activation.normal_moments(zero, one)
        variances = (second - first**2)[0]
        activated = self.activation.value(np.nan_to_num(source.record))
        for k in range(source.n_recorded):
            variances[k] = activated[source.observed[:, k], k].var()
        return variances

    def _sums(self, per_node: np.ndarray) -> np.ndarray:
        """Return the sum of values (K,) for every response, (C,)."""
        n_recorded = self.n_nodes - self._n_latent
        return np.full(self.n_responses, sum(per_node[:n_recorded], per_node[n_recorded:].sum()))

    def measure(self, state: NodesState, nodes: np.ndarray) -> None:
        """Activate nodes (n, K) that have been exchanged under a chain, as in no fit."""
        if state.activated is not nodes:
            state.activated[:] = self.activation.value(nodes)
        if self.predictors is not None:
            self._take_constant(state.activated)

    def _take_constant(self, activated: np.ndarray) -> None:
        """Take nodes that are never drawn, already activated."""
        self.predictors = activated.astype(float)
        if self.has_weights:
            self._constant_blocks = list(self._blocks(activated))

    def _blocks(self, activated: np.ndarray) -> Iterator[NodeBlock]:
        """Yield the NodeBlocks of all nodes."""
        for first in range(0, activated.shape[1], BLOCK):
            nodes = activated[self._rows, first : first + BLOCK].astype(float)
            weighted = nodes if (self._row_weight == 1).all() else nodes * self._row_weight
            yield NodeBlock(nodes, weighted, self._basis.T @ nodes, nodes.T @ weighted)

    @property
    def informs_residual_variance(self) -> bool:
        """Return whether the prior is in units of the residual variance."""
        return self.has_weights and self.prior.relative_to_residual

    @property
    def fixes_scale(self) -> bool:
        """Return whether the weights, or their prior variances, are held (see Term)."""
        return not self.has_weights or self.prior.fixes_scale

    @property
    def not_subtracted(self) -> tuple[Term, ...]:
        """Return the fixed effects, which are integrated out (see DrawnTerm).

        The nodes are subtracted: what changes of them is put back block by block.
        """
        return (self._fixed,)

    def start(
        self, layer: "Layer", responses: dict[str, np.ndarray], keeps_rows: bool
    ) -> NodesState:
        """Return weights at their ridge solution (see DrawnTerm)."""
        activated = self.activation.value(responses[self.source])
        dtype = layer.dtype
        if not self.has_weights:  # a network function enters the response as it is
            ones = np.ones((1, self.n_responses), dtype)
            return NodesState(ones, None, None, activated)
        weights = self.ridge(activated.astype(float), layer, responses[self.layer])
        hyper = self.prior.start(
            self.expected_variance,
            DenseLayout(*weights.shape),
            layer.family.expected_residual_variance,
        )
        component = np.full(weights.shape, self.prior.starting_component(hyper), np.int8)
        if self.idle is not None:
            component[self.idle] = -1
            weights[self.idle] = 0
        return NodesState(weights.astype(dtype), component, hyper, activated)

    def ridge(self, predictors: np.ndarray, layer: "Layer", response: np.ndarray) -> np.ndarray:
        """Return the ridge solution (k, C) of the responses on the first k nodes, both centred.

        `predictors` (n, k) are these nodes, activated.
        """
        rows = layer.informed
        centred = predictors[rows] - predictors[rows].mean(axis=0)
        variance = self.prior.of_predictors(self.expected_variance)[: centred.shape[1], 0]
        ratio = layer.family.expected_residual_variance / variance
        gram = centred.T @ centred + ratio * np.eye(centred.shape[1])
        return np.linalg.solve(gram, centred.T @ response[rows].astype(float))

    def draw(
        self,
        state: NodesState,
        target: "Target",
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw every weight, then their hyperparameters (see DrawnTerm)."""
        if not self.has_weights:
            return
        prior, s2 = self.prior, residual_variance
        shrinkage = self._fixed.shrinkage(self._basis.shape[1], s2)
        variance = prior.effect_variances(state.hyper, s2)
        mixture = prior.effect_weights(state.hyper)
        residual = target.products()
        for i, block in enumerate(self._constant_blocks or self._blocks(state.activated)):
            own = slice(i * BLOCK, (i + 1) * BLOCK)
            of_nodes, in_basis = residual.of_block(block, own)
            before = state.effects[own].astype(float)
            weights = before.copy()  # in double precision, for which alone it is compiled
            for c in range(self.n_responses):
                shrunk = (_column(shrinkage, c) * block.in_basis).T
                try:
                    draw_weights(
                        block.gram - shrunk @ block.in_basis,
                        of_nodes[:, c] - shrunk @ in_basis[:, c],
                        self._multipliers,
                        mixture[:, own] if mixture.shape[1] > 1 else mixture,
                        variance[own] if len(variance) > 1 else variance,
                        s2[c],
                        weights,
                        state.component[own],
                        c,
                        rng,
                    )
                except np.linalg.LinAlgError as error:
                    raise FloatingPointError(
                        f"{self.name} cannot be drawn: the activated omics have values that are "
                        "not finite, or vary too little for their size."
                    ) from error
            state.effects[own] = weights
            if own.stop < self.n_nodes:  # there is another block to be drawn
                residual.subtract(block, own, state.effects[own] - before)
        prior.update(state.hyper, state.effects, state.component, s2, rng)

    def products_of_rows(self, rows: np.ndarray) -> RowProducts:
        """Return the RowProducts (see DrawnTerm)."""
        return RowProducts(rows[self._rows].astype(float), self._basis)

    def products_of_sums(
        self, sums: "SummedResidual", state: "LayerState"
    ) -> SummedProducts | FewRowProducts:
        """Return the SummedProducts, or FewRowProducts (see DrawnTerm)."""
        inner, gram = sums.inner(state, without=self.not_subtracted), sums.gram(self)
        products = inner[sums.own(self)], self._back.T @ inner[sums.own(self._fixed)]
        return FewRowProducts(*products) if gram is None else SummedProducts(*products, gram)

    def coefficients(self, state: NodesState) -> np.ndarray:
        """Return the weights (see DrawnTerm)."""
        return state.effects

    def contribution(self, state: NodesState) -> np.ndarray:
        """Return the weighted sum of the activated nodes (see Term)."""
        # In thin products of single precision OpenBLAS may flag values it reads beside the arrays
        # and does not use. What is not finite in a chain is found where iterations end.
        with np.errstate(invalid="ignore"):
            return state.activated @ state.effects

    def reactivate(self, state: NodesState, nodes: np.ndarray, cells: "Cells") -> None:
        """Activate drawn cells (see Cells) of nodes (n, K).

        Linear nodes are activated as they are drawn, for both are one array.
        """
        if self.activation.by_rows:
            rows = np.unique(cells.rows)
            state.activated[rows] = self.activation.value(nodes[rows])
        elif state.activated is not nodes:
            np.put(state.activated, cells.flat, self.activation.value(cells.of(nodes)))

    def reactivate_node(self, state: NodesState, nodes: np.ndarray, k: int) -> None:
        """Activate one of the nodes (n, K) in all rows."""
        if self.activation.is_network:
            state.activated[:] = self.activation.value(nodes)
        elif self.activation.by_rows:
            state.activated[:, k] = self.activation.value(nodes)[:, k]
        elif state.activated is not nodes:
            state.activated[:, k] = self.activation.value(nodes[:, k])

    def rescale(self, state: NodesState, response: int, factor: float) -> None:
        """Multiply the weights on one response and their SDs (see Term)."""
        state.effects[:, response] *= factor
        self.prior.rescale_column(state.hyper, response, factor)

    def scale_terms(self, state: NodesState, response: int) -> tuple[float, float]:
        """Return what the prior of the variances says of their scale (see Term)."""
        return self.prior.scale_terms(state.hyper, response)

    def scale_density(
        self, state: NodesState, residual_variance: np.ndarray
    ) -> tuple[float, float, float]:
        """Return that of the weights (see Term)."""
        return scale_density(self.prior, state, residual_variance)

    def multiply(self, state: NodesState, factor: float) -> None:
        """Multiply the weights (see Term)."""
        rescale_all(self.prior, state, factor)

    def variance_of(self, state: NodesState, residual_variance: np.ndarray) -> np.ndarray:
        """Return the prior variance of every weight given its mixture component, (K, C)."""
        variance = self.prior.effect_variances(state.hyper, residual_variance)
        return variance * self._multipliers[state.component]

    def prior_terms(self, state: NodesState) -> tuple[np.ndarray, np.ndarray]:
        """Return what the weights say of the residual variance (see Term)."""
        return self.prior.residual_terms(state.hyper, state.effects, state.component)

    def variables(self, layer: "Layer") -> list[Variable]:
        """Return the weights and their hyperparameters; none of a network function (see Term)."""
        if not self.has_weights:
            return []
        weights = Variable(
            self.name,
            layer.name,
            "weights of the activated nodes",
            layer.dims(self._dim),
            power=1,
            is_target=True,
            is_diagnosed=True,
        )
        hyper = hyperparameter_variables(self.prior, layer, self.name, self._pi, self._group_dim)
        return [*hyper, weights]

    def values(self, state: NodesState) -> list[np.ndarray]:
        """Return the hyperparameters and the weights (see Term)."""
        if not self.has_weights:
            return []
        return [*hyperparameter_values(self.prior, state), state.effects]


def _column(per_response: np.ndarray | int, c: int) -> np.ndarray | int:
    """Return one column of an array (r, C), as (r, 1); a number stands for all."""
    return per_response if isinstance(per_response, int) else per_response[:, [c]]
