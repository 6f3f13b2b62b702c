"""Effects of the nodes on y: the weights w, with the intercept and covariates integrated out."""

import numpy as np

from sknnmm.sampling.snp_sweep import prior_variances
from sknnmm.sampling.sweep_kernels import sweep_block

BLOCK = 128  # nodes whose Gram matrix is formed at a time


class WeightsSweep:
    """Gibbs sweep over the weights given the activated nodes.

    The flat fixed effects of y are integrated out (their basis is projected out of the
    activations), because g(z) need not have mean zero: given the intercept, a sweep would crawl.

    Parameters
    ----------
    model : NetworkModel
    fixed_effects : FixedEffects
        Of the phenotype layer.
    """

    def __init__(self, model, fixed_effects):
        self._y = model.y_column
        self._rows = model.y_observed.astype(model.dtype)[:, None]
        self._fixed_effects = fixed_effects
        self._prior = model.weight_prior
        self._multipliers = np.array(model.weight_prior.multipliers, float)[:, None]
        self._columns = np.array([0, 1])

    def draw(self, chain, rng):
        """Draw every weight once, then their hyperparameters."""
        state = chain.weights
        variance = prior_variances(self._prior, state.hyper, chain.residual_variance)
        ((_, basis, _),) = self._fixed_effects.groups
        shrinkage = self._fixed_effects.shrinkage(basis.shape[1], chain.residual_variance)
        target = self._y if chain.direct is None else self._y - chain.direct.fit
        residual = (target - chain.omics_part()) * self._rows
        for first in range(0, len(state.effects), BLOCK):
            nodes = chain.activated[:, first : first + BLOCK] * self._rows
            in_basis = basis.T @ nodes
            gram = (nodes.T @ nodes - in_basis.T @ (shrinkage * in_basis)).astype(nodes.dtype)
            products = nodes.T @ residual - in_basis.T @ (shrinkage * (basis.T @ residual))
            products = products.astype(nodes.dtype)
            change = np.empty_like(products)
            n_changed = sweep_block(
                products,
                gram[None],
                self._columns,
                first,
                state.effects,
                state.component,
                self._multipliers,
                state.hyper.weights,
                variance,
                chain.residual_variance,
                rng.standard_normal(change.shape),
                rng.random(change.shape),
                change,
            )
            if n_changed:
                residual -= nodes @ change
        s2 = chain.residual_variance
        self._prior.update(state.hyper, state.effects, state.component, s2, rng)
