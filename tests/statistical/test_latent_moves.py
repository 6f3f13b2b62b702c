"""Joint moves of latent nodes leave the joint distribution of parameters and data as it is.

In a chain the other updates make up for much of what one move does wrong. Here a move alone is made
from independent draws of the joint distribution: no function of them may change on average.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sknnmm.activations import NetworkFunction
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.missing.latent_moves import InterweavedScales, LatentScale
from tests.helpers.networks import (
    Parts,
    centred,
    draw_parameters,
    draw_y,
    sampler_of,
    small_network,
)

N_DRAWS, N_MOVES = 800, 4
PRODUCT = NetworkFunction(lambda z: z[:, 0] * np.tanh(z[:, 1]), np.zeros(2), np.ones(2), 1.0)
CASES = {
    "tanh": {"activation": "tanh", "n_latent": 1, "n_observed": 1, "weighted": True},
    "relu": {"activation": "relu", "n_latent": 2, "n_observed": 0},
    "linear": {"n_latent": 1, "n_observed": 1},
    "network function": {"activation": PRODUCT, "n_latent": 1, "n_observed": 1},
}


def put(chain, model, parameters, X, y):
    """Make parameters and data of a network with BayesC priors the state of a chain."""
    parts = Parts(chain)
    parts.omics.response[:] = parameters.omics
    parts.omics.residual_variance[:] = parameters.node_variances
    parts.omics_fixed.coefficients[0] = parameters.node_intercepts
    if parts.omics_fixed.fit is not None:
        parts.omics_fixed.fit[:] = parameters.node_intercepts
    put_effects(parts.snp, parameters.snp_effects, parameters.hypers["snp"])
    parts.snp.fit[:] = X @ parameters.snp_effects
    if "weights" in parameters.hypers:
        put_effects(parts.weights, parameters.weights[:, None], parameters.hypers["weights"])
    parts.weights.activated[:] = model.activation.value(parameters.omics)
    parts.phenotype.response[:, 0] = np.where(model.y_observed, y, 0)
    parts.phenotype.residual_variance[:] = parameters.residual_variance
    parts.fixed.coefficients[0, 0] = parameters.intercept
    if parts.fixed.fit is not None:
        parts.fixed.fit[:] = parameters.intercept


def put_effects(state, effects, hyper):
    state.effects[:] = effects
    state.component[:] = effects != 0
    state.hyper.variance[0] = np.exp(hyper["log variance"])
    state.hyper.weights[:] = hyper["pi"], 1 - hyper["pi"]


def functions_of(chain, model):
    """Return functions of a latent node, its parameters and y, with light tails."""
    parts, k = Parts(chain), model.n_nodes - 1
    log_s2, log_v = np.log(parts.omics.residual_variance[k]), np.log(parts.snp.hyper.variance[0, k])
    rows = model.y_observed
    z, fit = parts.omics.response[rows, k], parts.snp.fit[rows, k]
    g = (parts.weights.activated @ parts.weights.effects)[rows, 0]
    y = parts.phenotype.response[rows, 0] - parts.fixed.coefficients[0, 0]
    log_misfit = np.log(np.square(y - g).mean())
    return [
        log_s2,
        log_s2**2,
        log_v,
        log_v**2,
        log_s2 * log_v,
        np.log(np.square(z - fit).mean()),
        np.log1p(np.square(fit).mean()),
        np.log(np.square(z).mean()),
        log_misfit,
        log_misfit * log_s2,
        log_misfit * log_v,
        np.tanh(np.abs(parts.weights.effects[k % len(parts.weights.effects), 0])),
        np.tanh(np.abs(y * g)).mean(),
    ]


@pytest.mark.parametrize("case", CASES)
def test_misfit_is_that_of_the_reader(case):
    rng = np.random.default_rng(0)
    sampler = sampler_of(small_network(rng, **CASES[case]))
    chain = starting_state(sampler, rng)
    for _ in range(5):
        sampler.iterate(chain, rng, tuning=True)
    own, reader = chain.layers["omics"], chain.layers["phenotype"]
    k = own.response.shape[1] - 1
    misfit = sampler.moves["omics"][0].misfit_of(chain, k)
    for factor in (1.0, 0.8):
        node = factor * own.response[:, k]
        value = misfit(node.copy())
        own.response[:, k] = node
        Parts(chain).weights.activated[:] = sampler.missing["omics"].activation.value(own.response)
        squares = sampler.residuals["phenotype"].squares(reader)
        assert_allclose(value, 0.5 * squares[0] / reader.residual_variance[0], rtol=1e-10)


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        (InterweavedScales, "tanh"),
        (InterweavedScales, "relu"),
        (InterweavedScales, "network function"),
        (LatentScale, "tanh"),
        (LatentScale, "relu"),
        (LatentScale, "linear"),
    ],
)
def test_move_alone_leaves_the_joint_distribution(kind, case):
    rng = np.random.default_rng(sorted(CASES).index(case))
    model = small_network(rng, n=40, intercept_variance=0.5, **CASES[case])
    X = centred(model.genotypes)
    sampler = sampler_of(model)
    (move,) = (move for move in sampler.moves["omics"] if isinstance(move, kind))
    chain = starting_state(sampler, rng)
    changes = []
    for _ in range(N_DRAWS):
        parameters = draw_parameters(model, X, rng)
        mean = parameters.expected_y(X, model.activation)
        put(chain, model, parameters, X, draw_y(model, mean, parameters.residual_variance, rng))
        before = functions_of(chain, model)
        for _ in range(N_MOVES):
            move.draw(chain, rng)
        changes.append(np.subtract(functions_of(chain, model), before))
    changes = np.array(changes)
    moved = np.ptp(changes, axis=0) > 1e-9
    assert moved[:5].all()
    z = changes.mean(axis=0)[moved] / (changes.std(axis=0)[moved] / np.sqrt(N_DRAWS))
    assert np.abs(z).max() < stats.norm.isf(0.0005 / len(z)), z.round(1)
