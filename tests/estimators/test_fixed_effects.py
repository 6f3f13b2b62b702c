"""Fixed effects of factors and formulas: attributes, predictions, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.effects import Fixed
from sknnmm.priors import RRBLUP
from tests.helpers.moments import assert_same_distribution

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EFFECTS = [Fixed("sex * age"), Fixed("C(litter)", layer="phenotype"), Fixed("herd", layer="omics")]


@pytest.fixture(scope="module")
def table(data):
    return pd.DataFrame(
        {
            "age": data.covariates[:, 0],
            "sex": np.array(["F", "M"])[data.covariates[:, 1].astype(int)],
            "litter": np.arange(80) // 20,
            "herd": np.array(["north", "south", "west"])[np.arange(80) % 3],
        }
    )


@pytest.fixture(scope="module")
def fitted(data, table, short):
    return short(effects=EFFECTS).fit(data.X, data.y, data.omics, table)


def design(table):
    """Return the design matrices of the phenotype and of the omics, by hand."""
    male, age = (table["sex"] == "M").to_numpy(float), table["age"].to_numpy()
    litters = table["litter"].to_numpy()[:, None] == [1, 2, 3]
    herds = table["herd"].to_numpy()[:, None] == ["south", "west"]
    columns = {"sex[T.M]": male, "age": age, "sex[T.M]:age": male * age}
    columns |= {f"C(litter)[T.{k}]": litters[:, k - 1] for k in (1, 2, 3)}
    columns |= {f"herd[T.{name}]": herds[:, k] for k, name in enumerate(["south", "west"])}
    return pd.DataFrame(columns, dtype=float)


def test_fixed_effects_are_labelled(fitted):
    effects = fitted.fixed_effects_
    names = set(design(pd.DataFrame(columns=["age", "sex", "litter", "herd"])))
    assert set(effects.index) == names and len(effects) == 8
    responses = ["y", "omic_0", "omic_1", "omic_2"]
    assert list(effects) == [(r, s) for r in responses for s in ("mean", "sd")]
    of_y = ~effects.index.str.startswith("herd")
    of_omics = ~effects.index.str.startswith("C(litter)")
    assert_array_equal(effects["y", "mean"].notna(), of_y)
    assert_array_equal(effects["omic_1", "sd"].notna(), of_omics)
    assert_array_equal(effects["y", "mean"][of_y], fitted.covariate_effects_)
    draws = fitted.posterior_.draws["omics_covariate_effects"]
    names = fitted._fitted_columns.fixed["omics"].names
    assert set(names) == set(effects.index[of_omics])
    assert_allclose(effects["omic_2", "mean"][names], draws[..., 2].mean(axis=(0, 1)))
    assert_allclose(effects["omic_2", "sd"][names], draws[..., 2].std(axis=(0, 1)))
    labels = fitted.diagnostics_.index
    assert "covariate_effects[sex[T.M]:age]" in labels


def test_predictions_are_what_the_attributes_say(fitted, data, table):
    effects, columns = fitted.fixed_effects_, design(table)
    of_y = list(effects.index[effects["y", "mean"].notna()])
    C = columns[of_y].to_numpy()
    assert_allclose(fitted.covariates_mean_, C.mean(axis=0))
    nodes = (data.omics - fitted.omics_mean_) / fitted.omics_scale_
    expected = fitted.intercept_ + nodes @ fitted.omics_weights_ + data.X @ fitted.direct_effects_
    expected += (C - C.mean(axis=0)) @ fitted.covariate_effects_
    given = fitted.predict(data.X, data.omics, table)
    complete = (data.X >= 0).all(axis=1)
    assert_allclose(given[complete], expected[complete], rtol=1e-6)
    # A step in herd acts through the omics alone.
    moved = table.assign(herd="west")
    draws = fitted.posterior_.draws
    west = fitted._fitted_columns.fixed["omics"].names.index("herd[T.west]")
    through = draws["omics_covariate_effects"][..., west, :] / fitted.omics_scale_
    expected = (through * draws["omics_weights"]).sum(axis=-1).mean()
    difference = fitted.predict(data.X, covariates=moved) - fitted.predict(
        data.X, covariates=table.assign(herd="north")
    )
    assert_allclose(difference, expected, rtol=1e-5)


def test_a_row_is_predicted_by_itself(fitted, data, table):
    whole = fitted.predict(data.X, covariates=table)
    for rows in ([5], [41, 3]):
        some = fitted.predict(data.X[rows], covariates=table.iloc[rows])
        assert_array_equal(some, whole[rows])


def test_numbers_are_the_same_fit_by_name_by_formula_and_as_an_array(data, table, short):
    numbers = table[["age"]].assign(male=(table["sex"] == "M").astype(int))
    by_array = short().fit(data.X, data.y, data.gappy, numbers.to_numpy(float))
    by_name = short().fit(data.X, data.y, data.gappy, numbers)
    by_factor = short().fit(data.X, data.y, data.gappy, table[["age", "sex"]])
    by_formula = short(effects=[Fixed("age + sex")])
    by_formula.fit(data.X, data.y, data.gappy, table[["age", "sex"]])
    for model in (by_name, by_factor, by_formula):
        for name, draws in by_array.posterior_.draws.items():
            if isinstance(draws, np.ndarray):
                assert_array_equal(model.posterior_.draws[name], draws)


@pytest.mark.parametrize(
    "recode",
    [
        lambda t: t.assign(herd=pd.Categorical(t["herd"], ["west", "south", "north"])),
        lambda t: t.assign(age=t["age"] / 365 + 3),
    ],
    ids=["reference level", "units"],
)
def test_coding_does_not_matter_to_predictions(recode, data, table, short):
    variance = RRBLUP(scale=0.02, estimate_variance=False)
    draws = []
    for covariates, seed in ((table, 1), (recode(table), 2)):
        model = short(method=variance, n_iter=1600, burn_in=100, random_state=seed)
        model.set_params(effects=[Fixed("herd + age + herd:age")])
        model.fit(data.X, data.y, covariates=covariates[["herd", "age"]])
        effects = model.posterior_.draws["covariate_effects"][0]
        checked = model._check_predict_inputs(data.X, None, covariates[["herd", "age"]])
        C = checked.covariates["phenotype"] - model.covariates_mean_
        draws.append(effects @ C[[0, 1, 2, 30]].T)
    assert_same_distribution(*draws)


# --- refused, or warned of --------------------------------------------------------------------


def changed(table, row, **values):
    table = table.astype(object)
    for name, value in values.items():
        table.loc[row, name] = value
    return table


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sex": "unknown"}, r"'sex' has levels without data in fit: unknown \(rows 7\).*F, M"),
        ({"litter": 9}, r"'litter' has levels without data in fit: 9 \(rows 7\).*0, 1, 2, 3"),
        ({"herd": "east"}, r"'herd' has levels without data in fit: east.*Random\('herd'\)"),
        ({"age": np.nan}, r"covariates has NaN or infinity in age \(rows 7\)"),
        ({"herd": None}, r"covariates has NaN or infinity in herd \(rows 7\)"),
        ({"age": "old"}, "covariates column 'age' must be numeric"),
        ({"age": np.inf}, "covariates has NaN or infinity in age"),
    ],
)
def test_new_rows_that_cannot_be_coded_are_named(values, message, fitted, data, table):
    with pytest.raises(ValueError, match=message):
        fitted.predict(data.X, covariates=changed(table, 7, **values))


def test_a_level_of_candidates_alone_is_fitted_but_not_predicted(data, table, short):
    y = np.where(table["herd"] == "west", np.nan, data.y)
    model = short().fit(data.X, y, data.gappy, table[["herd"]])
    assert list(model.fixed_effects_.index) == ["herd[T.south]", "herd[T.west]"]
    assert np.isnan(model.fixed_effects_.loc["herd[T.west]", ("y", "mean")])
    with pytest.raises(ValueError, match="'herd' has levels without data in fit: west"):
        model.predict(data.X, covariates=table[["herd"]])


def test_text_where_fit_had_numbers(data, table, short):
    model = short().fit(data.X, data.y, covariates=table[["age"]])
    with pytest.raises(ValueError, match="'age' must be numeric, as in fit, but holds text"):
        model.predict(data.X, covariates=table[["age"]].assign(age="old"))


def test_collinear_and_constant_columns_are_named(data, table, short):
    both = table[["sex", "age"]].assign(
        male=table["sex"] == "M", months=table["age"] / 30, line="A", year=2026
    )
    with pytest.warns(UserWarning, match="covariates") as caught:
        model = short().fit(data.X, data.y, data.omics, both)
    messages = [str(warning.message) for warning in caught]
    (constant,) = (m for m in messages if "do not vary" in m)
    assert "line, year" in constant
    (collinear,) = (m for m in messages if "linear combinations" in m)
    assert "male[T.True] of sex[T.M]" in collinear and "months of age" in collinear
    # Standardised, they are the same column and take half of the effect each.
    effects = model.posterior_.draws["covariate_effects"][0]
    names = list(model.fixed_effects_.index)
    sex, age, male, months, year = (
        names.index(n) for n in ("sex[T.M]", "age", "male[T.True]", "months", "year")
    )
    assert_allclose(effects[:, sex], effects[:, male], rtol=1e-5)
    assert_allclose(effects[:, months], 30 * effects[:, age], rtol=1e-5)
    assert_allclose(effects[:, year], 0, atol=1e-9)


def test_dummies_of_all_levels_are_confounded_with_the_intercept(data, table, short):
    dummies = pd.get_dummies(table["herd"], dtype=float)
    with pytest.warns(UserWarning, match="covariates west are linear .*west of north and south"):
        short().fit(data.X, data.y, covariates=dummies)


def test_another_fit_does_not_continue(data, table, short):
    model = short(warm_start=True, effects=[Fixed("sex")]).fit(data.X, data.y, covariates=table)
    model.set_params(effects=[Fixed("sex * age")], n_iter=100)
    with pytest.raises(ValueError, match="effects"):
        model.fit(data.X, data.y, covariates=table)
