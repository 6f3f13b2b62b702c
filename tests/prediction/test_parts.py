"""Networks put together by hand: several phenotypes, more layers, a term of another kind."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from sknnmm.activations import ACTIVATIONS, NetworkFunction
from sknnmm.families import Gaussian
from sknnmm.posterior.draws import Posterior
from sknnmm.prediction.fitted_network import FittedNetwork
from sknnmm.prediction.layer import FittedLayer
from sknnmm.prediction.nodes_part import ActivatedNodes, NetworkFunctionNodes
from sknnmm.prediction.parts import FixedPart, NewRows, Part, SNPsPart
from sknnmm.prediction.spread import genetic_sd, predictive_sd, sample_phenotypes

N_CHAINS, N_DRAWS, N_SNPS, N_COVARIATES = 2, 20, 12, 2  # more draws than fit into a batch
GENOTYPES_MEAN, GENOTYPES_VARIANCE = np.linspace(0.5, 1.5, N_SNPS), np.linspace(0.2, 0.7, N_SNPS)
NODES = 3


def make_posterior(seed=0, n_phenotypes=2, sparse_effects=False):
    """Return a posterior of a network of three nodes and some phenotypes."""
    rng = np.random.default_rng(seed)

    def draws(*shape, scale=1.0, center=0.0):
        return center + scale * rng.normal(size=(N_CHAINS, N_DRAWS, *shape))

    made = {}
    for prefix, n in (("omics_", NODES), ("", n_phenotypes)):
        made[prefix + "intercept"] = draws(n, scale=0.1, center=5)
        made[prefix + "covariate_effects"] = draws(N_COVARIATES, n, scale=0.2)
        made[prefix + "residual_variance"] = np.exp(draws(n, scale=0.1))
        made[prefix + "heritability"] = np.full((N_CHAINS, N_DRAWS, n), 0.5)
        effects = draws(N_SNPS, n, scale=0.3) * (rng.random((N_SNPS, n)) < 0.5)
        made[prefix + "snp_effects"] = sparse.coo_array(effects) if sparse_effects else effects
    made["weights"] = draws(NODES, n_phenotypes, scale=0.2, center=0.5)
    made["genetic_mean"] = draws(n_phenotypes, scale=0.1)
    made["genetic_variance"] = np.full((N_CHAINS, N_DRAWS, n_phenotypes), 4.0)
    posterior = Posterior.__new__(Posterior)
    posterior.draws, posterior.effects_draw = made, np.arange(N_DRAWS)
    return posterior


def make_layer(posterior, prefix, extra=(), **options):
    n = posterior.draws[prefix + "intercept"].shape[-1]
    location, scale = np.full(n, 5.0), np.linspace(1, 2, n)
    effects = posterior.draws[prefix + "snp_effects"]
    mean = (effects.toarray() if sparse.issparse(effects) else effects).mean(axis=(0, 1))
    name = "omics" if prefix else "phenotype"
    fixed = prefix + "intercept", prefix + "covariate_effects"
    parts = [
        FixedPart(posterior, scale, name, location, *fixed),
        SNPsPart(posterior, scale, prefix + "snp_effects", GENOTYPES_MEAN, mean),
        *(make(posterior, scale) for make in extra),
    ]
    names = prefix + "residual_variance", prefix + "heritability"
    return FittedLayer(name, posterior, location, scale, parts, *names, Gaussian(), **options)


def make_network(posterior, activation, extra=()):
    omics, phenotype = make_layer(posterior, "omics_", extra), make_layer(posterior, "")
    if activation == "network":
        function = NetworkFunction(product, omics.location, omics.scale, 1.0)
        training = NewRows(np.zeros((5, N_SNPS)), of_layers(np.zeros((5, N_COVARIATES))))
        nodes = NetworkFunctionNodes.of_fit(posterior, phenotype.scale, omics, function, training)
    else:
        function = ACTIVATIONS[activation]
        nodes = ActivatedNodes(posterior, phenotype.scale, omics, function, "weights")
    phenotype.parts.append(nodes)
    return FittedNetwork(phenotype, GENOTYPES_VARIANCE, of_layers(np.zeros(N_COVARIATES)))


def of_layers(covariates):
    """Return the same covariates for both layers."""
    return {"omics": covariates, "phenotype": covariates}


def product(z):
    return z[:, 0] * z[:, 1] / 10


def new_rows(network, n=8, given=True):
    rng = np.random.default_rng(3)
    dosages = rng.integers(-1, 3, (n, N_SNPS)).astype(np.int8)
    dosages[0] = 1
    omics = np.where(rng.random((n, NODES)) < 0.4, np.nan, 5 + rng.normal(size=(n, NODES)))
    covariates = rng.normal(size=(n, N_COVARIATES))
    omics = omics if given else np.full_like(omics, np.nan)
    return network.rows(dosages, omics, of_layers(covariates))


# --- several phenotypes -----------------------------------------------------------------------


def only(posterior, column):
    """Return the posterior with one phenotype, whose variables lack the axis of responses."""
    single = Posterior.__new__(Posterior)
    single.effects_draw, single.draws = posterior.effects_draw, dict(posterior.draws)
    for name, draws in posterior.draws.items():
        if sparse.issparse(draws) and not name.startswith("omics_"):
            single.draws[name] = sparse.coo_array(draws.toarray()[..., column])
        elif not name.startswith("omics_"):
            single.draws[name] = draws[..., column]
    return single


@pytest.mark.parametrize("sparse_effects", [False, True])
@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
def test_two_phenotypes_are_predicted_as_each_alone(activation, sparse_effects):
    both = make_posterior(sparse_effects=sparse_effects)
    network = make_network(both, activation)
    rows = new_rows(network)
    for column in range(2):
        alone = alone_network(network, only(both, column), column)
        for function in (
            lambda n: n.expected_phenotype(rows),
            lambda n: n.genetic_value(n.genetic_rows(rows.dosages)),
            lambda n: predictive_sd(n, rows),
            lambda n: genetic_sd(n, n.genetic_rows(rows.dosages)),
        ):
            assert_allclose(function(network)[:, [column]], function(alone), rtol=1e-10)


def alone_network(network, posterior, column):
    layer, omics = network.layers
    omics = replace(omics, parts=[replace(part, posterior=posterior) for part in omics.parts])
    scale, location = layer.scale[[column]], layer.location[[column]]
    fixed, snps, nodes = (replace(p, posterior=posterior, scale=scale) for p in layer.parts)
    parts = [
        replace(fixed, location=location),
        replace(snps, effects=snps.effects[:, [column]]),
        replace(nodes, below=omics),
    ]
    layer = replace(layer, posterior=posterior, scale=scale, location=location, parts=parts)
    return replace(network, phenotype=layer)


@pytest.mark.parametrize("activation", ["linear", "tanh", "network"])
def test_samples_of_two_phenotypes_have_the_predicted_mean_and_sd(activation):
    network = make_network(make_posterior(), activation)
    assert_samples_agree(network, new_rows(network), of_integral=0.1 * (activation == "network"))


def assert_samples_agree(network, rows, of_integral=0.0):
    n = 8000
    sample, _ = sample_phenotypes(network, rows, n, np.random.default_rng(0))
    mean, sd = network.expected_phenotype(rows), predictive_sd(network, rows)
    assert sample.shape == (len(rows), n, 2) and mean.shape == sd.shape == (len(rows), 2)
    bound = stats.norm.isf(1e-5 / 2 / sd.size)
    assert (np.abs(sample.mean(axis=1) - mean) < (bound / np.sqrt(n) + of_integral) * sd).all()
    kurtosis = np.maximum(stats.kurtosis(sample, axis=1, fisher=False), 3)
    error = np.sqrt((kurtosis - 1) / (4 * n))
    assert (np.abs(sample.std(axis=1) / sd - 1) < bound * error + of_integral).all()


# --- a term of another kind -------------------------------------------------------------------


@dataclass(eq=False)
class Levels(Part):
    """Effects of the levels of a factor, here the sign of the first covariate.

    Those of one level were not seen in the fit.
    """

    effects = np.array([0.7, -0.4, 0.2])
    unseen_variance = 0.8

    def mean(self, rows):
        return np.where(self._seen(rows), self.effects, 0)

    def of_draws(self, rows, batch):
        shape = len(rows), batch.stop - batch.start, self.n_responses
        mean = np.broadcast_to(self.mean(rows)[:, None], shape)
        return mean, np.where(self._seen(rows), 0, self.unseen_variance)[:, None]

    def _seen(self, rows):
        return rows.covariates["phenotype"][:, :1] > 0


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_a_term_is_one_more_class(activation):
    posterior = make_posterior()
    network, without = (make_network(posterior, activation, extra) for extra in ([Levels], []))
    rows = new_rows(network, n=12, given=False)
    seen = rows.covariates["phenotype"][:, 0] > 0
    assert 0 < seen.sum() < len(rows)
    difference = network.expected_phenotype(rows) - without.expected_phenotype(rows)
    added = predictive_sd(network, rows) ** 2 - predictive_sd(without, rows) ** 2
    if activation == "linear":
        weights = posterior.draws["weights"] / network.layers[1].scale[:, None]
        expected = Levels.effects @ weights.mean(axis=(0, 1))
        assert_allclose(difference[seen], np.tile(expected, (seen.sum(), 1)), rtol=1e-10)
        assert_allclose(difference[~seen], 0, atol=1e-12)
        of_unseen = Levels.unseen_variance * (weights**2).sum(axis=2).mean(axis=(0, 1))
        assert_allclose(added[~seen], np.tile(of_unseen, ((~seen).sum(), 1)), rtol=1e-8)
    assert (added[~seen] > 0).all()
    complete = replace(rows, dosages=np.maximum(rows.dosages, 0))
    assert_samples_agree(network, complete)


def test_weighted_means_over_held_draws_are_those_over_all_if_all_are_held():
    network = make_network(make_posterior(), "linear")
    rows, omics = new_rows(network), network.layers[1]
    fixed = omics.parts[0]
    assert_allclose(
        fixed.weighted_mean(rows, "weights"), Part.weighted_mean(fixed, rows, "weights"), rtol=1e-9
    )


# --- more layers ------------------------------------------------------------------------------


def test_three_layers_of_linear_nodes_are_the_mean_of_the_products():
    """Phenotypes over two layers of nodes: the mean over draws by definition."""
    posterior = make_posterior()
    middle = make_posterior(1, n_phenotypes=NODES).draws
    posterior.draws.update({f"middle_{name}": draws for name, draws in middle.items()})
    linear = ACTIVATIONS["linear"]
    first = make_layer(posterior, "omics_")
    second = replace(make_layer(posterior, "middle_"), name="metabolites")
    second.parts.append(ActivatedNodes(posterior, second.scale, first, linear, "middle_weights"))
    top = make_layer(posterior, "")
    top.parts.append(ActivatedNodes(posterior, top.scale, second, linear, "weights"))
    network = FittedNetwork(top, GENOTYPES_VARIANCE, of_layers(np.zeros(N_COVARIATES)))
    assert [layer.name for layer in network.layers] == ["phenotype", "metabolites", "omics"]
    rng = np.random.default_rng(0)
    dosages, covariates = (
        rng.integers(0, 3, (6, N_SNPS)).astype(np.int8),
        rng.normal(size=(6, N_COVARIATES)),
    )
    rows = NewRows(dosages, of_layers(covariates))

    draws = posterior.draws

    def own(prefix):
        x = dosages - GENOTYPES_MEAN
        fixed = draws[prefix + "intercept"][:, :, None] - 5
        fixed = fixed + covariates @ draws[prefix + "covariate_effects"]
        return fixed + x @ draws[prefix + "snp_effects"]

    nodes = own("omics_") / first.scale
    nodes = (own("middle_") + nodes @ draws["middle_weights"]) / second.scale
    expected = own("") + nodes @ draws["weights"]
    assert_allclose(network.expected_phenotype(rows), 5 + expected.mean(axis=(0, 1)), rtol=1e-10)
    # Given the nodes next to the phenotypes, the others say nothing.
    given = {"metabolites": np.ones((6, NODES))}
    value = own("") + draws["weights"].sum(axis=2)[:, :, None]
    known = replace(rows, given=given)
    assert_allclose(network.expected_phenotype(known), 5 + value.mean(axis=(0, 1)), rtol=1e-10)
    residual = draws["residual_variance"].mean(axis=(0, 1))
    spread = np.sqrt(residual + value.var(axis=(0, 1)))
    assert_allclose(predictive_sd(network, known), spread, rtol=1e-10)
    sample, _ = sample_phenotypes(network, known, 4000, np.random.default_rng(1))
    # The SE of an SD over 4,000 nearly normal draws is 1.1 %.
    assert_allclose(sample.std(axis=1), spread, rtol=0.06)


# --- rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparse_effects", [False, True])
@pytest.mark.parametrize("activation", ["linear", "tanh", "network"])
def test_the_sd_of_a_row_does_not_depend_on_the_others(activation, sparse_effects):
    network = make_network(make_posterior(sparse_effects=sparse_effects), activation)
    rows = new_rows(network, n=17)
    whole = predictive_sd(network, rows)
    genetic = genetic_sd(network, network.genetic_rows(rows.dosages))
    for some in (slice(0, 1), slice(3, 4), slice(2, 15), slice(None, None, -1)):
        assert_array_equal(predictive_sd(network, rows.take(some)), whole[some])
        of_some = genetic_sd(network, network.genetic_rows(rows.dosages[some]))
        assert_array_equal(of_some, genetic[some])
