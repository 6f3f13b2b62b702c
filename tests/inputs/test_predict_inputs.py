"""What predict and score refuse."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sknnmm import NNMMRegressor
from tests.helpers.inputs import frame

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X does not have valid feature names",
)


@pytest.fixture(scope="module")
def fitted(data, short):
    """Return a model fitted on frames with names, and its inputs."""
    inputs = {
        "X": frame(data.X, [f"rs{j}" for j in range(24)]),
        "omics": frame(data.gappy, "abc"),
        "covariates": frame(data.covariates, ["age", "sex"]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return short().fit(inputs["X"], data.y, inputs["omics"], inputs["covariates"]), inputs


INVALID_PREDICT = {
    "omics columns": (
        dict(omics=lambda t: t.to_numpy()[:, :2]),
        "omics has 2 columns but the model was fitted with 3: a, b, c",
    ),
    "omics order": (
        dict(omics=lambda t: t[["b", "a", "c"]]),
        "omics must have the columns seen in fit, in that order: a, b, c; got b, a, c",
    ),
    "omics names": (dict(omics=lambda t: t.rename(columns={"a": "q"})), "a, b, c; got q, b, c"),
    "omics rows": (dict(omics=lambda t: t.to_numpy()[1:]), "omics has 79 rows but X has 80"),
    "omics infinite": (dict(omics=lambda t: t.replace(t.iloc[5, 0], np.inf)), "omics contains inf"),
    "omics other individuals": (
        dict(omics=lambda t: t.iloc[::-1]),
        "omics and X have different indexes.*Align",
    ),
    "covariates left out": (
        dict(covariates=lambda t: None),
        r"covariates are missing.*\['age', 'sex'\].*predict needs them",
    ),
    "covariates lacking": (
        dict(covariates=lambda t: t[["age"]]),
        "covariates lacks the columns 'sex' that the model was fitted with; its columns are age",
    ),
    "covariates unknown": (
        dict(covariates=lambda t: t.assign(herd=1)),
        "covariates has the columns 'herd', with which the model was not fitted: leave them out",
    ),
    "covariates columns": (
        dict(covariates=lambda t: t.to_numpy()[:, :1]),
        "covariates has 1 column but the model was fitted with 2: age, sex",
    ),
    "covariates missing": (
        dict(covariates=lambda t: t.mask(t["age"] > 50)),
        "covariates has NaN or infinity in age",
    ),
    "X columns": (dict(X=lambda t: t.to_numpy()[:, 1:]), "X has 23 features, but .* expecting 24"),
    "X names": (dict(X=lambda t: t.rename(columns={"rs0": "q"})), "(?s)feature names.*q"),
    "X infinite": (dict(X=lambda t: t.replace(2, np.inf)), "X contains infinity; use NaN"),
}


@pytest.mark.parametrize(("changes", "message"), INVALID_PREDICT.values(), ids=INVALID_PREDICT)
def test_invalid_data_at_predict(changes, message, fitted, data):
    model, inputs = fitted
    inputs = inputs | {name: make(inputs[name]) for name, make in changes.items()}
    with pytest.raises(ValueError, match=message):
        model.predict(**inputs)
    with pytest.raises(ValueError, match=message):
        model.score(inputs.pop("X"), data.y, **inputs)


def test_covariates_go_by_their_names(fitted, data):
    """In any order; without names by their position."""
    model, inputs = fitted
    expected = model.predict(**inputs)
    for covariates in (inputs["covariates"][["sex", "age"]], inputs["covariates"].to_numpy()):
        np.testing.assert_array_equal(
            model.predict(**inputs | {"covariates": covariates}), expected
        )


def test_tables_that_the_model_was_fitted_without(data, short):
    model = short().fit(data.X, data.y)
    with pytest.raises(ValueError, match="omics .*the model was fitted without omics"):
        model.predict(data.X, omics=data.omics)
    with pytest.raises(ValueError, match="covariates .*the model was fitted without covariates"):
        model.predict(data.X, covariates=data.covariates)
    with pytest.raises(ValueError, match="predict_omics needs a model fitted with omics or latent"):
        model.predict_omics(data.X)


@pytest.mark.parametrize("method", ["predict", "predict_omics", "breeding_value"])
def test_unfitted(method, data):
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(NNMMRegressor(), method)(data.X)
