"""X'target where omics are drawn: what stays once, and the cells that do not in every iteration."""

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays, StoredArray
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.sampling.kernels.cross_products import add_cells

STRIP = 2**19  # bytes of genotypes: half of the second cache of most processors


class IncompleteOmics(ReadOnlyArrays):
    """The targets of the nodes, of which some cells are drawn.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath
    update : CrossProductSweep
    """

    def __init__(self, model, path, update):
        rows = model.informative[:, None]
        drawn = rows & ~model.omics_observed
        self._observed, self._update = rows & model.omics_observed, update
        dosages = individual_major(model.genotypes)
        self._dosages = StoredArray(dosages)
        self._any_missing = model.genotypes.any_missing or None  # None: a kernel without checks
        self._mean = model.genotypes.mean.astype(model.dtype)
        # The drawn cells of strips of individuals that stay in a near cache, node after node.
        n_rows = max(1, STRIP // dosages[:1].nbytes)
        strips = [drawn[first : first + n_rows] for first in range(0, len(drawn), n_rows)]
        counts = np.array([strip.sum(axis=0) for strip in strips])
        last = np.cumsum(counts).reshape(counts.shape)
        self._indptr = np.column_stack([last[:, 0] - counts[:, 0], last])
        self._rows = np.concatenate(
            [n_rows * s + np.nonzero(strip.T)[1] for s, strip in enumerate(strips)]
        )
        self._of_design = update.table(rows * model.design).T
        self.measure(model.omics_as_read)
        self.freeze()

    def measure(self, omics):
        """Take the sums of the observed cells of `omics` (n, K)."""
        observed = np.where(self._observed, omics, 0)
        self._of_observed = np.ascontiguousarray(self._update.table(observed).T)

    def products(self, chain):
        """Return X'W target (p, K); target = omics without intercepts and covariates."""
        of_nodes = self._of_observed - chain.omics_fixed.coefficients.T @ self._of_design
        of_nodes = of_nodes.astype(chain.omics.dtype)
        add_cells(
            self._dosages.values,
            self._any_missing,
            self._mean,
            self._indptr,
            self._rows,
            chain.omics,
            of_nodes,
        )
        return of_nodes.T


class PhenotypeRows:
    """The target of the direct effects, all of which changes.

    Parameters
    ----------
    model : NetworkModel
    path : DirectPath
    update : CrossProductSweep
    """

    def __init__(self, model, path, update):
        self._path, self._update = path, update
        self._weight = path.row_weight[:, None].astype(model.dtype)

    def products(self, chain):
        """Return X'W target (p, 1); target = y without fixed effects and nodes."""
        return self._update.column_products(self._weight * self._path.target(chain))


def individual_major(genotypes):
    """Return the dosages (n, p) in memory, individual after individual."""
    dosages = genotypes.dosages
    if isinstance(dosages, PackedGenotypes):
        dosages = dosages.snps(np.arange(dosages.shape[1]))
    return np.ascontiguousarray(dosages)
