"""The terms that users name, as objects."""

import numpy as np
import pytest
from sklearn.base import clone

from sknnmm import NNMMRegressor
from sknnmm.effects import Fixed, Random
from sknnmm.relationship import Relationship


def test_terms_are_values():
    assert Fixed("sex * age") == Fixed("sex * age", layer="both") != Fixed("sex")
    assert Random("cage", df=4) == clone(Random("cage", df=4)) != Random("cage")
    assert len({Fixed("sex"), Fixed("sex"), Random("sex")}) == 2
    terms = [Fixed("age", layer="omics"), Random("animal", slope="age", name="growth")]
    model = clone(NNMMRegressor(effects=terms, covariate_features=["age", "animal"]))
    assert model.effects == terms and model.effects[0] is not terms[0]
    assert repr(terms[0]) == "Fixed(formula='age', layer='omics')"


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (Fixed(3), "'formula' parameter of Fixed must be an instance of 'str'"),
        (Fixed("  "), "formula=.* is empty"),
        (Random("cage", layer=0), "'layer' parameter of Random must be"),
        (Fixed("sex", layer="y"), "'layer' parameter of Fixed must be"),
        (Random("cage", df=0), "'df' parameter of Random"),
        (Random("cage", scale=-1.0), "'scale' parameter of Random"),
        (Random("cage", slope=1), "'slope' parameter of Random"),
        (Random("cage", relationship=[[1]]), "relationship of Random.'cage'. must be None or"),
    ],
)
def test_bad_parameters_are_named(term, message):
    with pytest.raises((ValueError, TypeError), match=message):
        term.check()


def test_parameters_of_terms_are_nested():
    """By position, in copies: a list that models share does not change."""
    pen = Random("pen")
    model = NNMMRegressor(effects=[Fixed("sex"), pen])
    assert model.get_params()["effects__1__df"] == 5
    model.set_params(effects__1__df=4, effects__1=Random("cage"), effects__0__layer=None)
    assert model.effects == [Fixed("sex", layer=None), Random("cage", df=4)]
    assert pen == Random("pen")
    model.set_params(effects=[pen], effects__0__layer="omics")
    assert model.effects == [Random("pen", layer="omics")] and pen.layer == "both"
    assert "effects__0" not in NNMMRegressor().get_params()
    for key in ("effects__1__df", "effects__pen__df"):
        with pytest.raises(ValueError, match=f"{key}: terms of effects go by their position"):
            model.set_params(**{key: 3})
    with pytest.raises(ValueError, match="Invalid parameter 'd' for estimator Random"):
        model.set_params(effects__0__d=3)


def test_a_relationship_is_what_has_ids():
    Random("animal", relationship=Relationship(np.eye(2), ["a", "b"])).check()
