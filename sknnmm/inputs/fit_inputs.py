"""What is passed to `fit`, checked: everything in double precision and on its original scale."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.genotypes import Genotypes
from sknnmm.genotypes.dosages import column_range, stored_array
from sknnmm.inputs.alignment import check_same_index, row_names
from sknnmm.inputs.columns_of_x import CHOSEN_BY, choices, find_columns, refuse_no_table, split
from sknnmm.inputs.covariate_terms import check_terms
from sknnmm.inputs.covariates import Covariates, check_covariates
from sknnmm.inputs.design_checks import check_designs
from sknnmm.inputs.detection_limits import check_below, measured, resolve_limits
from sknnmm.inputs.features import feature_names
from sknnmm.inputs.fitted_columns import FittedColumns
from sknnmm.inputs.fixed_columns import FixedColumns, check_fixed
from sknnmm.inputs.genotypes import (
    CheckedGenotypes,
    check_genotypes,
    check_snp_scales,
    stored_dosages,
    warn_of_constant_snps,
    warn_of_empty_rows,
)
from sknnmm.inputs.groups import Groups, resolve_omics_groups, resolve_snp_groups
from sknnmm.inputs.masks import check_connections, resolve_mask
from sknnmm.inputs.missing_codes import warn_of_codes
from sknnmm.inputs.omics import (
    check_omics,
    check_variation,
    warn_of_phenotype_among_omics,
    warn_of_tails,
)
from sknnmm.inputs.random_columns import RandomColumn, check_random
from sknnmm.inputs.record import Record
from sknnmm.inputs.scales import Scales
from sknnmm.inputs.tables import as_pandas
from sknnmm.inputs.weights import check_weights, relative_weights
from sknnmm.model.connections import Connections

BOUNDED = ("sigmoid", "tanh", np.tanh)  # activations that large values do little to


@dataclass(frozen=True)
class FitInputs:
    """The data of a fit, n individuals, and the names of their columns."""

    genotypes: Genotypes  # (n, p)
    record: Record  # of the phenotype; missing also where the weight is 0
    omics: np.ndarray  # (n, n_omics), NaN = missing, -inf = below its detection limit
    informative_omics: np.ndarray  # the same, NaN in rows that inform nothing
    limits: np.ndarray  # (K,), detection limits, NaN where a node has none
    covariates: Covariates
    fixed: dict[str, FixedColumns]  # of each layer, by its name
    designs: dict[str, np.ndarray]  # (n, q) of each layer, NaN in rows without y only
    random: dict[str, tuple[RandomColumn, ...]]  # of each layer
    weight: np.ndarray | None  # (n,), as passed
    relative_weight: np.ndarray | None  # (n,), over its mean over the records
    scales: Scales
    connections: Connections | None
    snp_groups: Groups | None
    omics_groups: Groups | None  # of the nodes
    n_features: int  # columns of X, omics included
    feature_names: np.ndarray | None  # (n_features,), None: no names
    positions: dict[str, np.ndarray]  # in X, of omics and covariates among its columns
    row_names: np.ndarray  # (n,), unique text: the index of X, or numbers
    snp_names: np.ndarray  # (p,)
    node_names: np.ndarray  # (K,), omics, then latent nodes

    @property
    def y(self):
        """Return the record of the phenotype, (n,), NaN = missing."""
        return self.record.values

    @property
    def compared(self):
        """Return the arrays by which it is known whether a saved chain belongs to these data."""
        connections = self.connections
        return {
            "X": stored_array(self.genotypes.dosages),
            "y": self.record.compared,
            "omics": self.omics,
            "detection_limits": self.limits,
            "covariates": [
                *(self.designs[layer] for layer in sorted(self.designs)),
                *(array for column in self.random_columns for array in column.compared),
            ],
            "sample_weight": self.weight,
            "mask": connections and [connections.layout.indptr, connections.snps],
            "snp_groups": self.snp_groups and self.snp_groups.compared,
            "omics_groups": self.omics_groups and self.omics_groups.compared,
        }

    @property
    def random_columns(self):
        """Return the RandomColumns of both layers, each once."""
        return list({column.name: column for of in self.random.values() for column in of}.values())

    def fitted_columns(self, is_network):
        """Return the FittedColumns of these data.

        Parameters
        ----------
        is_network : bool
            Whether the activation takes every omic as it is, without a weight.
        """
        scales, own = self.scales, slice(self.omics.shape[1])
        low, high = column_range(measured(self.omics))
        return FittedColumns(
            feature_names=self.feature_names,
            positions=self.positions,
            snps=self.snp_names,
            omics=self.node_names[own],
            covariates=self.covariates.names,
            factors=self.covariates.factors,
            fixed=self.fixed,
            random=[column.fitted for column in self.random_columns],
            omics_mean=scales.omics_mean[own],
            omics_scale=scales.omics_scale[own],
            omics_low=low,
            omics_high=high,
            omics_limits=self.limits[own],
            omics_idle=~scales.omics_vary[own] & (not is_network),
        )


def check_fit_inputs(estimator, X, y, omics, covariates, sample_weight, dtype):
    """Return FitInputs.

    Parameters
    ----------
    estimator : NNMMRegressor
        Only read.
    X, omics, covariates, sample_weight
        As in its `fit`.
    y : Phenotype or Classes
        What was passed as y, to be checked.
    dtype : floating type
        Of the sampler.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """
    check_same_index(
        X=X, **y.passed, omics=omics, covariates=covariates, sample_weight=sample_weight
    )
    features, omics, covariates = _split_features(estimator, X, omics, covariates, dtype)
    warn_of_codes(features.genotypes, features.snp_names, fitting=True)
    n_samples = len(features.genotypes.values)
    weight = check_weights(sample_weight, n_samples)
    record = y.check(n_samples, weight)
    y = record.values
    omics, omics_names = _check_omics(omics, n_samples)
    limits = resolve_limits(estimator.detection_limits, omics_names)
    check_below(omics, limits, omics_names)
    covariates = check_covariates(covariates, n_samples)
    n_nodes = omics.shape[1] + estimator.n_latent
    terms, plain = check_terms(estimator.effects, covariates, n_nodes)
    fixed, designs = check_fixed(terms, plain, covariates, ~np.isnan(y))
    random = check_random(terms, covariates, ~np.isnan(y))
    if not estimator.direct_effects and n_nodes == 0:
        raise ValueError(
            "direct_effects=False needs omics or n_latent > 0: nothing connects X to y."
        )
    warn_of_phenotype_among_omics(record.exact, measured(omics), omics_names)
    if estimator.activation not in BOUNDED:
        warn_of_tails(measured(omics), omics_names)
    # A row without y and with missing covariates informs nothing; it is kept for the results.
    incomplete = np.isnan(designs[OMICS]).any(axis=1)
    informative_omics = np.where(incomplete[:, None], np.nan, omics) if incomplete.any() else omics
    records = {PHENOTYPE: y[:, None], OMICS: informative_omics}
    check_designs(designs, fixed, {layer: ~np.isnan(r).all(axis=1) for layer, r in records.items()})
    relative_weight, weight_mean = relative_weights(weight, y)
    scales = Scales.of(
        record, measured(informative_omics), estimator.n_latent, designs, weight_mean
    )
    check_variation(scales.omics_vary[: len(omics_names)], omics_names)

    genotypes = _stored_genotypes(features, dtype)
    names_of_rows = row_names(X, n_samples)
    warn_of_empty_rows(genotypes.dosages, names_of_rows)
    snp_names = features.snp_names
    if snp_names is None:
        snp_names = np.array([f"snp_{j}" for j in range(genotypes.shape[1])], dtype=object)
    node_names = _node_names(omics_names, estimator.n_latent)
    mask = resolve_mask(estimator.mask, snp_names, node_names, estimator.n_latent)
    connections = None if mask is None else Connections(mask)
    if connections is not None:
        check_connections(connections, genotypes, node_names)
    return FitInputs(
        genotypes=genotypes,
        record=record,
        omics=omics,
        informative_omics=informative_omics,
        limits=np.append(limits, np.full(estimator.n_latent, np.nan)),
        covariates=covariates,
        fixed=fixed,
        designs=designs,
        random=random,
        weight=weight,
        relative_weight=relative_weight,
        scales=scales,
        connections=connections,
        snp_groups=resolve_snp_groups(estimator.snp_groups, snp_names),
        omics_groups=resolve_omics_groups(estimator.omics_groups, node_names, estimator.n_latent),
        n_features=features.n_features,
        feature_names=features.names,
        positions=features.positions,
        row_names=names_of_rows,
        snp_names=snp_names,
        node_names=node_names,
    )


@dataclass(frozen=True)
class _Features:
    """The columns of X."""

    n_features: int
    names: np.ndarray | None
    positions: dict[str, np.ndarray]
    genotypes: CheckedGenotypes
    snp_names: np.ndarray | None


def _split_features(estimator, X, omics, covariates, dtype):
    """Return the _Features of X, and omics and covariates as passed or taken out of X."""
    passed = {"omics": omics, "covariates": covariates}
    table = as_pandas(X)
    names = feature_names(table)
    parameters = choices(estimator)
    if not parameters:
        genotypes = check_genotypes(table, estimator, dtype)
        features = _Features(genotypes.values.shape[1], names, {}, genotypes, names)
        return features, omics, covariates
    for argument, parameter in CHOSEN_BY.items():
        if parameter in parameters and passed[argument] is not None:
            raise ValueError(
                f"{argument} were passed to fit, but {parameter} says that they are columns of X: "
                "use one of the two."
            )
    refuse_no_table(table, parameters)
    positions = find_columns(estimator, X)  # maybe by a function of X itself
    snps, parts = split(table, positions)
    genotypes = check_genotypes(snps, estimator, dtype)
    snp_names = None if names is None else np.delete(names, np.concatenate([*positions.values()]))
    features = _Features(np.shape(table)[1], names, positions, genotypes, snp_names)
    return features, *(passed | parts).values()


def _check_omics(omics, n_samples):
    if omics is None:
        return np.empty((n_samples, 0)), np.empty(0, dtype=object)
    return check_omics(omics, n_samples)


def _stored_genotypes(features, dtype):
    genotypes = Genotypes(stored_dosages(features.genotypes, dtype))
    check_snp_scales(features.genotypes, genotypes, features.snp_names)
    warn_of_constant_snps(genotypes.polymorphic, features.snp_names)
    return genotypes


def _node_names(omics_names, n_latent):
    latent = [f"latent_{k}" for k in range(n_latent)]
    if taken := set(latent) & set(omics_names):
        raise ValueError(f"omics columns {sorted(taken)} have names of latent nodes: rename them.")
    return np.array([*omics_names, *latent], dtype=object)
