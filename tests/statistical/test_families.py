"""Families of responses that the record bounds: closed forms and limits."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.families import Ordinal
from sknnmm.priors import RRBLUP, BayesC, BayesL
from sknnmm.sampling.chains.start import starting_state
from tests.helpers.moments import assert_same_distribution, assert_same_moments, sample
from tests.helpers.networks import Parts, sampler_of, small_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_tiny_probit_model_by_quadrature():
    """One SNP with an effect N(0, v), a flat intercept, eight records of three weights."""
    x = np.array([0, 0, 1, 1, 1, 2, 2, 2.0])
    y = np.array([0, 0, 0, 1, 1, 1, 0, 1])
    weight = np.array([1, 2, 1, 0.5, 1, 1, 0.5, 1])
    variance = 1.5
    centred = x - x.mean()
    model = NNMMClassifier(
        RRBLUP(scale=variance, estimate_variance=False),
        n_iter=5500,
        burn_in=500,
        n_chains=1,
        precision="double",
        random_state=0,
    )
    model.fit(x[:, None], y, sample_weight=weight)
    intercept, effect = (
        axis.ravel() for axis in np.meshgrid(np.linspace(-6, 6, 401), np.linspace(-7, 7, 401))
    )
    scaled = np.sqrt(weight / weight.mean())[:, None]
    liability = intercept + effect * centred[:, None]
    of_records = stats.norm.logcdf(np.where(y[:, None] == 1, 1, -1) * scaled * liability)
    density = np.exp(of_records.sum(axis=0) - 0.5 * effect**2 / variance)
    density /= density.sum()
    values = np.array([intercept, effect])
    mean = values @ density
    covariance = (density * (values - mean[:, None])) @ (values - mean[:, None]).T
    draws = model.posterior_.draws
    drawn = np.column_stack([draws["centred_intercept"][0], draws["direct_effects"][0, :, 0]])
    assert_same_moments(drawn, mean, covariance, ess_factor=0.1)
    residual_sd = np.sqrt((weight.mean() / weight).mean())  # of an average record
    for dosage in (0.0, 2.0):
        liability = intercept + effect * (dosage - x.mean())
        expected = density @ stats.norm.cdf(liability / residual_sd)
        error = 0.5 / np.sqrt(0.1 * len(drawn))
        assert abs(model.predict_proba([[dosage]])[0, 1] - expected) < 4 * error


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 4])
def test_moves_of_the_liability_change_no_distribution(n_classes):
    draws = []
    for moves in (True, False):
        rng = np.random.default_rng(5)
        model = small_network(
            rng, n=40, p=4, missing=0.2, missing_y=0, uninformative=0, n_covariates=1,
            direct_prior=BayesC(scale=0.2), weight_prior=RRBLUP(scale=0.3),
        )  # fmt: skip
        y = model.y + 0.7 * np.nan_to_num(model.omics[:, 0])
        classes = np.digitize(y, np.quantile(y, np.linspace(0, 1, n_classes + 1)[1:-1]))
        sampler = sampler_of(replace(model, y=classes.astype(float), family=Ordinal()))
        if not moves:
            sampler.bounded["phenotype"]._moves = None

        def quantities(chain):
            parts = Parts(chain)
            return np.concatenate(
                [
                    parts.weights.effects[:, 0],
                    parts.fixed.coefficients[:, 0],
                    np.log(parts.phenotype.family.values[1:]),
                    [np.log(np.square(parts.phenotype.response).mean())],
                ]
            )

        draws.append(sample(sampler, quantities, 4000 if moves else 12_000, rng))
    assert_same_distribution(*draws)


def test_the_terms_of_a_liability_share_its_expected_variance():
    """r2 / (1 - r2) = 1, where those of a standardised response share 0.5; BayesL in ratios."""
    model = small_network(
        np.random.default_rng(0), direct_prior=BayesC(), weight_prior=BayesL(), missing=0.0
    )
    classes = replace(model, y=np.where(np.isnan(model.y), np.nan, model.y > 0), family=Ordinal())
    states = []
    for each in (model, classes):
        sampler = sampler_of(each)
        states.append(Parts(starting_state(sampler, np.random.default_rng(0))))
    measured, liability = states
    assert_allclose(liability.direct.hyper.scale, 2 * measured.direct.hyper.scale)
    penalties = [state.weights.hyper.squared_penalty for state in states]
    assert_allclose(penalties[1], penalties[0])
    assert liability.phenotype.residual_variance == [1]


def test_intervals_without_width_are_the_normal_family_to_the_bit(data, short):
    plain = short().fit(data.X, data.y, omics=data.gappy)
    upper = np.where(np.arange(80) % 2 == 0, data.y, np.nan)
    model = short().fit(data.X, data.y, omics=data.gappy, y_upper=upper)
    for name, values in plain.posterior_.draws.items():
        if hasattr(values, "shape") and isinstance(values, np.ndarray):
            assert_array_equal(model.posterior_.draws[name], values)


def test_narrow_intervals_are_nearly_the_normal_family(data):
    parameters = {"n_iter": 3000, "burn_in": 500, "n_chains": 1, "direct_effects": False}
    draws = []
    for width, seed in ((0.0, 0), (0.02, 1)):
        model = NNMMRegressor("RR-BLUP", omics_method="RR-BLUP", **parameters, random_state=seed)
        model.fit(data.X, data.y - width / 2, omics=data.omics, y_upper=data.y + width / 2)
        chains = model.posterior_.draws
        draws.append(np.column_stack([chains["residual_variance"][0], chains["omics_weights"][0]]))
    assert_same_distribution(*draws)


def simulated(rng, n):
    """Return genotypes, two omics, and a liability that they explain half of."""
    X = rng.integers(0, 3, (n, 20)).astype(np.int8)
    omics = (X[:, :2] - 1) + rng.normal(size=(n, 2))
    liability = 0.6 * omics[:, 0] - 0.5 * omics[:, 1] + 0.3 * (X[:, 5] - 1.0) + rng.normal(size=n)
    return X, omics, liability


def test_probabilities_are_reliable():
    """Sums of records minus probabilities, plain and weighted by probability, are near 0."""
    rng = np.random.default_rng(3)
    X, omics, liability = simulated(rng, 3000)
    y = np.digitize(liability, [-0.5, 1.2])
    train, test = slice(0, 600), slice(600, None)
    gappy = np.where(rng.random(omics.shape) < 0.3, np.nan, omics)
    model = NNMMClassifier(ordered=True, n_iter=700, burn_in=200, n_chains=1, random_state=0)
    model.fit(X[train], y[train], omics=gappy[train])
    for given in (gappy[test], None):
        probability = model.predict_proba(X[test], omics=given)
        for label in range(3):
            p = probability[:, label]
            for weight in (1, p - p.mean()):
                score = (weight * ((y[test] == label) - p)).sum()
                # The parameters are estimated from a quarter as many records.
                sd = np.sqrt((weight**2 * p * (1 - p)).sum() * (1 + 2400 / 600))
                assert abs(score) < 4 * sd


@pytest.mark.slow
def test_many_ordered_classes_are_nearly_measurements():
    """In units of the residual SD, weights and predictions are those of the normal family."""
    rng = np.random.default_rng(4)
    # So many individuals because the 24 free thresholds raise the weights where there are few.
    X, omics, liability = simulated(rng, 3200)
    y = np.digitize(liability, np.quantile(liability, np.linspace(0, 1, 26)[1:-1]))
    parameters = {"n_iter": 3000, "burn_in": 500, "n_chains": 1}
    classes = NNMMClassifier("RR-BLUP", omics_method="RR-BLUP", ordered=True, random_state=0,
                             **parameters).fit(X, y, omics=omics)  # fmt: skip
    numbers = NNMMRegressor("RR-BLUP", omics_method="RR-BLUP", random_state=0, **parameters)
    numbers.fit(X, liability, omics=omics)
    ratio = numbers.posterior_.draws["omics_weights"][0]
    ratio = ratio / np.sqrt(numbers.posterior_.draws["residual_variance"][0])[:, None]
    of_classes = classes.posterior_.draws["omics_weights"][0]
    # The priors differ, and classes lose some information: within a third of a posterior SD.
    assert (np.abs(of_classes.mean(axis=0) - ratio.mean(axis=0)) < 0.33 * ratio.std(axis=0)).all()
    assert_allclose(of_classes.std(axis=0), ratio.std(axis=0), rtol=0.25)
    predicted = classes.decision_function(X, omics=omics), numbers.predict(X, omics=omics)
    assert np.corrcoef(*predicted)[0, 1] > 0.995
