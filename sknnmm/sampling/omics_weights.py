"""Effects of the nodes on y: the weights w, with the intercept and covariates integrated out."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from sknnmm.sampling.prepared_draws import prepare
from sknnmm.sampling.snp_sweep import prior_variances
from sknnmm.sampling.sweep_kernels import sweep_block

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
        self._rows = np.flatnonzero(model.y_observed)
        self._row_weight = model.y_weight[self._rows, None]
        self._fixed_effects = fixed_effects
        self._prior = model.weight_prior
        self._multipliers = np.array(model.weight_prior.multipliers, float)
        self._columns = np.array([0, 1])
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
        residual = SummedResidual(self._sums, chain) if self._sums else self._residual(chain)
        for i, block in enumerate(self._complete or self._blocks(chain.activated)):
            first = i * BLOCK
            own = slice(first, first + BLOCK)
            shrunk = (shrinkage * block.in_basis).T
            gram = block.gram - shrunk @ block.in_basis
            of_nodes, in_basis = residual.products(block, own)
            products = of_nodes - shrunk @ in_basis
            before = state.effects[own].copy()
            if len(self._multipliers) > 1:
                self._draw_components(chain, first, gram, products, rng)
            explained = gram @ before + products
            self._draw_jointly(chain, own, gram, explained, rng)
            residual.subtract(block, own, state.effects[own] - before)
        self._prior.update(state.hyper, state.effects, state.component, s2, rng)

    def _residual(self, chain):
        """Return y without nodes and direct part, row by row."""
        target = self._y if chain.direct is None else self._y - chain.direct.fit
        return RowResidual((target - chain.omics_part())[self._rows].astype(float), self._basis)

    def _draw_components(self, chain, first, gram, products, rng):
        """Sweep over the weights of a block given X'residual (b, 1)."""
        state, s2 = chain.weights, chain.residual_variance
        own = slice(first, first + len(products))
        variance = prior_variances(self._prior, state.hyper, s2)
        tables = prepare(
            np.diag(gram)[:, None],
            self._multipliers,
            state.hyper.weights[:, None],
            variance[own] if len(variance) > 1 else variance,
            s2,
            rng,
        )
        sweep_block(
            products,
            gram[None],
            self._columns,
            0,
            state.effects[own],
            state.component[own],
            s2,
            *tables,
            np.empty_like(products),
            rng,
        )

    def _draw_jointly(self, chain, block, gram, products, rng):
        """Draw the nonzero weights of a block given X'(y without the block), (b, 1)."""
        effects, s2 = chain.weights.effects[block], chain.residual_variance[0]
        variance = self.variance_of(chain)[block]
        draw_jointly(gram, products[:, 0], variance, s2, effects, rng)

    def variance_of(self, chain):
        """Return the prior variance of every weight given its mixture component, (K,)."""
        state = chain.weights
        variance = prior_variances(self._prior, state.hyper, chain.residual_variance)
        return variance[:, 0] * self._multipliers[state.component[:, 0]]


@njit(nogil=True, cache=True, error_model="numpy")
def draw_jointly(gram, products, variance, s2, effects, rng):
    """Draw the effects (b, 1) whose prior variance is not zero, given X'(y without the block).

    In one compiled call, for the calls of LAPACK from Python take longer than their arithmetic.
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
