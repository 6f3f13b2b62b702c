"""NN-MM: its data on the sampling scale, its settings, and the network they make."""

from dataclasses import dataclass

import numpy as np

from sknnmm.activations import BaseActivation
from sknnmm.common.cached import cached
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.families import Family, Gaussian
from sknnmm.genotypes import Genotypes
from sknnmm.model.connections import Connections
from sknnmm.model.network import Layer, Network
from sknnmm.priors import Prior, ScaledInverseChi2
from sknnmm.terms import Fixed, Levels, Nodes, Random, SNPs


@dataclass(frozen=True)
class RandomEffect:
    """Levels with effects on the responses of some layers, and the prior of their variances."""

    name: str
    layers: tuple[str, ...]  # names of layers
    levels: Levels
    prior: ScaledInverseChi2


@dataclass(frozen=True)
class NNMM:
    """Standardised data and the settings of the network: one layer of nodes, one of phenotypes.

    n individuals, p SNPs, K nodes (observed omics, then latent), q covariates.
    """

    genotypes: Genotypes  # (n, p)
    y: np.ndarray  # (n,), NaN = missing; or (n, C) of several phenotypes. Of classes: 0, 1, ...
    omics: np.ndarray  # (n, K), NaN = missing or below its limit; latent nodes all NaN
    n_latent: int
    covariates: np.ndarray  # (n, q), those of y: centred, double precision
    activation: BaseActivation
    snp_prior: Prior
    weight_prior: Prior
    direct_prior: Prior | None  # None: no direct path
    residual_prior: ScaledInverseChi2
    sample_weight: np.ndarray | None = None  # (n,), y has residual variance s2_e / weight
    connections: Connections | None = None  # None: every SNP acts on every node
    dtype: type = np.float32
    latent_sampler: str = "auto"
    intercept_variance: float = np.inf  # infinite: the flat prior of the estimator
    omics_covariates: np.ndarray | None = None  # (n, q) of the nodes; None: those of y
    idle: np.ndarray | None = None  # (K,) bool, nodes that have no weight; None: all have one
    family: Family = Gaussian()  # noqa: RUF009  it has no state
    y_upper: np.ndarray | None = None  # shaped like y, upper ends of records that are intervals
    random: tuple[RandomEffect, ...] = ()
    #: (n, K), what omics below their detection limit lie below, elsewhere infinite; None: none is.
    omics_limits: np.ndarray | None = None

    @property
    def n_nodes(self):
        """Return K."""
        return self.omics.shape[1]

    @property
    def record(self):
        """Return the phenotypes, (n, C)."""
        return _columns(self.y)

    @cached
    def y_observed(self):
        """Return the rows that inform the phenotype layer, (n,) bool."""
        return ~np.isnan(self.record).all(axis=1)

    @cached
    def y_weight(self):
        """Return the weight of every row in the phenotype layer, (n,); 0 where y is missing."""
        weight = 1.0 if self.sample_weight is None else self.sample_weight
        return np.where(self.y_observed, weight, 0.0)

    @cached
    def omics_observed(self):
        """Return the cells of the middle layer with data, (n, K) bool."""
        return ~np.isnan(self.omics)

    @cached
    def informative(self):
        """Return the rows with y or any omic: the others enter no conditional, (n,) bool."""
        informative = self.y_observed | self.omics_observed.any(axis=1)
        if self.omics_limits is not None:
            informative |= np.isfinite(self.omics_limits).any(axis=1)
        return informative

    def network(self):
        """Return the Network: here, and nowhere else, terms are put together."""
        layers = []
        if self.n_nodes:
            layers.append(self._omics())
        layers.append(self._phenotype(*layers))
        return Network(self.genotypes, tuple(layers), self.dtype, self.latent_sampler)

    def _omics(self):
        weight = self.informative.astype(float)
        # Fixed effects of a latent node are not identified: no row lets it estimate any. Nor does a
        # row whose omic is below its limit: with no other, the effect could be minus infinity.
        fixed = self._fixed(OMICS, weight, self.omics_observed, self.omics_covariates)
        share = Gaussian.explained_variance / (1 + self._n_random(OMICS))
        terms = [
            SNPs(
                OMICS,
                "snp_effects",
                "pi",
                self.genotypes,
                self.snp_prior,
                share,
                weight,
                self.n_nodes,
                self.connections,
            ),
            *self._random(OMICS, share, weight, self.n_nodes, fixed),
            fixed,
        ]
        return Layer(
            name=OMICS,
            record=self.omics,
            row_weight=weight,
            terms=tuple(terms),
            family=Gaussian(),
            residual_prior=self.residual_prior,
            dtype=self.dtype,
            response_dim="omic",
            prefix="omics_",
            n_latent=self.n_latent,
            limits=self.omics_limits,
        )

    def _phenotype(self, omics=None):
        weight, n_responses = self.y_weight, self.record.shape[1]
        n_genetic = (omics is not None) + (self.direct_prior is not None)
        share = self.family.explained_variance / (n_genetic + self._n_random(PHENOTYPE))
        estimable = np.repeat(self.y_observed[:, None], n_responses, axis=1)
        fixed = self._fixed(PHENOTYPE, weight, estimable)
        random = self._random(PHENOTYPE, share, weight, n_responses, fixed)
        terms = []
        if self.direct_prior is not None:
            terms.append(
                SNPs(
                    PHENOTYPE,
                    "direct_effects",
                    "direct_pi",
                    self.genotypes,
                    self.direct_prior,
                    share,
                    weight,
                    n_responses,
                )
            )
        if omics is not None:
            terms.append(
                Nodes(
                    PHENOTYPE,
                    omics,
                    self.activation,
                    self.weight_prior,
                    share,
                    weight,
                    n_responses,
                    fixed,
                    self.idle,
                )
            )
        return Layer(
            name=PHENOTYPE,
            record=self.record,
            row_weight=weight,
            terms=(*terms, *random, fixed),
            family=self.family,
            residual_prior=self.residual_prior,
            dtype=self.dtype,
            response_dim=None if self.y.ndim == 1 else "phenotype",
            upper=None if self.y_upper is None else _columns(self.y_upper),
        )

    def _fixed(self, layer, weight, estimable, covariates=None):
        covariates = self.covariates if covariates is None else covariates
        return Fixed(layer, covariates, weight, estimable, self.intercept_variance, self.dtype)

    def _n_random(self, layer):
        return sum(layer in effect.layers for effect in self.random)

    def _random(self, layer, share, weight, n_responses, fixed):
        return [
            Random(
                effect.name,
                layer,
                effect.levels,
                effect.prior,
                share,
                weight,
                n_responses,
                fixed,
                self.dtype,
            )
            for effect in self.random
            if layer in effect.layers
        ]


def _columns(values):
    """Return values (n,) of one response as (n, 1); those of several as they are."""
    return values if values.ndim == 2 else values[:, None]
