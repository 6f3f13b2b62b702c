"""SNP effects, one at a time given the others, from cross-products: no pass over the individuals.

With X'WX at hand a changed effect costs as many multiplications as SNPs act on its column. X'W
target takes sums alone where nothing else changes (`SummedResidual`), else a pass over the drawn
cells (`DrawnCells`) or over the rows.
"""

from itertools import pairwise

import numpy as np

from sknnmm.genotypes.memory_map import ReadOnlyArrays, StoredArray, read_only
from sknnmm.kernels.codes import have_codes
from sknnmm.kernels.cross_products import sweep_all_pairs, sweep_own_pairs
from sknnmm.kernels.fits import add_fits, coded_fits, in_blocks
from sknnmm.kernels.passes import add_connections, connection_products
from sknnmm.sampling.snp.base import SNPUpdate
from sknnmm.sampling.snp.drawn_cells import DrawnCells, unpacked
from sknnmm.sampling.snp.prepared_draws import Draws, prepare, prepare_together
from sknnmm.sampling.snp.unexplained import UnexplainedProducts, work_of_iteration

MAX_SNPS = 4096  # their cross-products take 64 MB in single precision
MANY_DRAWN = 0.5  # share of drawn responses; with more, passes over all cells are faster
SECOND_COPY = 2**27  # bytes of genotypes that may be held twice
MANY_EFFECTS = 0.5  # share that is nonzero; then a matrix product is faster than passes


class CrossProductSweep(SNPUpdate, ReadOnlyArrays):
    """Gibbs sweep over the effects of all SNPs, for terms whose layers weigh the rows alike.

    What is always maintained of the fit X b is X'WXb; X b itself only where responses are drawn.

    Parameters
    ----------
    network : Network
    terms : list of SNPs
    from_sums : bool
        Whether X'W target comes from sums over the rows (see SummedResidual).
    """

    keeps_products = True
    has_totals = True

    def __init__(self, network, terms, from_sums):
        super().__init__(network, terms)
        self.keeps_fit = not from_sums
        self._any_missing = network.genotypes.any_missing or None
        self._mean = network.genotypes.mean.astype(network.dtype)
        self._row_weight = terms[0].row_weight[:, None]
        gram = network.genotypes.column_gram(terms[0].row_weight)
        self._gram = gram.astype(network.dtype)
        self._squares = np.diag(self._gram)[None].copy()
        self._multipliers = [tuple(term.prior.multipliers) for term in terms]
        starts = np.cumsum([0] + [term.n_responses for term in terms])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        self._pairs = _all_pairs(len(self._gram), max(term.n_responses for term in terms))
        self._drawn_cells, self._blocks = {}, None
        if self.keeps_fit:
            self._drawn_cells = self._cells_of(network)
            dosages = unpacked(network.genotypes)
            if have_codes(dosages):
                self._blocks = StoredArray(in_blocks(dosages))
        work = sum(self._work_of(network, term) for term in terms)
        self._work = work_of_iteration(starts[-1] * len(self._gram), work)
        self.freeze()

    def _cells_of(self, network):
        """Return the DrawnCells of layers, by name: of those that need no pass over the rows."""
        cells = {}
        for term in self.terms:  # a layer follows those that it reads
            if DrawnCells.applies(network, term, served=cells):
                cells[term.layer] = DrawnCells(network, term, self)
        return cells

    def _work_of(self, network, term):
        """Return how many multiplications X'W target takes, but for sums."""
        layer = network.layer(term.layer)
        n_cells = layer.drawn.sum() if term.layer in self._drawn_cells else layer.record.size
        return int(n_cells) * len(self._gram) if self.keeps_fit else 0

    @staticmethod
    def pays(network, terms):
        """Return whether the SNPs are few beside the individuals, and drawn cells not too many."""
        n, p = network.genotypes.shape
        if p > min(n, MAX_SNPS):
            return False
        layers = [network.layer(term.layer) for term in terms]
        if all(layer.is_constant for layer in layers):
            return True
        stored = n * p * network.genotypes.dosages.dtype.itemsize
        return stored <= SECOND_COPY and all(
            layer.n_latent == 0 and layer.drawn_share <= MANY_DRAWN for layer in network.layers
        )

    def measure(self, chain):
        """Take sums of data that have been exchanged, as in no fit."""
        for cells in self._drawn_cells.values():
            cells.measure(chain)

    def sweep(self, parts, rng):
        """Draw every SNP effect once (see SNPUpdate)."""
        states = [part.state for part in parts]
        target = self.products(parts)
        sweep_all_pairs(
            self._gram,
            target,
            tuple(state.fit_products for state in states),
            tuple(state.effects for state in states),
            tuple(state.component for state in states),
            np.concatenate([part.residual_variance for part in parts]),
            *self._prepare(parts, rng),
            rng,
        )
        return [
            UnexplainedProducts(state, target[own], self._gram, self._settle, self._work)
            for state, own in zip(states, self._slices, strict=True)
        ]

    def _settle(self, state):
        """Bring up to date what is maintained of the fit but for its products.

        X b is made anew: it is the nonzero effects that have changed, and some that became zero.
        """
        if self.keeps_fit:
            self._multiply(state.effects, state.fit)
        else:
            state.fit_squares[:] = self.squared_fit(state)

    def _multiply(self, effects, fit):
        """Write genotypes times effects (p, C), many of which are zero, to `fit` (n, C)."""
        if self._blocks is not None:
            coded_fits(self._blocks.values, self._any_missing, self._mean, effects, fit)
            return
        product = np.zeros(fit.shape[::-1], fit.dtype)
        effects = np.ascontiguousarray(effects.T)
        add_fits(self._genotypes.dosages, self._any_missing, self._mean, effects, product)
        fit[:] = product.T

    def products(self, parts):
        """Return X'W target of all columns, (C, p)."""
        products = np.empty((self._slices[-1].stop, len(self._gram)), self._gram.dtype)
        of_responses = {
            term.layer: self._drawn_cells[term.layer].responses(part.target.state)
            for term, part in zip(self.terms, parts, strict=True)
            if term.layer in self._drawn_cells
        }
        for term, part, own in zip(self.terms, parts, self._slices, strict=True):
            if term.layer in self._drawn_cells:
                cells = self._drawn_cells[term.layer]
                cells.products(part.target.state, of_responses, products[own])
            elif self.keeps_fit:
                rows = part.target.rows()
                products[own] = self._pass_over(self._row_weight.astype(rows.dtype) * rows)
            else:
                products[own] = part.target.snp_products().T
        return products

    def _pass_over(self, rows):
        """Return X'rows (C, p) for rows (n, C), in their precision."""
        n_columns = rows.shape[1]
        products = connection_products(
            self._genotypes.dosages,
            self._any_missing,
            self._mean,
            *self._pairs_of(n_columns),
            np.ascontiguousarray(rows.T),
        )
        return products.reshape(n_columns, -1)

    def _pairs_of(self, n_columns):
        """Return `indptr` and `snps` of every SNP on so many columns."""
        indptr, snps = self._pairs
        return indptr[: n_columns + 1], snps[: indptr[n_columns]]

    def _prepare(self, parts, rng):
        """Return the prepared draws (M, C, p) of all columns."""
        draws = [
            Draws(
                self._squares,
                multipliers,
                term.prior.effect_weights(part.state.hyper).swapaxes(1, 2),
                term.prior.effect_variances(part.state.hyper, part.residual_variance).T,
                part.residual_variance[:, None],
            )
            for term, multipliers, part in zip(self.terms, self._multipliers, parts, strict=True)
        ]
        return prepare_together(draws, -2, rng, self._gram.dtype)

    def refresh(self, states):
        """Recompute what is maintained (see SNPUpdate)."""
        for state in states:
            np.matmul(state.effects.T, self._gram, out=state.fit_products)
            if self.keeps_fit:
                self._settle(state)

    def table(self, rows):
        """Return X'W rows (p, r) for rows (n, r), in double precision."""
        return self._genotypes.transpose_dot(self._row_weight * rows)

    products_by_response = table

    def total(self, states, weights):
        """Return the effects of all columns times their weights, (p, R), and X'WX times these.

        `weights` (C, R) of every state, None: columns as they are; the second result is (R, p).
        """
        effects, products = 0.0, 0.0
        for state, weight in zip(states, weights, strict=True):
            own = (state.effects, state.fit_products)
            if weight is not None:
                own = (state.effects @ weight, weight.T @ state.fit_products)
            effects, products = effects + own[0], products + own[1]
        return effects, products

    def fitted(self, effects):
        """Return genotypes times effects (p, R), for all rows (see SNPUpdate)."""
        if self._blocks is None:
            return self._genotypes.dot(effects)
        fit = np.empty((self._genotypes.shape[0], effects.shape[1]), effects.dtype)
        self._multiply(effects, fit)
        return fit

    def squared_fit(self, state):
        """Return the weighted sums of squares (C,) of genotypes times effects."""
        return state.hyper.layout.dot(state.effects, state.fit_products.T)

    def fit_everywhere(self, state, rng, drawn=None):
        """Return genotypes times effects for all rows (see SNPUpdate)."""
        if self.keeps_fit:
            return state.fit
        if np.count_nonzero(state.effects) > MANY_EFFECTS * state.effects.size:
            return self._genotypes.dot(state.effects)
        fit = np.empty((self._genotypes.shape[0], state.effects.shape[1]), state.effects.dtype)
        self._multiply(state.effects, fit)
        return fit


def _all_pairs(n_snps, n_columns):
    """Return `indptr` and `snps` of every SNP on every column, read-only as those of a mask."""
    indptr = n_snps * np.arange(n_columns + 1)
    return read_only(indptr), read_only(np.tile(np.arange(n_snps, dtype=np.int32), n_columns))


class ConnectionCrossProductSweep(SNPUpdate, ReadOnlyArrays):
    """The same for few connections, where every node has cross-products of its own SNPs.

    For priors of scaled SNPs (GBLUP) the effects of the state are those of scaled SNPs.

    Parameters
    ----------
    network : Network
    terms : list of one SNPs
        With connections; X'W target comes from sums over the rows.
    """

    keeps_fit = False
    weighs_changes = False

    def __init__(self, network, terms):
        super().__init__(network, terms)
        (term,) = terms
        self._connections = term.connections
        self._indptr, self._snps = term.connections.layout.indptr, term.connections.snps
        self._row_weight = term.row_weight[:, None]
        self._mean = network.genotypes.mean
        self._per_allele = term.genotypes.per_allele
        grams = self._cross_products(term.genotypes)
        self._squares = np.concatenate([np.diag(gram) for gram in grams])
        self._grams = np.concatenate([gram.ravel() for gram in grams]).astype(network.dtype)
        self._multipliers = tuple(term.prior.multipliers)
        self.freeze()

    @staticmethod
    def pays(network, term):
        """Return whether the cross-products take no more memory than int8 genotypes."""
        sizes = np.diff(term.connections.layout.indptr)
        n, p = network.genotypes.shape
        bytes_needed = np.dtype(network.dtype).itemsize * np.sum(sizes**2)
        return sizes.max() <= n and bytes_needed <= n * p

    def _cross_products(self, genotypes):
        """Return X'WX of the SNPs of every node."""
        grams = []
        for own in np.split(self._connections.snps, self._connections.layout.indptr[1:-1]):
            X = genotypes.columns(own, np.float64)
            grams.append(X.T @ (X * self._row_weight))
        return grams

    def sweep(self, parts, rng):
        """Draw the effect of every connection once (see SNPUpdate)."""
        (part,) = parts
        layout, hyper, s2 = self._connections.layout, part.state.hyper, part.residual_variance
        variance = self.terms[0].prior.effect_variances(hyper, s2)
        tables = prepare(
            self._squares,
            self._multipliers,
            self.terms[0].prior.effect_weights(hyper),
            variance if variance.ndim == 1 else layout.spread(variance[0]),
            layout.spread(s2),
            rng,
            part.state.effects.dtype,
        )
        part.state.fit_squares[:] = sweep_own_pairs(
            self._grams,
            layout.indptr,
            part.target.snp_products(),
            part.state.effects,
            part.state.component,
            s2,
            *tables,
            rng,
        )

    def layout(self, term):
        """Return the layout of the connections (see SNPUpdate)."""
        return self._connections.layout

    def in_model(self, term):
        """Return which connections can have an effect, (m,) (see SNPUpdate)."""
        return self._genotypes.polymorphic[self._snps]

    def table(self, rows):
        """Return X'W rows (m, r) of every connection for rows (n, r), in double precision."""
        per_allele = self._genotypes.transpose_dot(self._row_weight * rows)
        return (self._per_allele[:, None] * per_allele)[self._snps]

    def products_by_response(self, rows):
        """Return x'W row (m,) of every connection, rows (n, K) those of its node."""
        products = connection_products(
            self._genotypes.dosages,
            self._genotypes.any_missing or None,
            self._mean,
            self._indptr,
            self._snps,
            np.ascontiguousarray((self._row_weight * rows).T, dtype=float),
        )
        return self._per_allele[self._snps] * products

    def snp_effects(self, state, rng):
        """Return the effects per allele of every connection, (m,) (see SNPUpdate)."""
        per_allele = self._per_allele[self._snps]
        return state.effects * per_allele.astype(state.effects.dtype)

    def fit_everywhere(self, state, rng, drawn=None):
        """Return genotypes times effects for all rows (see SNPUpdate)."""
        fit = np.zeros((self._connections.shape[1], self._genotypes.shape[0]), state.effects.dtype)
        add_connections(
            self._genotypes.dosages,
            self._genotypes.any_missing or None,
            read_only(self._mean.astype(state.effects.dtype)),
            self._indptr,
            self._snps,
            self.snp_effects(state, None),
            fit,
        )
        return fit.T
