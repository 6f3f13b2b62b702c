"""What is passed to `fit`, checked: everything in double precision and on its original scale."""

from dataclasses import dataclass

import numpy as np

from sknnmm.genotypes import Genotypes
from sknnmm.inputs import masks, validation
from sknnmm.inputs.dosages import warn_of_codes
from sknnmm.inputs.omics_columns import find_omics_columns, take_apart
from sknnmm.inputs.scales import Scales
from sknnmm.inputs.tables import as_pandas
from sknnmm.model.connections import Connections

BOUNDED = ("sigmoid", "tanh", np.tanh)  # activations that large values do little to


@dataclass(frozen=True)
class FitInputs:
    """The data of a fit, n individuals, and the names of their columns."""

    genotypes: Genotypes  # (n, p)
    y: np.ndarray  # (n,), NaN = missing, also where the weight is 0
    omics: np.ndarray  # (n, n_omics), NaN = missing
    informative_omics: np.ndarray  # the same, NaN in rows that inform nothing
    covariates: np.ndarray  # (n, q), NaN in rows without y only
    weight: np.ndarray | None  # (n,), as passed
    relative_weight: np.ndarray | None  # (n,), over its mean over the records
    scales: Scales
    connections: Connections | None
    omics_columns: np.ndarray | None  # positions in X
    snp_names: np.ndarray  # (p,)
    node_names: np.ndarray  # (K,), omics, then latent nodes
    covariate_names: np.ndarray  # (q,)

    @property
    def compared(self):
        """Return the arrays by which it is known whether a saved chain belongs to these data."""
        connections = self.connections
        return {
            "X": getattr(self.genotypes.dosages, "packed", self.genotypes.dosages),
            "y": self.y,
            "omics": self.omics,
            "covariates": self.covariates,
            "sample_weight": self.weight,
            "mask": connections and [connections.layout.indptr, connections.snps],
        }


def check_fit_inputs(estimator, X, y, omics, covariates, sample_weight, dtype):
    """Return FitInputs; sets `n_features_in_` and `feature_names_in_` of the estimator.

    Parameters
    ----------
    estimator : NNMMRegressor
    X, y, omics, covariates, sample_weight
        As in its `fit`.
    dtype : floating type
        Of the sampler.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """
    validation.check_same_index(
        X=X, y=y, omics=omics, covariates=covariates, sample_weight=sample_weight
    )
    X, omics, names, omics_columns = _split_features(estimator, X, omics, dtype)
    warn_of_codes(X, names, fitting=True)
    weight = validation.check_weights(sample_weight, len(X))
    y = validation.check_phenotype(y, len(X), weight)
    omics, omics_names = _check_table(validation.check_omics, omics, len(X))
    covariates, covariate_names = _check_table(
        validation.check_covariates, covariates, len(X), ~np.isnan(y)
    )
    if not estimator.direct_effects and omics.shape[1] + estimator.n_latent == 0:
        raise ValueError(
            "direct_effects=False needs omics or n_latent > 0: nothing connects X to y."
        )
    validation.warn_of_phenotype_among_omics(y, omics, omics_names)
    if estimator.activation not in BOUNDED:
        validation.warn_of_tails(omics, omics_names)
    # A row without y and with missing covariates informs nothing; it is kept for the results.
    incomplete = np.isnan(covariates).any(axis=1)
    informative_omics = np.where(incomplete[:, None], np.nan, omics) if incomplete.any() else omics
    relative_weight, weight_mean = validation.relative_weights(weight, y)
    scales = Scales.of(y, informative_omics, estimator.n_latent, covariates, weight_mean)
    validation.check_variation(scales.omics_vary[: len(omics_names)], omics_names)

    genotypes = _stored_genotypes(X, names, dtype)
    if names is None:
        names = np.array([f"snp_{j}" for j in range(X.shape[1])], dtype=object)
    node_names = _node_names(omics_names, estimator.n_latent)
    mask = masks.resolve_mask(estimator.mask, names, node_names, estimator.n_latent)
    connections = None if mask is None else Connections(mask)
    if connections is not None:
        validation.check_connections(connections, genotypes, node_names)
    return FitInputs(
        genotypes=genotypes,
        y=y,
        omics=omics,
        informative_omics=informative_omics,
        covariates=covariates,
        weight=weight,
        relative_weight=relative_weight,
        scales=scales,
        connections=connections,
        omics_columns=omics_columns,
        snp_names=names,
        node_names=node_names,
        covariate_names=covariate_names,
    )


def _split_features(estimator, X, omics, dtype):
    """Return genotypes, omics, names of the SNPs (None: no names), positions of omics in X."""
    if estimator.omics_features is None:
        X = validation.check_genotypes(estimator, X, fitting=True, dtype=dtype)
        return X, omics, getattr(estimator, "feature_names_in_", None), None
    if omics is not None:
        raise ValueError(
            "omics were passed to fit, but omics_features says that they are columns of X: "
            "use one of the two."
        )
    table = as_pandas(X)
    validation.check_features(estimator, table, reset=True)
    omics_columns = find_omics_columns(estimator.omics_features, X)  # maybe a function of X itself
    X, omics = take_apart(table, omics_columns)
    X = validation.check_genotypes(estimator, X, fitting=True, features_checked=True, dtype=dtype)
    names = getattr(estimator, "feature_names_in_", None)
    return X, omics, names if names is None else np.delete(names, omics_columns), omics_columns


def _check_table(check, table, n_samples, *needed):
    if table is None:
        return np.empty((n_samples, 0)), np.empty(0, dtype=object)
    return check(table, n_samples, *needed)


def _stored_genotypes(X, names, dtype):
    with np.errstate(over="ignore"):  # where single precision is too narrow, the check says so
        stored = validation.stored_dosages(X, dtype)
    validation.check_snp_scales(X, stored, names)
    genotypes = Genotypes(stored)
    validation.warn_of_constant_snps(genotypes.polymorphic, names)
    return genotypes


def _node_names(omics_names, n_latent):
    latent = [f"latent_{k}" for k in range(n_latent)]
    if taken := set(latent) & set(omics_names):
        raise ValueError(f"omics columns {sorted(taken)} have names of latent nodes: rename them.")
    return np.array([*omics_names, *latent], dtype=object)
