"""SNP effects drawn jointly and exactly, for priors that are normal given one variance.

With X = U S V' (rows that inform the column, times the roots of their weights), the coordinates
V'b are independent given the residual variance and the prior variance v:

    V'b ~ N(S U't / (S^2 + s2 / v), s2 / (S^2 + s2 / v)),    t = target,

and the rest of b, (I - VV')b ~ N(0, v (I - VV')), never meets the data: it is drawn only when
the effects themselves are asked for.
"""

import numpy as np

from sknnmm.priors._layout import DenseColumns
from sknnmm.sampling.snp.spectral_basis import LongBasis, WideBasis


class SpectralDraw:
    """Exact joint draw of the SNP effects of one path.

    Parameters
    ----------
    model : NetworkModel
    path : NodePath or DirectPath
        Its prior is jointly normal.
    from_sums : bool
        Whether omics are complete, so that V'X'W target comes from sums over the rows.
    """

    def __init__(self, model, path, from_sums=False):
        self.paths = [path]
        self._genotypes = model.genotypes
        seen = model.genotypes_for(path.prior)
        self._per_allele = (seen.polymorphic / getattr(seen, "scale", 1.0)).astype(model.dtype)[
            :, None
        ]
        n_rows = np.count_nonzero(path.row_weight)
        basis = WideBasis if n_rows <= model.genotypes.shape[1] else LongBasis
        self.basis = basis(seen, path.row_weight, model.dtype)
        self.keeps_fit = not from_sums
        self.targets = {path: path.summed_target(model, self)} if from_sums else {}

    def draw(self, chain, rng):
        """Draw the coordinates of every column."""
        (path,) = self.paths
        state = path.state(chain)
        s2 = path.residual_variance(chain)
        squared = self.basis.squared[:, None]
        precision = squared + s2 / state.hyper.variance[0]
        if self.keeps_fit:
            products = self.basis.project(path.target(chain))
        else:
            products = self.targets[path].products(chain)
        mean = products / precision
        state.effects[:] = mean + np.sqrt(s2 / precision) * rng.standard_normal(mean.shape)
        if self.keeps_fit:
            state.fit[:] = self.basis.fit(state.effects)
        else:
            np.sum(squared * np.square(state.effects, dtype=float), axis=0, out=state.fit_squares)

    def refresh(self, chain):
        """Do nothing: the fit is computed anew in every draw."""

    def columns(self, path):
        """Return the layout of the coordinates."""
        return DenseColumns(len(self.basis.squared), path.n_columns)

    def table(self, rows):
        """Return V'X'W rows (r, C), in double precision."""
        return self.basis.project(np.asarray(rows, float)).astype(float)

    products = table

    def second_moments(self, coordinates):
        """Return V'X'WXV coordinates (r,)."""
        return self.basis.squared * coordinates

    def in_model(self, path):
        """Return that every coordinate can be nonzero."""
        return True

    def snp_effects(self, state, rng):
        """Return the SNP effects (p, C) of a state, the part outside the basis drawn afresh."""
        return self._per_allele * self.basis.effects(state.effects, state.hyper.variance[0], rng)

    def mean_snp_effects(self, coordinates):
        """Return the mean SNP effects (p, C) given the coordinates."""
        return self._per_allele * self.basis.effects(coordinates, None, None)

    def fit_everywhere(self, state, rng, effects=None):
        """Return genotypes times effects for all rows, (n, C); those of `effects` if given."""
        if effects is not None and self.basis.leaves_rows_out:
            return self._genotypes.dot(effects)
        fit = state.fit if self.keeps_fit else self.basis.fit(state.effects)
        return self.basis.fit_everywhere(fit, state.effects, state.hyper.variance[0], rng)
