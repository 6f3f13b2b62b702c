"""Sums over rows that stand in for the rows themselves where no omic is missing.

While omics do not change, an update of SNP effects needs X'target only, and the intercepts and
residual variances of the nodes need no more than sums of squares and products: the cost of an
iteration does not depend on the number of individuals.
"""

import numpy as np


class CompleteOmics:
    """The first layer given complete omics.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath
    update : CrossProductSweep or SpectralDraw
        Says in which coordinates it wants X'target.
    """

    def __init__(self, model, path, update):
        self._rows = model.informative
        self._fixed = path.fixed
        self._columns = update.columns(path)
        self._update = update
        design = np.column_stack([np.ones(model.n_samples), model.covariates])
        self._design = design * self._rows[:, None]
        self._design_squares = self._design.T @ design
        self._snps_design = update.table(self._design)
        self._snps_basis = [update.table(basis) for _, basis, _ in path.fixed.groups]
        self.measure(model.omics_as_read)

    def measure(self, omics):
        """Take the sums of `omics` (n, K)."""
        omics = np.where(self._rows[:, None], omics, 0).astype(float)
        self._squares = (omics * omics).sum(axis=0)
        self._design_omics = self._design.T @ omics
        self._snps_omics = self._update.products(omics)
        self._basis_omics = [
            basis.T @ omics[:, columns] for columns, basis, _ in self._fixed.groups
        ]

    def products(self, chain):
        """Return X'target in the coordinates of the update; target = omics without intercepts."""
        fixed = self._columns.outer(self._snps_design, chain.omics_fixed.coefficients)
        return (self._snps_omics - fixed).astype(chain.snp.effects.dtype)

    def basis_products(self, chain):
        """Return basis'(omics - X b), (r, C), of every group of the fixed effects."""
        return [
            of_omics - self._columns.inner(snps_basis, chain.snp.effects)[:, columns]
            for of_omics, snps_basis, (columns, _, _) in zip(
                self._basis_omics, self._snps_basis, self._fixed.groups, strict=True
            )
        ]

    def residual_squares(self, chain):
        """Return the sums of squared residuals of the nodes, (K,)."""
        fixed, effects = chain.omics_fixed.coefficients, chain.snp.effects
        target = self._squares + (
            fixed * (self._design_squares @ fixed - 2 * self._design_omics)
        ).sum(axis=0)
        explained = self._columns.dot(effects, self.products(chain))
        return np.maximum(target - 2 * explained + chain.snp.fit_squares, 0)


class CompletePhenotype:
    """The second layer given complete omics, with direct effects.

    Parameters
    ----------
    model : NetworkModel
    path : DirectPath
    update : CrossProductSweep
    """

    def __init__(self, model, path, update):
        self._update = update
        self._has_nodes = model.n_nodes > 0
        self._weight = path.row_weight[:, None]
        ((_, self._basis, _),) = path.fixed.groups
        design = np.column_stack([np.ones(model.n_samples), model.covariates])
        self._weighted_design = self._weight * design
        self._design_squares = self._weighted_design.T @ design
        self._snps_design = update.table(self._weighted_design)
        self._snps_basis = update.table(self._basis)
        self.measure(model.y_column, model.activation.value(model.omics_as_read))

    def measure(self, y, activated):
        """Take the sums of y (n, 1) and of the activated nodes: inner products of all parts."""
        # A row of weight 0 has no part in any sum.
        y, nodes = (np.where(self._weight > 0, part, 0).astype(float) for part in (y, activated))
        if not self._has_nodes:
            nodes = nodes[:, :0]
        self._y_squares = float((self._weight * y * y).sum())
        self._design_y, self._design_nodes = (self._weighted_design.T @ p for p in (y, nodes))
        self._basis_y, self.basis_nodes = (self._basis.T @ p for p in (y, nodes))
        self._snps_y, self._snps_nodes = (self._update.table(self._weight * p) for p in (y, nodes))
        self._nodes_y, self.nodes_squares = ((self._weight * nodes).T @ p for p in (y, nodes))

    def _weights(self, chain):
        return chain.weights.effects.astype(float) if self._has_nodes else np.empty((0, 1))

    def products(self, chain):
        """Return X'W target; target = y without fixed effects and nodes."""
        products = self._snps_y - self._snps_design @ chain.fixed.coefficients
        if self._has_nodes:
            products -= self._snps_nodes @ chain.weights.effects
        return products.astype(chain.direct.effects.dtype)

    def basis_products(self, chain):
        """Return basis'(y - nodes - direct part), of the one group of the fixed effects."""
        rest = self._basis_y - self.basis_nodes @ self._weights(chain)
        return [rest - self._snps_basis.T @ chain.direct.effects]

    def nodes_products(self, chain):
        """Return nodes'W rest (K, 1), and basis'rest; rest = y - nodes - direct part."""
        weights, effects = self._weights(chain), chain.direct.effects
        products = self._nodes_y - self.nodes_squares @ weights - self._snps_nodes.T @ effects
        return products, self.basis_products(chain)[0]

    def residual_squares(self, chain):
        """Return the weighted sum of squared residuals of y, (1,)."""
        fixed, weights = chain.fixed.coefficients, self._weights(chain)
        target = (
            self._y_squares
            + (weights * (self.nodes_squares @ weights - 2 * self._nodes_y)).sum()
            + (
                fixed
                * (
                    self._design_squares @ fixed
                    + 2 * (self._design_nodes @ weights - self._design_y)
                )
            ).sum()
        )
        explained = chain.direct.hyper.columns.dot(chain.direct.effects, self.products(chain))
        return np.maximum(target - 2 * explained + chain.direct.fit_squares, 0)
