"""Effects that follow the mixture weights of their prior, their quantiles held, or its scale."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sknnmm.priors import (
    RRBLUP,
    BayesA,
    BayesB,
    BayesC,
    BayesL,
    BayesR,
    ConnectionLayout,
    DenseLayout,
)
from sknnmm.priors._normal_tail import normal_tail, normal_tail_inverse

PRIORS = {
    "BayesC": BayesC(scale=0.2),
    "BayesB": BayesB(scale=0.2),
    "BayesR": BayesR(scale=0.3),
    "BayesR without zeros": BayesR(scale=0.3, components=(0.1, 1)),
}
LAYOUTS = {
    "dense": DenseLayout(3000, 2),
    "connections": ConnectionLayout(np.array([0, 2000, 6000])),
}


def drawn_from(prior, layout, rng):
    """Return hyperparameters, and effects and components that are drawn given these."""
    hyper = prior.start(np.array([0.1, 0.2]), layout)
    M = len(prior.multipliers)
    hyper.weights[:] = rng.dirichlet(np.full(M, 3.0), 2).T
    if isinstance(prior, BayesB):
        hyper.variance[:] = prior.df * layout.spread(hyper.scale) / rng.chisquare(5, layout.shape)
    return hyper, *effects_given(prior, hyper, rng)


def effects_given(prior, hyper, rng):
    weights = np.stack([hyper.layout.spread(w) for w in hyper.weights])
    cumulative = np.cumsum(np.broadcast_to(weights, (len(weights), *hyper.layout.shape)), axis=0)
    component = (rng.random(hyper.layout.shape) > cumulative).sum(axis=0).astype(np.int8)
    v = hyper.variance if hyper.variance.ndim == 1 or len(hyper.variance) > 1 else None
    v = hyper.layout.spread(hyper.variance[0]) if v is None else v
    sd = np.sqrt(np.array(prior.multipliers)[component] * v)
    return sd * rng.standard_normal(hyper.layout.shape), component


def elsewhere(prior, hyper):
    """Return coordinates away from the present ones, to either side."""
    there = prior.quantile_map.coordinates(hyper)
    there[0] += 0.7
    there[1] -= 0.4
    return there


def test_tail_and_its_inverse():
    q = np.concatenate([np.logspace(-300, -1, 50), np.linspace(0.1, 0.5, 50)])
    x = np.array([normal_tail_inverse(value) for value in q])
    assert_allclose(x, stats.norm.isf(q), rtol=1e-13, atol=1e-15)
    assert_allclose([normal_tail(value) for value in x], q, rtol=1e-11)
    assert np.isnan(normal_tail_inverse(0.0))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("prior", PRIORS)
def test_quantiles_are_held(prior, layout):
    prior, layout, rng = PRIORS[prior], LAYOUTS[layout], np.random.default_rng(0)
    hyper, effects, component = drawn_from(prior, layout, rng)
    component.reshape(-1)[5] = -1  # not in the model
    effects.reshape(-1)[5] = 0
    quantiles, there = prior.quantile_map, elsewhere(prior, hyper)
    before = upper_quantiles(prior, hyper, effects)
    was = effects.copy()
    change = quantiles.follow(hyper, effects, component, there, rng)
    assert_array_equal(effects, was)
    quantiles.put(hyper, effects, component, there, change, np.array([True, True]), rng)
    assert_allclose(quantiles.coordinates(hyper), there, atol=1e-12)
    stayed = (was != 0) & (effects != 0)
    assert stayed.mean() > 0.1
    assert_allclose(upper_quantiles(prior, hyper, effects)[stayed], before[stayed], rtol=1e-9)
    assert_array_equal(np.sign(effects[stayed]), np.sign(was[stayed]))
    slab = layout.spread(hyper.weights[np.array(prior.multipliers) > 0].sum(axis=0))
    left = (was != 0) & (effects == 0)
    assert (2 * before > slab)[left].all()
    assert component.reshape(-1)[5] == -1
    assert effects.reshape(-1)[5] == 0
    zero = np.array(prior.multipliers)[component] == 0
    assert_array_equal(zero[component >= 0], (effects == 0)[component >= 0])
    scattered = np.zeros(effects.size)
    scattered[change.entries] = change.amounts
    assert_allclose(scattered, (effects - was).reshape(-1), atol=1e-15)


def upper_quantiles(prior, hyper, effects):
    v = hyper.variance
    if v.shape != effects.shape:
        v = hyper.layout.spread(v.reshape(-1))
    return sum(
        hyper.layout.spread(w) * stats.norm.sf(np.abs(effects) / np.sqrt(c * v))
        for w, c in zip(hyper.weights, prior.multipliers, strict=True)
        if c > 0
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_effects_from_the_prior_stay_from_the_prior(prior):
    """Those that follow are distributed as those drawn given the new hyperparameters."""
    prior, layout, rng = PRIORS[prior], DenseLayout(20_000, 2), np.random.default_rng(1)
    hyper, effects, component = drawn_from(prior, layout, rng)
    there = elsewhere(prior, hyper)
    change = prior.quantile_map.follow(hyper, effects, component, there, rng)
    both = np.array([True, True])
    prior.quantile_map.put(hyper, effects, component, there, change, both, rng)
    fresh, fresh_component = effects_given(prior, hyper, rng)
    for c in range(2):
        assert stats.ks_2samp(effects[:, c], fresh[:, c]).pvalue > 1e-3
        counts = [np.bincount(k[:, c], minlength=4) for k in (component, fresh_component)]
        used = np.sum(counts, axis=0) > 0
        assert stats.chi2_contingency(np.array(counts)[:, used]).pvalue > 1e-3


def test_columns_not_accepted_stay_as_they_are():
    prior, layout, rng = PRIORS["BayesB"], DenseLayout(50, 2), np.random.default_rng(2)
    hyper, effects, component = drawn_from(prior, layout, rng)
    was = [a[..., 1].copy() for a in (effects, component, hyper.variance, hyper.weights)]
    there = elsewhere(prior, hyper)
    change = prior.quantile_map.follow(hyper, effects, component, there, rng)
    first = np.array([True, False])
    prior.quantile_map.put(hyper, effects, component, there, change, first, rng)
    for array, before in zip((effects, component, hyper.variance, hyper.weights), was, strict=True):
        assert_array_equal(array[..., 1], before)
    assert_allclose(prior.quantile_map.coordinates(hyper)[0], there[0])


def test_an_effect_too_far_out_is_not_mapped():
    prior, rng = PRIORS["BayesC"], np.random.default_rng(3)
    hyper, effects, component = drawn_from(prior, DenseLayout(50, 2), rng)
    component[0, 0], effects[0, 0] = 1, 100.0
    hyper.variance[:] = 0.1
    change = prior.quantile_map.follow(hyper, effects, component, elsewhere(prior, hyper), rng)
    assert np.isnan(change.values[change.entries == 0]).all()


@pytest.mark.parametrize("prior", ["BayesC", "BayesR"])
def test_density_of_coordinates(prior):
    """That of a Dirichlet distribution by the logarithms of the weights over the first."""
    prior = PRIORS[prior]
    quantiles, M = prior.quantile_map, len(prior.multipliers)
    point = np.linspace(-0.8, 0.9, M - 1)[None]
    jacobian = np.empty((M - 1, M - 1))  # of all weights but the first
    step = 1e-5
    for k, change in enumerate(step * np.eye(M - 1)):
        after, before = softmax(point + change), softmax(point - change)
        jacobian[:, k] = (after - before)[0, 1:] / (2 * step)
    (got,) = quantiles.log_density(point)
    assert got == pytest.approx(np.log(np.linalg.det(jacobian)), rel=1e-7)


def softmax(ratios):
    weights = np.exp(np.column_stack([np.zeros(len(ratios)), ratios]))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("prior", "log_density"),
    [
        (RRBLUP(df=4, scale=0.3), lambda v: stats.chi2(4).logpdf(4 * 0.3 / v) - 2 * np.log(v)),
        (BayesA(scale=0.3), lambda v: stats.gamma(1.1, scale=0.3 / 0.1).logpdf(v)),
        (BayesL(2.0, 0.5), lambda v: stats.gamma(2, scale=2).logpdf(1 / v) - 2 * np.log(v)),
    ],
)
def test_density_of_the_scale_of_effects(prior, log_density):
    """That of a variance, a scale of variances, or 1 / lambda^2, by half its logarithm."""
    hyper = prior.start(np.array([0.1, 0.2]), DenseLayout(5, 2))
    a, b, c = prior.density_of_scale(hyper)
    before = size_of(hyper).copy()
    t = np.array([1.4, 0.8])
    prior.rescale(hyper, t)
    after = size_of(hyper)
    assert_allclose(after, before * t**2)
    expected = log_density(after) - log_density(before) + 2 * np.log(t)
    got = a * np.log(t) - b * (t**2 - 1) - c * (1 / t**2 - 1)
    assert_allclose(got, expected)


def size_of(hyper):
    if hasattr(hyper, "squared_penalty"):
        return 1 / hyper.squared_penalty
    return hyper.scale if hasattr(hyper, "expected_scale") else hyper.variance[0]


@pytest.mark.parametrize(
    "prior", [BayesC(estimate_pi=False), BayesR(estimate_pi=False), BayesB(estimate_pi=False)]
)
def test_nothing_follows_where_weights_are_fixed(prior):
    assert prior.quantile_map is None


@pytest.mark.parametrize("prior", [BayesC(estimate_variance=False), BayesB(estimate_scale=False)])
def test_a_fixed_scale_does_not_move(prior):
    assert prior.density_of_scale(prior.start(np.ones(2), DenseLayout(5, 2))) is None
