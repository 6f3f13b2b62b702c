"""The response of a layer minus the contributions of its terms: formed here and nowhere else.

In two forms with one interface: row by row, or, where nothing changes but parameters, in the sums
over rows that regressions need. The cost of an iteration on sums does not depend on the number of
individuals.
"""

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.kernels.simd import WIDE, load, splat, store


def expected_response(layer, state, of=None):
    """Return the sum of all contributions, (n, C), or of what `of` returns for each of them."""
    total = 0.0
    for term in layer.terms:
        contribution = term.contribution(state.terms[term.name])
        total = total + (contribution if of is None else of(contribution))
    return total


class Target:
    """What one term is to explain: the response minus the terms but those `not_subtracted`.

    Parameters
    ----------
    residual : RowResidual or SummedResidual
    state : LayerState
    term : Term
    """

    __slots__ = ("_residual", "_term", "state")

    def __init__(self, residual, state, term):
        self._residual, self.state, self._term = residual, state, term

    def rows(self):
        """Return it row by row, (n, C), not to be written to; of a RowResidual only."""
        return self._residual.rows(self.state, self._term.not_subtracted)

    def products(self):
        """Return what the term, one that draws itself, needs to know of it."""
        return self._residual.products(self.state, self._term)

    def snp_products(self):
        """Return X'W target for the SNPs of a SummedResidual."""
        return self._residual.snp_products(self.state)

    def squares(self):
        """Return the weighted sums of squares (C,) of that of the SNPs of a SummedResidual."""
        return self._residual.snp_target_squares(self.state)


class RowResidual:
    """Residuals row by row.

    Parameters
    ----------
    layer : Layer
    """

    is_summed = False

    def __init__(self, layer):
        self._terms = layer.terms
        self._row_weight = layer.row_weight
        self._informed = np.flatnonzero(layer.informed)

    def rows(self, state, without=()):
        """Return the response minus all terms but some, (n, C), not to be written to."""
        rest = state.response
        for term in self._terms:
            if term not in without:
                contribution = term.contribution(state.terms[term.name])
                if rest is state.response:
                    rest = rest - contribution
                else:
                    rest -= contribution
        return rest

    def products(self, state, term):
        """Return what the draw of a term needs."""
        return term.products_of_rows(self.rows(state, term.not_subtracted))

    def squares(self, state):
        """Return the weighted sums of squared residuals, (C,)."""
        return weighted_squares(self.rows(state), self._informed, self._row_weight)

    def measure(self, state):
        """Do nothing: no sums are kept."""


@njit(nogil=True, cache=True)
def weighted_squares(residual, rows, row_weight):
    """Return weighted sums over some rows of squares, (C,), in double precision."""
    n_columns, lanes, zero = residual.shape[1], len(WIDE), splat(0.0, WIDE)
    values = np.ascontiguousarray(residual).reshape(-1)
    squares = np.zeros(n_columns + lanes)
    # Whole vectors, of which what lies beyond the row is left; the last rows have no more of them.
    n_whole = np.searchsorted(rows, (values.size - lanes) // n_columns - 1)
    for first in range(0, n_columns, lanes):
        total = zero
        for i in rows[:n_whole]:
            value = load(values, n_columns * i + first, zero)
            total = total + splat(np.float64(row_weight[i]), WIDE) * value * value
        store(squares, first, total)
    for i in rows[n_whole:]:
        for c in range(n_columns):
            squares[c] += row_weight[i] * np.float64(residual[i, c]) ** 2
    return squares[:n_columns]


class SummedResidual:
    """Residuals in inner products of the response, the predictors of all terms and the SNPs.

    Parameters
    ----------
    layer : Layer
        Whose responses are not drawn and whose terms, but for one of SNPs, have predictors.
    update : SNPUpdate
        Says in which coordinates it wants X'target.
    """

    is_summed = True

    def __init__(self, layer, update):
        self._layer = layer
        self._weight = layer.row_weight[:, None]
        (self._snps,) = (term for term in layer.terms if term.acts_by_snps)
        self._others = tuple(term for term in layer.terms if not term.acts_by_snps)
        self._layout = update.layout(self._snps)
        self._update = update
        widths = np.cumsum([0, *(term.predictors.shape[1] for term in self._others)])
        self._own = {
            term.name: slice(first, last)
            for term, first, last in zip(self._others, widths[:-1], widths[1:], strict=True)
        }
        self._measure(layer.starting_response)

    def measure(self, state):
        """Take the sums of responses and predictors that have been exchanged, as in no fit."""
        self._measure(state.response)

    def _measure(self, response):
        informed = self._weight > 0  # a row of weight 0 has no part in any sum
        response = np.where(informed, response, 0).astype(float)
        predictors = np.hstack([term.predictors for term in self._others])
        predictors = np.where(informed, predictors, 0)
        weighted = self._weight * predictors
        self._squares = (self._weight * response * response).sum(axis=0)
        self._predictors = PredictorProducts(np.sqrt(self._weight) * predictors)
        self._with_response = weighted.T @ response
        self._snps_predictors = np.asfortranarray(self._update.table(predictors))
        self._snps_response = np.asfortranarray(self._update.products_by_response(response))

    def own(self, term):
        """Return the slice of all predictors that are those of a term."""
        return self._own[term.name]

    def gram(self, term):
        """Return the weighted inner products of the predictors of a term, None if not held."""
        gram, own = self._predictors.gram, self.own(term)
        return None if gram is None else gram[own, own]

    def inner(self, state, without, of=slice(None)):
        """Return the weighted inner products (m, C) of all predictors, or a slice, with a residual.

        That is the response minus the SNPs and all other terms but some.
        """
        effects = state.terms[self._snps.name].effects
        table = self._snps_predictors[:, of]
        if effects.size > table.size:  # one of them is converted
            table = table.astype(effects.dtype)
        inner = self._with_response[of] - self._layout.inner(table, effects)
        coefficients = self._coefficients(state).astype(float)
        for term in without:
            coefficients[self.own(term)] = 0
        return inner - self._predictors.times(coefficients, of)

    def products(self, state, term):
        """Return what the draw of a term needs."""
        return term.products_of_sums(self, state)

    def snp_products(self, state):
        """Return X'W target in the coordinates of the update."""
        coefficients = self._coefficients(state)
        dtype = state.terms[self._snps.name].effects.dtype
        if len(coefficients) == 1 and self._snps_response.ndim == 2:
            products = np.empty(self._snps_response.shape[::-1], dtype)
            table = self._snps_predictors[:, 0]
            subtract_outer(self._snps_response.T, coefficients[0], table, products)
            return products.T
        explained = self._layout.outer(self._snps_predictors, coefficients)
        return (self._snps_response - explained).astype(dtype)

    def snp_target_squares(self, state):
        """Return the weighted sums of squares of what the SNPs are to explain, (C,)."""
        coefficients = self._coefficients(state)
        explained = 2 * (coefficients * self._with_response).sum(axis=0)
        explained -= self._predictors.squares(coefficients)
        return np.maximum(self._squares - explained, 0)

    def squares(self, state):
        """Return the weighted sums of squared residuals, (C,)."""
        snps, coefficients = state.terms[self._snps.name], self._coefficients(state)
        of_others = self._with_response
        of_others = of_others - self._layout.inner(self._snps_predictors, snps.effects)
        explained = self._layout.dot(snps.effects, self._snps_response)
        explained += (coefficients * of_others).sum(axis=0)
        explained -= 0.5 * self._predictors.squares(coefficients)
        return np.maximum(self._squares - 2 * explained + snps.fit_squares, 0)

    def _coefficients(self, state):
        """Return the coefficients of all predictors, (m, C)."""
        of_terms = [term.coefficients(state.terms[term.name]) for term in self._others]
        return of_terms[0] if len(of_terms) == 1 else np.concatenate(of_terms)


@njit(nogil=True, cache=True)
def subtract_outer(values, coefficients, table, out):
    """Write values (C, m) minus coefficients (C,) times table (m,) to `out`, in one pass."""
    for c in range(coefficients.size):
        for j in range(table.size):
            out[c, j] = values[c, j] - coefficients[c] * table[j]


class PredictorProducts:
    """Inner products of predictors: held, or made of the rows where these are fewer.

    Parameters
    ----------
    rows : ndarray of shape (n, m)
        The predictors, each row times the root of its weight.
    """

    def __init__(self, rows):
        self._rows, self.gram = rows, None
        if rows.shape[1] <= len(rows):
            self._rows, self.gram = None, rows.T @ rows

    def times(self, coefficients, of):
        """Return the inner products of some predictors with all times coefficients (m, C)."""
        if self.gram is not None:
            return self.gram[of] @ coefficients
        return self._rows[:, of].T @ (self._rows @ coefficients)

    def squares(self, coefficients):
        """Return the sums of squares (C,) of the predictors times coefficients."""
        if self.gram is not None:
            return (coefficients * (self.gram @ coefficients)).sum(axis=0)
        return np.square(self._rows @ coefficients).sum(axis=0)
