"""Several phenotypes, and more than one layer of nodes: nothing in the sampler assumes fewer."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.activations import ACTIVATIONS, NetworkFunction
from sknnmm.families import Gaussian, Ordinal
from sknnmm.genotypes import Genotypes
from sknnmm.model.network import Layer, Network
from sknnmm.model.variables import registry
from sknnmm.priors import RRBLUP, BayesC, BayesL
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.missing.elliptical_slice import SliceMissingOmics
from sknnmm.sampling.missing.exact import ExactMissingOmics
from sknnmm.sampling.missing.hamiltonian import HamiltonianMissingOmics
from sknnmm.sampling.snp.choose import choose_updates
from sknnmm.terms import Fixed, Nodes, SNPs
from tests.helpers.maintained import assert_maintained, every_update, watch
from tests.helpers.moments import (
    assert_same_distribution,
    assert_same_moments,
    beyond_error,
    differences,
    sample,
)
from tests.helpers.networks import (
    RESIDUAL,
    Parts,
    centred,
    draw_effects,
    draw_variance,
    sampler_of,
    small_network,
    snp_terms,
    table_of_effects,
)
from tests.helpers.shares import assert_sums_stand_for_rows

# Two phenotypes ----------------------------------

NETWORK_FUNCTION = NetworkFunction(
    lambda z: z[:, 0] * np.tanh(z[:, 1]), np.zeros(2), np.ones(2), 1.0
)
BAYES_L = BayesL(shape=4.0, rate=0.4)
TWO_PHENOTYPES = {
    "sums": {},
    "rows": {"by_rows": True},
    "sums, BayesL": {"direct_prior": BAYES_L, "weight_prior": BAYES_L},
    "rows, BayesL": {"by_rows": True, "direct_prior": BAYES_L, "weight_prior": BAYES_L},
    "spectral": {"direct_prior": RRBLUP(df=8, scale=0.1)},
    "rows, weighted": {"by_rows": True, "weighted": True},
    "network function": {"activation": NETWORK_FUNCTION},
    "each missing in other rows": {"missing_in_one": True},
    "each missing in other rows, weighted": {"missing_in_one": True, "weighted": True},
}


def with_two_phenotypes(model, missing_in_one=False):
    """Return the model with a second phenotype, correlated with the first.

    `missing_in_one`: three more rows of either are missing.
    """
    y = np.column_stack([model.y, 0.5 * model.y + np.sin(np.arange(len(model.y)))])
    if missing_in_one:
        y[2:5, 0] = y[6:9, 1] = np.nan
    return replace(model, y=y)


RARER = {  # what they join, or what they show of one phenotype, is there apart
    "sums",
    "sums, BayesL",
    "rows",
    "rows, BayesL",
    "rows, weighted",
    "network function",
    "spectral",
    "each missing in other rows, weighted",
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.slow) if c in RARER else c for c in TWO_PHENOTYPES],
)
def test_two_phenotypes_are_two_networks_of_one(case):
    """With complete omics nothing ties them together."""
    options = {"activation": "tanh", "direct_prior": BayesC(df=8, scale=0.1)}
    options |= TWO_PHENOTYPES[case]
    by_rows, in_one = options.pop("by_rows", False), options.pop("missing_in_one", False)
    model = small_network(
        np.random.default_rng(3), n=20, missing=0, missing_y=2, uninformative=0, **options
    )
    both = with_two_phenotypes(model, in_one)
    sampler = sampler_of(both, by_rows)
    assert sampler.residuals["phenotype"].is_summed == (not by_rows and not in_one)

    def draws_of(model, rng):
        sampler = sampler_of(model, by_rows)
        (*_, direct) = snp_terms(sampler.network)

        def quantities(chain):
            parts = Parts(chain)
            rows = [
                table_of_effects(sampler, direct, chain, rng)[:3],
                np.log(parts.phenotype.residual_variance)[None],
                parts.fixed.coefficients,
            ]
            if not model.activation.is_network:
                rows.append(parts.weights.effects)
            return np.concatenate(rows).astype(float)

        return sample(sampler, quantities, 1500, rng)

    together = draws_of(both, np.random.default_rng(0))
    assert together.shape[2] == 2
    for c in range(2):
        alone = draws_of(replace(both, y=both.y[:, c]), np.random.default_rng(1 + c))
        assert_same_distribution(together[:, :, c], alone[:, :, 0])


def test_variance_shares_of_two_phenotypes():
    """From sums as from rows, and of each phenotype what its own genetic values say."""
    rng = np.random.default_rng(0)
    options = {"n": 25, "missing": 0, "missing_y": 0, "uninformative": 0}
    model = with_two_phenotypes(small_network(rng, direct_prior=BayesC(scale=0.1), **options))
    sampler, X = sampler_of(model), centred(model.genotypes)
    chain = starting_state(sampler, rng)
    for _ in range(5):
        sampler.iterate(chain, rng, tuning=False)
    terms = snp_terms(sampler.network)
    effects = [table_of_effects(sampler, term, chain, rng) for term in terms]
    fits = {term.name: X @ of_term for term, of_term in zip(terms, effects, strict=True)}
    shares = assert_sums_stand_for_rows(sampler, chain, fits)
    parts = Parts(chain)
    values = X @ (effects[0] @ parts.weights.effects + effects[1])
    assert_allclose(shares["genetic_variance"], values.var(axis=0), rtol=1e-8)
    spread = parts.omics.residual_variance @ parts.weights.effects**2
    environmental = spread + parts.phenotype.residual_variance
    expected = values.var(axis=0) / (values.var(axis=0) + environmental)
    assert_allclose(shares["heritability"], expected, rtol=1e-8)


# Three layers: genes, proteins, two phenotypes ----------------------------------


def three_layers(
    rng,
    *,
    n=14,
    p=5,
    missing=0.4,
    activations=("linear", "linear"),
    n_phenotypes=2,
    n_covariates=0,
    intercept_variance=np.inf,
    dtype=np.float64,
):
    """Return a Network of two genes, two proteins and phenotypes, and its covariates.

    Direct effects on all of them. Random standard normal data; the last row has genes alone.
    """
    dosages = np.array(rng.integers(0, 3, (n, p)), np.int8, order="F")
    dosages[:2] = [[0], [2]]
    genotypes = Genotypes(dosages)
    covariates = rng.standard_normal((n, n_covariates))
    covariates -= covariates.mean(axis=0)
    records = {
        name: rng.standard_normal((n, size))
        for name, size in (("genes", 2), ("proteins", 2), ("phenotype", n_phenotypes))
    }
    for record in (records["genes"], records["proteins"]):
        record[3:-1][rng.random((n - 4, 2)) < missing] = np.nan
    if missing:
        records["proteins"][-1] = records["phenotype"][-2:] = np.nan
    seen = {name: ~np.isnan(record).all(axis=1) for name, record in records.items()}
    layers = []
    for name, informed in (
        ("genes", seen["genes"] | seen["proteins"] | seen["phenotype"]),
        ("proteins", seen["proteins"] | seen["phenotype"]),
        ("phenotype", seen["phenotype"]),
    ):
        weight, record = informed.astype(float), records[name]
        estimable = np.repeat(informed[:, None], record.shape[1], axis=1)
        fixed = Fixed(name, covariates, weight, estimable, intercept_variance, dtype)
        prior = BayesC(df=8, scale=0.2)
        args = (genotypes, prior, 0.25, weight, record.shape[1])
        terms = [SNPs(name, f"{name}_snp_effects", f"{name}_snp_pi", *args)]
        if layers:
            activation = ACTIVATIONS[activations[len(layers) - 1]]
            prior = RRBLUP(df=8, scale=0.3)
            args = (activation, prior, 0.25, weight, record.shape[1], fixed)
            terms.append(Nodes(name, layers[-1], *args))
        layers.append(
            Layer(
                name=name,
                record=record,
                row_weight=weight,
                terms=(*terms, fixed),
                family=Gaussian(),
                residual_prior=RESIDUAL,
                dtype=dtype,
                response_dim=name,
                prefix=f"{name}_",
            )
        )
    return Network(genotypes, tuple(layers), dtype), covariates


THREE_LAYERS = {
    "linear": {},
    "tanh, linear": {"activations": ("tanh", "linear"), "n_covariates": 1},
    "linear, tanh, wide": {"activations": ("linear", "tanh"), "p": 20},
    "complete": {"missing": 0, "activations": ("tanh", "linear"), "n_covariates": 1},
}


@pytest.mark.parametrize(
    ("options", "dtype", "atol"),
    [
        pytest.param(
            options,
            *of_dtype,
            id=f"{name}-{of_dtype[0].__name__}",
            # a kernel of its own, which takes longest to compile
            marks=[pytest.mark.slow] if (name, of_dtype[0]) == ("complete", np.float32) else [],
        )
        for name, options in THREE_LAYERS.items()
        for of_dtype in ((np.float64, 1e-10), (np.float32, 2e-4))
    ],
)
def test_fits_of_three_layers_equal_their_definition(options, dtype, atol, monkeypatch):
    rng = np.random.default_rng(0)
    network, covariates = three_layers(rng, dtype=dtype, **options)
    sampler, X = Sampler(network), centred(network.genotypes)
    summed = {residual.is_summed for residual in sampler.residuals.values()}
    assert summed == {options.get("missing") == 0}
    chain = starting_state(sampler, rng)
    updates = every_update(sampler)
    n_checks = 0

    def after():
        nonlocal n_checks
        n_checks += 1
        assert_maintained(sampler, chain, X, covariates, atol)

    watch(monkeypatch, updates, after)
    for _ in range(30):
        sampler.iterate(chain, rng, tuning=True)
    assert n_checks == 30 * len(updates)


def test_variables_of_three_layers_have_names_of_their_own():
    network, _ = three_layers(np.random.default_rng(0))
    names = set(registry(network))
    for layer in ("genes", "proteins", "phenotype"):
        assert {f"{layer}_residual_variance", f"{layer}_snp_effects", f"{layer}_snp_pi"} <= names
    assert {"genes_weights", "proteins_weights"} <= names
    assert registry(network)["genes_weights"].dims == ("genes", "proteins")
    genes, proteins, phenotype = network.layers
    proteins = replace(proteins, prefix="genes_")
    with pytest.raises(ValueError, match="'genes_residual_variance'"):
        registry(replace(network, layers=(genes, proteins, phenotype)))


# The missing cells of a layer given several responses of the next --------------------------------


def nodes_and_reader(sampler):
    """Return the first layer, the one that reads it, and the term on its nodes."""
    layer = sampler.layers[0]
    return layer, *sampler.network.reading(layer)


def exact_moments(sampler, chain, row):
    """Return mean and covariance of the missing nodes of one row, the activation linear."""
    layer, reader, nodes = nodes_and_reader(sampler)
    own, state = chain.layers[layer.name], chain.layers[reader.name]
    missing = ~layer.observed[row]
    weights = nodes.of(chain).effects
    expected = sum(term.contribution(term.of(chain))[row] for term in layer.terms)
    others = [term.contribution(term.of(chain))[row] for term in reader.terms if term is not nodes]
    target = state.response[row] - sum(others) - layer.record[row, ~missing] @ weights[~missing]
    noise = state.residual_variance / reader.row_weight[row]
    own_precision = np.diag(1 / own.residual_variance[missing])
    covariance = np.linalg.inv(own_precision + weights[missing] / noise @ weights[missing].T)
    mean = own_precision @ expected[missing] + weights[missing] @ (target / noise)
    return covariance @ mean, covariance


def samplers_of_missing_nodes():
    rng = np.random.default_rng(0)
    options = {"n_observed": 3, "missing": 0.6, "n": 16, "direct_prior": BayesC()}
    model = small_network(rng, **options)
    weighted = small_network(rng, weighted=True, **options)
    return {
        "two phenotypes": sampler_of(with_two_phenotypes(model)),
        "two weighted phenotypes": sampler_of(with_two_phenotypes(weighted)),
        "genes given proteins": Sampler(three_layers(rng, missing=0.7, n=20)[0]),
    }


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("two weighted phenotypes", ExactMissingOmics),
        ("two weighted phenotypes", HamiltonianMissingOmics),
        ("genes given proteins", ExactMissingOmics),
        ("genes given proteins", HamiltonianMissingOmics),
        *(
            pytest.param(*others, marks=pytest.mark.slow)
            for others in (
                ("genes given proteins", SliceMissingOmics),
                ("two weighted phenotypes", SliceMissingOmics),  # slices know the likelihood alone
                ("two phenotypes", ExactMissingOmics),
                ("two phenotypes", HamiltonianMissingOmics),
                ("two phenotypes", SliceMissingOmics),
            )
        ),
    ],
)
def test_missing_nodes_follow_their_normal_distribution(case, kind):
    """Mean, variance and covariance row by row, everything else fixed where a chain had come to."""
    sampler, rng = samplers_of_missing_nodes()[case], np.random.default_rng(7)
    chain = starting_state(sampler, rng)
    for _ in range(5):
        sampler.iterate(chain, rng, tuning=True)
    layer, reader, nodes = nodes_and_reader(sampler)
    weights = nodes.of(chain).effects
    weights[:] = np.array([[1.2, -0.5], [-0.8, -1.0], [0.5, 0.7]])[: len(weights)]
    chain.layers[reader.name].residual_variance[:] = [0.8, 1.2]
    chain.layers[layer.name].step_size = None
    update = kind(layer, reader, nodes, sampler.residuals[reader.name])
    draws = []
    for iteration in range(4500):
        update.draw(chain, rng, iteration < 500)
        if iteration >= 500:
            draws.append(update.coupled.of(chain.layers[layer.name].response))
    draws = np.array(draws)
    factor = 0.9 if kind is ExactMissingOmics else 0.3
    n_tested = 0
    for row in update.rows:
        cells = update.coupled.rows == row
        mean, covariance = exact_moments(sampler, chain, row)
        assert_same_moments(draws[:, cells], mean, covariance, ess_factor=factor, alpha=1e-5)
        n_tested += cells.sum() > 1
    assert n_tested >= 3  # rows where covariances matter


# The joint distribution of all three layers (see test_joint_distribution.py) ---------------------


def prior_draw(network, X, rng):
    """Return {layer: its effects, weights, variances, intercepts and responses} from the prior."""
    drawn = {}
    for layer in network.layers:
        s2 = draw_variance(layer.residual_prior, rng, layer.n_responses)
        of_layer = {"log s2": np.log(s2)}
        intercepts = rng.standard_normal(layer.n_responses) * np.sqrt(INTERCEPT_VARIANCE)
        of_layer["intercepts"], mean = intercepts, intercepts
        for term in layer.terms:
            if term.acts_by_snps:
                shape = X.shape[1], layer.n_responses
                hyper, effects = draw_effects(term.prior, shape, rng, s2)
                of_layer |= {"b": effects, "log v": hyper["log variance"], "pi": hyper["pi"]}
                mean = mean + X @ effects
            elif term.source:
                shape = term.n_nodes, layer.n_responses
                hyper, effects = draw_effects(term.prior, shape, rng, s2)
                of_layer |= {"w": effects, "log v of w": hyper["log variance"]}
                mean = mean + term.activation.value(drawn[term.source]["z"]) @ effects
        of_layer["z"] = mean + np.sqrt(s2) * rng.standard_normal((len(X), layer.n_responses))
        drawn[layer.name] = of_layer
    return drawn


def present(sampler, chain, rng):
    """Return the same of a chain."""
    drawn = {}
    for layer in sampler.layers:
        state = chain.layers[layer.name]
        of_layer = {"log s2": np.log(state.residual_variance), "z": state.response}
        for term in layer.terms:
            of_term = term.of(chain)
            if term.acts_by_snps:
                of_layer["b"] = table_of_effects(sampler, term, chain, rng)
                of_layer["log v"] = np.log(of_term.hyper.variance[0])
                of_layer["pi"] = term.prior.zero_weight(of_term.hyper)
            elif term.source:
                of_layer["w"] = of_term.effects
                of_layer["log v of w"] = np.log(of_term.hyper.variance[0])
            else:
                of_layer["intercepts"] = of_term.coefficients[0]
        drawn[layer.name] = of_layer
    return drawn


def redraw_data(sampler, chain, X, whole_rows, rng):
    """Draw the observed cells given the parameters and the missing cells.

    But for the genes of rows with a missing protein, which depend on it: they are drawn if
    `whole_rows`, together with all missing cells of such a row.
    """
    values = present(sampler, chain, rng)
    proteins = sampler.network.layer("proteins")
    tied = (~proteins.observed & proteins.informed[:, None]).any(axis=1)
    for layer in sampler.layers:
        state, of_layer = chain.layers[layer.name], values[layer.name]
        mean = of_layer["intercepts"] + X @ of_layer["b"]
        for term in layer.terms:
            if term.source:
                nodes = chain.layers[term.source].response
                mean = mean + term.activation.value(nodes) @ of_layer["w"]
        fresh = mean + np.sqrt(state.residual_variance) * rng.standard_normal(mean.shape)
        chosen = layer.observed.copy()
        if layer.name == "genes":
            chosen[tied] = whole_rows
        elif layer.name == "proteins":
            chosen[tied] |= whole_rows
        state.response[chosen] = fresh[chosen]
    sampler.measure(chain)


def statistics(network, drawn):
    """Return functions of parameters and data with finite moments, as a flat dict."""
    values, before = {}, None
    for layer in network.layers:
        of_layer = drawn[layer.name]
        rows = layer.informed
        z = of_layer["z"][rows]
        own = {
            "log s2": of_layer["log s2"].sum(),
            "(log s2)^2": (of_layer["log s2"] ** 2).sum(),
            "intercepts": of_layer["intercepts"].sum(),
            "intercepts^2": (of_layer["intercepts"] ** 2).sum(),
            "b": np.tanh(of_layer["b"]).sum(),
            "b^2": np.log1p((of_layer["b"] ** 2).sum()),
            "b nonzero": np.count_nonzero(of_layer["b"]),
            "log v": of_layer["log v"].sum(),
            "pi": of_layer["pi"].sum(),
            "mean |z|": np.log(np.abs(z).mean()),
            "z_0 z_1": np.tanh(z[:, 0] * z[:, 1]).mean(),
        }
        if before is not None:
            w = of_layer["w"]
            own["w"], own["|w|"] = w.sum(), np.log(np.abs(w).sum())
            own["log v of w"] = of_layer["log v of w"].sum()
            own["w_0 z z"] = np.tanh(w[0] * z * before[rows][:, :1]).mean()
        values |= {f"{name}, {layer.name}": value for name, value in own.items()}
        before = of_layer["z"]
    return values


INTERCEPT_VARIANCE = 0.5
JOINT_CASES = {
    "linear": {"missing": 0.4},
    "linear, tanh": {"missing": 0.4, "activations": ("linear", "tanh")},
    "tanh, linear, complete": {"missing": 0, "activations": ("tanh", "linear")},
}


def differing_statistics(network, by_rows, seed, n_iterations, n_prior_draws):
    """Return {name: z} of the statistics that differ between the sampler and the prior."""
    rng, X = np.random.default_rng(seed), centred(network.genotypes)
    independent = [statistics(network, prior_draw(network, X, rng)) for _ in range(n_prior_draws)]
    sampler = Sampler(network, choose_updates(network, by_rows))
    chain = starting_state(sampler, rng)
    successive = []
    for iteration in range(n_iterations * 11 // 10):
        tuning = iteration < n_iterations // 10
        sampler.iterate(chain, rng, tuning)
        redraw_data(sampler, chain, X, iteration % 2 == 1, rng)
        if not tuning:
            successive.append(statistics(network, present(sampler, chain, rng)))
    return beyond_error(differences(independent, successive))


@pytest.mark.parametrize(
    ("case", "by_rows"),
    [
        ("linear, tanh", False),
        pytest.param("tanh, linear, complete", False, marks=pytest.mark.slow),
        pytest.param("linear", False, marks=pytest.mark.slow),
        pytest.param("linear", True, marks=pytest.mark.slow),
        pytest.param("linear, tanh", True, marks=pytest.mark.slow),
        pytest.param("tanh, linear, complete", True, marks=pytest.mark.slow),
    ],
)
def test_joint_distribution_of_three_layers(case, by_rows):
    seed = 10 * list(JOINT_CASES).index(case) + by_rows
    rng = np.random.default_rng(seed)
    options = {"intercept_variance": INTERCEPT_VARIANCE, **JOINT_CASES[case]}
    network, _ = three_layers(rng, **options)
    wrong = differing_statistics(network, by_rows, seed, 1_200, 1_200)
    if wrong:  # by chance, or all the more in several times the iterations
        wrong = differing_statistics(network, by_rows, seed + 1000, 8_000, 16_000)
    assert not wrong, f"z scores: {wrong}"


@pytest.mark.parametrize("missing", [pytest.param(0.0, marks=pytest.mark.slow), 0.3])
def test_a_family_that_draws_its_responses_reaches_the_snps(missing):
    """By cross-products or by rows, many iterations without another record: the same posterior."""
    draws = []
    for by_rows in (False, True):
        rng = np.random.default_rng(3)
        model = small_network(
            rng,
            n=60,
            p=6,
            missing=missing,
            missing_y=0,
            uninformative=0,
            direct_prior=RRBLUP(scale=0.3, estimate_variance=False),
            weight_prior=RRBLUP(scale=0.3, estimate_variance=False),
        )
        model = replace(model, y=(model.y > 0).astype(float), family=Ordinal())
        if not by_rows:
            model = replace(model, direct_prior=BayesC(0.0, False, 5, 0.3, False))
        sampler = sampler_of(model, by_rows)

        def quantities(chain, sampler=sampler, rng=rng):
            direct = sampler.layers[-1].terms[0]
            effects = sampler.update_of(direct).snp_effects(direct.of(chain), rng)
            return np.append(effects[:, 0], Parts(chain).weights.effects[:, 0])

        draws.append(sample(sampler, quantities, 1500, rng))
        assert np.abs(draws[-1].mean(axis=0)).max() > 0.2  # the record says something
    assert_same_distribution(*draws)


def test_layers_that_no_sampler_serves_are_refused():
    network = small_network(np.random.default_rng(0)).network()
    omics, phenotype = network.layers
    with pytest.raises(ValueError, match="integrated out for omics_weights"):
        replace(phenotype, terms=phenotype.terms[::-1])
    with pytest.raises(ValueError, match="must be normal"):
        replace(network, layers=(replace(omics, family=Ordinal()), phenotype))
