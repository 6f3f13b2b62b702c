"""The contract between a prior of effects and the sampler.

Every prior is a mixture: effect j of column c comes from N(0, multipliers[m] * variance[j, c])
with probability weights[m, c]. One compiled kernel draws the component and the effect for all of
them; a prior states its multipliers, its starting hyperparameters, and how it updates them.
"""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numba.extending import overload

from sknnmm.common.compiled import njit
from sknnmm.priors._layout import DenseColumns, SparseColumns
from sknnmm.priors._variance import VarianceSettings

GENETIC_SHARE = 0.5  # of the variance of each node and of y, expected a priori


@dataclass
class Hyperparameters:
    """Current hyperparameters of C columns of effects; arrays are updated in place."""

    columns: DenseColumns | SparseColumns  # layout of the effects
    scale: np.ndarray  # (C,) scale of the chi^-2 prior of the variance
    variance: np.ndarray  # (1, C) common to a column, or one per effect, shaped like the effects
    weights: np.ndarray  # (M, C) mixture weights

    def variance_of(self, column):
        """Return a view of the variances of one column."""
        entries = self.columns.entries(column) if self.variance.ndim == 1 else np.s_[:, column]
        return self.variance[entries]


class Prior(VarianceSettings):
    """Base class of the priors of SNP effects and omics weights.

    A subclass sets `multipliers` and implements `start` and `update`. Effects that are not in the
    model (SNPs without variance) have component -1 and value 0.
    """

    #: True if the effects are jointly normal given the variance, so that the exact joint draw in
    #: the basis of the singular value decomposition applies.
    jointly_normal = False

    #: True if hyper.variance is in units of the residual variance of the column.
    relative_to_residual = False

    #: True if the prior is one of effects of SNPs divided by their expected standard deviation.
    scales_genotypes = False

    @property
    @abstractmethod
    def multipliers(self):
        """Return the component multipliers of the variance, a tuple; 0 is "no effect"."""

    @abstractmethod
    def start(self, expected_variance, columns):
        """Return starting Hyperparameters.

        Parameters
        ----------
        expected_variance : ndarray of shape (C,)
            Variance of one effect that gives each column its expected share of variance when
            every effect is in the model.
        columns : DenseColumns or SparseColumns
            Layout of the effects.
        """

    @abstractmethod
    def update(self, hyper, effects, component, residual_variance, rng):
        """Draw `hyper` from its full conditional, in place.

        Parameters
        ----------
        hyper : Hyperparameters
        effects : ndarray, laid out as hyper.columns says
        component : ndarray, int8
            The mixture component of each effect, -1 where it is not in the model.
        residual_variance : ndarray of shape (C,)
        rng : numpy.random.Generator
        """

    @property
    def selects(self):
        """Return whether an effect can be exactly zero."""
        return 0 in self.multipliers

    def zero_weight(self, hyper):
        """Return pi (C,), the probability of no effect, or None where the prior has none."""
        return hyper.weights[self.multipliers.index(0)] if self.selects else None


class CommonVariancePrior(Prior):
    """Base class of the priors with one variance per column: they share one compiled update."""

    estimate_pi = False

    def update(self, hyper, effects, component, residual_variance, rng):
        """Draw mixture weights and the common variance (see Prior)."""
        update_common_variance(
            effects,
            component,
            hyper.columns.indptr,
            np.array(self.multipliers),
            float(self.df),
            hyper.scale,
            bool(self.estimate_pi),
            bool(self.estimate_variance),
            hyper.weights,
            hyper.variance,
            rng,
        )


@njit(nogil=True, cache=True, error_model="numpy")
def update_common_variance(
    effects, component, indptr, multipliers, df, scale, estimate_pi, estimate_variance, weights,
    variance, rng,
):  # fmt: skip
    """Draw mixture weights (Dirichlet) and common variances (scaled inverse chi-square)."""
    counts, squares = component_totals(effects, component, indptr, multipliers.size)
    for c in range(scale.size):
        if estimate_pi:
            draw_dirichlet(counts[:, c], weights[:, c], rng)
        if estimate_variance:
            total_df, total = df, df * scale[c]
            for m in range(multipliers.size):
                if multipliers[m] > 0:
                    total_df += counts[m, c]
                    total += squares[m, c] / multipliers[m]
            variance[0, c] = total / rng.chisquare(total_df)


def component_totals(effects, component, indptr, n_components):
    """Return how many effects are in each component, and their sums of squares, (M, C)."""


@overload(component_totals)
def _component_totals(effects, component, indptr, n_components):
    if effects.ndim == 1:

        def by_connection(effects, component, indptr, n_components):
            n_columns = indptr.size - 1
            counts = np.zeros((n_components, n_columns))
            squares = np.zeros((n_components, n_columns))
            for c in range(n_columns):
                for j in range(indptr[c], indptr[c + 1]):
                    m = component[j]
                    if m >= 0:
                        counts[m, c] += 1
                        squares[m, c] += float(effects[j]) ** 2
            return counts, squares

        return by_connection

    def by_row(effects, component, indptr, n_components):
        n_effects, n_columns = effects.shape
        counts = np.zeros((n_components, n_columns))
        squares = np.zeros((n_components, n_columns))
        for j in range(n_effects):
            for c in range(n_columns):
                m = component[j, c]
                if m >= 0:
                    counts[m, c] += 1
                    squares[m, c] += float(effects[j, c]) ** 2
        return counts, squares

    return by_row


@njit(nogil=True, cache=True)
def draw_dirichlet(counts, weights, rng):
    """Draw mixture weights given component counts, under a uniform prior.

    As ratios of gammas, so that no weight can round to zero as one minus a Beta draw can.
    """
    total = 0.0
    for m in range(counts.size):
        weights[m] = rng.standard_gamma(1 + counts[m])
        total += weights[m]
    for m in range(counts.size):
        weights[m] /= total


@njit(nogil=True, cache=True)
def update_mixture_weights(effects, component, indptr, weights, rng):
    """Draw mixture weights (M, C) given the components of the effects."""
    counts, _ = component_totals(effects, component, indptr, weights.shape[0])
    for c in range(weights.shape[1]):
        draw_dirichlet(counts[:, c], weights[:, c], rng)
