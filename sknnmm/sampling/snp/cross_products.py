"""SNP effects, one at a time given the others, from cross-products: no pass over the individuals.

With X'WX at hand a changed effect costs as many multiplications as SNPs act on its column. X'W
target takes sums alone where no omic is missing (`complete_data.py`), else a pass over the drawn
cells (`incomplete_data.py`).
"""

from itertools import pairwise

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays
from sknnmm.priors._layout import DenseColumns
from sknnmm.sampling.kernels.cross_products import sweep_all_pairs, sweep_own_pairs
from sknnmm.sampling.kernels.passes import add_connections, connection_products
from sknnmm.sampling.snp.blocked import prior_variances
from sknnmm.sampling.snp.prepared_draws import Draws, prepare, prepare_together

MAX_SNPS = 4096  # their cross-products take 64 MB in single precision
MANY_DRAWN = 0.5  # share of missing omics; with more, passes over all cells are faster
SECOND_COPY = 2**27  # bytes of genotypes that may be held twice
MANY_EFFECTS = 0.5  # share that is nonzero; then a matrix product is faster than passes


class CrossProductSweep(ReadOnlyArrays):
    """Gibbs sweep over the effects of all SNPs on all columns of paths that weigh the rows alike.

    What is always maintained of the fit X b is X'WXb; X b itself only where omics are drawn.

    Parameters
    ----------
    model : NetworkModel
    paths : list of NodePath, DirectPath
    """

    def __init__(self, model, paths):
        self.paths = paths
        self.keeps_fit = not model.omics_complete
        self._genotypes = model.genotypes
        self._any_missing = model.genotypes.any_missing or None
        self._mean = model.genotypes.mean.astype(model.dtype)
        self._gram = model.genotypes.column_gram(paths[0].row_weight).astype(model.dtype)
        self._squares = np.diag(self._gram)[None].copy()
        self._multipliers = [tuple(path.prior.multipliers) for path in paths]
        starts = np.cumsum([0] + [path.n_columns for path in paths])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        self.targets = {path: path.summed_target(model, self) for path in paths}
        self.freeze()

    @staticmethod
    def pays(model):
        """Return whether the SNPs are few beside the individuals, and drawn omics not too many."""
        n, p = model.genotypes.shape
        if p > min(n, MAX_SNPS):
            return False
        if model.omics_complete:
            return True
        drawn = ~model.omics_observed[model.informative]
        stored = n * p * model.genotypes.dosages.dtype.itemsize
        return model.n_latent == 0 and drawn.mean() <= MANY_DRAWN and stored <= SECOND_COPY

    def draw(self, chain, rng):
        """Draw every SNP effect of the paths once."""
        states = [path.state(chain) for path in self.paths]
        target = np.empty((self._slices[-1].stop, len(self._gram)), self._gram.dtype)
        for path, own in zip(self.paths, self._slices, strict=True):
            target[own] = self.targets[path].products(chain).T
        s2 = [path.residual_variance(chain) for path in self.paths]
        change = np.zeros_like(target)
        sweep_all_pairs(
            self._gram,
            target,
            tuple(state.fit_products for state in states),
            tuple(state.effects for state in states),
            tuple(state.component for state in states),
            np.concatenate(s2),
            *self._prepare(states, s2, rng),
            change,
            rng,
        )
        change = self._times(change) if self.keeps_fit else None
        for own, state in zip(self._slices, states, strict=True):
            if self.keeps_fit:
                state.fit += change[own].T
            else:
                columns = state.hyper.columns
                state.fit_squares[:] = columns.dot(state.effects, state.fit_products.T)

    def _prepare(self, states, residual_variances, rng):
        """Return the prepared draws (M, C, p) of all columns."""
        parts = [
            Draws(
                self._squares,
                multipliers,
                state.hyper.weights[:, :, None],
                prior_variances(path.prior, state.hyper, s2).T,
                s2[:, None],
            )
            for path, multipliers, state, s2 in zip(
                self.paths, self._multipliers, states, residual_variances, strict=True
            )
        ]
        return prepare_together(parts, -2, rng, self._gram.dtype)

    def _times(self, effects):
        """Return genotypes times effects (C, p), most of which are zero: (C, n)."""
        n_columns, n_snps = effects.shape
        product = np.zeros((n_columns, self._genotypes.shape[0]), effects.dtype)
        add_connections(
            self._genotypes.dosages,
            self._any_missing,
            self._mean,
            n_snps * np.arange(n_columns + 1),
            np.tile(np.arange(n_snps, dtype=np.int32), n_columns),
            effects.reshape(-1),
            product,
        )
        return product

    def refresh(self, chain):
        """Recompute what is maintained, which rounding has moved."""
        for path in self.paths:
            state = path.state(chain)
            np.matmul(state.effects.T, self._gram, out=state.fit_products)
            if self.keeps_fit:
                state.fit[:] = self._genotypes.dot(state.effects)

    def columns(self, path):
        """Return the layout of the effects."""
        return DenseColumns(self._genotypes.shape[1], path.n_columns)

    def in_model(self, path):
        """Return which effects can be nonzero, (p, C)."""
        return self._genotypes.polymorphic[:, None] & path.connected

    def table(self, rows):
        """Return X'rows (p, r) for rows (n, r), in double precision."""
        return self._genotypes.transpose_dot(np.asarray(rows, float))

    products = table  # of rows that belong to the columns

    def column_products(self, column):
        """Return X'column (p, 1) for a column (n, 1), in its precision."""
        products = connection_products(
            self._genotypes.dosages,
            self._any_missing,
            self._mean,
            np.array([0, len(self._mean)]),
            np.arange(len(self._mean), dtype=np.int32),
            column.T,
        )
        return products[:, None]

    def snp_effects(self, state, rng):
        """Return the SNP effects (p, C) of a state."""
        return state.effects

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows, (n, C)."""
        if self.keeps_fit:
            return state.fit
        if np.count_nonzero(state.effects) > MANY_EFFECTS * state.effects.size:
            return self._genotypes.dot(state.effects)
        return self._times(np.ascontiguousarray(state.effects.T)).T


class ConnectionCrossProductSweep(ReadOnlyArrays):
    """The same for few connections, where every node has cross-products of its own SNPs.

    For priors of scaled SNPs (GBLUP) the effects of the state are those of scaled SNPs.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath
        With connections.
    """

    keeps_fit = False

    def __init__(self, model, path):
        self.paths = [path]
        self._genotypes = model.genotypes
        self._connections = path.connections
        seen = model.genotypes_for(path.prior)
        self._mean = model.genotypes.mean
        self._per_allele = 1 / getattr(seen, "scale", np.ones(seen.shape[1]))
        grams = self._cross_products(seen, path.row_weight)
        self._squares = np.concatenate([np.diag(gram) for gram in grams])
        self._grams = np.concatenate([gram.ravel() for gram in grams]).astype(model.dtype)
        self._multipliers = tuple(path.prior.multipliers)
        self.targets = {path: path.summed_target(model, self)}
        self.freeze()

    @staticmethod
    def pays(model, path):
        """Return whether the cross-products take no more memory than int8 genotypes."""
        sizes = np.diff(path.connections.columns.indptr)
        n, p = model.genotypes.shape
        bytes_needed = np.dtype(model.dtype).itemsize * np.sum(sizes**2)
        return sizes.max() <= n and bytes_needed <= n * p

    def _cross_products(self, genotypes, row_weight):
        """Return X'WX of the SNPs of every node."""
        grams = []
        for own in np.split(self._connections.snps, self._connections.columns.indptr[1:-1]):
            X = genotypes.columns(own, np.float64)
            grams.append(X.T @ (X * row_weight[:, None]))
        return grams

    def draw(self, chain, rng):
        """Draw the effect of every connection once."""
        (path,) = self.paths
        state, columns = path.state(chain), self._connections.columns
        s2, hyper = path.residual_variance(chain), state.hyper
        variance = prior_variances(path.prior, hyper, s2)
        tables = prepare(
            self._squares,
            self._multipliers,
            hyper.weights[:, columns.column_of],
            variance if variance.ndim == 1 else columns.spread(variance[0]),
            columns.spread(s2),
            rng,
            state.effects.dtype,
        )
        state.fit_squares[:] = sweep_own_pairs(
            self._grams,
            columns.indptr,
            self.targets[path].products(chain),
            state.effects,
            state.component,
            s2,
            *tables,
            rng,
        )

    def refresh(self, chain):
        """Do nothing: no fit is maintained."""

    def columns(self, path):
        """Return the layout of the effects."""
        return self._connections.columns

    def in_model(self, path):
        """Return which connections can have an effect, (m,)."""
        return self._genotypes.polymorphic[self._connections.snps]

    def table(self, rows):
        """Return X'rows (m, r) of every connection for rows (n, r), in double precision."""
        per_allele = self._genotypes.transpose_dot(np.asarray(rows, float))
        return (self._per_allele[:, None] * per_allele)[self._connections.snps]

    def products(self, rows):
        """Return x'row (m,) of every connection, rows (n, K) those of its node."""
        products = connection_products(
            self._genotypes.dosages,
            self._genotypes.any_missing or None,
            self._mean,
            self._connections.columns.indptr,
            self._connections.snps,
            np.ascontiguousarray(rows.T, dtype=float),
        )
        return self._per_allele[self._connections.snps] * products

    def snp_effects(self, state, rng):
        """Return the SNP effects per allele of every connection (m,)."""
        per_allele = self._per_allele[self._connections.snps]
        return state.effects * per_allele.astype(state.effects.dtype)

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows, (n, K)."""
        fit = np.zeros((self._connections.shape[1], self._genotypes.shape[0]), state.effects.dtype)
        add_connections(
            self._genotypes.dosages,
            self._genotypes.any_missing or None,
            self._mean.astype(state.effects.dtype),
            self._connections.columns.indptr,
            self._connections.snps,
            self.snp_effects(state, None),
            fit,
        )
        return fit.T
