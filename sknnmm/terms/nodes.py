"""Effects of the nodes on y: the weights w, with the intercept and covariates integrated out."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.sampling.kernels.draws import pick
from sknnmm.sampling.snp.blocked import prior_variances

BLOCK = 128  # nodes whose weights are drawn jointly


@dataclass
class NodeBlock:
    """The activated nodes of one block in double precision, and their sums over rows with y."""

    nodes: np.ndarray  # (rows, b)
    weighted: np.ndarray  # the same, times the weights of the rows
    in_basis: np.ndarray  # (r, b), products with the basis of the fixed effects
    gram: np.ndarray  # (b, b), nodes'weighted


class RowResidual:
    """y without all nodes and the direct part, in the rows that have y.

    Parameters
    ----------
    values : ndarray of shape (rows, 1)
    basis : ndarray of shape (rows, r)
        Of the fixed effects.
    """

    def __init__(self, values, basis):
        self._values, self._basis = values, basis

    def products(self, block, own):
        """Return products of the residuals with nodes of a block (b, 1) and the basis (r, 1)."""
        return block.weighted.T @ self._values, self._basis.T @ self._values

    def subtract(self, block, own, change):
        """Take changes (b, 1) of the weights of a block off."""
        self._values -= block.nodes @ change


class SummedResidual:
    """The same in its products with all nodes and the basis, for complete omics.

    Parameters
    ----------
    sums : CompletePhenotype
    chain : ChainState
    """

    def __init__(self, sums, chain):
        self._sums = sums
        self._of_nodes, self._in_basis = sums.nodes_products(chain)

    def products(self, block, own):
        """Return products of the residuals with nodes of a block (b, 1) and the basis (r, 1)."""
        return self._of_nodes[own], self._in_basis

    def subtract(self, block, own, change):
        """Take changes (b, 1) of the weights of a block off."""
        self._of_nodes -= self._sums.nodes_squares[:, own] @ change
        self._in_basis -= self._sums.basis_nodes[:, own] @ change


class WeightsSweep:
    """Gibbs draws of the weights given the activated nodes, block by block.

    A sweep over single weights draws their mixture components; then all weights of the block that
    are not zero are drawn jointly, for those of correlated omics hold each other in place. The
    flat fixed effects of y are integrated out (their basis is projected out of the activations),
    because g(z) need not have mean zero: given the intercept, a sweep would crawl.

    Parameters
    ----------
    model : NetworkModel
    fixed_effects : FixedEffects
        Of the phenotype layer.
    sums : CompletePhenotype or None
        What stands in for the rows.
    """

    def __init__(self, model, fixed_effects, sums=None):
        self._sums = sums
        self._y = model.y_column
        # A slice of all rows is no copy.
        all_rows = model.y_observed.all()
        self._rows = slice(None) if all_rows else np.flatnonzero(model.y_observed)
        self._row_weight = model.y_weight[self._rows, None]
        self._fixed_effects = fixed_effects
        self._prior = model.weight_prior
        self._multipliers = np.array(model.weight_prior.multipliers, float)
        ((_, basis, _),) = fixed_effects.groups
        self._basis = basis[self._rows].astype(float)
        self._complete = None  # the blocks, where no node is ever drawn
        if model.omics_complete:
            self.measure(model.activation.value(model.omics_as_read))

    def measure(self, activated):
        """Take complete nodes (n, K), already activated."""
        self._complete = list(self._blocks(activated))

    def _blocks(self, activated):
        """Yield the NodeBlocks of all nodes."""
        for first in range(0, activated.shape[1], BLOCK):
            nodes = activated[self._rows, first : first + BLOCK].astype(float)
            weighted = nodes if (self._row_weight == 1).all() else nodes * self._row_weight
            yield NodeBlock(nodes, weighted, self._basis.T @ nodes, nodes.T @ weighted)

    def draw(self, chain, rng):
        """Draw every weight, then their hyperparameters."""
        state, s2 = chain.weights, chain.residual_variance
        shrinkage = self._fixed_effects.shrinkage(self._basis.shape[1], s2)
        variance = prior_variances(self._prior, state.hyper, s2)
        residual = SummedResidual(self._sums, chain) if self._sums else self._residual(chain)
        for i, block in enumerate(self._complete or self._blocks(chain.activated)):
            first = i * BLOCK
            own = slice(first, first + BLOCK)
            shrunk = (shrinkage * block.in_basis).T
            gram = block.gram - shrunk @ block.in_basis
            of_nodes, in_basis = residual.products(block, own)
            products = of_nodes - shrunk @ in_basis
            before = state.effects[own].copy()
            try:
                draw_weights(
                    gram,
                    products[:, 0],
                    self._multipliers,
                    state.hyper.weights[:, 0],
                    variance[own] if len(variance) > 1 else variance,
                    s2[0],
                    state.effects[own],
                    state.component[own],
                    rng,
                )
            except np.linalg.LinAlgError as error:
                raise FloatingPointError(
                    "omics_weights cannot be drawn: the activated omics have values that are not "
                    "finite, or vary too little for their size."
                ) from error
            residual.subtract(block, own, state.effects[own] - before)
        self._prior.update(state.hyper, state.effects, state.component, s2, rng)

    def _residual(self, chain):
        """Return y without nodes and direct part, row by row."""
        target = self._y if chain.direct is None else self._y - chain.direct.fit
        return RowResidual((target - chain.omics_part())[self._rows].astype(float), self._basis)

    def variance_of(self, chain):
        """Return the prior variance of every weight given its mixture component, (K,)."""
        state = chain.weights
        variance = prior_variances(self._prior, state.hyper, chain.residual_variance)
        return variance[:, 0] * self._multipliers[state.component[:, 0]]


@njit(nogil=True, cache=True, error_model="numpy")
def draw_weights(
    gram, products, multipliers, mixture, variance, s2, effects, component, rng
):  # fmt: skip
    """Draw the weights of a block: mixture components one by one, nonzero weights jointly.

    In one compiled call, for calls from Python would take longer than their arithmetic.

    Parameters
    ----------
    gram : (b, b), X'WX; products : (b,), X'W residual
    multipliers, mixture : (M,), of the mixture, and the weights of its components
    variance : (b, 1) or (1, 1), prior variances
    s2 : residual variance
    effects, component : (b, 1), updated in place; component -1: not in the model, effect 0
    """
    n = products.size
    left = products.copy()
    if multipliers.size > 1:
        sweep_weights(gram, left, multipliers, mixture, variance, s2, effects, component, rng)
    of_weight = np.empty(n)
    for j in range(n):
        if component[j, 0] < 0:  # not in the model
            of_weight[j] = 0
        else:
            of_weight[j] = multipliers[component[j, 0]] * variance[min(j, len(variance) - 1), 0]
        for i in range(n):  # all are drawn anew: none is part of what explains y
            left[i] += gram[i, j] * effects[j, 0]
    draw_jointly(gram, left, of_weight, s2, effects, rng)


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_weights(gram, left, multipliers, mixture, variance, s2, effects, component, rng):
    """Draw the weights of a block one by one, given X'W residual `left`; see `draw_weights`."""
    for j in range(left.size):
        if component[j, 0] < 0:
            continue
        old = effects[j, 0]
        v, xr = variance[min(j, len(variance) - 1), 0], left[j] + gram[j, j] * old
        component[j, 0], effects[j, 0] = draw_weight(
            gram[j, j], xr, s2, v, multipliers, mixture, rng
        )
        change = effects[j, 0] - old
        if change != 0:
            for i in range(left.size):
                left[i] -= change * gram[i, j]


@njit(nogil=True, cache=True, error_model="numpy")
def draw_weight(xx, xr, s2, variance, multipliers, mixture, rng):
    """Return mixture component and value of one weight given x'W(residual without it)."""
    score, shrinkage = np.zeros((multipliers.size, 1, 1)), np.zeros((multipliers.size, 1, 1))
    for m in range(multipliers.size):
        # What `prepare` makes for many effects: the score holds a Gumbel variate.
        score[m] = np.log(mixture[m]) - np.log(rng.standard_exponential())
        if multipliers[m] > 0:
            ratio = s2 / (multipliers[m] * variance)
            shrinkage[m] = 1 / (xx + ratio)
            score[m] += 0.5 * np.log(ratio * shrinkage[m, 0, 0])
    return pick(xr, s2, 0.5 / s2, score, shrinkage, 0, 0, rng)


@njit(nogil=True, cache=True, error_model="numpy")
def draw_jointly(gram, products, variance, s2, effects, rng):
    """Draw the effects (b, 1) whose prior variance is not zero, given X'(y without the block).

    The posterior precision is LL' / s2; with z standard normal, L'b = L^-1 products + sqrt(s2) z.
    """
    nonzero = np.flatnonzero(variance)
    if nonzero.size == 0:
        return
    precision = np.empty((nonzero.size, nonzero.size))
    for i in range(nonzero.size):
        for j in range(nonzero.size):
            precision[i, j] = gram[nonzero[i], nonzero[j]]
        precision[i, i] += s2 / variance[nonzero[i]]
    root = np.linalg.cholesky(precision)
    drawn = np.empty(nonzero.size)
    for i in range(nonzero.size):
        drawn[i] = (products[nonzero[i]] - np.dot(root[i, :i], drawn[:i])) / root[i, i]
    for i in range(nonzero.size):
        drawn[i] += np.sqrt(s2) * rng.standard_normal()
    for i in range(nonzero.size - 1, -1, -1):
        for j in range(i + 1, nonzero.size):
            drawn[i] -= root[j, i] * drawn[j]
        drawn[i] /= root[i, i]
        effects[nonzero[i], 0] = drawn[i]
