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
        self._design = model.design * self._rows[:, None]
        self._design_squares = self._design.T @ model.design
        self._snps_design = update.table(self._design)
        self._snps_basis = [update.table(basis) for _, basis, _ in path.fixed.groups]
        self.measure(model.omics_as_read)

    def measure(self, omics):
        """Take the sums of `omics` (n, K)."""
        omics = np.where(self._rows[:, None], omics, 0).astype(float)
        self._squares = (omics * omics).sum(axis=0)
        self._design_omics = self._design.T @ omics
        self._snps_omics = np.asfortranarray(self._update.products(omics))
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
        of_fixed = 0.5 * self._design_squares @ fixed - self._design_omics
        of_fixed += self._columns.inner(self._snps_design, effects)
        explained = self._columns.dot(effects, self._snps_omics) - (fixed * of_fixed).sum(axis=0)
        return np.maximum(self._squares - 2 * explained + chain.snp.fit_squares, 0)


class CompletePhenotype:
    """The second layer given complete omics, with direct effects.

    All is in the inner products of the parts of the regression, y, the design of the fixed effects
    and the activated nodes, with each other and with the SNPs.

    Parameters
    ----------
    model : NetworkModel
    path : DirectPath
    update : CrossProductSweep
    """

    def __init__(self, model, path, update):
        self._update = update
        self._n_nodes = min(model.n_nodes, 1) if model.activation.is_network else model.n_nodes
        self._weight = path.row_weight[:, None]
        ((_, _, self._back),) = path.fixed.groups
        self._design = model.design
        self._of_design = slice(1, 1 + self._design.shape[1])
        self._of_nodes = slice(self._of_design.stop, None)
        self.measure(model.y_column, model.activation.value(model.omics_as_read))

    def measure(self, y, activated):
        """Take the inner products of y (n, 1) and the activated nodes."""
        parts = np.hstack([y, self._design, activated[:, : self._n_nodes]])
        parts = np.where(self._weight > 0, parts, 0)  # a row of weight 0 has no part in any sum
        self._squares = parts.T @ (self._weight * parts)
        self._snps_parts = self._update.table(self._weight * parts)

    def products(self, chain):
        """Return X'W target (p, 1); target = y without fixed effects and nodes."""
        products = self._snps_parts @ self._coefficients(chain)
        return products[:, None].astype(chain.direct.effects.dtype)

    def basis_products(self, chain):
        """Return basis'(y - nodes - direct part), (r, 1), of the one group of the fixed effects."""
        return [self._back.T @ self._rest(chain)[self._of_design, None]]

    def nodes_products(self, chain):
        """Return nodes'W rest (K, 1), and basis'rest (r, 1); rest = y - nodes - direct part."""
        rest = self._rest(chain)[:, None]
        return rest[self._of_nodes], self._back.T @ rest[self._of_design]

    @property
    def nodes_squares(self):
        """Return nodes'W nodes, (K, K)."""
        return self._squares[self._of_nodes, self._of_nodes]

    @property
    def basis_nodes(self):
        """Return basis'nodes, (r, K)."""
        return self._back.T @ self._squares[self._of_design, self._of_nodes]

    def residual_squares(self, chain):
        """Return the weighted sum of squared residuals of y, (1,)."""
        coefficients = self._coefficients(chain)
        rest = self._squares @ coefficients - 2 * self._explained(chain)
        return np.maximum(coefficients @ rest + chain.direct.fit_squares, 0)

    def _coefficients(self, chain):
        """Return by what the parts enter y without fixed effects and nodes, (parts,)."""
        coefficients = np.empty(len(self._squares))
        coefficients[0] = 1
        coefficients[self._of_design] = -chain.fixed.coefficients[:, 0]
        if self._n_nodes:
            coefficients[self._of_nodes] = -chain.weights.effects[:, 0]
        return coefficients

    def _explained(self, chain):
        """Return parts'W X a, (parts,)."""
        return chain.direct.effects[:, 0].astype(float) @ self._snps_parts

    def _rest(self, chain):
        """Return parts'W(y - nodes - direct part), (parts,)."""
        coefficients = self._coefficients(chain)
        coefficients[self._of_design] = 0
        return self._squares @ coefficients - self._explained(chain)
