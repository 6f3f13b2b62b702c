"""Everything needed to continue a chain."""

from dataclasses import dataclass

import numpy as np

from sknnmm.priors import Hyperparameters


@dataclass
class EffectsState:
    """Effects of one set of columns: SNPs on the nodes, SNPs on y, or nodes on y."""

    effects: np.ndarray  # (m, C), or (m,) of connections; spectral draw: coordinates V'b
    component: np.ndarray  # shaped alike, int8, mixture component, -1 = not in the model
    hyper: Hyperparameters
    fit: np.ndarray | None  # (n, C), genotypes times effects, maintained; None: no update reads it
    fit_squares: np.ndarray | None = None  # (C,) its sums of squares, where it is None
    fit_products: np.ndarray | None = None  # (C, p) X'W fit, where a sweep goes on cross-products


@dataclass
class FixedState:
    """Intercepts (at the training mean of the covariates) and covariate effects."""

    coefficients: np.ndarray  # (1 + q, C)
    fit: np.ndarray | None  # (n, C); None: no update reads it


@dataclass
class ChainState:
    """State of one chain, on the standardised scale; parts that the model lacks are None.

    Residuals are formed from the parts when an update needs them, so none can go stale; only the
    genotype fits, too dear to recompute, are maintained.
    """

    omics: np.ndarray  # (n, K), missing cells imputed
    activated: np.ndarray  # g(omics): (n, K), the same array if linear; network function: (n, 1)
    snp: EffectsState | None
    direct: EffectsState | None
    weights: EffectsState | None  # (K, 1); of a network function: one weight of 1
    omics_fixed: FixedState  # K columns
    fixed: FixedState  # 1 column
    omics_residual_variance: np.ndarray  # (K,)
    residual_variance: np.ndarray  # (1,)
    step_size: object = None  # of Hamiltonian Monte Carlo, where it is used

    def omics_mean(self):
        """Return the prior mean of the node values given genotypes and covariates, (n, K)."""
        return self.omics_fixed.fit + self.snp.fit

    def omics_part(self):
        """Return the contribution of the nodes to y, (n, 1), or 0 without nodes."""
        if self.weights is None:
            return 0
        return self.activated @ self.weights.effects
