"""Predictions as averages over posterior draws, in double precision, each row on its own."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sknnmm.activations import BaseActivation
from sknnmm.genotypes import row_products
from sknnmm.inputs.scales import Scales
from sknnmm.posterior.draws import Posterior

DRAWS_AT_ONCE = 32
FEW_ROWS = 0.1  # share of rows
MIN_NETWORK_DRAWS = 500  # normal draws to integrate a network function with


@dataclass
class FittedNetwork:
    """What predictions need of a fit; effects and weights on the original scale."""

    activation: BaseActivation
    scales: Scales
    posterior: Posterior
    genotypes_mean: np.ndarray  # (p,)
    genotypes_variance: np.ndarray  # (p,)
    snp_effects: np.ndarray  # (p, K)
    weighted_snp_effects: np.ndarray  # (p, K) E[w_k b_jk], y units; used if linear
    direct_effects: np.ndarray  # (p,)
    mean_inverse_weight: float = 1.0  # of the records: theirs is the residual variance of y
    normals: np.ndarray | None = None  # (draws, repeats, K) to integrate a network function with
    genetic_mean: float = 0.0  # of the training rows, for a network function

    @property
    def n_nodes(self):
        """Return K."""
        return self.snp_effects.shape[1]

    def expected_omics(self, dosages):
        """Return E[z | x] at the mean covariates, (n, K)."""
        return self.times(dosages, self.snp_effects) + self.posterior.mean(
            "omics_centred_intercept"
        )

    def genetic_value(self, dosages):
        """Return the genetic value as deviation from its training mean, (n,)."""
        direct = self.times(dosages, self.direct_effects[:, None])[:, 0]
        if not self.n_nodes:
            return direct
        if self.activation.is_linear:
            return direct + _sum_columns(self.times(dosages, self.weighted_snp_effects))
        no_covariates = np.zeros((len(dosages), len(self.scales.covariates_mean)))
        if self.activation.is_network:
            nothing_given = np.full((len(dosages), self.n_nodes), np.nan)
            mediated = self._expected_function(dosages, nothing_given, no_covariates)
            return mediated + direct - self.genetic_mean
        mediated = _sum_columns(self._expected_terms(dosages, no_covariates))
        return mediated + direct - self.posterior.at_stored("genetic_mean").mean()

    def prepare_integration(self, training_dosages):
        """Fix the normal draws of a network function, and its mean over the training rows."""
        n_stored = len(self.posterior.at_stored("omics_centred_intercept"))
        repeats = -(-MIN_NETWORK_DRAWS // n_stored)
        rng = np.random.default_rng(0)
        self.normals = rng.standard_normal((n_stored, repeats, self.n_nodes))
        self.genetic_mean = self.genetic_value(training_dosages).mean()

    def expected_phenotype(self, dosages, omics, covariates):
        """Return E[y | x, the omics given], (n,).

        Parameters
        ----------
        dosages : ndarray of shape (n, p)
        omics : ndarray of shape (n, n_omics)
            NaN where not given.
        covariates : ndarray of shape (n, q)
        """
        covariates = covariates - self.scales.covariates_mean
        expected = self.times(dosages, self.direct_effects[:, None])[:, 0]
        expected += self.posterior.mean("centred_intercept")
        expected += plain_products(covariates, self.posterior.mean("covariate_effects"))[:, 0]
        if not self.n_nodes:
            return expected
        if self.activation.is_network:
            known = np.full((len(dosages), self.n_nodes), np.nan)
            known[:, : omics.shape[1]] = omics
            return expected + self._expected_function(dosages, known, covariates)
        given = np.zeros((len(dosages), self.n_nodes), bool)
        given[:, : omics.shape[1]] = ~np.isnan(omics)
        terms = np.zeros(given.shape)
        if given.any():
            known = np.tile(self.scales.omics_mean, (len(omics), 1))
            known[given] = omics[given[:, : omics.shape[1]]]
            standardised = (known - self.scales.omics_mean) / self.scales.omics_scale
            activated = self.activation.value(standardised)
            terms = np.where(given, self.posterior.mean("omics_weights") * activated, 0)
        incomplete = ~given.all(axis=1)
        if incomplete.any():
            # Few rows are copied; of many, which may not fit in memory, all are computed.
            rows = incomplete if incomplete.mean() <= FEW_ROWS else slice(None)
            integrated = self._expected_terms(dosages[rows], covariates[rows])
            terms[rows] = np.where(given[rows], terms[rows], integrated)
        return expected + _sum_columns(terms)

    def record_variance(self, batch):
        """Return the residual variance of an average record of y in stored draws, (draws,)."""
        return self.posterior.at_stored("residual_variance")[batch] * self.mean_inverse_weight

    def times(self, dosages, effects):
        """Return centred genotypes times effects, each row on its own to the bit."""
        return row_products(dosages, self.genotypes_mean, effects)

    def _expected_terms(self, dosages, covariates):
        """Return E[w_k g(z_k) | x, c] (n, K), covariates centred."""
        if self.activation.is_linear:
            return self._expected_linear_terms(dosages, covariates)
        weights = self.posterior.at_stored("omics_weights")
        terms = np.zeros((len(dosages), self.n_nodes))
        for batch, mean, variance in self.node_laws(dosages, covariates):
            expected, _ = self.activation.normal_moments(mean, variance)
            for draw, weight in enumerate(weights[batch]):
                terms += weight * expected[:, draw]
        return terms / len(weights)

    def _expected_function(self, dosages, omics, covariates):
        """Return E[f(z) | x, c, the omics given] (n,) of a network function, y units.

        NaN omics are integrated over by fixed normal draws, the same for every row.
        """
        given = (omics - self.scales.omics_mean) / self.scales.omics_scale
        total = np.zeros(len(dosages))
        for batch, mean, variance in self.node_laws(dosages, covariates):
            for draw in range(mean.shape[1]):
                for normal in self.normals[batch][draw]:
                    nodes = mean[:, draw] + np.sqrt(variance[draw]) * normal
                    nodes = np.where(np.isnan(given), nodes, given)
                    total += self.activation.value(nodes)[:, 0]
        return total / (self.normals.shape[0] * self.normals.shape[1]) * self.scales.y_scale

    def node_laws(self, dosages, covariates):
        """Yield (slice of stored draws, means (n, draws, K), variances (draws, K)) of the nodes.

        Given genotypes and covariates, standardised, a few posterior draws at a time.
        """
        scales, posterior = self.scales, self.posterior
        intercepts = posterior.at_stored("omics_centred_intercept") - scales.omics_mean
        variances = posterior.at_stored("omics_residual_variance") / scales.omics_scale**2
        covariate_effects = posterior.at_stored("omics_covariate_effects")
        effects = columns_by_draw(posterior.draws["snp_effects"])
        n_draws, n_nodes = intercepts.shape
        for first in range(0, n_draws, DRAWS_AT_ONCE):
            batch = slice(first, min(first + DRAWS_AT_ONCE, n_draws))
            columns = slice(batch.start * n_nodes, batch.stop * n_nodes)
            shape = (len(dosages), batch.stop - batch.start, n_nodes)
            mean = self.times(dosages, effects[:, columns]).reshape(shape) + intercepts[batch]
            by_covariate = np.moveaxis(covariate_effects[batch], 1, 0)  # (q, draws, K)
            mean += plain_products(covariates, by_covariate).reshape(shape)
            yield batch, mean / scales.omics_scale, variances[batch]

    def _expected_linear_terms(self, dosages, covariates):
        scales, draws = self.scales, self.posterior.draws
        weights = draws["omics_weights"]
        intercepts = (draws["omics_centred_intercept"] - scales.omics_mean) / scales.omics_scale
        covariate_effects = draws["omics_covariate_effects"] / scales.omics_scale
        weighted = (weights[:, :, None] * covariate_effects).mean(axis=(0, 1))
        return (
            self.times(dosages, self.weighted_snp_effects)
            + (weights * intercepts).mean(axis=(0, 1))
            + plain_products(covariates, weighted)
        )


def columns_by_draw(draws):
    """Return SNP effects (chain, draw, p, K) as a matrix (p, draws * K), draw by draw."""
    n_chains, n_draws, n_snps, n_nodes = draws.shape
    if not sparse.issparse(draws):
        return np.moveaxis(draws.reshape(-1, n_snps, n_nodes), 1, 0).reshape(n_snps, -1)
    chain, draw, snp, node = (axis.astype(np.int64) for axis in draws.coords)
    column = (chain * n_draws + draw) * n_nodes + node
    shape = (n_snps, n_chains * n_draws * n_nodes)
    return sparse.csc_array((draws.data, (snp, column)), shape=shape)


def plain_products(values, effects):
    """Return values @ effects, each row on its own to the bit."""
    effects = effects.reshape(len(effects), int(np.prod(effects.shape[1:])))
    return row_products(values, np.zeros(values.shape[1]), effects)


def _sum_columns(terms):
    """Return row sums, added column by column: NumPy's order may depend on the number of rows."""
    total = np.zeros(len(terms))
    for column in terms.T:
        total += column
    return total
