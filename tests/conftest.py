"""Small data and short chains shared by the tests.

What takes seconds to import is imported where it is used: the process that starts the workers of
pytest-xdist reads this file too, and they wait for it.
"""

import gc
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor


def pytest_addoption(parser):
    parser.addoption(
        "--rank-histograms",
        metavar="DIR",
        help="save the rank histograms of the calibration tests in this directory",
    )
    parser.addoption(
        "--cpu-times", action="store_true", help="print the CPU seconds of the tests of each folder"
    )


def pytest_configure(config):
    # Collecting and compiling make millions of objects: not to be searched so often for garbage.
    gc.set_threshold(50_000, 20, 20)
    # A shell ignores SIGINT in what it starts in the background; tests of Ctrl-C need it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--cpu-times"):
        from tests.helpers.cpu_times import CPUTimes

        config.pluginmanager.register(CPUTimes())


def pytest_collection_modifyitems(items):
    """Begin with the statistical tests, those in double precision first; give slow ones an hour.

    Of two workers one compiles their kernels first, the other those of single precision: hardly any
    in both.
    """

    def place(item):
        in_single = "float32" in item.name or "single precision" in item.name
        return "statistical" not in item.path.parts, in_single

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture(scope="session", autouse=True)
def small_memory_maps():
    """Let worker processes get arrays as read-only memory maps, however small the arrays are.

    In all tests alike: joblib starts new processes where this setting differs from the last.
    """
    with parallel_config(max_nbytes=100):
        yield
    get_reusable_executor().shutdown(kill_workers=True)  # they would take seconds to end


@pytest.fixture(scope="session")
def data():
    """Return 80 individuals, 24 SNPs (two missing genotypes), 3 omics, 2 covariates; no gaps."""
    rng = np.random.default_rng(20)
    X = rng.binomial(2, rng.uniform(0.2, 0.8, 24), (80, 24)).astype(np.int8)
    X[3, 5] = X[40, 0] = -1
    covariates = np.column_stack([rng.normal(50, 10, 80), np.arange(80) % 2])
    shift = covariates @ [[0.1, 0, 0.5], [1, -1, 0]]
    omics = shift + X[:, :3] + X[:, 3:6] + rng.normal(scale=0.7, size=(80, 3)) + [0, 5, -20]
    signal = np.tanh(omics[:, 1] - 6) + 0.5 * omics[:, 0] - 0.02 * covariates[:, 0]
    y = 30 + 3 * signal + X[:, 10] + rng.normal(scale=0.5, size=80)
    gaps = rng.random(omics.shape) < 0.4
    gaps[:2] = True
    made = SimpleNamespace(
        X=X, y=y, omics=omics, covariates=covariates, gappy=np.where(gaps, np.nan, omics)
    )
    for array in (y, omics, covariates, made.gappy):
        array.flags.writeable = False  # fitting must not touch what it is given
    return made


@pytest.fixture(scope="session")
def short():
    """Return an estimator factory: one short chain from a fixed seed, unless told otherwise."""
    from sknnmm import NNMMRegressor

    def make(**parameters):
        chain = {"n_iter": 80, "burn_in": 20, "n_chains": 1, "random_state": 0}
        return NNMMRegressor(**{**chain, **parameters})

    return make
