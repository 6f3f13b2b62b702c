"""Random effects as the sampler's term will find them: levels and slopes of the rows."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknnmm.effects import Fixed, Random
from sknnmm.inputs.fit_inputs import check_fit_inputs
from sknnmm.inputs.phenotype import Phenotype
from sknnmm.relationship import Relationship

N = 80
TABLE = pd.DataFrame(
    {
        "cage": np.arange(N) % 5 * 10.0,
        "animal": [f"m{i % 7}" for i in range(N)],
        "age": np.linspace(40, 60, N),
        "sex": np.array(["F", "M"])[np.arange(N) % 2],
    }
)


def random_of(data, short, effects, table=TABLE, **changes):
    inputs = {"y": data.y, "omics": data.omics} | changes
    model = short(effects=effects)
    y, omics = inputs["y"], inputs["omics"]
    return check_fit_inputs(model, data.X, Phenotype(y), omics, table, None, np.float32).random


def test_levels_of_the_rows(data, short):
    table = TABLE.copy()
    table.loc[4, "cage"] = np.nan
    random = random_of(data, short, [Random("cage"), Random("animal", layer="omics")], table)
    assert [term.name for term in random["omics"]] == ["cage", "animal"]
    (cage,) = random["phenotype"]
    assert_array_equal(cage.levels, [0, 10, 20, 30, 40])
    assert all(isinstance(level, int) for level in cage.levels)
    assert_array_equal(cage.codes, np.where(np.arange(N) == 4, -1, np.arange(N) % 5))
    assert cage.slope is None and cage.term == Random("cage")
    animal = random["omics"][1]
    assert_array_equal(animal.levels[animal.codes], TABLE["animal"])


def test_levels_of_a_relationship_are_its_ids(data, short):
    ids = [f"m{i}" for i in (9, 6, 5, 4, 3, 2, 1, 0)]
    pedigree = Relationship(np.eye(8), ids)
    term = Random("animal", relationship=pedigree, slope="age", name="growth")
    random = random_of(data, short, [term, Random("animal")])
    growth = random["phenotype"][0]
    assert (growth.name, len(growth.levels), growth.codes.max()) == ("growth", 8, 7)
    assert_array_equal(growth.levels[growth.codes], TABLE["animal"])
    assert_array_equal(growth.slope, TABLE["age"])
    term = Random("animal", relationship=Relationship(np.eye(6), ids[:-2]))
    with pytest.raises(ValueError, match=r"'animal' has 2 levels that the Relationship.*m0, m1"):
        random_of(data, short, [term])


def test_columns_of_random_terms_are_no_fixed_effects(data, short):
    effects = [Random("animal", slope="age"), Fixed("sex", layer="phenotype")]
    model = short(effects=effects)
    inputs = check_fit_inputs(model, data.X, Phenotype(data.y), data.omics, TABLE, None, np.float32)
    assert inputs.fixed["phenotype"].names == ["cage", "sex[T.M]"]
    assert inputs.fixed["omics"].names == ["cage"]


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        ([Random("pen")], "names 'pen', which covariates lacks; its columns are cage, animal"),
        ([Random("cage", slope="weight")], "names 'weight', which covariates lacks"),
        ([Random("cage", slope="sex")], "'sex' is the slope of Random.'cage'., but has labels"),
        ([Random("cage"), Random("cage", slope="age")], "several Random terms called cage"),
        ([Random("cage", df=0)], "'df' parameter of Random"),
        (Random("cage"), "effects must be a list"),
        (["cage"], "effects has an object of type str"),
    ],
)
@pytest.mark.usefixtures("no_sampling")
def test_bad_terms_are_named(effects, message, data, short):
    with pytest.raises((ValueError, TypeError), match=message):
        short(effects=effects).fit(data.X, data.y, omics=data.omics, covariates=TABLE)


@pytest.mark.usefixtures("no_sampling")
def test_terms_need_what_they_act_on(data, short):
    with pytest.raises(ValueError, match=r"effects has terms, but there are no covariates"):
        short(effects=[Random("cage")]).fit(data.X, data.y)
    with pytest.raises(ValueError, match=r"layer='omics', but there are no omics"):
        short(effects=[Random("cage", layer="omics")]).fit(data.X, data.y, covariates=TABLE)
    table = TABLE.assign(age=TABLE["age"].where(TABLE.index != 7))
    with pytest.raises(ValueError, match=r"NaN or infinity in age \(rows 7\)"):
        short(effects=[Random("cage", slope="age")]).fit(data.X, data.y, covariates=table)
