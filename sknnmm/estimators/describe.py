"""From checked inputs and settings to NN-MM on the sampling scale."""

import numpy as np
from scipy import sparse

from sknnmm.activations import ACTIVATIONS, Activation, BaseActivation, resolve_activation
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.estimators.specification import NNMM, RandomEffect
from sknnmm.families import Censored, Gaussian, Ordinal
from sknnmm.genotypes import ScaledGenotypes
from sknnmm.inputs.detection_limits import measured
from sknnmm.inputs.group_priors import prior_of_groups
from sknnmm.priors import ScaledInverseChi2
from sknnmm.sampling.missing.choose import choose_latent_sampler
from sknnmm.terms import Levels


def describe(estimator, inputs, dtype):
    """Return NN-MM on the standardised scale.

    Parameters
    ----------
    estimator : NNMMRegressor
        Its settings.
    inputs : FitInputs
    dtype : floating type
        Of the sampler.
    """
    scales, record = inputs.scales, inputs.record
    nodes = standardised_nodes(inputs, inputs.informative_omics)
    # An omic without variance counts as complete: nothing of it is drawn.
    idle = ~scales.omics_vary
    informed = ~np.isnan(inputs.y) | ~np.isnan(nodes[:, ~idle]).all(axis=1)
    nodes[:, idle] = np.where(informed[:, None], 0, np.nan)
    nodes, limits = _below_limits(nodes, inputs)
    activation = _activation(estimator.activation, inputs, dtype)
    choose_latent_sampler(estimator.latent_sampler, activation)
    mean, scale = scales.covariates_mean, scales.covariates_scale
    covariates = {  # missing ones are in rows that inform nothing
        layer: np.nan_to_num((design - mean[layer]) / scale[layer])
        for layer, design in inputs.designs.items()
    }
    if activation.is_network and inputs.omics_groups is not None:
        raise ValueError(
            "omics_groups are groups of weights, but activation is a function of all nodes, which "
            "has none. Leave omics_groups out."
        )
    return NNMM(
        genotypes=inputs.genotypes,
        y=record.standardised(record.values),
        y_upper=None if record.upper is None else record.standardised(record.upper),
        family=_family(record),
        omics=nodes,
        n_latent=estimator.n_latent,
        idle=idle,
        covariates=covariates[PHENOTYPE],
        omics_covariates=covariates[OMICS],
        activation=activation,
        snp_prior=_snp_prior(estimator, inputs, "method"),
        weight_prior=prior_of_groups(estimator.omics_method, "omics_method", inputs.omics_groups),
        direct_prior=_direct_prior(estimator, inputs),
        sample_weight=inputs.relative_weight,
        connections=inputs.connections,
        residual_prior=estimator.residual_prior or ScaledInverseChi2(),
        latent_sampler=estimator.latent_sampler,
        dtype=dtype,
        random=tuple(_random_effect(column, inputs.random) for column in inputs.random_columns),
        omics_limits=limits,
    )


def _below_limits(nodes, inputs):
    """Return standardised nodes with NaN where they are below their limit, and limits (n, K)."""
    below = np.isneginf(nodes)
    if not below.any():
        return nodes, None
    limits = inputs.scales.standardised(inputs.limits)
    return np.where(below, np.nan, nodes), np.where(below, limits, np.inf)


def _family(record):
    """Return the family that links the phenotype to its Record."""
    if record.classes is not None:
        return Ordinal()
    return Gaussian() if record.upper is None else Censored()


def _random_effect(column, of_layers):
    """Return the RandomEffect of a column, on all layers that have it."""
    layers = tuple(
        layer for layer, columns in of_layers.items() if column.name in {c.name for c in columns}
    )
    how: dict = {}
    term = column.term
    relationship = term.relationship
    if relationship is not None:
        if term.scale == "auto" or relationship.has_quick_diagonal:
            how["diagonal"] = relationship.diagonal
        if relationship.eigen is None:
            how["inverse"] = sparse.csr_array(relationship.relationship_inverse)
        else:
            values, vectors = relationship.eigen
            how["root"] = vectors[:, values > 0] * np.sqrt(values[values > 0])
    levels = Levels(column.codes, len(column.levels), column.slope, **how)
    prior = ScaledInverseChi2(term.df, term.scale, term.estimate_variance)
    return RandomEffect(column.name, layers, levels, prior)


def _direct_prior(estimator, inputs):
    """Return the prior of the direct effects, None without them."""
    if not estimator.direct_effects:
        return None
    own = estimator.direct_effects is not True
    return _snp_prior(estimator, inputs, "direct_effects" if own else "method")


def _snp_prior(estimator, inputs, argument):
    """Return the prior of SNP effects that a parameter holds."""
    groups = inputs.snp_groups
    per_allele = None if groups is None else ScaledGenotypes(inputs.genotypes).per_allele
    return prior_of_groups(getattr(estimator, argument), argument, groups, per_allele)


def standardised_nodes(inputs, omics):
    """Return omics (n, n_omics) standardised, and NaN for the latent nodes, (n, K).

    Those below their limit stay minus infinity.
    """
    nodes = np.full((len(omics), len(inputs.node_names)), np.nan)
    nodes[:, : omics.shape[1]] = omics
    return inputs.scales.standardised(nodes)


def _activation(activation, inputs, dtype):
    """Return the activation on the sampling scale; a user's function is tried out."""
    if activation is np.tanh:
        activation = "tanh"
    if isinstance(activation, str):
        activation = ACTIVATIONS[activation]
    if isinstance(activation, BaseActivation) and not isinstance(activation, Activation):
        return activation
    if not len(inputs.node_names):
        raise ValueError("activation is a function but there are no omics or latent nodes.")
    return resolve_activation(
        activation, standardised_nodes(inputs, measured(inputs.omics)), inputs.scales, dtype
    )
