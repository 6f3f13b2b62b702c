"""Small networks on the sampling scale, and draws from their prior, for tests of the sampler."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
from scipy import sparse

from sknnmm.activations import ACTIVATIONS
from sknnmm.common.layer_names import OMICS
from sknnmm.estimators.specification import NNMM
from sknnmm.genotypes import Genotypes, ScaledGenotypes
from sknnmm.model.connections import Connections
from sknnmm.priors import GBLUP, BayesA, BayesB, BayesC, BayesL, BayesR, ScaledInverseChi2
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.snp.choose import choose_updates

RESIDUAL = ScaledInverseChi2(df=8, scale=0.6)
LIMIT = 0.5  # of omics below their detection limit


def small_network(
    rng,
    *,
    n=14,
    p=5,
    n_observed=2,
    n_latent=0,
    activation="linear",
    snp_prior=None,
    direct_prior=None,
    weight_prior=None,
    residual_prior=RESIDUAL,
    missing=0.4,
    missing_y=2,
    uninformative=1,
    n_below=0,
    n_covariates=0,
    intercept_variance=np.inf,
    mask=None,
    weighted=False,
    stored=np.int8,
    dtype=np.float64,
):
    """Return an NNMM with random standard normal data.

    The last `uninformative` rows have neither y nor omics, the `missing_y` before them no y. Of the
    missing omics, `n_below` are known to lie below LIMIT.
    `mask` (p, K) says which SNPs act on which nodes. `weighted`: rows of y weigh 1/4 to 4.
    `stored` is the type of the genotypes in memory. A prior of SNPs may be a function of these.
    """
    dosages = np.array(rng.integers(0, 3, (n, p)), stored, order="F")
    dosages[:2] = [[0], [2]]  # every SNP varies
    y = rng.standard_normal(n)
    y[n - missing_y - uninformative :] = np.nan
    omics = rng.standard_normal((n, n_observed + n_latent))
    omics[:, :n_observed][rng.random((n, n_observed)) < missing] = np.nan
    omics[:3, :n_observed] = rng.standard_normal((3, n_observed))
    omics[n - uninformative :] = np.nan
    omics[:, n_observed:] = np.nan
    upper = None
    if n_below:
        missing_cells = np.argwhere(np.isnan(omics[: n - uninformative, :n_observed]))
        chosen = rng.choice(missing_cells, n_below, replace=False)
        upper = np.full(omics.shape, np.inf)
        upper[tuple(chosen.T)] = LIMIT
    covariates = rng.standard_normal((n, n_covariates))
    genotypes = Genotypes(dosages)
    if callable(snp_prior):
        snp_prior = snp_prior(genotypes)
    if callable(direct_prior):
        direct_prior = direct_prior(genotypes)
    return NNMM(
        genotypes=genotypes,
        y=y,
        omics=omics,
        n_latent=n_latent,
        covariates=covariates - covariates.mean(axis=0),
        activation=ACTIVATIONS[activation] if isinstance(activation, str) else activation,
        snp_prior=snp_prior or BayesC(scale=0.2, df=8),
        weight_prior=weight_prior or BayesC(scale=0.4, df=8),
        direct_prior=direct_prior,
        residual_prior=residual_prior,
        sample_weight=4 ** np.linspace(-1, 1, n)[rng.permutation(n)] if weighted else None,
        connections=None if mask is None else Connections(sparse.csc_array(mask)),
        dtype=dtype,
        intercept_variance=intercept_variance,
        omics_limits=upper,
    )


def centred(genotypes):
    """Return the centred dosages (n, p), missing as 0."""
    dosages = genotypes.dosages.astype(float)
    if np.issubdtype(genotypes.dosages.dtype, np.integer):
        dosages[dosages < 0] = np.nan
    return np.nan_to_num(dosages - genotypes.mean)


def draw_variance(prior, rng, size=()):
    """Draw from the scaled inverse chi-square prior of a variance."""
    if not prior.estimate_variance:
        return np.full(size, prior.scale)
    return prior.df * prior.scale / rng.chisquare(prior.df, size)


def draw_effects(prior, shape, rng, residual_variance, snp_scale=1.0, connected=True):
    """Draw (hyperparameters, effects) of C columns from a prior with numeric scale.

    `residual_variance` (C,) matters to BayesL, `snp_scale` (m, 1) to GBLUP. Effects that are not
    `connected` are zero.
    """
    connected = np.broadcast_to(connected, shape)
    if not prior.groups:
        hyper, effects = _draw_connected_effects(
            prior, shape, rng, residual_variance, snp_scale, connected
        )
        return hyper, effects * connected
    hypers, effects = {}, np.empty(shape)
    for number, (name, of_group) in enumerate(zip(prior.groups, prior.parts, strict=True)):
        rows = prior.group_of == number
        own_scale = np.broadcast_to(snp_scale, (shape[0], 1))[rows]
        given = residual_variance, own_scale, connected[rows]
        hyper, effects[rows] = draw_effects(of_group, effects[rows].shape, rng, *given)
        hypers |= {f"{quantity} of {name}": value for quantity, value in hyper.items()}
    return hypers, effects


def _draw_connected_effects(prior, shape, rng, residual_variance, snp_scale, connected):
    n_columns = shape[1]
    normals = rng.standard_normal(shape)
    if isinstance(prior, BayesL):
        squared_penalty = rng.gamma(prior.shape, 1 / prior.rate, n_columns)
        variance = rng.exponential(2 / squared_penalty, shape) * residual_variance
        return {"log lambda^2": np.log(squared_penalty)}, np.sqrt(variance) * normals
    if isinstance(prior, BayesA | BayesB):
        hyper, scale = {}, np.full(n_columns, prior.scale)
        if prior.estimate_scale:
            scale = rng.gamma(1.1, prior.scale / 0.1, n_columns)
            hyper["log scale"] = np.log(scale)
        variance = prior.df * scale / rng.chisquare(prior.df, shape)
        hyper["log variance"] = np.log(variance).mean(axis=0, where=connected)
    else:
        variance = draw_variance(prior, rng, n_columns)
        hyper = {"log variance": np.log(variance)}
    effects = np.sqrt(variance) * normals
    if isinstance(prior, BayesB | BayesC):
        pi = rng.random(n_columns) if prior.estimate_pi else np.full(n_columns, prior.pi)
        effects *= rng.random(shape) >= pi
        hyper["pi"] = pi
    if isinstance(prior, BayesR):
        c = np.array(prior.multipliers)
        weights = rng.dirichlet(np.ones(len(c)), n_columns)
        chosen = (rng.random((*shape, 1)) > weights.cumsum(axis=1)).sum(axis=-1)
        effects *= np.sqrt(c[chosen])
        hyper["last weight"] = weights[:, -1]
        if prior.selects:
            hyper["pi"] = weights[:, 0]
    if isinstance(prior, GBLUP):
        effects = effects / snp_scale
    return hyper, effects


def _mean_of_columns(values, columns):
    if values.ndim == 1:
        return columns.sum(values) / np.diff(columns.indptr)
    return values.mean(axis=0)


def current_hyperparameters(prior, state):
    """Return the hyperparameters of a chain under the names of `draw_effects`."""
    hyper = state.hyper
    if prior.groups:
        return {
            f"{quantity} of {group.name}": value
            for group in prior.each(hyper)
            for quantity, value in current_hyperparameters(
                group.prior, SimpleNamespace(hyper=group.hyper)
            ).items()
        }
    if isinstance(prior, BayesL):
        return {"log lambda^2": np.log(hyper.squared_penalty)}
    values = {"log variance": _mean_of_columns(np.log(hyper.variance), hyper.layout)}
    if prior.selects:
        values["pi"] = prior.zero_weight(hyper)
    if isinstance(prior, BayesR):
        values["last weight"] = hyper.weights[-1]
    if getattr(prior, "estimate_scale", False):
        values["log scale"] = np.log(hyper.scale)
    return values


def table_of_effects(sampler, term, chain, rng):
    """Return the SNP effects (p, C) of a chain, zero where not connected."""
    effects = sampler.update_of(term).snp_effects(term.of(chain), rng)
    return effects if effects.ndim == 2 else term.connections.table(effects).toarray()


class Parts:
    """The states of the layers and terms of NN-MM by short names, None where there are none."""

    def __init__(self, chain):
        omics, phenotype = chain.layers.get("omics"), chain.layers["phenotype"]
        self.omics, self.phenotype = omics, phenotype
        self.snp = omics and omics.terms["snp_effects"]
        self.omics_fixed = omics and omics.terms["fixed"]
        self.direct = phenotype.terms.get("direct_effects")
        self.weights = phenotype.terms.get("omics_weights")
        self.fixed = phenotype.terms["fixed"]


def snp_terms(network):
    """Return the terms of SNPs, those of the nodes first."""
    return [term for layer in network.layers for term in layer.terms if term.acts_by_snps]


def sampler_of(model, by_rows=False, n_moves=None):
    """Return the Sampler of an NNMM; `by_rows`: its updates read every row, even if sums do."""
    network = model.network()
    return Sampler(network, choose_updates(network, by_rows), n_moves)


def sampler_with(model, kind):
    """Return the Sampler of an NNMM, all SNP effects drawn by one update of this class."""
    network = model.network()
    return Sampler(network, [kind(network, snp_terms(network))])


def with_dosages(model, dosages):
    """Return the model with other genotypes (n, p)."""
    return replace(model, genotypes=Genotypes(dosages))


@dataclass
class Parameters:
    """All that the data of a network depend on, and the values of its nodes."""

    snp_effects: np.ndarray  # (p, K)
    direct_effects: np.ndarray  # (p,), zeros without a direct path
    weights: np.ndarray  # (K,); (1,) of a network function
    hypers: dict  # name of a prior -> {hyperparameter: one value per column}
    node_variances: np.ndarray  # (K,), residual
    residual_variance: float
    node_intercepts: np.ndarray  # (K,)
    intercept: float
    omics: np.ndarray  # (n, K), every cell
    # Of random effects, by (layer, name): their variances (C,) and their effects (L, C).
    random: dict = field(default_factory=dict)
    omics_shift: np.ndarray | float = 0.0  # (n, K), what they add to the rows
    shift: np.ndarray | float = 0.0  # (n,)
    y: np.ndarray | None = None  # (n,), responses
    thresholds: np.ndarray | tuple = ()  # of classes

    def omics_mean(self, X):
        """Return the expected nodes of all rows given their centred genotypes."""
        return X @ self.snp_effects + self.node_intercepts + self.omics_shift

    def genetic_value(self, X, activation):
        """Return the genetic value of every row with its nodes at their expectation."""
        return activation.value(self.omics_mean(X)) @ self.weights + X @ self.direct_effects

    def expected_y(self, X, activation):
        """Return the mean of y given the nodes."""
        nodes = activation.value(self.omics) @ self.weights
        return self.intercept + nodes + X @ self.direct_effects + self.shift


def draw_parameters(model, X, rng):
    """Return Parameters from the prior of a model with numeric scales; X are its dosages, centred.

    The priors of `small_network` apply.
    """
    p, n_nodes = model.genotypes.shape[1], model.n_nodes
    node_variances = draw_variance(model.residual_prior, rng, n_nodes)
    residual_variance = draw_variance(model.residual_prior, rng, 1)
    if model.family.residual_variance_is_fixed:
        residual_variance[:] = model.family.expected_residual_variance
    snp_scale = ScaledGenotypes(model.genotypes).scale[:, None]
    hypers = {}
    connected = True if model.connections is None else model.connections.dense()
    hypers["snp"], b = draw_effects(
        model.snp_prior, (p, n_nodes), rng, node_variances, snp_scale, connected
    )
    if model.activation.is_network:
        w = np.ones((1, 1))
    else:
        hypers["weights"], w = draw_effects(
            model.weight_prior, (n_nodes, 1), rng, residual_variance
        )
    a = np.zeros((p, 1))
    if model.direct_prior:
        hypers["direct"], a = draw_effects(
            model.direct_prior, (p, 1), rng, residual_variance, snp_scale
        )
    intercepts = np.sqrt(model.intercept_variance) * rng.standard_normal(n_nodes + 1)
    intercepts[n_nodes - model.n_latent : n_nodes] = 0
    drawn = Parameters(
        snp_effects=b,
        direct_effects=a[:, 0],
        weights=w[:, 0],
        hypers=hypers,
        node_variances=node_variances,
        residual_variance=residual_variance[0],
        node_intercepts=intercepts[:-1],
        intercept=intercepts[-1],
        omics=np.empty((len(X), n_nodes)),
    )
    for effect in model.random:
        for layer in effect.layers:
            variance = draw_variance(effect.prior, rng, n_nodes if layer == OMICS else 1)
            effects = np.sqrt(variance) * draw_levels(effect.levels, len(variance), rng)
            _take_random(drawn, effect, layer, variance, effects)
    noise = rng.standard_normal(drawn.omics.shape)
    drawn.omics[:] = drawn.omics_mean(X) + np.sqrt(node_variances) * noise
    return drawn


def draw_levels(levels, n_responses, rng):
    """Return effects (L, C) of variance R."""
    normals = rng.standard_normal((levels.n_levels, n_responses))
    if levels.inverse is not None:
        return np.linalg.solve(np.linalg.cholesky(levels.inverse.toarray()).T, normals)
    return normals if levels.root is None else levels.root @ normals[: levels.root.shape[1]]


def _take_random(parameters, effect, layer, variance, effects):
    """Add random effects (L, C) to the Parameters."""
    parameters.random[layer, effect.name] = variance, effects
    fit = effect.levels.factors[:, None] * effects[effect.levels.codes]
    if layer == OMICS:
        parameters.omics_shift = parameters.omics_shift + fit
    else:
        parameters.shift = parameters.shift + fit[:, 0]


def draw_y(model, mean, residual_variance, rng):
    """Return y (n,) given its mean; rows of weight 0 get their mean."""
    weight = model.y_weight
    variance = np.divide(residual_variance, weight, out=np.zeros_like(weight), where=weight > 0)
    return mean + np.sqrt(variance) * rng.standard_normal(len(mean))


def with_data_from(model, parameters, X, rng, limit=None):
    """Return the model with y and observed omics drawn given parameters, the same cells missing.

    Of omics below a detection limit, if there is one, no more than that is known. It is that of the
    second half of the rows: others are observed, whatever the parameters.
    """
    y = draw_y(model, parameters.expected_y(X, model.activation), parameters.residual_variance, rng)
    omics, upper = np.where(model.omics_observed, parameters.omics, np.nan), None
    if limit is not None:
        below = (omics < limit) & (np.arange(len(omics)) >= len(omics) // 2)[:, None]
        upper = np.where(below, limit, np.inf)
        omics = np.where(below, np.nan, omics)
    return replace(model, y=np.where(model.y_observed, y, np.nan), omics=omics, omics_limits=upper)


def current_parameters(model, sampler, chain, X, rng):
    """Return copies of the Parameters of a chain; rows without data get omics from their prior."""
    parts = Parts(chain)
    hypers = {"snp": current_hyperparameters(model.snp_prior, parts.snp)}
    if not model.activation.is_network:
        hypers["weights"] = current_hyperparameters(model.weight_prior, parts.weights)
    effects = {
        term.name: table_of_effects(sampler, term, chain, rng).astype(float)
        for term in snp_terms(sampler.network)
    }
    a = np.zeros(X.shape[1])
    if model.direct_prior:
        hypers["direct"] = current_hyperparameters(model.direct_prior, parts.direct)
        a = effects["direct_effects"][:, 0]
    current = Parameters(
        snp_effects=effects["snp_effects"],
        direct_effects=a,
        weights=parts.weights.effects[:, 0].astype(float),
        hypers=hypers,
        node_variances=parts.omics.residual_variance.copy(),
        residual_variance=float(parts.phenotype.residual_variance[0]),
        node_intercepts=parts.omics_fixed.coefficients[0].copy(),
        intercept=float(parts.fixed.coefficients[0, 0]),
        omics=parts.omics.response.astype(float),
        y=parts.phenotype.response[:, 0].astype(float),
    )
    if parts.phenotype.family is not None:
        current.thresholds = parts.phenotype.family.values.copy()
    for effect in model.random:
        for layer in effect.layers:
            state = chain.layers[layer].terms[effect.name]
            _take_random(current, effect, layer, state.variance.copy(), state.effects.copy())
    unseen = ~model.informative
    noise = rng.standard_normal((np.count_nonzero(unseen), model.n_nodes))
    current.omics[unseen] = current.omics_mean(X)[unseen] + np.sqrt(current.node_variances) * noise
    return current
