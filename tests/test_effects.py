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


def test_a_relationship_is_what_has_ids():
    Random("animal", relationship=Relationship(np.eye(2), ["a", "b"])).check()
