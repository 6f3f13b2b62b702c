"""The fitted attributes: summaries of the chains in original units."""

from itertools import pairwise

import numpy as np
import pandas as pd

from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.common.normal_below import moments_below
from sknnmm.estimators.convergence import warn_unless_converged
from sknnmm.estimators.variance_components import FittedRandom
from sknnmm.inputs import masks
from sknnmm.model.variables import registry
from sknnmm.posterior.diagnostics import diagnose, quantities
from sknnmm.posterior.draws import (
    Posterior,
    pooled_effects,
    pooled_genetic_values,
    pooled_moments,
    pooled_responses,
)
from sknnmm.posterior.units import Units
from sknnmm.prediction.fitted_network import fitted_network
from sknnmm.prediction.group_variances import group_variances
from sknnmm.prediction.random_part import RandomPart
from sknnmm.terms import Random

WEIGHTS = ("omics_weights", "mediated_variance")  # a network function has none


def fitted_attributes(results, settings, specification, network, inputs, mask, wanted):
    """Return the fitted attributes of an estimator by name, private ones included.

    Parameters
    ----------
    results : list of ChainResult
    settings : ChainSettings
    specification : NNMM
    network : Network
    inputs : FitInputs
    mask : as passed
        A sparse one makes sparse tables.
    wanted : Wanted
        Of the draws, or there is a warning.
    """
    scales, n_omics = inputs.scales, inputs.omics.shape[1]
    coords, judged = diagnosed(inputs, results[0].rows)
    posterior = Posterior(results, registry(network), Units.of(scales), coords, judged)
    snps, weighted = _snp_attributes(results, specification, inputs, masks.is_sparse(mask))
    attributes = {
        "n_omics_": n_omics,
        "omics_names_": inputs.node_names,
        "snp_names_": inputs.snp_names,
        "covariates_mean_": scales.covariates_mean[PHENOTYPE],
        "omics_group_names_": _group_names(inputs.omics_groups),
        "snp_group_names_": _group_names(inputs.snp_groups),
        "omics_mean_": scales.omics_mean,
        "omics_scale_": scales.omics_scale,
        "posterior_": posterior,
        **snps,
        **_small_attributes(results, specification, posterior),
        **_imputed(results, specification, inputs),
        **_of_classes(posterior, inputs),
        "_scales": scales,
        "_fitted_columns": inputs.fitted_columns(specification.activation.is_network),
        "n_features_in_": inputs.n_features,
    }
    if inputs.feature_names is not None:
        attributes["feature_names_in_"] = inputs.feature_names
    center = network.genotypes.mean
    attributes["intercept_"] = (
        posterior.mean("centred_intercept") - center @ attributes["direct_effects_"]
    )
    attributes["omics_intercept_"] = np.empty(0)
    if specification.n_nodes:
        of_mean = center @ attributes["snp_effects_"]
        attributes["omics_intercept_"] = posterior.mean("omics_centred_intercept") - of_mean
    attributes["_coef"] = None
    if specification.activation.is_linear:
        attributes["_coef"] = weighted.sum(axis=1) + attributes["direct_effects_"]
    attributes |= _genetic_values(results, attributes["_coef"], network.genotypes, scales)
    attributes["_random"] = _random(results, posterior, inputs, network)
    parts = _random_parts(results, posterior, scales, attributes["_random"], network)
    attributes["_network"] = _fitted_network(
        attributes, weighted, parts, specification, network, inputs.limits
    )
    attributes |= _group_variances(attributes["_network"], network.genotypes, inputs)
    attributes |= _diagnostics(results, settings, specification, posterior, inputs, wanted)
    return attributes


def _of_classes(posterior, inputs):
    """Return the labels of the classes and their thresholds, if y are classes."""
    classes = inputs.record.classes
    if classes is None:
        return {}
    return {"classes_": classes, "thresholds_": posterior.mean("thresholds")}


def _group_names(groups):
    return np.array([] if groups is None else groups.names, dtype=object)


def _group_variances(fitted, genotypes, inputs):
    """Return the shares of variance of groups, if there are any, as plain types."""
    snps, omics = inputs.snp_groups, inputs.omics_groups
    if snps is None and omics is None:
        return {}
    mean, sd = group_variances(fitted, genotypes, snps, omics)
    return {"_group_variance": {"mean": mean.to_dict("split"), "sd": sd.to_dict("split")}}


def _snp_attributes(results, specification, inputs, as_sparse):
    """Return the attributes of SNP effects, and E[w_k b_jk] (p, K) in units of y."""
    scales, connections = inputs.scales, specification.connections
    shape = (specification.genotypes.shape[1], specification.n_nodes)
    weighted, effects, effects_sd, included = np.zeros((4, *shape))
    direct, direct_sd, direct_included = np.zeros((3, shape[0]))
    if specification.n_nodes:
        units = scales.omics_unit
        if results[0].effects["snp_effects"].mean.ndim == 1:
            units = connections.layout.spread(units)
        *tables, (weighted,) = pooled_moments(results, "snp_effects", units, scales.y_scale)
        effects, effects_sd, included, weighted = (
            _snp_table(values, connections, as_sparse) for values in (*tables, weighted)
        )
    if specification.direct_prior:
        *tables, _ = pooled_moments(results, "direct_effects", scales.y_scale, scales.y_scale)
        direct, direct_sd, direct_included = (values[:, 0] for values in tables)
    attributes = {
        "snp_effects_": effects,
        "snp_effects_std_": effects_sd,
        "inclusion_probability_": included,
        "direct_effects_": direct,
        "direct_effects_std_": direct_sd,
        "direct_inclusion_probability_": direct_included,
    }
    return attributes, weighted


def _small_attributes(results, specification, posterior):
    """Return the attributes that are means of variables of which every draw is kept."""
    n_nodes, n_covariates = specification.n_nodes, specification.omics_covariates.shape[1]
    absent = {  # what stands for variables that this network does not have
        "omics_weights": np.zeros(n_nodes),
        "omics_residual_variance": np.zeros(n_nodes),
        "omics_heritability": np.zeros(n_nodes),
        "mediated_variance": np.zeros(n_nodes),
        "omics_covariate_effects": np.zeros((n_covariates, n_nodes)),
        "pi": _absent_pi(specification.snp_prior, n_nodes),
        "omics_pi": _absent_pi(specification.weight_prior),
        "direct_pi": _absent_pi(specification.direct_prior),
    }
    present = ("residual_variance", "genetic_variance", "heritability", "covariate_effects")
    has_weights = not specification.activation.is_network
    attributes = {
        f"{name}_": posterior.mean(name) if name in posterior.draws else absent[name]
        for name in (*present, *absent)
        if has_weights or name not in WEIGHTS
    }
    if has_weights:
        included, sd = np.zeros(n_nodes), np.zeros(n_nodes)
        if n_nodes:
            of_chains = [result.weights_included["omics_weights"][:, 0] for result in results]
            included, sd = np.mean(of_chains, axis=0), posterior.sd("omics_weights")
        attributes |= {"omics_inclusion_probability_": included, "omics_weights_std_": sd}
    return attributes


def fixed_effects(posterior, fixed, omics_names):
    """Return posterior mean and SD of the covariate effects on every response, a DataFrame.

    Parameters
    ----------
    posterior : Posterior
    fixed : dict
        The FixedColumns of each layer, by its name.
    omics_names : sequence of str
        Of the observed omics.
    """
    tables = {}
    for layer, name, responses in (
        (PHENOTYPE, "covariate_effects", ["y"]),
        (OMICS, "omics_covariate_effects", omics_names),
    ):
        if not len(responses):
            continue
        names = fixed[layer].names
        moments = {"mean": posterior.mean(name), "sd": posterior.sd(name)}
        for k, response in enumerate(responses):
            for statistic, values in moments.items():
                of_response = values if values.ndim == 1 else values[:, k]
                tables[response, statistic] = pd.Series(of_response, names, dtype=float)
    index = list(dict.fromkeys(n for layer in (PHENOTYPE, OMICS) for n in fixed[layer].names))
    columns = pd.MultiIndex.from_tuples(tables, names=["response", "statistic"])
    table = pd.DataFrame(tables, index=pd.Index(index, name="term", dtype=object))
    return table.set_axis(columns, axis=1)


def _absent_pi(prior, *n_responses):
    """Return what stands for pi: NaN for every response, and for every group if there are any."""
    groups = prior.groups if prior else ()
    shape = (len(groups), *n_responses) if groups else n_responses
    return np.full(shape, np.nan)[()]


def _imputed(results, specification, inputs):
    """Return posterior mean and SD of the omics of every row."""
    omics, n_omics = inputs.omics, inputs.omics.shape[1]
    observed = np.isfinite(omics)
    mean, sd = np.zeros((2, *omics.shape))
    if specification.n_nodes:
        mean, sd = pooled_responses(results, OMICS)
    scales = inputs.scales
    mean = scales.omics_mean[:n_omics] + scales.omics_scale[:n_omics] * mean
    sd = scales.omics_scale[:n_omics] * sd
    # In rows that inform nothing the chains know no limits.
    outside = np.isneginf(omics) & np.isnan(inputs.informative_omics)
    if outside.any():
        limits = np.broadcast_to(inputs.limits[:n_omics], omics.shape)[outside]
        mean[outside], variance = moments_below(mean[outside], sd[outside] ** 2, limits)
        sd[outside] = np.sqrt(variance)
    return {
        "omics_imputed_": np.where(observed, omics, mean),
        "omics_imputed_std_": np.where(observed, 0, sd),
    }


def _genetic_values(results, coef, genotypes, scales):
    """Return posterior mean and SD of the genetic values of every row."""
    mean, sd = (scales.y_scale * values[:, 0] for values in pooled_genetic_values(results))
    if coef is not None:  # of every draw, which `mean` may not be
        mean = genotypes.dot(coef[:, None])[:, 0]
    return {"genetic_values_": mean, "genetic_values_std_": sd}


def _random_terms(network):
    """Yield (layer, term, name of the variable of its effects)."""
    for layer in network.layers:
        for term in layer.terms:
            if isinstance(term, Random):
                yield layer, term, f"{layer.prefix}{term.name}_effects"


def _random(results, posterior, inputs, network):
    """Return the FittedRandom of every term of random effects."""
    labels = {column.name: column.levels for column in inputs.random_columns}
    units = Units.of(inputs.scales)
    fitted = []
    for layer, term, name in _random_terms(network):
        mean, sd = (values * units.of_layer(layer.name) for values in pooled_effects(results, name))
        variance = posterior.mean(f"{layer.prefix}{term.name}_variance")
        reliability = _reliability(sd, variance, term.levels)
        multiple = term.levels.mean_multiple(layer.row_weight)
        of_rows = term.levels.mean_multiple(np.ones(len(layer.row_weight)))
        effect = term.name, layer.name, labels[term.name], mean, sd, reliability, multiple, of_rows
        fitted.append(FittedRandom(*effect))
    return fitted


def _reliability(sd, variance, levels):
    """Return the reliability of random effects (L, C), NaN where their variance is not known."""
    diagonal = levels.diagonal
    if diagonal is None:
        is_known = levels.inverse is None and levels.root is None
        diagonal = np.full(levels.n_levels, 1.0 if is_known else np.nan)
    of_prior = np.outer(diagonal, variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(of_prior > 0, np.maximum(1 - sd**2 / of_prior, 0), np.nan)


def _random_parts(results, posterior, scales, fitted, network):
    """Return the RandomParts of every layer, by its name."""
    parts = {layer.name: [] for layer in network.layers}
    scale = {OMICS: scales.omics_scale, PHENOTYPE: np.array([scales.y_scale])}
    for effect, (layer, term, name) in zip(fitted, _random_terms(network), strict=True):
        weighted = np.mean([result.effects[name].weighted_mean for result in results], axis=0)
        parts[layer.name].append(
            RandomPart(
                posterior=posterior,
                scale=scale[layer.name],
                name=term.name,
                effects_name=name,
                variance_name=f"{layer.prefix}{term.name}_variance",
                effects=effect.mean,
                weighted_effects=weighted * scales.y_scale,
                mean_diagonal=term.levels.mean_diagonal,
            )
        )
    return parts


def _fitted_network(attributes, weighted, random, specification, network, limits):
    """Return what predictions need."""
    posterior, scales = attributes["posterior_"], attributes["_scales"]
    effects = {name: attributes[f"{name}_"] for name in ("snp_effects", "direct_effects")}
    return fitted_network(
        posterior,
        scales,
        network.genotypes,
        specification.activation,
        {name: effects[name] for name in effects if name in posterior.draws},
        weighted_effects=weighted,
        random=random,
        families={layer.name: layer.family for layer in network.layers},
        mean_inverse_weight=network.layers[-1].mean_inverse_weight / scales.weight_mean,
        limits=limits,
    )


def diagnosed(inputs, rows):
    """Return names along all dimensions, and which of them can be targets.

    `rows` are those whose genetic values are followed.
    """
    names = {
        "snp": inputs.snp_names,
        "omic": inputs.node_names,
        "covariate": inputs.fixed[PHENOTYPE].names,
        "omics_covariate": inputs.fixed[OMICS].names,
        "row": inputs.row_names[rows],
        **{f"{column.name}_level": column.levels for column in inputs.random_columns},
    }
    is_latent = np.arange(len(inputs.node_names)) >= inputs.omics.shape[1]
    can_be_target = {"omic": inputs.scales.omics_vary & ~is_latent}
    if inputs.record.classes is not None:
        names["threshold"] = [f"{a}|{b}" for a, b in pairwise(inputs.record.classes)]
        can_be_target["threshold"] = np.arange(len(names["threshold"])) > 0  # the first is fixed
    for dim, groups in (("snp_group", inputs.snp_groups), ("omics_group", inputs.omics_groups)):
        if groups is not None:
            names[dim] = groups.names
    return names, can_be_target


def _diagnostics(results, settings, specification, posterior, inputs, wanted):
    """Return the tables of diagnostics, as plain types: secure formats know no DataFrame."""
    described = (posterior.draws, posterior.registry, *diagnosed(inputs, results[0].rows))
    table, (_, _, columns) = diagnose(*described), quantities(*described)
    warn_unless_converged(table, columns, settings, specification, wanted)
    return {
        "_diagnostics": table.to_dict("split"),
        "_latent_sampler_diagnostics": [
            step_size.summary() for result in results for step_size in result.step_sizes.values()
        ],
    }


def _snp_table(values, connections, as_sparse):
    """Return values of SNPs on nodes as a table (p, K), sparse on demand."""
    if connections is None or (values.ndim == 2 and not as_sparse):
        return values
    table = connections.table(values if values.ndim == 1 else connections.pick(values))
    return table if as_sparse else table.toarray()
