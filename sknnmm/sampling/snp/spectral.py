"""SNP effects drawn jointly and exactly, for priors that are normal given one variance.

With X = U S V' (rows that inform the column, times the roots of their weights), the coordinates
V'b are independent given the residual variance and the prior variance v:

    V'b ~ N(S U't / (S^2 + s2 / v), s2 / (S^2 + s2 / v)),    t = target,

and the rest of b, (I - VV')b ~ N(0, v (I - VV')), never meets the data: it is drawn only when
the effects themselves are asked for.
"""

import numpy as np

from sknnmm.priors import DenseLayout
from sknnmm.sampling.snp.base import SNPUpdate
from sknnmm.sampling.snp.spectral_basis import LongBasis, WideBasis


class SpectralDraw(SNPUpdate):
    """Exact joint draw of the SNP effects of one term.

    Parameters
    ----------
    network : Network
    terms : list of one SNPs
        Its prior is jointly normal.
    from_sums : bool
        Whether V'X'W target comes from sums over the rows (see SummedResidual).
    """

    draws_coordinates = True
    weighs_changes = False
    has_totals = True

    def __init__(self, network, terms, from_sums=False):
        super().__init__(network, terms)
        (term,) = terms
        per_allele = term.genotypes.polymorphic * term.genotypes.per_allele
        self._per_allele = per_allele.astype(network.dtype)[:, None]
        n_rows = np.count_nonzero(term.row_weight)
        basis = WideBasis if n_rows <= network.genotypes.shape[1] else LongBasis
        self.basis = basis(term.genotypes, term.row_weight, network.dtype)
        self.keeps_fit = not from_sums

    def sweep(self, parts, rng):
        """Draw the coordinates of every column (see SNPUpdate)."""
        (part,) = parts
        state, s2 = part.state, part.residual_variance
        squared = self.basis.squared[:, None]
        precision = squared + s2 / state.hyper.variance[0]
        if self.keeps_fit:
            products = self.basis.project(part.target.rows())
        else:
            products = part.target.snp_products()
        mean = products / precision
        state.effects[:] = mean + np.sqrt(s2 / precision) * rng.standard_normal(mean.shape)
        if self.keeps_fit:
            state.fit[:] = self.basis.fit(state.effects)
        else:
            np.sum(squared * np.square(state.effects, dtype=float), axis=0, out=state.fit_squares)

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
        (state,), (weight,) = states, weights
        coordinates = state.effects @ weight
        return coordinates, coordinates.T * self.basis.squared

    def fitted(self, effects):
        """Return genotypes times V coordinates (r, R), for all rows (see SNPUpdate)."""
        return self.basis.fit(effects)

    def snp_effects(self, state, rng):
        """Return the SNP effects (p, C), the part outside the basis drawn afresh."""
        return self._per_allele * self.basis.effects(state.effects, state.hyper.variance[0], rng)

    def mean_snp_effects(self, coordinates):
        """Return the mean SNP effects (p, C) given the coordinates."""
        coordinates = coordinates.astype(self._dtype)
        return self._per_allele * self.basis.effects(coordinates, None, None)

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows (see SNPUpdate)."""
        if effects is not None and self.basis.leaves_rows_out:
            return self._genotypes.dot(effects)
        fit = state.fit if self.keeps_fit else self.basis.fit(state.effects)
        return self.basis.fit_everywhere(fit, state.effects, state.hyper.variance[0], rng)
