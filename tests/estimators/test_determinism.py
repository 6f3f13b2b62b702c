"""The same random_state gives the same bits, whatever the number of jobs and the backend."""

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MODELS = {
    "linear": {},
    "tanh": {"activation": "tanh", "n_latent": 1},
    "RR-BLUP": {"method": "RR-BLUP", "direct_effects": False},
}
every_model = pytest.mark.parametrize("parameters", MODELS.values(), ids=MODELS)


def numbers(model, data):
    """Return everything that a fit has drawn, and what it predicts."""
    draws = model.posterior_.draws
    kept = {n: d.todense() if hasattr(d, "todense") else d for n, d in draws.items()}
    return kept | {
        "snp_effects_std_": model.snp_effects_std_,
        "omics_imputed_": model.omics_imputed_,
        "predicted": model.predict(data.X, data.gappy, data.covariates),
        "breeding_value": model.breeding_value(data.X),
    }


def fit(model, data, X=None):
    return model.fit(data.X if X is None else X, data.y, data.gappy, data.covariates)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert_array_equal(other[name], value, err_msg=name)


def differ(one, other):
    return all(
        not np.array_equal(one[name], other[name])
        for name in ("residual_variance", "omics_weights", "predicted")
    )


@pytest.fixture
def two_chains(short):
    def make(**parameters):
        return short(n_chains=2, n_iter=60, **parameters)

    return make


BACKENDS = {
    "threading": {},
    "loky": {},  # with read-only memory maps, see conftest.py
    "multiprocessing": {"max_nbytes": None},  # with copies
}


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(parameters, id=name, marks=[] if name == "tanh" else [pytest.mark.slow])
        for name, parameters in MODELS.items()
    ],
)
def test_same_bits_for_any_number_of_jobs_and_backend(parameters, data, two_chains):
    expected = numbers(fit(two_chains(**parameters), data), data)
    assert_same(expected, numbers(fit(two_chains(n_jobs=1, **parameters), data), data))
    for backend, settings in BACKENDS.items():
        with parallel_config(backend, **settings):
            model = fit(two_chains(n_jobs=2, **parameters), data)
        assert_same(expected, numbers(model, data))


@pytest.mark.parametrize("layout", ["strided", pytest.param("SNP-major", marks=pytest.mark.slow)])
def test_same_bits_for_memory_maps_of_other_layouts(layout, data, two_chains):
    strided = np.repeat(data.X, 2, axis=1)[:, ::2]
    X = np.asfortranarray(data.X) if layout == "SNP-major" else strided
    expected = numbers(fit(two_chains(), data, X), data)
    with parallel_config("loky", n_jobs=2):
        assert_same(expected, numbers(fit(two_chains(), data, X), data))


@every_model
def test_fitting_twice_gives_the_same(parameters, data, two_chains):
    model = two_chains(**parameters)
    expected = numbers(fit(model, data), data)
    assert_same(expected, numbers(fit(model, data), data))
    assert_same(expected, numbers(fit(clone(model), data), data))


def test_seeds_differ(data, two_chains):
    zero, one = (numbers(fit(two_chains(random_state=s), data), data) for s in (0, 1))
    assert differ(zero, one)


def test_chains_differ(data, two_chains):
    draws = numbers(fit(two_chains(), data), data)
    for name in ("residual_variance", "omics_weights", "direct_effects"):
        assert not np.array_equal(draws[name][0], draws[name][1])


def test_first_chain_does_not_depend_on_the_number_of_chains(data, short):
    one, three = (fit(short(n_chains=n), data).posterior_.draws for n in (1, 3))
    assert_array_equal(three["residual_variance"][:1], one["residual_variance"])
    assert_array_equal(three["omics_weights"][:1], one["omics_weights"])


@pytest.mark.parametrize("kind", [np.random.RandomState, np.random.default_rng])
def test_a_generator_moves_on(data, two_chains, kind):
    model = two_chains(random_state=kind(3))
    first, second = numbers(fit(model, data), data), numbers(fit(model, data), data)
    assert differ(first, second)
    again = clone(two_chains(random_state=kind(3)))
    assert_same(first, numbers(fit(again, data), data))
    samples = [
        again.sample_posterior_predictive(
            data.X, 5, covariates=data.covariates, random_state=kind(1)
        )
        for _ in range(2)
    ]
    assert_array_equal(*samples)


def test_without_a_random_state_fits_differ(data, two_chains):
    model = two_chains(random_state=None)
    assert differ(numbers(fit(model, data), data), numbers(fit(model, data), data))


def test_global_random_numbers_are_left_alone(data, two_chains):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(two_chains(), data)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@every_model
def test_longer_chains_begin_like_shorter_ones(parameters, data, short):
    short_run, long_run = (
        fit(short(n_iter=n, **parameters), data).posterior_.draws for n in (40, 70)
    )
    for name in ("residual_variance", "omics_weights", "centred_intercept"):
        assert_array_equal(long_run[name][:, :20], short_run[name])
