"""Predictions as averages over posterior draws, in double precision, each row on its own."""

from dataclasses import dataclass, replace

import numpy as np

from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.prediction.layer import FittedLayer
from sknnmm.prediction.nodes_part import ActivatedNodes, NetworkFunctionNodes
from sknnmm.prediction.parts import FixedPart, NewRows, SNPsPart


@dataclass(eq=False)
class FittedNetwork:
    """What predictions need of a fit: the last layer, which reads the one below, and so on."""

    phenotype: FittedLayer
    genotypes_variance: np.ndarray  # (p,)
    covariates_mean: dict[str, np.ndarray]  # (q,) of each layer, by its name

    @property
    def layers(self):
        """Return the layers, the last one first."""
        layers = [self.phenotype]
        while (nodes := layers[-1].nodes) is not None:
            layers.append(nodes.layer_below)
        return layers

    @property
    def activation(self):
        """Return the activation through which nodes act on the phenotype, or None."""
        nodes = self.phenotype.nodes
        return None if nodes is None else nodes.activation

    def rows(self, dosages, omics, covariates, levels=None):
        """Return new rows as parts read them.

        Parameters
        ----------
        dosages : ndarray of shape (n, p)
        omics : ndarray of shape (n, n_omics)
            NaN where not given, minus infinity where below the detection limit.
        covariates : dict of str to ndarray of shape (n, q)
            The design matrix of each layer.
        levels : dict of str to (ndarray of shape (n,), ndarray of shape (n,)), or None
            Level and slope of every term of random effects, if there are any.
        """
        given = {}
        if not np.isnan(omics).all():
            layer = self._layer(OMICS)
            nodes = np.full((len(omics), layer.n_responses), np.nan)  # latent ones are not given
            nodes[:, : omics.shape[1]] = omics
            given[OMICS] = (nodes - layer.location) / layer.scale  # -inf stays
        deviations = {name: covariates[name] - mean for name, mean in self.covariates_mean.items()}
        return NewRows(dosages, deviations, given, levels or {})

    def genetic_rows(self, dosages, covariates=None, levels=None):
        """Return rows of which nothing is known but genotypes, and what else is genetic.

        Parameters
        ----------
        dosages : ndarray of shape (n, p)
        covariates : dict of str to ndarray of shape (n, q), or None
            The design matrix of each layer, NaN: at the mean.
        levels : dict or None
            As in `rows`, of the terms that are genetic.
        """
        deviations = {
            name: np.zeros((len(dosages), len(mean))) for name, mean in self.covariates_mean.items()
        }
        for name, design in (covariates or {}).items():
            deviations[name] = np.nan_to_num(design - self.covariates_mean[name])
        return NewRows(dosages, deviations, levels=levels or {})

    @property
    def average_row(self):
        """Return one row of mean genotypes and covariates."""
        return self.genetic_rows(np.full((1, len(self.genotypes_variance)), -1, np.int8))

    def expected_phenotype(self, rows):
        """Return E[y | x, the omics given], (n, C)."""
        return self.phenotype.mean(rows)

    def expected_omics(self, dosages):
        """Return E[z | x] at the mean covariates, (n, K)."""
        return self._layer(OMICS).mean(self.genetic_rows(dosages))

    def genetic_value(self, rows):
        """Return the genetic value of `genetic_rows`, as deviation from its training mean, (n, C).

        Random effects are as they are.
        """
        average = self.average_row
        return sum(part.mean(rows) - part.training_mean(average) for part in self.phenotype.parts)

    def genetic_parts(self, rows):
        """Return the parts of the genetic value: direct and mediated (n, C), by node (n, K, C).

        Those by node are deviations from an individual of mean genotypes, and None of a network
        function. All are zero where the model has no such part.
        """
        average = self.average_row
        direct = mediated = np.zeros((len(rows), self.phenotype.n_responses))
        by_node = np.zeros((len(rows), 0, self.phenotype.n_responses))
        for part in self.phenotype.parts:
            if part.layer_below is not None:
                mediated = part.mean(rows) - part.training_mean(average)
                by_node = None
                if not part.activation.is_network:
                    by_node = part.by_node(rows) - part.by_node(average)
            else:
                direct = direct + part.mean(rows) - part.training_mean(average)
        return direct, mediated, by_node

    def comparing_draws(self):
        """Return the network with the same Monte Carlo error in every draw."""
        return replace(self, phenotype=self.phenotype.comparing_draws())

    def _layer(self, name):
        return next(layer for layer in self.layers if layer.name == name)


def fitted_network(
    posterior,
    scales,
    genotypes,
    activation,
    effects,
    weighted_effects,
    mean_inverse_weight,
    random,
    families,
    limits,
):
    """Return the network of one layer of nodes, or none, below one phenotype.

    Parameters
    ----------
    posterior : Posterior
    scales : Scales
    genotypes : Genotypes
        Of the training rows.
    activation : BaseActivation
    effects : dict
        Posterior means over all draws: "snp_effects" (p, K) and "direct_effects" (p,), of the
        terms that the model has.
    weighted_effects : ndarray of shape (p, K), or csc_array
        E[w_k b_jk], y units; used if the activation is linear.
    mean_inverse_weight : float
        Mean over the records of their residual variance of y over that of weight 1.
    random : dict of str to list of RandomPart
        By the name of the layer.
    families : dict of str to Family
        The same.
    limits : ndarray of shape (K,)
        Detection limits of the nodes, NaN where they have none.
    """
    location, scale = np.array([scales.y_mean]), np.array([scales.y_scale])
    names = "centred_intercept", "covariate_effects"
    fixed = FixedPart(posterior, scale, PHENOTYPE, location, *names)
    parts = [fixed, *random[PHENOTYPE]]
    phenotype = FittedLayer(
        PHENOTYPE,
        posterior,
        location,
        scale,
        parts,
        "residual_variance",
        "heritability",
        families[PHENOTYPE],
        mean_inverse_weight,
    )
    network = FittedNetwork(phenotype, genotypes.variance, scales.covariates_mean)
    if "direct_effects" in effects:
        direct = effects["direct_effects"][:, None]
        parts.append(SNPsPart(posterior, scale, "direct_effects", genotypes.mean, direct))
    if "snp_effects" not in effects:
        return network
    location, node_scale = scales.omics_mean, scales.omics_scale
    omics = FittedLayer(
        OMICS,
        posterior,
        location,
        node_scale,
        [
            FixedPart(
                posterior,
                node_scale,
                OMICS,
                location,
                "omics_centred_intercept",
                "omics_covariate_effects",
            ),
            SNPsPart(
                posterior,
                node_scale,
                "snp_effects",
                genotypes.mean,
                effects["snp_effects"],
                weighted_effects if activation.is_linear else None,
            ),
            *random[OMICS],
        ],
        "omics_residual_variance",
        "omics_heritability",
        families[OMICS],
        limits=(limits - location) / node_scale,
    )
    if activation.is_network:
        training = network.genetic_rows(genotypes.dosages)
        nodes = NetworkFunctionNodes.of_fit(posterior, scale, omics, activation, training)
    else:
        nodes = ActivatedNodes(posterior, scale, omics, activation, "omics_weights")
    parts.append(nodes)
    return network
