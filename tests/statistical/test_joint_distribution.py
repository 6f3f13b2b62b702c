"""Joint-distribution tests of the whole sampler (Geweke 2004, doi 10.1198/016214504000001132).

Parameters drawn from the prior, then data: one sample of the joint law. Alternating one iteration
of the sampler with a redraw of the data given the parameters: another. Any wrong conditional makes
them differ.
"""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from networks import (
    RESIDUAL,
    centred,
    current_hyperparameters,
    draw_effects,
    draw_variance,
    small_network,
)
from scipy import stats

from sknnmm.activations import Activation, NetworkFunction
from sknnmm.genotypes import ScaledGenotypes
from sknnmm.priors import GBLUP, RRBLUP, BayesA, BayesB, BayesC, BayesL, BayesR
from sknnmm.sampling.sampler import Sampler
from sknnmm.sampling.start import starting_state

INTERCEPT_VARIANCE = 0.5
N_PRIOR_DRAWS = 15_000
N_ITERATIONS = 6_000


def statistics(snp_effects, direct_effects, weights, hypers, s2, s2_y, intercepts, omics, y):
    """Return functions of parameters and data with finite moments, as a flat dict."""
    values = {
        "log s2": np.log(s2).sum(),
        "log s2_y": np.log(s2_y),
        "log s2_y ^2": np.log(s2_y) ** 2,
        "intercept": intercepts[-1],
        "intercept^2": intercepts[-1] ** 2,
        "omics intercept^2": (intercepts[:-1] ** 2).sum(),
        "w": weights.sum(),
        "|w|": np.abs(weights).sum(),
        "b^2": np.log1p((snp_effects**2).sum()),
        "b nonzero": np.count_nonzero(snp_effects),
        "b_0 w_0": np.tanh(snp_effects[0, 0] * weights[0] * 5),
        "mean |z|": np.abs(omics).mean(),
        "z_0 z_1": np.tanh(omics[:, 0] * omics[:, -1]).mean(),
        "mean |y|": np.log(np.abs(y).mean()),
        "z y": np.tanh(omics[: len(y)] * y[:, None]).mean(),
    }
    if direct_effects is not None:
        values["a^2"] = np.log1p((direct_effects**2).sum())
        values["a_0 y"] = np.tanh(direct_effects[0] * 3) * np.tanh(y[0])
    for name, hyper in hypers.items():
        for quantity, value in hyper.items():
            values[f"{quantity} {name}"] = value.sum()
    return values


def prior_draw(model, rng):
    """Return the statistics of one draw of parameters and data."""
    p, n_nodes = model.genotypes.shape[1], model.n_nodes
    s2 = draw_variance(RESIDUAL, rng, n_nodes)
    s2_y = draw_variance(RESIDUAL, rng)
    scale = model.snp_scale
    hypers = {}
    hypers["snp"], b = draw_effects(model.snp_prior, (p, n_nodes), rng, s2, scale)
    weights_hyper, w = draw_effects(model.weight_prior, (n_nodes, 1), rng, s2_y)
    if model.activation.is_network:
        w = np.ones((1, 1))
    else:
        hypers["weights"] = weights_hyper
    a = None
    if model.direct_prior:
        hypers["direct"], a = draw_effects(model.direct_prior, (p, 1), rng, s2_y, scale)
    intercepts = np.sqrt(INTERCEPT_VARIANCE) * rng.standard_normal(n_nodes + 1)
    intercepts[model.n_observed_nodes : n_nodes] = 0
    rows = model.informative
    X = model.centred_dosages[rows]
    omics = X @ b + intercepts[:-1] + np.sqrt(s2) * rng.standard_normal((len(X), n_nodes))
    mean = intercepts[-1] + model.activation.value(omics) @ w[:, 0]
    if a is not None:
        mean = mean + X @ a[:, 0]
    y = (mean + np.sqrt(s2_y) * rng.standard_normal(len(X)))[model.y_observed[rows]]
    a = None if a is None else a[:, 0]
    return statistics(b, a, w[:, 0], hypers, s2, s2_y, intercepts, omics, y)


def redraw_data(model, chain, rng):
    """Draw the observed omics and y given the parameters and the missing omics."""
    mean = chain.omics_mean()
    fresh = mean + np.sqrt(chain.omics_residual_variance) * rng.standard_normal(mean.shape)
    seen = model.omics_observed
    chain.omics[seen] = fresh[seen]
    if chain.activated is not chain.omics:
        chain.activated[:] = model.activation.value(chain.omics)
    mean = chain.fixed.fit + chain.omics_part()
    if chain.direct is not None:
        mean = mean + chain.direct.fit
    y = mean + np.sqrt(chain.residual_variance) * rng.standard_normal(mean.shape)
    model.y_column[:] = np.where(model.y_observed[:, None], y, 0)


def chain_statistics(model, sampler, chain, rng):
    hypers = {
        "snp": current_hyperparameters(model.snp_prior, chain.snp),
    }
    if sampler.has_weights:
        hypers["weights"] = current_hyperparameters(model.weight_prior, chain.weights)
    effects = {}
    for update in sampler.snp_updates:
        for path in update.paths:
            effects[path] = update.snp_effects(path.state(chain), rng)
    a = None
    if model.direct_prior:
        hypers["direct"] = current_hyperparameters(model.direct_prior, chain.direct)
        a = effects[sampler.direct_path][:, 0]
    intercepts = np.append(chain.omics_fixed.coefficients[0], chain.fixed.coefficients[0])
    return statistics(
        effects[sampler.node_path],
        a,
        chain.weights.effects[:, 0],
        hypers,
        chain.omics_residual_variance,
        chain.residual_variance[0],
        intercepts,
        chain.omics[model.informative],
        model.y_column[model.y_observed, 0],
    )


def z_scores(model, seed, n_iterations=N_ITERATIONS, n_prior_draws=N_PRIOR_DRAWS):
    """Return {statistic: z score of the difference between the two samples}."""
    rng = np.random.default_rng(seed)
    independent = [prior_draw(model, rng) for _ in range(n_prior_draws)]
    sampler = Sampler(model)
    chain = starting_state(sampler, rng)
    successive = []
    warm_up = n_iterations // 10
    for iteration in range(warm_up + n_iterations):
        tuning = iteration < warm_up
        sampler.iterate(chain, rng, tuning)
        redraw_data(model, chain, rng)
        if not tuning:
            successive.append(chain_statistics(model, sampler, chain, rng))
    scores = {}
    for name in independent[0]:
        a = np.array([draw[name] for draw in independent], float)
        b = np.array([draw[name] for draw in successive], float)
        if np.ptp(a) == 0:  # a count that the prior fixes
            assert np.ptp(b) == 0
            assert a[0] == b[0]
            continue
        ess = float(array_stats.ess(b[None], method="mean", chain_axis=0, draw_axis=1))
        error = np.sqrt(a.var() / len(a) + b.var() / ess)
        scores[name] = (a.mean() - b.mean()) / error
    return scores


def geweke_model(rng, **options):
    model = small_network(rng, intercept_variance=INTERCEPT_VARIANCE, **options)
    object.__setattr__(model, "centred_dosages", centred(model.genotypes))
    scale = ScaledGenotypes(model.genotypes).scale[:, None]
    object.__setattr__(model, "snp_scale", scale)
    return model


CASES = {
    "BayesC linear direct": {"direct_prior": BayesC(scale=0.2, df=8)},
    "BayesC linear": {},
    "BayesC linear single": {"direct_prior": BayesC(scale=0.2, df=8), "dtype": np.float32},
    "BayesC tanh direct": {"activation": "tanh", "direct_prior": BayesC(scale=0.2, df=8)},
    "BayesC relu": {"activation": "relu"},
    "RR-BLUP linear direct": {
        "snp_prior": RRBLUP(df=8, scale=0.1),
        "direct_prior": RRBLUP(df=8, scale=0.1),
        "weight_prior": RRBLUP(df=8, scale=0.3),
    },
    "RR-BLUP wide sigmoid, BayesC direct": {
        "snp_prior": RRBLUP(df=8, scale=0.05),
        "direct_prior": BayesC(df=8, scale=0.1),
        "activation": "sigmoid",
        "p": 18,
    },
    "BayesA": {
        "snp_prior": BayesA(df=8, scale=0.2),
        "direct_prior": BayesA(df=8, scale=0.2, estimate_scale=True),
        "weight_prior": BayesA(df=8, scale=0.2),
    },
    "BayesB": {
        "snp_prior": BayesB(df=8, scale=0.2, estimate_scale=True),
        "direct_prior": BayesC(df=8, scale=0.2),
        "weight_prior": BayesB(df=8, scale=0.2),
    },
    "BayesL": {
        "snp_prior": BayesL(shape=4.0, rate=0.4),
        "direct_prior": BayesL(shape=4.0, rate=0.4),
        "weight_prior": BayesL(shape=4.0, rate=0.8),
    },
    "BayesR": {
        "snp_prior": BayesR(df=8, scale=0.3),
        "direct_prior": BayesR(df=8, scale=0.3, components=(0, 0.2, 1)),
        "weight_prior": BayesR(df=8, scale=0.3),
    },
    "GBLUP": {
        "snp_prior": GBLUP(df=8, scale=0.05),
        "direct_prior": GBLUP(df=8, scale=0.05),
        "activation": "tanh",
        "p": 18,
    },
    "user function": {
        "activation": Activation(np.sin),
        "direct_prior": BayesC(scale=0.2, df=8),
    },
    "network function": {
        "activation": NetworkFunction(
            lambda z: z[:, 0] * np.tanh(z[:, 1]), np.zeros(2), np.ones(2), 1.0
        ),
        "direct_prior": BayesC(scale=0.2, df=8),
    },
    "latent tanh": {"n_latent": 1, "n_observed": 1, "activation": "tanh"},
    "two latent linear": {"n_latent": 2, "n_observed": 0},
}


@pytest.mark.parametrize("case", CASES)
def test_joint_distribution(case):
    seed = sorted(CASES).index(case)
    model = geweke_model(np.random.default_rng(seed), **CASES[case])
    scores = z_scores(model, seed)
    # Bonferroni over the statistics of one case: false alarms once in 1,000 seeds.
    bound = stats.norm.isf(0.0005 / len(scores))
    wrong = {name: round(float(z), 1) for name, z in scores.items() if abs(z) > bound}
    assert not wrong, f"z scores beyond {bound:.1f}: {wrong}"
