"""SNP effects drawn jointly and exactly, for priors that are normal given one variance.

With W^(1/2) X = U S V' (the rows that inform the columns), the coordinates V'b are independent
given the residual variance s2 and the prior variance v, and so is what the target t tells of them:

    V'b ~ N(S U'W^(1/2)t / (S^2 + s2 / v), s2 / (S^2 + s2 / v)),    U'W^(1/2)t ~ N(0, v S^2 + s2).

So v and s2 are drawn first, the effects integrated out, and right after them the coordinates. The
rest of b, (I - VV')b ~ N(0, v (I - VV')), never meets the data: it is drawn only where the effects
themselves are asked for.
"""

from itertools import pairwise

import numpy as np

from sknnmm.kernels.collapsed_variances import draw_coordinates, draw_variances, squared_fits
from sknnmm.kernels.variates import standard_normals
from sknnmm.priors import DenseLayout
from sknnmm.sampling.residual import weighted_squares
from sknnmm.sampling.residual_variances import ResidualVariances
from sknnmm.sampling.snp.base import SNPUpdate
from sknnmm.sampling.snp.spectral_basis import LongBasis, WideBasis

LANES, FEW = 8, 3  # columns are filled up to LANES, which BLAS multiplies faster, or are FEW


class SpectralDraw(SNPUpdate):
    """Exact joint draw of the SNP effects of some terms with their variances.

    Parameters
    ----------
    network : Network
    terms : list of SNPs
        Their priors are jointly normal and scale the SNPs alike; their layers weigh the rows alike.
    from_sums : bool
        Whether V'X'W target comes from sums over the rows (see SummedResidual).
    """

    draws_coordinates = True
    weighs_changes = False
    draws_variances = True
    has_totals = True

    def __init__(self, network, terms, from_sums=False):
        super().__init__(network, terms)
        genotypes, row_weight = terms[0].genotypes, terms[0].row_weight
        self._row_weight, self._informed = row_weight, np.flatnonzero(row_weight)
        basis = WideBasis if len(self._informed) <= genotypes.shape[1] else LongBasis
        self.basis = basis(genotypes, row_weight, network.dtype)
        self.keeps_fit = not from_sums
        starts = np.cumsum([0] + [term.n_responses for term in terms])
        self._slices = [slice(*pair) for pair in pairwise(starts)]
        n_columns = self._slices[-1].stop
        self._width = n_columns if n_columns < FEW or from_sums else -(-n_columns // LANES) * LANES
        self._residual_variances = [ResidualVariances(network.layer(term.layer)) for term in terms]

    def start(self, term, n_samples):
        """Return a state without effects (see SNPUpdate), each column contiguous."""
        state = super().start(term, n_samples)
        state.effects = np.asfortranarray(state.effects)
        return state

    def sweep(self, parts, rng):
        """Draw variances, then coordinates, of every column (see SNPUpdate)."""
        products, total = self._products(parts)
        variance = np.concatenate([part.state.hyper.variance[0] for part in parts])
        s2 = np.concatenate([part.residual_variance for part in parts])
        draw_variances(
            products.astype(float, copy=False),  # compiled for one precision
            self.basis.squared,
            total,
            len(self._informed),
            *self._priors(parts),
            variance,
            s2,
            rng,
        )
        coordinates = np.empty_like(products)
        coordinates[len(s2) :] = 0  # columns that are filled up
        normals = standard_normals((len(s2), products.shape[1]), rng, self._dtype)
        draw_coordinates(products, self.basis.squared, variance, s2, normals, coordinates)
        fit = self.basis.fit(coordinates.T) if self.keeps_fit else None
        for part, own in zip(parts, self._slices, strict=True):
            state = part.state
            part.residual_variance[:], state.hyper.variance[0] = s2[own], variance[own]
            state.effects[:] = coordinates[own].T
            if self.keeps_fit:
                state.fit[:] = fit[:, own]
            else:
                state.fit_squares[:] = self.squared_fit(state)

    def _products(self, parts):
        """Return V'X'W target (width, r) of all columns, and sums of squares of the target."""
        if not self.keeps_fit:
            products = [part.target.snp_products() for part in parts]
            totals = [part.target.squares() for part in parts]
            return np.concatenate([own.T for own in products]), np.concatenate(totals)
        rows = np.zeros((len(self._row_weight), self._width), self._dtype)
        for part, own in zip(parts, self._slices, strict=True):
            rows[:, own] = part.target.rows()
        products = np.ascontiguousarray(self.basis.project(rows).T)
        return products, weighted_squares(rows, self._informed, self._row_weight)

    def _priors(self, parts):
        """Return degrees of freedom and sums of squares (2, C) of the priors of all columns.

        Of the variances of the effects and of the residual ones; 0 where a variance is fixed.
        """
        priors = np.zeros((2, 2, self._slices[-1].stop))
        of_effects, of_residuals = priors
        for term, part, residual, own in zip(
            self.terms, parts, self._residual_variances, self._slices, strict=True
        ):
            if term.prior.estimate_variance:
                of_effects[0, own] = term.prior.df
                of_effects[1, own] = term.prior.df * part.state.hyper.scale
            if residual.are_drawn:
                of_residuals[0, own], of_residuals[1, own] = residual.prior_terms(part.target.state)
        return priors

    def layout(self, term):
        """Return the layout of the coordinates (see SNPUpdate)."""
        return DenseLayout(len(self.basis.squared), term.n_responses)

    def in_model(self, term):
        """Return that every coordinate can be nonzero (see SNPUpdate)."""
        return True

    def table(self, rows):
        """Return V'X'W rows (r, C), in double precision."""
        return self.basis.project(np.asarray(rows, float)).astype(float)

    products_by_response = table

    def total(self, states, weights):
        """Return the coordinates times weights, (r, R), and V'X'WXV times these, (R, r)."""
        coordinates = 0.0
        for state, weight in zip(states, weights, strict=True):
            own = state.effects
            coordinates = coordinates + (own if weight is None else own @ weight.astype(own.dtype))
        return coordinates, coordinates.T * self.basis.squared

    def fitted(self, effects):
        """Return genotypes times V coordinates (r, R), for all rows (see SNPUpdate)."""
        return self.basis.fit(effects)

    def squared_fit(self, state):
        """Return the weighted sums of squares (C,) of genotypes times effects."""
        return squared_fits(self.basis.squared, state.effects.T)

    def snp_effects(self, state, rng):
        """Return the SNP effects (p, C), the part outside the basis drawn afresh."""
        (effects,) = self.effects_given([self.complete(state, rng)], [state.hyper.variance[0]], rng)
        return effects

    def complete(self, state, rng):
        """Return the coordinates of all rows, those outside the basis drawn (see SNPUpdate)."""
        return self.basis.complete(state.effects, state.hyper.variance[0], rng)

    def effects_given(self, coordinates, variances, rng):
        """Return draws of the SNP effects, (p, C) each (see SNPUpdate)."""
        joined, variance = np.concatenate(coordinates, axis=1), np.concatenate(variances)
        effects = self.basis.draw_effects(joined, variance, rng)
        return np.split(effects, len(coordinates), axis=1)

    def mean_snp_effects(self, coordinates):
        """Return the mean SNP effects (p, C) given the coordinates in the basis."""
        return self.basis.mean_effects(coordinates.astype(self._dtype))

    def fit_everywhere(self, state, rng, drawn=None):
        """Return genotypes times effects for all rows (see SNPUpdate)."""
        fit = state.fit if self.keeps_fit else self.basis.fit(state.effects)
        if self.basis.n_outside == 0:
            return fit
        return self.basis.fit_everywhere(fit, self.complete(state, rng) if drawn is None else drawn)
