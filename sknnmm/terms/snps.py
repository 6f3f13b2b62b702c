"""SNP effects on the responses of a layer: on the nodes, or on the phenotype directly.

How they are drawn depends on the data: an SNPUpdate does it, maybe for the SNPs of several layers
together (sampling/snp/).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.genotypes import Genotypes, ScaledGenotypes
from sknnmm.model.connections import Connections
from sknnmm.model.variables import Variable
from sknnmm.priors import Prior
from sknnmm.terms.base import Term
from sknnmm.terms.effects import (
    EffectsState,
    hyperparameter_values,
    hyperparameter_variables,
    rescale_all,
    scale_density,
)

if TYPE_CHECKING:
    from sknnmm.model.network import Layer


@dataclass
class SNPState(EffectsState):
    """SNP effects, and what an SNPUpdate maintains of genotypes times effects."""

    fit: np.ndarray | None  # (n, C), genotypes times effects; None: no update reads it
    fit_squares: np.ndarray | None = None  # (C,) its sums of squares, where it is None
    fit_products: np.ndarray | None = None  # (C, p) X'W fit, where a sweep goes on cross-products
    steps: object = None  # of the moves of the hyperparameters, where there are any


class SNPs(Term[SNPState]):
    """Effects of SNPs on C responses.

    Parameters
    ----------
    layer, effects, pi : str
        Names of the layer, of the effects, and of their probability of no effect.
    genotypes : Genotypes
    prior : Prior
    share : float
        Of the variance of a response, expected of all SNPs together.
    row_weight : ndarray of shape (n,)
        Of the layer.
    n_responses : int
    connections : Connections or None
        None: every SNP acts on every response.
    """

    acts_by_snps = True

    def __init__(
        self,
        layer: str,
        effects: str,
        pi: str,
        genotypes: Genotypes,
        prior: Prior,
        share: float,
        row_weight: np.ndarray,
        n_responses: int,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(effects, layer)
        self._pi = pi
        self.prior = prior
        self.values_are_views = not prior.groups
        self.genotypes = ScaledGenotypes(genotypes) if prior.scales_genotypes else genotypes
        self.row_weight = row_weight
        self.n_responses = n_responses
        self.connections = connections
        self._share = share

    @property
    def informs_residual_variance(self) -> bool:
        """Return whether the prior is in units of the residual variance."""
        return self.prior.relative_to_residual

    @property
    def connected(self) -> np.ndarray | bool:
        """Return which SNPs act on which responses: (p, C) bool, or True for all."""
        return True if self.connections is None else self.connections.dense()

    @property
    def expected_variance(self) -> np.ndarray:
        """Return the expected variance of one SNP effect on a response, (C,), or (groups, C)."""
        return self.prior.expected_variance(self._share, self.genotypes.variance, self._sums)

    def _sums(self, per_snp: np.ndarray) -> np.ndarray:
        """Return sums of values (p,) over the SNPs that act on each response, (C,)."""
        if self.connections is None:
            return np.full(self.n_responses, per_snp.sum())
        return self.connections.sums(per_snp)

    def draw_hyperparameters(
        self, state: SNPState, residual_variance: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Draw the hyperparameters of the prior given the effects, in place."""
        self.prior.update(state.hyper, state.effects, state.component, residual_variance, rng)

    @property
    def fixes_scale(self) -> bool:
        """Return whether the prior variances are held (see Term)."""
        return self.prior.fixes_scale

    def rescale(self, state: SNPState, response: int, factor: float) -> None:
        """Multiply the effects on one response and their SDs (see Term)."""
        state.effects[state.hyper.layout.entries(response)] *= factor
        state.fit[:, response] *= factor
        self.prior.rescale_column(state.hyper, response, factor)

    def scale_terms(self, state: SNPState, response: int) -> tuple[float, float]:
        """Return what the prior of the variances says of their scale (see Term)."""
        return self.prior.scale_terms(state.hyper, response)

    def scale_density(
        self, state: SNPState, residual_variance: np.ndarray
    ) -> tuple[float, float, float]:
        """Return that of the effects (see Term)."""
        return scale_density(self.prior, state, residual_variance)

    def multiply(self, state: SNPState, factor: float) -> None:
        """Multiply the effects and what is maintained of them (see Term)."""
        rescale_all(self.prior, state, factor)
        state.fit *= factor
        if state.fit_products is not None:
            state.fit_products *= factor

    def contribution(self, state: SNPState) -> np.ndarray:
        """Return genotypes times effects (see Term)."""
        return state.fit

    def prior_terms(self, state: SNPState) -> tuple[np.ndarray, np.ndarray]:
        """Return what the effects say of the residual variance (see Term)."""
        return self.prior.residual_terms(state.hyper, state.effects, state.component)

    def variables(self, layer: "Layer") -> list[Variable]:
        """Return the hyperparameters, and the effects, kept in moments (see Term)."""
        effects = Variable(
            self.name, layer.name, "SNP effects per allele", layer.dims("snp"), power=1, every=False
        )
        hyper = hyperparameter_variables(self.prior, layer, self.name, self._pi, "snp_group")
        return [*hyper, effects]

    def values(self, state: SNPState) -> list[np.ndarray]:
        """Return the hyperparameters (see Term)."""
        return hyperparameter_values(self.prior, state)
