"""What covariates must be at fit."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from sknnmm.inputs.covariate_terms import check_terms
from sknnmm.inputs.covariates import check_covariates
from sknnmm.inputs.fixed_columns import check_fixed
from tests.helpers.inputs import assert_refused, change, frame

INVALID = {
    "covariates missing": (
        dict(covariates=lambda d: change(d.covariates, (5, 1), np.nan)),
        "covariates has NaN or infinity in covariate_1.*impute.*or drop",
    ),
    "covariates infinite": (
        dict(covariates=lambda d: frame(change(d.covariates, (5, 1), np.inf), "uv")),
        "covariates has NaN or infinity in v.*impute.*or drop",
    ),
    "covariates rows": (
        dict(covariates=lambda d: d.covariates[1:]),
        "covariates has 79 rows but X has 80 samples",
    ),
    "covariates dates": (
        dict(covariates=lambda d: frame([[pd.Timestamp("2026-01-01")]] * 80, ["born"])),
        "covariates column 'born' holds date values: .* make numbers",
    ),
    "covariates of several kinds in a column": (
        dict(covariates=lambda d: frame([["F"], [1]] * 40, ["sex"])),
        "covariates column 'sex' must be numeric, but holds values of type str",
    ),
    "an array of text": (
        dict(covariates=lambda d: np.array([["F", 50.5]] * 80)),
        "covariates is an array of text.*pass a DataFrame",
    ),
    "a column per record": (
        dict(covariates=lambda d: np.eye(80)[:, :79]),
        "79 independent columns besides the intercept.*80 rows with y: nothing is left",
    ),
    "a level per record": (
        dict(covariates=lambda d: frame([[f"animal {i}"] for i in range(80)], ["id"])),
        r"79 independent columns.*id\[T.animal 1\].*Random",
    ),
}


@pytest.mark.parametrize(("changes", "message"), INVALID.values(), ids=INVALID)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_covariates(changes, message, data, short):
    assert_refused(short(), data, changes, message)


# --- columns of every kind --------------------------------------------------------------------

TABLE = pd.DataFrame(
    {
        "sex": ["F", "M", "M", "F", "M", "F"],
        "treated": [True, False, False, True, True, False],
        "herd": pd.Categorical(list("baabcb"), categories=["c", "b", "a", "none"]),
        "age": [50, 61, 47, 58, 66, 43],
        "weight": [7.5, 8.25, 6.0, 9.5, 7.0, 8.0],
    }
)
NAMES = ["sex[T.M]", "treated[T.True]", "herd[T.b]", "herd[T.a]", "age", "weight"]
DESIGN = np.array(
    [
        [0, 1, 1, 0, 50, 7.5],
        [1, 0, 0, 1, 61, 8.25],
        [1, 0, 0, 1, 47, 6],
        [0, 1, 1, 0, 58, 9.5],
        [1, 1, 0, 0, 66, 7],
        [0, 0, 1, 0, 43, 8],
    ]
)


def designs(table, effects=None, observed=None):
    """Return the FixedColumns and the design matrices of both layers."""
    observed = np.ones(len(table), bool) if observed is None else observed
    covariates = check_covariates(table, len(table))
    terms, plain = check_terms(effects, covariates, n_nodes=1)
    return check_fixed(terms, plain, covariates, observed)


KINDS = {
    "pandas": lambda t: t,
    "convert_dtypes": lambda t: t.convert_dtypes(),
    "objects": lambda t: t.astype({"sex": object, "treated": object, "age": object}),
    "categories": lambda t: t.astype({"sex": "category", "treated": "category"}),
    "float32 and int8": lambda t: t.astype({"weight": np.float32, "age": np.int8}),
    "Arrow dtypes": lambda t: t.astype(
        {"sex": "string[pyarrow]", "treated": "bool[pyarrow]", "age": "int32[pyarrow]"}
    ),
    "polars": lambda t: pl.from_pandas(t).cast({"herd": pl.Enum(["c", "b", "a", "none"])}),
    "Arrow table": lambda t: pa.Table.from_pandas(t, preserve_index=False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_has_the_same_design(kind):
    fixed, values = designs(KINDS[kind](TABLE))
    for layer in ("phenotype", "omics"):
        assert fixed[layer].names == NAMES
        assert_array_equal(values[layer], DESIGN)
        assert fixed[layer].factors["herd"] == ["c", "b", "a"]


def test_unordered_categories_of_polars_are_sorted():
    """They have the order in which the program saw them first, which says nothing."""
    pl.Series(["z", "c", "b", "a"], dtype=pl.Categorical)
    fixed, _ = designs(pl.from_pandas(TABLE[["herd"]]))
    assert fixed["omics"].names == ["herd[T.b]", "herd[T.c]"]


def test_arrays_and_lists_have_factors_where_they_hold_text():
    fixed, values = designs(TABLE[["sex", "age"]].to_numpy(object))
    assert fixed["omics"].names == ["covariate_0[T.M]", "covariate_1"]
    assert_array_equal(values["omics"], DESIGN[:, [0, 4]])
    fixed, values = designs(TABLE[["sex", "age"]].to_numpy().tolist())
    assert fixed["omics"].names == ["covariate_0[T.M]", "covariate_1"]
    assert_array_equal(values["omics"], DESIGN[:, [0, 4]])
    fixed, values = designs(TABLE[["treated"]].to_numpy())
    assert fixed["omics"].names == ["covariate_0"]
    assert_array_equal(values["omics"], DESIGN[:, [1]])


def test_missing_values_of_factors_are_missing_in_all_of_their_columns():
    table = TABLE.convert_dtypes()
    table.loc[2, ["sex", "herd", "age"]] = None
    observed = np.arange(6) != 2
    _, values = designs(table, observed=observed)
    assert_array_equal(np.isnan(values["omics"][2]), [True, False, True, True, True, False])
    assert_array_equal(values["omics"][observed], DESIGN[observed])
    with pytest.raises(ValueError, match=r"sex, herd, age \(rows 2\).*where y is observed"):
        designs(table)


def test_levels_of_the_phenotype_are_those_with_a_record():
    """A level of candidates alone has an effect on their omics; on y none can be known."""
    observed = TABLE["herd"].to_numpy() != "a"
    fixed, values = designs(TABLE[["herd"]], observed=observed)
    assert fixed["phenotype"].names == ["herd[T.b]"] and fixed["omics"].names == NAMES[2:4]
    assert np.isnan(values["phenotype"][~observed]).all()
    assert not np.isnan(values["omics"]).any()
