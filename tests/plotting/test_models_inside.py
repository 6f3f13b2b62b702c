"""A Pipeline or a search in the place of a model: which part of it to pass."""

import re

import pytest
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknnmm import NNMMRegressor, plotting
from tests.helpers.association import small_data

ARGUMENTS = {"NetworkDisplay": 1, "PredictionDisplay": 2}  # of X and y
ALL = sorted(plotting.__all__)
BUT_PREDICTIONS = [name for name in ALL if name != "PredictionDisplay"]


def search_of(model):
    search = GridSearchCV(model, {})
    search.best_estimator_ = model
    return search


def refused(name, model):
    """Return what a display says of a model."""
    display, given = getattr(plotting, name), small_data()[: ARGUMENTS.get(name, 0)]
    with pytest.raises(TypeError) as error:
        display.from_estimator(model, *given)
    return str(error.value)


@pytest.mark.parametrize("name", ALL)
def test_of_a_search_the_best_estimator_is_to_be_passed(name):
    network = NNMMRegressor()
    assert refused(name, search_of(network)).endswith(" Pass model.best_estimator_.")
    inside = make_pipeline(FunctionTransformer(), search_of(network))
    assert refused(name, inside).endswith(
        " Pass model[-1].best_estimator_; its X is model[:-1].transform(X)."
    )


@pytest.mark.parametrize("name", BUT_PREDICTIONS)
def test_of_a_pipeline_the_last_step_is_to_be_passed(name):
    pipeline = make_pipeline(FunctionTransformer(), NNMMRegressor())
    its_x = "its X is model[:-1].transform(X)."
    assert refused(name, pipeline).endswith(f"; got Pipeline. Pass model[-1]; {its_x}")
    assert refused(name, search_of(pipeline)).endswith(
        " Pass model.best_estimator_[-1]; its X is model.best_estimator_[:-1].transform(X)."
    )
    nested = make_pipeline(FunctionTransformer(), make_pipeline(NNMMRegressor()))
    assert refused(name, nested).endswith(f" Pass model[-1][-1]; {its_x}")
    assert refused(name, make_pipeline(NNMMRegressor())).endswith(" Pass model[-1].")


def test_a_pipeline_predicts_with_its_steps():
    for last in (NNMMRegressor(), BayesianRidge()):
        search = search_of(make_pipeline(FunctionTransformer(), last))
        assert refused("PredictionDisplay", search).endswith(" Pass model.best_estimator_.")


@pytest.mark.parametrize("name", ALL)
def test_there_is_no_advice_where_nothing_inside_will_do(name):
    unfitted = GridSearchCV(NNMMRegressor(), {})  # has no best estimator yet
    for model in (search_of(Ridge()), make_pipeline(Ridge()), unfitted):
        assert not re.search(r"\bPass\b", refused(name, model))
