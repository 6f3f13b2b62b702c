"""The rule that ends rounds, on draws of which the effective sample size is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from sknnmm.estimators.stopping import StoppingRule
from sknnmm.model.variables import Variable

TARGET = Variable("target", "phenotype", "", is_target=True, is_diagnosed=True)
WEIGHTS = Variable("weights", "phenotype", "", ("omic",), is_target=True, is_diagnosed=True)
OTHER = Variable("other", "phenotype", "", is_diagnosed=True)


def autoregressive(rho, shape, rng):
    """Return draws of variance 1, of which 1 in (1 + rho) / (1 - rho) is effective, per chain."""
    chains = np.empty(shape)
    chains[0] = rng.normal(size=shape[1])
    for i in range(1, shape[0]):
        chains[i] = rho * chains[i - 1] + np.sqrt(1 - rho**2) * rng.normal(size=shape[1])
    return chains.T


def judge(min_ess, target, weights=None, other=None, is_burn_in=False):
    """Return what the rule says of draws (chain, draw), of weights (chain, draw, 2)."""
    weights = np.ones((*target.shape, 2)) if weights is None else weights
    other = target if other is None else other
    variables = {v.name: v for v in (TARGET, WEIGHTS, OTHER)}
    judged = {"omic": np.array([True, False])}
    rule = StoppingRule(variables, lambda rows: ({"omic": ["a", "b"]}, judged), min_ess)
    draws = zip(target, weights, other, strict=True)
    chains = [dict(zip(variables, d, strict=True)) for d in draws]
    return rule([SimpleNamespace(draws=d, rows=np.arange(0)) for d in chains], is_burn_in)


def will_do(*args, **options):
    return judge(*args, **options)[0]


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_the_effective_sample_size_decides(rho):
    n = 4000
    draws = autoregressive(rho, (n, 2), np.random.default_rng(0))
    expected = 2 * n * (1 - rho) / (1 + rho)
    # The standard error of an estimated ESS is some 10 % here.
    assert will_do(0.7 * expected, draws)
    assert not will_do(1.4 * expected, draws)


def test_burn_in_needs_fewer_draws():
    rng = np.random.default_rng(0)
    hundred, twenty = (autoregressive(0.8, (n * 9 // 2, 2), rng) for n in (100, 20))  # effective
    assert not will_do(400, hundred)
    assert will_do(400, hundred, is_burn_in=True)
    assert not will_do(400, twenty, is_burn_in=True)


def test_chains_apart_will_not_do():
    draws = np.random.default_rng(0).normal(size=(2, 1000))
    # Four halves, two of which are shifted, and variance 1 within: R-hat is the root of 1 plus a
    # third of the squared shift.
    for shift, agree in ((0.4, True), (0.8, False)):  # R-hat 1.03, 1.10
        shifted = draws + np.array([[0], [shift]])
        assert will_do(1, shifted, is_burn_in=True) == agree
        assert not will_do(400, shifted)  # the effective sample size falls too
    assert will_do(400, draws)


def test_every_target_counts_and_nothing_else():
    rng = np.random.default_rng(0)
    good, apart = rng.normal(size=(2, 1000)), rng.normal(size=(2, 1000)) + np.array([[0], [3]])
    assert will_do(400, good, other=apart)  # weights that do not vary say nothing
    assert will_do(400, good, np.stack([good, apart], axis=2))  # that weight is not identified
    ok, summary = judge(400, good, np.stack([apart, good], axis=2))
    assert not ok
    assert "/400 (weights[a]), R-hat" in summary
    assert summary.endswith("(weights[a])")


def test_halves_of_a_single_chain_are_compared():
    draws = np.random.default_rng(0).normal(size=(1, 1000))
    assert will_do(400, draws)
    assert not will_do(400, draws + np.linspace(0, 3, 1000))


def test_few_draws_will_not_do():
    ok, summary = judge(1, np.random.default_rng(0).normal(size=(2, 3)))
    assert not ok
    assert summary == "3 draws per chain"
