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
        explained = self._columns.sum(np.multiply(effects, self.products(chain), dtype=float))
        return np.maximum(target - 2 * explained + chain.snp.fit_squares, 0)


class CompletePhenotype:
    """The second layer, for the direct path, given complete omics.

    Parameters
    ----------
    model : NetworkModel
    path : DirectPath
    update : CrossProductSweep
    """

    def __init__(self, model, path, update):
        self._update = update
        self._has_nodes = model.n_nodes > 0
        design = np.column_stack([np.ones(model.n_samples), model.covariates])
        self._weight = path.row_weight[:, None]
        self._snps_design = update.table(self._weight * design)
        self.measure(model.y_column, model.activation.value(model.omics_as_read))

    def measure(self, y, activated):
        """Take the sums of y (n, 1) and of the activated nodes."""
        self._snps_y = self._update.table(self._weight * y)
        if self._has_nodes:
            self._snps_nodes = self._update.table(self._weight * activated)

    def products(self, chain):
        """Return X'W target; target = y without fixed effects and nodes."""
        products = self._snps_y - self._snps_design @ chain.fixed.coefficients
        if self._has_nodes:
            products -= self._snps_nodes @ chain.weights.effects
        return products.astype(chain.direct.effects.dtype)
