"""Joint-distribution tests of the whole sampler (Geweke 2004, doi 10.1198/016214504000001132).

Parameters drawn from the prior, then data: one sample of the joint distribution. Alternating one
iteration of the sampler with a redraw of the data given the parameters: another. Any wrong
conditional makes them differ.
"""

from dataclasses import replace

import numpy as np
import pytest

from sknnmm.activations import Activation, NetworkFunction
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.estimators.specification import RandomEffect
from sknnmm.genotypes import ScaledGenotypes
from sknnmm.priors import (
    GBLUP,
    RRBLUP,
    BayesA,
    BayesB,
    BayesC,
    BayesL,
    BayesR,
    GroupedPrior,
    ScaledInverseChi2,
)
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import REFRESH_EVERY
from sknnmm.terms import random
from sknnmm.terms.level_draws import RandomState
from tests.helpers.families import N_CLASSES, draw_thresholds, of_family, record_of
from tests.helpers.levels import levels_of
from tests.helpers.moments import beyond_error, differences
from tests.helpers.networks import (
    Parts,
    centred,
    current_parameters,
    draw_parameters,
    draw_y,
    sampler_of,
    small_network,
    snp_terms,
)

INTERCEPT_VARIANCE = 0.5


def statistics(parameters, y, model):
    """Return functions of parameters and data with finite moments, as a flat dict; y is (n,)."""
    snp_effects, weights = parameters.snp_effects, parameters.weights
    log_s2_y = np.log(parameters.residual_variance)
    omics = parameters.omics[model.informative]
    y = y[model.y_observed]
    values = {
        "log s2": np.log(parameters.node_variances).sum(),
        "log s2_y": log_s2_y,
        "log s2_y ^2": log_s2_y**2,
        "intercept": parameters.intercept,
        "intercept^2": parameters.intercept**2,
        "omics intercept^2": (parameters.node_intercepts**2).sum(),
        "w": weights.sum(),
        "|w|": np.abs(weights).sum(),
        "b^2": np.log1p((snp_effects**2).sum()),
        "b nonzero": np.count_nonzero(snp_effects),
        "b_0 w_0": np.tanh(snp_effects[0, 0] * weights[0] * 5),
        "mean |z|": np.log(np.abs(omics).mean()),
        "z_0 z_1": np.tanh(omics[:, 0] * omics[:, -1]).mean(),
        "mean |y|": np.log(np.abs(y).mean()),
        "z y": np.tanh(parameters.omics[model.y_observed] * y[:, None]).mean(),
    }
    if model.direct_prior:
        values["a^2"] = np.log1p((parameters.direct_effects**2).sum())
        values["a_0 y"] = np.tanh(parameters.direct_effects[0] * 3) * np.tanh(y[0])
    for name, hyper in parameters.hypers.items():
        for quantity, value in hyper.items():
            values[f"{quantity} {name}"] = value.sum()
    for (layer, name), (variance, effects) in parameters.random.items():
        values[f"log variance {layer} {name}"] = np.log(variance).sum()
        values[f"u {layer} {name}"] = effects[0].sum()
        values[f"u^2 {layer} {name}"] = np.log1p((effects**2).sum())
        values[f"u_0 u_1 {layer} {name}"] = np.tanh(5 * effects[0, 0] * effects[1, 0])
    return values


def redraw_data(model, sampler, chain, rng, family=None):
    """Draw the observed omics and y given the parameters and the missing omics.

    And the record of y, if it is of a family that bounds it.
    """
    parts = Parts(chain)
    fits = {  # by sums, none is maintained
        term.name: sampler.update_of(term).fit_everywhere(term.of(chain), rng)
        for term in snp_terms(sampler.network)
    }
    mean = parts.omics_fixed.coefficients[0] + fits["snp_effects"] + _random_part(parts.omics)
    fresh = mean + np.sqrt(parts.omics.residual_variance) * rng.standard_normal(mean.shape)
    seen = model.omics_observed
    parts.omics.response[seen] = fresh[seen]
    mean = model.activation.value(parts.omics.response) @ parts.weights.effects
    mean = mean + parts.fixed.coefficients[0] + _random_part(parts.phenotype)
    if parts.direct is not None:
        mean = mean + fits["direct_effects"]
    y = draw_y(model, mean[:, 0], parts.phenotype.residual_variance[0], rng)
    parts.phenotype.response[:, 0] = np.where(model.y_observed, y, 0)
    if family:
        write_record(model, family, y, parts.phenotype.family)
    sampler.measure(chain)


def write_record(model, family, y, parameters):
    """Exchange the record of y (n,) under a sampler."""
    seen = model.y_observed
    thresholds = None if parameters is None else parameters.values
    lower, upper = record_of(family, y, thresholds)
    model.y[seen] = lower[seen]
    if model.y_upper is not None:
        model.y_upper[seen] = upper[seen]


def _random_part(layer):
    """Return what the random effects add to the rows, (n, C)."""
    return sum(state.fit for state in layer.terms.values() if isinstance(state, RandomState))


def prior_draw(model, X, rng, family=None):
    """Return the statistics of one draw of parameters and data."""
    parameters = draw_parameters(model, X, rng)
    if model.omics_limits is not None:  # what is known of them holds
        while (parameters.omics > model.omics_limits).any():
            parameters = draw_parameters(model, X, rng)
    mean = parameters.expected_y(X, model.activation)
    y = draw_y(model, mean, parameters.residual_variance, rng)
    values = statistics(parameters, y, model)
    if family:
        values |= of_record(family, y[model.y_observed], draw_thresholds(family, rng))
    return values


def of_record(family, y, thresholds):
    """Return statistics of responses, their record and thresholds."""
    lower, _ = record_of(family, y, thresholds)
    return {
        "threshold": thresholds[-1],
        "log threshold": np.log(thresholds[-1] + 1e-3),
        "y": np.tanh(y).mean(),
        "y^2": np.tanh(y**2).mean(),
        "record": np.tanh(lower).mean(),
        "y y": np.tanh(y[0] * y[1]),
    }


def z_scores(model, by_rows, n_moves, family, seed, n_iterations, n_prior_draws):
    """Return {statistic: z score of the difference between the two samples}."""
    rng = np.random.default_rng(seed)
    X = centred(model.genotypes)
    independent = [prior_draw(model, X, rng, family) for _ in range(n_prior_draws)]
    sampler = sampler_of(model, by_rows, n_moves)
    chain = starting_state(sampler, rng)
    successive = []
    warm_up = n_iterations // 10
    for iteration in range(warm_up + n_iterations):
        tuning = iteration < warm_up
        for _ in range(2 if family else 1):  # else nothing would follow from what is drawn of y
            sampler.iterate(chain, rng, tuning)
        if iteration % REFRESH_EVERY == 0:  # as in a fit: moves of scales multiply rounding errors
            sampler.refresh(chain)
        redraw_data(model, sampler, chain, rng, family)
        if not tuning:
            y = Parts(chain).phenotype.response[:, 0].astype(float)
            current = current_parameters(model, sampler, chain, X, rng)
            values = statistics(current, y, model)
            if family:
                parameters = Parts(chain).phenotype.family
                thresholds = np.zeros(1) if parameters is None else parameters.values.copy()
                values |= of_record(family, y[model.y_observed], thresholds)
            successive.append(values)
    return differences(independent, successive)


PRIORS = {  # of SNP effects, direct effects and weights
    "RR-BLUP": (RRBLUP(df=8, scale=0.1), RRBLUP(df=8, scale=0.1), RRBLUP(df=8, scale=0.3)),
    "GBLUP": (GBLUP(df=8, scale=0.05), GBLUP(df=8, scale=0.05), RRBLUP(df=8, scale=0.3)),
    "BayesA": (
        BayesA(df=8, scale=0.2, estimate_scale=False),
        BayesA(df=8, scale=0.2),
        BayesA(df=8, scale=0.2, estimate_scale=False),
    ),
    "BayesB": (
        BayesB(df=8, scale=0.2),
        BayesB(df=8, scale=0.2, estimate_scale=False),
        BayesB(df=8, scale=0.2, estimate_scale=False),
    ),
    "BayesC": (BayesC(df=8, scale=0.2), BayesC(df=8, scale=0.2), BayesC(df=8, scale=0.4)),
    "BayesL": (
        BayesL(shape=4.0, rate=0.4),
        BayesL(shape=4.0, rate=0.4),
        BayesL(shape=4.0, rate=0.8),
    ),
    "BayesR": (
        BayesR(df=8, scale=0.3),
        BayesR(df=8, scale=0.3, components=(0, 0.2, 1)),
        BayesR(df=8, scale=0.3),
    ),
}
ACTIVATIONS = {
    "linear": "linear",  # missing omics by exact Gibbs
    "tanh": "tanh",  # by Hamiltonian Monte Carlo
    "relu": "relu",
    "user function": Activation(np.sin),  # by slice sampling
}
NETWORK_FUNCTION = NetworkFunction(
    lambda z: z[:, 0] * np.tanh(z[:, 1]), np.zeros(2), np.ones(2), 1.0
)
SPECIAL_CASES = {
    "float genotypes": {"by_rows": True, "stored": np.float32, "direct_prior": PRIORS["BayesR"][1]},
    "float genotypes, tanh, effect variances": {
        "by_rows": True,
        "stored": np.float32,
        "snp_prior": PRIORS["BayesB"][0],
        "activation": "tanh",
    },
    "wide, by rows": {
        "by_rows": True,
        "weighted": True,
        "p": 40,
        "snp_prior": PRIORS["BayesR"][0],
        "direct_prior": PRIORS["BayesC"][1],
    },
    "single precision": {"direct_prior": PRIORS["BayesC"][1], "dtype": np.float32},
    "single precision, by rows": {
        "by_rows": True,
        "direct_prior": PRIORS["BayesC"][1],
        "dtype": np.float32,
    },
    "wide, two kinds of update": {
        "snp_prior": RRBLUP(df=8, scale=0.05),
        "direct_prior": BayesC(df=8, scale=0.1),
        "activation": "sigmoid",
        "p": 18,
    },
    "network function": {
        "activation": NETWORK_FUNCTION,
        "direct_prior": PRIORS["BayesC"][1],
    },
    "latent tanh": {"n_latent": 1, "n_observed": 1, "activation": "tanh"},
    "latent relu": {"n_latent": 1, "n_observed": 1, "activation": "relu"},
    "latent sigmoid, RR-BLUP": {
        "n_latent": 1,
        "n_observed": 1,
        "activation": "sigmoid",
        "snp_prior": PRIORS["RR-BLUP"][0],
    },
    "latent user function": {
        "n_latent": 1,
        "n_observed": 1,
        "activation": ACTIVATIONS["user function"],
        "snp_prior": PRIORS["BayesB"][0],
    },
    "latent network function": {
        "n_latent": 1,
        "n_observed": 1,
        "activation": NETWORK_FUNCTION,
        "direct_prior": PRIORS["BayesC"][1],
    },
    "latent linear, BayesL": {
        "n_latent": 1,
        "n_observed": 1,
        "snp_prior": PRIORS["BayesL"][0],
        "direct_prior": PRIORS["BayesL"][1],
        "weight_prior": PRIORS["BayesL"][2],
    },
    "latent linear, BayesB": {
        "n_latent": 1,
        "n_observed": 1,
        "snp_prior": PRIORS["BayesB"][0],
        "weight_prior": PRIORS["BayesR"][2],
    },
    "two latent linear": {"n_latent": 2, "n_observed": 0},
    "weighted linear": {"weighted": True, "direct_prior": PRIORS["BayesC"][1]},
    "weighted tanh, RR-BLUP": {
        "weighted": True,
        "activation": "tanh",
        "direct_prior": PRIORS["RR-BLUP"][1],
    },
    "weighted user function, wide RR-BLUP": {
        "weighted": True,
        "activation": ACTIVATIONS["user function"],
        "direct_prior": PRIORS["RR-BLUP"][1],
        "p": 18,
    },
    **{
        f"moves, {name}": {"snp_prior": prior, "direct_prior": prior, "n_moves": 4, **options}
        for name, prior, options in (
            ("BayesA", BayesA(df=8, scale=0.2), {"by_rows": True}),
            ("BayesB", BayesB(df=8, scale=0.2), {}),
            ("BayesC, fixed variance", BayesC(scale=0.2, estimate_variance=False), {}),
            ("BayesR without zeros", BayesR(df=8, scale=0.3, components=(0.1, 1)), {}),
            ("BayesC", BayesC(df=8, scale=0.2), {"by_rows": True, "p": 18}),
        )
    },
    "weighted latent tanh": {
        "weighted": True,
        "n_latent": 1,
        "n_observed": 1,
        "activation": "tanh",
    },
}


ONE_OF_TWO = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], bool)  # blocks of SNPs
FEW = np.tile(np.eye(6, dtype=bool), (3, 1))[:, [0, 4]]  # each omic three scattered SNPs of 18
MASKED_CASES = {
    "cross-products": {"mask": ONE_OF_TWO, "direct_prior": PRIORS["BayesC"][1]},
    "blocked sweep": {
        "by_rows": True,
        "mask": ONE_OF_TWO,
        "direct_prior": PRIORS["BayesC"][1],
    },
    "blocked sweep, RR-BLUP": {
        "by_rows": True,
        "mask": ONE_OF_TWO,
        "snp_prior": PRIORS["RR-BLUP"][0],
    },
    **{
        f"connections, {method}": {
            "mask": FEW,
            "p": 18,
            "snp_prior": PRIORS[method][0],
            "direct_prior": PRIORS[method][1],
            "activation": "tanh" if method == "BayesC" else "linear",
        }
        for method in ("BayesB", "BayesC", "BayesL", "BayesR", "GBLUP")
    },
    "connections, latent": {
        "mask": FEW,
        "p": 18,
        "snp_prior": PRIORS["BayesA"][0],
        "n_latent": 1,
        "n_observed": 1,
    },
}


COMPLETE = {"missing": 0.0, "missing_y": 0, "uninformative": 0}
COMPLETE_CASES = {  # no omic is missing: sums over rows stand in for the rows
    **{
        method: COMPLETE | {"snp_prior": PRIORS[method][0], "direct_prior": PRIORS[method][1]}
        for method in ("BayesA", "BayesB", "BayesC", "BayesL", "BayesR", "RR-BLUP")
    },
    "rows left out, tanh": COMPLETE
    | {"missing_y": 3, "uninformative": 2, "activation": "tanh", "direct_prior": BayesC(scale=0.2)},
    "weighted": COMPLETE | {"weighted": True, "missing_y": 2, "direct_prior": PRIORS["BayesC"][1]},
    "wide": COMPLETE | {"p": 18, "snp_prior": PRIORS["GBLUP"][0], "uninformative": 2},
    "wide, sweep": COMPLETE | {"p": 18, "direct_prior": PRIORS["BayesC"][1]},
    "single precision": COMPLETE | {"direct_prior": PRIORS["BayesC"][1], "dtype": np.float32},
    "two priors": COMPLETE | {"direct_prior": PRIORS["BayesA"][1]},
    "network function": COMPLETE
    | {"activation": NETWORK_FUNCTION, "direct_prior": PRIORS["BayesC"][1]},
    **{
        f"connections, {method}": COMPLETE
        | {"mask": FEW, "p": 18, "n": 20, "snp_prior": PRIORS[method][0]}
        for method in ("BayesB", "BayesC", "GBLUP")
    },
    "connections by the pass": COMPLETE
    | {"mask": FEW, "p": 18, "direct_prior": PRIORS["BayesC"][1], "uninformative": 1},
}


BELOW = {"n_observed": 3, "missing": 0.5, "n_below": 4, "direct_prior": PRIORS["BayesC"][1]}
BELOW_CASES = {  # some of the missing omics lie below a detection limit
    "linear": BELOW,
    "tanh": BELOW | {"activation": "tanh"},
    "user function": BELOW | {"activation": ACTIVATIONS["user function"]},
    "relu, weighted": BELOW | {"activation": "relu", "weighted": True},
    "network function": BELOW | {"n_observed": 2, "activation": NETWORK_FUNCTION},
    "linear, single precision": BELOW | {"dtype": np.float32},
    "tanh, single precision": BELOW | {"activation": "tanh", "dtype": np.float32},
    "user function, single precision": BELOW
    | {"activation": ACTIVATIONS["user function"], "dtype": np.float32},
    "weighted linear, by rows": BELOW | {"weighted": True, "by_rows": True},
    "latent linear": BELOW | {"n_observed": 2, "n_latent": 1, "direct_prior": None},
    "latent tanh": BELOW
    | {"n_observed": 2, "n_latent": 1, "activation": "tanh", "direct_prior": None},
    "connections": BELOW | {"n_observed": 2, "mask": FEW, "p": 18},
    "random effects": BELOW | {"random": ("independent", (OMICS, PHENOTYPE))},
}


RANDOM_CASES = {  # kind of levels and the layers on which they have effects
    "independent, both layers": {"random": ("independent", (OMICS, PHENOTYPE))},
    "slopes, omics": {"random": ("slopes", (OMICS,)), "activation": "tanh"},
    "covariance, phenotype": {
        "random": ("singular covariance", (PHENOTYPE,)),
        "weighted": True,
        "direct_prior": PRIORS["RR-BLUP"][1],
    },
    "inverse, both layers": {"random": ("inverse", (OMICS, PHENOTYPE)), "dtype": np.float32},
    "one by one, both layers": {"random": ("one by one", (OMICS, PHENOTYPE))},
    "independent, latent": {
        "random": ("independent", (OMICS, PHENOTYPE)),
        "n_latent": 1,
        "n_observed": 1,
        "activation": "tanh",
    },
    "one by one, latent linear": {
        "random": ("one by one", (OMICS,)),
        "n_latent": 1,
        "n_observed": 1,
    },
}


def grouped(group_of, **priors):
    """Return a function from genotypes to a GroupedPrior; its groups are numbered."""

    def prior_of(genotypes):
        return GroupedPrior(priors, np.array(group_of), ScaledGenotypes(genotypes).per_allele)

    return prior_of


def weights_of(*methods):
    """Return a GroupedPrior of two groups of two omics and one."""
    priors = {f"{method} {i}": PRIORS[method][2] for i, method in enumerate(methods)}
    return GroupedPrior(priors, np.array([0, 1, 0]))


SELECTING = grouped([0, 1, 0, 1, 0, 1], coding=PRIORS["BayesC"][0], other=PRIORS["BayesR"][1])
WITHOUT_ZEROS = grouped([0, 0, 1, 1, 2, 2], a=PRIORS["GBLUP"][0], b=PRIORS["BayesL"][0],
                        c=PRIORS["BayesA"][1])  # fmt: skip
MIXED = grouped([1, 0, 0, 1, 1, 0], a=PRIORS["RR-BLUP"][0], b=PRIORS["BayesB"][0])
IN_BLOCKS = grouped(np.arange(18) // 6 % 2, a=PRIORS["BayesC"][0], b=PRIORS["GBLUP"][0])
GROUPED_CASES = {
    "blocked, missing omics": {
        "by_rows": True,
        "snp_prior": SELECTING,
        "direct_prior": WITHOUT_ZEROS,
        "weight_prior": weights_of("BayesC", "RR-BLUP"),
    },
    "cross-products, weighted": {
        "snp_prior": MIXED,
        "direct_prior": SELECTING,
        "weight_prior": weights_of("BayesL", "BayesR"),
        "weighted": True,
    },
    "cross-products without zeros, tanh": {
        "snp_prior": WITHOUT_ZEROS,
        "weight_prior": weights_of("RR-BLUP", "RR-BLUP"),
        "activation": "tanh",
    },
    "sums": COMPLETE | {"snp_prior": SELECTING, "direct_prior": MIXED},
    "sums, single precision": COMPLETE
    | {"snp_prior": MIXED, "direct_prior": WITHOUT_ZEROS, "dtype": np.float32},
    "one column": {
        "by_rows": True,
        "n_observed": 1,
        "p": 6,
        "snp_prior": MIXED,
        "weight_prior": None,
        "direct_prior": None,
    },
    "connections": {"mask": np.c_[FEW, FEW[:, 0]], "p": 18, "snp_prior": IN_BLOCKS},
    "connections from sums": COMPLETE
    | {"mask": np.c_[FEW, FEW[:, 0]], "p": 18, "n": 20, "snp_prior": IN_BLOCKS},
    "latent tanh": {
        "n_latent": 1,
        "n_observed": 2,
        "snp_prior": MIXED,
        "weight_prior": weights_of("BayesC", "RR-BLUP"),
        "activation": "tanh",
    },
    "latent linear": {
        "n_latent": 1,
        "n_observed": 2,
        "snp_prior": WITHOUT_ZEROS,
        "weight_prior": weights_of("BayesL", "BayesB"),
    },
}
for case in GROUPED_CASES.values():  # three groups of two SNPs or two of three, and three omics
    defaults = {"p": 6, "n_moves": 3, "n_observed": 3}
    case.update({name: value for name, value in defaults.items() if name not in case})


FAMILY_CASES = {  # each family with each sampler of missing omics, and where omics are complete
    "binary, linear": {"family": "binary", "direct_prior": PRIORS["BayesC"][1]},
    "binary, tanh": {"family": "binary", "activation": "tanh"},
    "binary, user function, RR-BLUP": {
        "family": "binary",
        "activation": ACTIVATIONS["user function"],
        "direct_prior": PRIORS["RR-BLUP"][1],
        "weight_prior": PRIORS["RR-BLUP"][2],
    },
    "binary, network function": {"family": "binary", "activation": NETWORK_FUNCTION},
    "binary, complete": COMPLETE | {"family": "binary", "direct_prior": PRIORS["BayesR"][1]},
    "binary, weighted, single precision": {
        "family": "binary",
        "weighted": True,
        "direct_prior": PRIORS["GBLUP"][1],
        "p": 18,
        "dtype": np.float32,
    },
    "binary, BayesL": {
        "family": "binary",
        "snp_prior": PRIORS["BayesL"][0],
        "direct_prior": PRIORS["BayesL"][1],
        "weight_prior": PRIORS["BayesL"][2],
    },
    "binary, BayesA and fixed variances": {
        "family": "binary",
        "direct_prior": PRIORS["BayesA"][1],
        "weight_prior": RRBLUP(scale=0.3, estimate_variance=False),
    },
    "binary, random effects": {"family": "binary", "random": ("slopes", (OMICS, PHENOTYPE))},
    "binary, latent tanh": {
        "family": "binary",
        "n_latent": 1,
        "n_observed": 1,
        "activation": "tanh",
    },
    "binary, latent linear": {"family": "binary", "n_latent": 1, "n_observed": 1},
    "binary, groups": {
        "family": "binary",
        "p": 6,
        "n_observed": 3,
        "direct_prior": grouped([0, 1, 0, 1, 0, 1], a=PRIORS["BayesC"][0], b=PRIORS["BayesR"][1]),
        "weight_prior": weights_of("BayesC", "RR-BLUP"),
    },
    "ordinal, linear": {"family": "ordinal", "direct_prior": PRIORS["BayesC"][1]},
    "ordinal, tanh": {
        "family": "ordinal",
        "activation": "tanh",
        "direct_prior": PRIORS["RR-BLUP"][1],
    },
    "ordinal, user function": {"family": "ordinal", "activation": ACTIVATIONS["user function"]},
    "ordinal, complete": COMPLETE | {"family": "ordinal", "direct_prior": PRIORS["BayesC"][1]},
    "ordinal, by rows, weighted": {
        "family": "ordinal",
        "by_rows": True,
        "weighted": True,
        "direct_prior": PRIORS["BayesB"][1],
    },
    "censored, linear": {"family": "censored", "direct_prior": PRIORS["BayesC"][1]},
    "censored, tanh": {
        "family": "censored",
        "activation": "tanh",
        "direct_prior": PRIORS["RR-BLUP"][1],
    },
    "censored, user function, weighted": {
        "family": "censored",
        "activation": ACTIVATIONS["user function"],
        "weighted": True,
    },
    "censored, complete": COMPLETE | {"family": "censored", "direct_prior": PRIORS["BayesL"][1]},
    "censored, single precision": {
        "family": "censored",
        "direct_prior": PRIORS["BayesC"][1],
        "dtype": np.float32,
    },
}


# In the ordinary tier, each way to draw SNP effects (cross-products, rows, connections, spectral,
# from sums) and missing omics, latent nodes, random effects, groups with moves, detection limits,
# liabilities and their thresholds.
# The slow tier runs all cases, several times as long.
ORDINARY = {
    "special": ["latent tanh"],
    "complete": ["weighted"],
    "random": ["independent, both layers"],
    "grouped": ["connections"],
    "below": ["linear"],
    "families": ["ordinal, tanh"],
}


def options(method, activation, direct):
    """Return the options of one cell of method x activation.

    Each method goes by cross-products with two activations, by the rows with the others.
    """
    snp_prior, direct_prior, weight_prior = PRIORS[method]
    return {
        "by_rows": activation in ("tanh", "user function"),
        "snp_prior": snp_prior,
        "direct_prior": direct_prior if direct else None,
        "weight_prior": weight_prior,
        "activation": ACTIVATIONS[activation],
        "p": 18 if method == "GBLUP" else 5,  # wide and long
    }


SHORT = {"n_iterations": 1_200, "n_prior_draws": 1_200}  # draws of a chain are worth less
LONGER = {"n_iterations": 2_000, "n_prior_draws": 2_000}  # for chains that mix more slowly
LONG = {"n_iterations": 8_000, "n_prior_draws": 20_000}


def assert_same_joint_distribution(options, seed, lengths):
    """Fail if statistics differ, and differ again in another chain, four times as long.

    `options` are those of `small_network`, and perhaps `by_rows` and `n_moves` of `sampler_of`.

    One case in 1,000 gives a false alarm, more where a chain mixes slowly, and there are a hundred.
    What is wrong differs all the more in four times the iterations.
    """
    rng = np.random.default_rng(seed)
    options = dict(options)
    how = options.pop("by_rows", False), options.pop("n_moves", 1)
    effects, family = options.pop("random", None), options.pop("family", None)
    how = (*how, family)
    model = small_network(rng, intercept_variance=INTERCEPT_VARIANCE, **options)
    if family:
        model = starting_record(model, family)
    if effects:
        kind, layers = effects
        levels = levels_of(kind, rng, len(model.y), n_levels=4)
        effect = RandomEffect("herd", layers, levels, ScaledInverseChi2(df=8, scale=0.3))
        model = replace(model, random=(effect,))
    wrong = differing_statistics(model, how, seed, **lengths)
    if wrong:
        lengths = {of_what: 4 * number for of_what, number in lengths.items()}
        wrong = differing_statistics(model, how, seed + 1000, **lengths)
    assert not wrong, f"z scores: {wrong}"


def starting_record(model, family):
    """Return the model with y as the record of a family; all classes occur."""
    y = model.y.copy()
    y[:4] = -1, 0.3, 1, 2
    return of_family(
        replace(model, y=y), family, np.array([0, 0.7, 1.4][: N_CLASSES.get(family, 2) - 1])
    )


def differing_statistics(model, how, seed, n_iterations, n_prior_draws):
    """Return {name: z} of the statistics that differ between the sampler and the prior."""
    return beyond_error(z_scores(model, *how, seed, n_iterations, n_prior_draws))


@pytest.mark.parametrize(
    ("method", "activation"),
    [  # the others in the slow tier
        ("GBLUP", "relu"),  # spectral, Hamiltonian Monte Carlo
        ("BayesB", "user function"),  # by rows, slice sampling
        ("BayesR", "linear"),  # cross-products, exact
    ],
)
def test_joint_distribution(method, activation):
    seed = 10 * list(PRIORS).index(method) + list(ACTIVATIONS).index(activation)
    direct = seed % 2 == (seed // 10) % 2  # each method and each activation with and without
    assert_same_joint_distribution(options(method, activation, direct), seed, SHORT)


@pytest.mark.parametrize("case", ORDINARY["special"])
def test_joint_distribution_of_special_cases(case):
    assert_same_joint_distribution(SPECIAL_CASES[case], sorted(SPECIAL_CASES).index(case), SHORT)


@pytest.mark.parametrize("case", ORDINARY["complete"])
def test_joint_distribution_of_complete_data(case):
    assert_same_joint_distribution(
        COMPLETE_CASES[case], 120 + sorted(COMPLETE_CASES).index(case), SHORT
    )


def draw_one_by_one_if_so(case, monkeypatch):
    if RANDOM_CASES[case]["random"][0] == "one by one":
        monkeypatch.setattr(random, "MANY_LEVELS", 0)


@pytest.mark.parametrize("case", ORDINARY["random"])
def test_joint_distribution_with_random_effects(case, monkeypatch):
    draw_one_by_one_if_so(case, monkeypatch)
    assert_same_joint_distribution(
        RANDOM_CASES[case], 150 + sorted(RANDOM_CASES).index(case), LONGER
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", RANDOM_CASES)
def test_joint_distribution_with_random_effects_long(case, monkeypatch):
    draw_one_by_one_if_so(case, monkeypatch)
    assert_same_joint_distribution(RANDOM_CASES[case], 300 + sorted(RANDOM_CASES).index(case), LONG)


@pytest.mark.parametrize("case", ORDINARY["grouped"])
def test_joint_distribution_with_groups(case):
    seed = 400 + sorted(GROUPED_CASES).index(case)
    assert_same_joint_distribution(GROUPED_CASES[case], seed, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("case", GROUPED_CASES)
def test_joint_distribution_with_groups_long(case):
    seed = 420 + sorted(GROUPED_CASES).index(case)
    assert_same_joint_distribution(GROUPED_CASES[case], seed, LONG)


@pytest.mark.parametrize("case", ORDINARY["below"])
def test_joint_distribution_below_limits(case):
    assert_same_joint_distribution(BELOW_CASES[case], 500 + sorted(BELOW_CASES).index(case), SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("case", BELOW_CASES)
def test_joint_distribution_below_limits_long(case):
    assert_same_joint_distribution(BELOW_CASES[case], 520 + sorted(BELOW_CASES).index(case), LONG)


@pytest.mark.parametrize("case", ORDINARY["families"])
def test_joint_distribution_of_families(case):
    seed = 500 + sorted(FAMILY_CASES).index(case)
    assert_same_joint_distribution(FAMILY_CASES[case], seed, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("case", FAMILY_CASES)
def test_joint_distribution_of_families_long(case):
    seed = 550 + sorted(FAMILY_CASES).index(case)
    assert_same_joint_distribution(FAMILY_CASES[case], seed, LONG)


@pytest.mark.slow
@pytest.mark.parametrize("case", COMPLETE_CASES | MASKED_CASES | SPECIAL_CASES)
def test_joint_distribution_of_cases_long(case):
    cases = COMPLETE_CASES | MASKED_CASES | SPECIAL_CASES
    assert_same_joint_distribution(cases[case], 200 + sorted(cases).index(case), LONG)


@pytest.mark.slow
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("method", PRIORS)
def test_joint_distribution_long(method, activation, direct):
    seed = 100 + 10 * list(PRIORS).index(method) + list(ACTIVATIONS).index(activation)
    assert_same_joint_distribution(options(method, activation, direct), seed, LONG)
