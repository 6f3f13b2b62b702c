"""Simulation-based calibration of whole chains (Talts et al. 2018, arXiv 1804.06788).

Parameters come from their prior, then data; a chain as users run it (starting values, burn-in,
thinning) then draws from the posterior. Over replicates, the rank of the true value among the
draws is uniform for every function of parameters and missing data.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_array_equal
from scipy import stats

from sknnmm.activations import Activation, NetworkFunction
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.estimators.specification import RandomEffect
from sknnmm.estimators.stopping import StoppingRule
from sknnmm.model.variables import registry
from sknnmm.priors import GBLUP, RRBLUP, BayesA, BayesB, BayesC, BayesL, BayesR, ScaledInverseChi2
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.length import UntilConverged
from sknnmm.sampling.chains.parallel import run_chains
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import REFRESH_EVERY
from sknnmm.sampling.resume.resume_point import ChainOrigin
from sknnmm.terms import random
from tests.helpers.families import FAMILIES, N_CLASSES, draw_thresholds, of_family
from tests.helpers.levels import levels_of
from tests.helpers.networks import (
    centred,
    current_parameters,
    draw_parameters,
    sampler_of,
    small_network,
    with_data_from,
)

N_REPLICATES = 150
BURN_IN = 150
N_DRAWS = 63  # of one chain, after thinning: 64 possible ranks
N_BINS = 8
# With E effectively independent draws, the mean square of the centred ranks (as a fraction) is
# 1 / (6 E) above 1/12: at 25 this is not yet one standard error of 150 replicates over its value
# at 63.
MIN_ESS = 25
FALSE_ALARMS = 0.001  # per case, over random seeds

# Of n_iter="auto", with two chains.
FIRST_BURN_IN = 50
STOPPED_AT_ESS = 100
MAX_ITER = 20_000

NETWORK = {
    "n": 40,
    "p": 12,
    "n_observed": 2,
    "missing": 0.3,
    "missing_y": 4,
    "uninformative": 1,
    "intercept_variance": 1.0,
    "residual_prior": ScaledInverseChi2(df=6, scale=0.5),
    "snp_prior": BayesC(df=6, scale=0.2),
    "weight_prior": BayesC(df=6, scale=0.5),
}

# Iterations per draw, and options of the network.
CASES = {
    "BayesC linear direct": (6, {"direct_prior": BayesC(df=6, scale=0.1)}),
    "BayesC relu single": (6, {"activation": "relu", "n_observed": 3, "dtype": np.float32}),
    "BayesC sigmoid direct": (
        6,
        {
            "activation": "sigmoid",
            "weight_prior": RRBLUP(df=6, scale=1.5),
            "direct_prior": RRBLUP(df=6, scale=0.05),
        },
    ),
    "RR-BLUP linear": (
        6,
        {
            "n_observed": 3,
            "snp_prior": RRBLUP(df=6, scale=0.1),
            "weight_prior": RRBLUP(df=6, scale=0.3),
        },
    ),
    "GBLUP tanh direct wide single": (
        8,
        {
            "p": 60,
            "activation": "tanh",
            "snp_prior": GBLUP(df=6, scale=0.02),
            "weight_prior": RRBLUP(df=6, scale=0.5),
            "direct_prior": GBLUP(df=6, scale=0.01),
            "dtype": np.float32,
        },
    ),
    "BayesA tanh": (
        10,
        {
            "activation": "tanh",
            "snp_prior": BayesA(df=6, scale=0.1),
            "weight_prior": BayesA(df=6, scale=0.5, estimate_scale=False),
        },
    ),
    "BayesB linear direct": (
        8,
        {
            "snp_prior": BayesB(df=6, scale=0.2, estimate_scale=False),
            "weight_prior": BayesB(df=6, scale=0.5, estimate_scale=False),
            "direct_prior": BayesB(df=6, scale=0.1),
        },
    ),
    "BayesL tanh direct": (
        6,
        {
            "activation": "tanh",
            "snp_prior": BayesL(shape=4.0, rate=0.5),
            "weight_prior": BayesL(shape=4.0, rate=1.0),
            "direct_prior": BayesL(shape=4.0, rate=0.2),
        },
    ),
    "BayesR linear": (
        6,
        {"snp_prior": BayesR(df=6, scale=0.3), "weight_prior": BayesR(df=6, scale=0.5)},
    ),
    "user function": (6, {"activation": Activation(np.sin)}),
    "network function direct": (
        6,
        {
            "activation": NetworkFunction(
                lambda z: z[:, 0] * np.tanh(z[:, 1]), np.zeros(2), np.ones(2), 1.0
            ),
            "direct_prior": BayesC(df=6, scale=0.1),
        },
    ),
    "latent tanh direct": (
        8,
        {
            "activation": "tanh",
            "n_observed": 1,
            "n_latent": 1,
            "direct_prior": BayesC(df=6, scale=0.1),
        },
    ),
}

# With random effects in both layers, of this kind of levels.
WITH_RANDOM = {
    "independent": (8, {"direct_prior": BayesC(df=6, scale=0.1)}),
    "one by one": (
        10,
        {
            "activation": "tanh",
            "snp_prior": RRBLUP(df=6, scale=0.1),
            "weight_prior": RRBLUP(df=6, scale=0.5),
        },
    ),
}

LIMITED = {  # by their names, as CASES: measured omics below a limit are known as such
    "linear below limits": (6, {"direct_prior": BayesC(df=6, scale=0.1)}),
    "tanh below limits": (6, {"activation": "tanh"}),
    "user function below limits": (6, {"activation": Activation(np.sin)}),
}
LIMIT = -0.3

OF_FAMILIES = {  # by their names too: classes, intervals
    "binary linear direct": (
        5,
        {"family": "binary", "direct_prior": BayesC(df=6, scale=0.1)},
    ),
    "binary tanh": (5, {"family": "binary", "activation": "tanh"}),
    "ordinal linear direct": (
        5,
        {"family": "ordinal", "direct_prior": BayesC(df=6, scale=0.1)},
    ),
    "ordinal user function": (5, {"family": "ordinal", "activation": Activation(np.sin)}),
    "censored linear direct": (
        6,
        {"family": "censored", "direct_prior": BayesC(df=6, scale=0.1)},
    ),
    "censored tanh": (6, {"family": "censored", "activation": "tanh"}),
}

IN_ROUNDS = ["RR-BLUP linear", "BayesR linear", "BayesC linear direct"]


def quantities(model, X, parameters):
    """Return what is ranked, all of it identified, as a flat dict."""
    genetic = parameters.genetic_value(X, model.activation)
    expected = parameters.expected_y(X, model.activation)
    without_y = np.flatnonzero(~model.y_observed)
    log_s2 = np.log(parameters.node_variances)
    log_s2_y = np.log(parameters.residual_variance)
    values = {
        "intercept": parameters.intercept,
        "E y, omics known": expected[without_y[0]],
        "E y, nothing known": expected[without_y[-1]],
        "genetic value": genetic[0],
        "heritability": genetic.var() / (genetic.var() + parameters.residual_variance),
    }
    if not model.family.residual_variance_is_fixed:
        values["log s2 of y"] = log_s2_y
    bounded = model.family.is_bounded(model.y, model.y_upper)
    if bounded.any():
        values["response"] = parameters.y[bounded][0]
        values["mean of drawn responses"] = parameters.y[bounded].mean()
    for k, threshold in enumerate(parameters.thresholds[1:], 1):
        values[f"threshold {k}"] = threshold
    if model.direct_prior:
        values["direct effect"] = parameters.direct_effects[0]
        values |= {f"{q}, direct": v[0] for q, v in parameters.hypers["direct"].items()}
    if not model.n_latent:
        # Means over nodes have the power to see small errors that the nodes share.
        values["mean log s2"] = np.append(log_s2, log_s2_y).mean()
        if "weights" in parameters.hypers:
            values |= {f"{q}, weights": v[0] for q, v in parameters.hypers["weights"].items()}
        for q, v in parameters.hypers["snp"].items():
            values[f"mean {q}"] = v.mean()
    for k in range(model.n_nodes - model.n_latent):
        values[f"log s2[{k}]"] = log_s2[k]
        values[f"intercept[{k}]"] = parameters.node_intercepts[k]
        values[f"SNP effect[{k}]"] = parameters.snp_effects[0, k]
        values |= {f"{q}[{k}]": v[k] for q, v in parameters.hypers["snp"].items()}
        if "weights" in parameters.hypers:
            values[f"w[{k}]"] = parameters.weights[k]
        row = np.flatnonzero(~model.omics_observed[:, k] & model.y_observed)[0]
        values[f"missing omic[{k}]"] = parameters.omics[row, k]
        if model.omics_limits is not None:  # most of them below their limits
            drawn = ~model.omics_observed[:, k]
            values[f"mean of drawn omics[{k}]"] = parameters.omics[drawn, k].mean()
    for (layer, name), (variance, effects) in parameters.random.items():
        for k in range(len(variance)):
            values[f"log variance of {name}, {layer}[{k}]"] = np.log(variance[k])
            values[f"{name} 0, {layer}[{k}]"] = effects[0, k]
        values[f"{name} without records, {layer}"] = effects[-1].mean()
        values[f"mean log variance of {name}, {layer}"] = np.log(variance).mean()
    return values


def one_data_set(options, rng, limit=None):
    """Return a model with data drawn given parameters from the prior, its X, and the quantities."""
    options = {**NETWORK, **options}
    kind, family = options.pop("levels", None), options.pop("family", None)
    model = small_network(rng, **options)
    if kind is not None:
        prior = ScaledInverseChi2(df=6, scale=0.4)
        levels = levels_of(kind, rng, options["n"], n_levels=9)
        effect = RandomEffect("herd", (OMICS, PHENOTYPE), levels, prior)
        model = replace(model, random=(effect,))
    X = centred(model.genotypes)
    if family is not None:
        return _with_record(family, model, X, rng)
    parameters = draw_parameters(model, X, rng)
    model = with_data_from(model, parameters, X, rng, limit)
    return model, X, quantities(model, X, parameters)


def _with_record(family, model, X, rng):
    """Return the same for the record of a family, drawn until all classes occur.

    The posterior given such data is what it was, for they are chosen by nothing but the data.
    """
    model, n_classes = replace(model, family=FAMILIES[family]), N_CLASSES.get(family)
    while True:
        parameters = draw_parameters(model, X, rng)
        responses = with_data_from(model, parameters, X, rng)
        thresholds = draw_thresholds(family, rng)
        recorded = of_family(responses, family, thresholds)
        if n_classes in (None, len(np.unique(recorded.y[model.y_observed]))):
            parameters.y, parameters.thresholds = responses.y, thresholds
            return recorded, X, quantities(recorded, X, parameters)


def one_chain(model, X, names, burn_in, kept, chain_rng, rng):
    """Return the quantities (draws, Q) of a chain after the iterations `kept`."""
    sampler = sampler_of(model)
    chain = starting_state(sampler, chain_rng)
    draws, kept = [], set(kept)
    for iteration in range(1, max(kept) + 1):
        sampler.iterate(chain, chain_rng, tuning=iteration <= burn_in)
        if iteration % REFRESH_EVERY == 0:
            sampler.refresh(chain)
        if iteration in kept:
            drawn = quantities(model, X, current_parameters(model, sampler, chain, X, rng))
            draws.append([drawn[name] for name in names])
    return np.array(draws)


def one_replicate(options, thin, rng, limit=None):
    """Return the true quantities, and their draws (N_DRAWS, quantities), of one data set."""
    model, X, truth = one_data_set(options, rng, limit)
    kept = range(BURN_IN + thin, BURN_IN + N_DRAWS * thin + 1, thin)
    return truth, one_chain(model, X, truth, BURN_IN, kept, rng, rng)


def one_replicate_in_rounds(options, rng):
    """Return the same, from two chains of the length at which n_iter="auto" stops.

    A chain of that fixed length is the same to the bit: this is where the draws come from.
    """
    model, X, truth = one_data_set(options, rng)
    sampler = sampler_of(model)
    judged = {"omic": np.arange(model.n_nodes) < model.n_nodes - model.n_latent}

    def diagnosed(rows):
        return {"omic": range(model.n_nodes), "covariate": [], "row": rows}, judged

    rule = StoppingRule(registry(sampler.network), diagnosed, STOPPED_AT_ESS)
    seeds = np.random.SeedSequence(rng.integers(2**32, size=4)).spawn(2)
    origins = [ChainOrigin(seed) for seed in seeds]
    length = UntilConverged(FIRST_BURN_IN, 1, MAX_ITER, rule)
    settings, results = run_chains(sampler, origins, length, effects_memory=1, n_jobs=1, verbose=0)
    draws = []
    for seed, result, n_draws in zip(seeds, results, (N_DRAWS // 2, -(-N_DRAWS // 2)), strict=True):
        position = np.arange(1, n_draws + 1) * settings.n_kept // n_draws
        kept = settings.burn_in + position
        chain_rng = Stream(np.random.PCG64(seed))
        draws.append(one_chain(model, X, truth, settings.burn_in, kept, chain_rng, rng))
        same = np.log(result.draws["residual_variance"][position - 1])
        assert_array_equal(draws[-1][:, list(truth).index("log s2 of y")], same)
    return truth, np.concatenate(draws)


def rank(truth, draws, rng):
    """Return how many draws are below the truth (Q,); ties (effects of zero) in random order."""
    return (draws < truth).sum(axis=0) + rng.integers((draws == truth).sum(axis=0) + 1)


def uniformity(ranks):
    """Return p-values (Q,) of ranks (replicates, Q): shape, location or spread not uniform."""
    n, n_ranks = len(ranks), N_DRAWS + 1
    counts = np.array([np.bincount(r, minlength=N_BINS) for r in (ranks * N_BINS // n_ranks).T])
    shape = stats.chisquare(counts, axis=1).pvalue
    u = (ranks + 0.5) / n_ranks - 0.5
    location = 2 * stats.norm.sf(np.abs(u.mean(axis=0)) * np.sqrt(12 * n))
    # u^2 has mean (1 - 1 / n_ranks^2) / 12 and, to the same order, variance 1 / 180.
    excess = (u**2).mean(axis=0) - (1 - 1 / n_ranks**2) / 12
    spread = 2 * stats.norm.sf(np.abs(excess) * np.sqrt(180 * n))
    return np.minimum(3 * np.min([shape, location, spread], axis=0), 1)


def save_histograms(path, case, names, ranks, p_values):
    """Save one histogram of ranks per quantity, with the 99 % band of every bin."""
    plt = pytest.importorskip("matplotlib.pyplot")
    n, n_columns = len(ranks), 6
    n_rows = -(-len(names) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(14, 1 + 1.75 * n_rows), sharex=True, sharey=True,
        layout="constrained", squeeze=False,
    )  # fmt: skip
    band = stats.binom.ppf([0.005, 0.995], n, 1 / N_BINS)
    edges = np.linspace(0, N_DRAWS + 1, N_BINS + 1)
    for i, ax in enumerate(axes.flat):
        if i >= len(names):
            ax.set_axis_off()
            continue
        ax.axhspan(*band, color="0.85")
        ax.axhline(n / N_BINS, color="0.5", linewidth=0.8)
        failed = p_values[i] < FALSE_ALARMS / len(names)
        ax.hist(ranks[:, i], edges, color="C3" if failed else "C0", rwidth=0.9)
        ax.set_title(f"{names[i]}\np = {p_values[i]:.2g}", fontsize=9)
        ax.set_xticks(edges[:: N_BINS // 2])
        ax.tick_params(labelbottom=i + n_columns >= len(names))
    figure.suptitle(f"{case}: {n} replicates; grey: 99 % of one bin; red: not uniform")
    figure.supxlabel(f"rank of the true value among {N_DRAWS} draws")
    figure.supylabel("replicates")
    path.mkdir(parents=True, exist_ok=True)
    figure.savefig(path / f"{case.replace(' ', '_')}.png", dpi=90)
    plt.close(figure)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_ranks_are_uniform(case, request):
    thin, options = CASES[case]
    check_ranks(case, lambda rng: one_replicate(options, thin, rng), request)


@pytest.mark.slow
@pytest.mark.parametrize("case", IN_ROUNDS)
def test_ranks_are_uniform_where_auto_stops(case, request):
    check_ranks(f"{case} auto", lambda rng: one_replicate_in_rounds(CASES[case][1], rng), request)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WITH_RANDOM)
def test_ranks_are_uniform_with_random_effects(kind, request, monkeypatch):
    thin, options = WITH_RANDOM[kind]
    if kind == "one by one":
        monkeypatch.setattr(random, "MANY_LEVELS", 0)
    options = {**options, "levels": kind}
    check_ranks(f"random, {kind}", lambda rng: one_replicate(options, thin, rng), request)


@pytest.mark.slow
@pytest.mark.parametrize("case", LIMITED)
def test_ranks_are_uniform_below_limits(case, request):
    thin, options = LIMITED[case]
    check_ranks(case, lambda rng: one_replicate(options, thin, rng, LIMIT), request)


@pytest.mark.slow
@pytest.mark.parametrize("case", OF_FAMILIES)
def test_ranks_are_uniform_of_families(case, request):
    thin, options = OF_FAMILIES[case]
    check_ranks(case, lambda rng: one_replicate(options, thin, rng), request)


def check_ranks(case, replicate, request):
    """Assert that ranks of the truth are uniform over replicates (a function of the generator)."""
    cases = (
        *sorted(CASES),
        *sorted(f"{c} auto" for c in CASES),
        *(f"random, {c}" for c in WITH_RANDOM),
        *LIMITED,
        *OF_FAMILIES,
    )
    rng = Stream(np.random.PCG64(cases.index(case)))
    ranks, draws = [], []
    for _ in range(N_REPLICATES):
        truth, drawn = replicate(rng)
        ranks.append(rank(np.array(list(truth.values())), drawn, rng))
        draws.append(drawn)
    ranks, names = np.array(ranks), list(truth)
    p_values = uniformity(ranks)

    directory = request.config.getoption("--rank-histograms")
    if directory:
        save_histograms(Path(directory), case, names, ranks, p_values)

    # Effects that stay at zero throughout a chain are constant: no ESS, and no need of one.
    with np.errstate(invalid="ignore"):
        ess = array_stats.ess(np.array(draws)[:, None], method="mean", chain_axis=1, draw_axis=2)
    ess = dict(zip(names, np.nanmedian(ess, axis=0), strict=True))
    correlated = {name: round(float(n)) for name, n in ess.items() if n < MIN_ESS}
    assert not correlated, f"thin more: of {N_DRAWS} draws, effectively only {correlated}"
    wrong = {
        name: f"{p:.1e}"
        for name, p in zip(names, p_values, strict=True)
        if p < FALSE_ALARMS / len(names)
    }
    assert not wrong, f"ranks not uniform, p-values {wrong}"
