"""Fitted models on disk: pickle, joblib and skops give the same predictions to the bit."""

import pickle
from zipfile import ZipFile

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_array_equal
from scipy import sparse

from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.effects import Fixed
from sknnmm.persistence import TRUSTED_TYPES
from sknnmm.priors import BayesC, BayesL, ScaledInverseChi2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MODELS = {
    "default": {},
    "RR-BLUP tanh": {"method": "RR-BLUP", "activation": "tanh"},
    "warm start": {"warm_start": True, "activation": "tanh"},
    "prior objects": {
        "method": BayesC(pi=0.9),
        "omics_method": BayesL(),
        "direct_effects": BayesC(),
        "residual_prior": ScaledInverseChi2(df=4),
        "activation": "relu",
        "n_latent": 1,
    },
    "groups": {
        "method": {"a": BayesC(), "b": "RR-BLUP"},
        "snp_groups": {"a": list(range(10)), "b": list(range(10, 30))},
        "omics_groups": ["x", "y", "x"],
    },
    "sparse mask": {"mask": sparse.csr_array(np.arange(30)[:, None] // 10 == np.arange(3))},
    "mapping": {"mask": {"omic_0": [1, 2], "omic_1": [3], "omic_2": [4]}, "activation": "softplus"},
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    data = make_omics_network(100, 30, 3, missing_omics=0.3, random_state=0)
    model = NNMMRegressor(**MODELS[request.param], n_iter=60, burn_in=20, random_state=0)
    return model.fit(data.X, data.y, omics=data.omics), data


@pytest.fixture(scope="module")
def mixed():
    """Return a model with factors, an interaction, splines and polynomials, and its inputs."""
    data = make_omics_network(100, 30, 3, missing_omics=0.3, random_state=0)
    rng = np.random.default_rng(0)
    covariates = pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], 100),
            "age": rng.normal(50, 10, 100),
            "grown": pd.cut(rng.normal(size=100), 3),
            "litter": rng.integers(1, 4, 100),
        }
    )
    effects = [
        Fixed("sex * poly(age, 2) + scale(age):sex"),
        Fixed("C(litter, Sum) + bs(age, df=4)", layer="phenotype"),
    ]
    model = NNMMRegressor(effects=effects, n_iter=60, burn_in=20, random_state=0)
    return model.fit(data.X, data.y, omics=data.omics, covariates=covariates), data.X, covariates


def by_pickle(model, path):
    return pickle.loads(pickle.dumps(model))


def by_joblib(model, path):
    joblib.dump(model, path)
    return joblib.load(path)


def by_skops(model, path):
    skops.io.dump(model, path)
    return skops.io.load(path, trusted=TRUSTED_TYPES)


@pytest.mark.parametrize("way", [by_pickle, by_joblib, by_skops])
def test_round_trip(fitted, way, tmp_path):
    model, data = fitted
    again = way(model, tmp_path / "model")
    for predict in ("predict", "predict_omics", "breeding_value"):
        assert_array_equal(getattr(again, predict)(data.X), getattr(model, predict)(data.X))
    given = {"omics": data.omics, "return_std": True}
    assert_array_equal(again.predict(data.X, **given), model.predict(data.X, **given))
    assert again.diagnostics_.equals(model.diagnostics_)
    assert again.get_params().keys() == model.get_params().keys()


@pytest.mark.parametrize("way", [by_pickle, by_joblib, by_skops])
def test_round_trip_with_formulas(mixed, way, tmp_path):
    model, X, covariates = mixed
    again = way(model, tmp_path / "model")
    assert_array_equal(
        again.predict(X, covariates=covariates), model.predict(X, covariates=covariates)
    )
    assert again.fixed_effects_.equals(model.fixed_effects_)
    assert again.effects == model.effects


def test_a_file_has_every_array_once(fitted, tmp_path):
    """Also the draws of SNP effects, to which every part of the network refers."""
    model, _ = fitted
    skops.io.dump(model, tmp_path / "model")
    with ZipFile(tmp_path / "model") as archive:
        arrays = [file for file in archive.infolist() if file.file_size > 4000]
    assert len(arrays) > 1  # the JSON text is one
    assert len({(file.CRC, file.file_size) for file in arrays}) == len(arrays)


def test_training_data_are_not_kept():
    """The pickle of a model without stored draws to speak of is far smaller than its genotypes."""
    data = make_omics_network(2000, 500, 3, random_state=0)
    model = NNMMRegressor(n_iter=12, burn_in=10, n_chains=1, random_state=0)
    model.fit(data.X, data.y, omics=data.omics)
    model.omics_imputed_ = model.omics_imputed_std_ = None  # of the training individuals
    assert len(pickle.dumps(model)) < 0.2 * data.X.nbytes


def test_other_outcomes_round_trip(tmp_path):
    data = make_omics_network(100, 30, 3, missing_omics=0.3, random_state=0)
    chain = {"n_iter": 60, "burn_in": 20, "random_state": 0}
    of_classes = NNMMClassifier(**chain).fit(data.X, data.y > 1, omics=data.omics)
    loaded = by_skops(of_classes, tmp_path / "classes")
    expected = of_classes.predict_proba(data.X)
    assert_array_equal(loaded.predict_proba(data.X), expected)
    upper = np.where(data.y > 1, np.inf, np.nan)
    censored = NNMMRegressor(**chain).fit(data.X, np.minimum(data.y, 1), y_upper=upper)
    assert_array_equal(
        by_skops(censored, tmp_path / "censored").predict(data.X), censored.predict(data.X)
    )
