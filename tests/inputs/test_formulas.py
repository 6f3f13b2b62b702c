"""Formulas of fixed effects: their columns, in fit and later, and the code that they may hold."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknnmm.effects import Fixed
from sknnmm.inputs.covariates import check_covariates
from sknnmm.inputs.formulas import FormulaColumns
from tests.inputs.test_covariates import designs

N = 30
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "sex": np.array(["F", "M"])[np.arange(N) % 2],
        "age": RNG.normal(50, 10, N),
        "litter": np.arange(N) % 3 + 1,
        "Body weight": RNG.uniform(5, 9, N),
        "Biochem.Age": RNG.normal(size=N),
    }
)
M, AGE = (TABLE["sex"] == "M").to_numpy(float), TABLE["age"].to_numpy()
SECOND, THIRD = ((TABLE["litter"] == k).to_numpy(float) for k in (2, 3))
WEIGHT = TABLE["Body weight"].to_numpy()
CASES = {
    "sex * age": (["sex[T.M]", "age", "sex[T.M]:age"], [M, AGE, M * AGE]),
    "~ sex + age:sex": (["sex[T.M]", "age:sex[F]", "age:sex[M]"], [M, AGE * (1 - M), AGE * M]),
    "C(litter)": (["C(litter)[T.2]", "C(litter)[T.3]"], [SECOND, THIRD]),
    "0 + C(litter)": (["C(litter)[T.2]", "C(litter)[T.3]"], [SECOND, THIRD]),
    "litter": (["litter"], [TABLE["litter"].to_numpy(float)]),
    "C(sex, contr.sum)": (["C(sex, contr.sum)[S.F]"], [1 - 2 * M]),
    "C(sex, Treatment('M'))": (["C(sex, Treatment('M'))[T.F]"], [1 - M]),
    "Body weight": (["Body weight"], [WEIGHT]),
    "log(`Body weight`)": (["log(`Body weight`)"], [np.log(WEIGHT)]),
    "np.sqrt(`Body weight`) + {age**2}": (
        ["np.sqrt(`Body weight`)", "age ** 2"],
        [np.sqrt(WEIGHT), AGE**2],
    ),
    "center(age)": (["center(age)"], [AGE - AGE.mean()]),
    "Biochem.Age": (["Biochem.Age"], [TABLE["Biochem.Age"].to_numpy()]),
}


@pytest.mark.parametrize("formula", CASES)
def test_columns_of_a_formula(formula):
    names, columns = CASES[formula]
    fixed, values = designs(TABLE, [Fixed(formula)])
    q = len(names)
    for layer in ("phenotype", "omics"):
        assert fixed[layer].names[-q:] == names
        assert_allclose(values[layer][:, -q:], np.column_stack(columns), rtol=1e-12)


FLEXIBLE = [
    "bs(age, df=4)",
    "cs(age, df=3) + sex:center(age)",
    "poly(age, 2) + scale(age)",
    "standardize(age) * C(litter, Helmert)",
]


@pytest.mark.parametrize("formula", FLEXIBLE)
def test_new_rows_are_as_in_fit_each_by_itself(formula):
    fixed, values = designs(TABLE, [Fixed(formula)])
    again = pickle.loads(pickle.dumps(fixed["omics"]))
    for rows in ([4], [7, 5, 6], range(N)):
        some = TABLE.iloc[list(rows)]
        assert_array_equal(
            again.values(check_covariates(some, len(some)), len(some)), values["omics"][rows]
        )


def test_a_cubic_spline_spans_the_cubic_polynomials():
    _, values = designs(TABLE[["age"]], [Fixed("bs(age, df=5)")])
    design = np.column_stack([np.ones(N), values["phenotype"]])
    assert np.linalg.matrix_rank(design) == 6
    cubic = ((AGE - 50) / 10) ** 3
    fitted = design @ np.linalg.lstsq(design, cubic, rcond=None)[0]
    assert_allclose(fitted, cubic, atol=1e-9)


def test_terms_of_a_layer_are_coded_together():
    effects = [Fixed("age"), Fixed("sex:age"), Fixed("C(litter)", layer="omics")]
    fixed, _ = designs(TABLE[["sex", "age", "litter"]], effects)
    assert fixed["phenotype"].names == ["age", "sex[T.M]:age"]
    assert set(fixed["omics"].names) - set(fixed["phenotype"].names) == {
        "C(litter)[T.2]",
        "C(litter)[T.3]",
    }


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').system('true')",
        "age.__class__",
        "(lambda: age)()",
        "I([a for a in age])",
        "open('file')",
        "np.load('file')",
        "np.add.reduce(age)",
        "age[0]",
        "lag(age)",
        "hashed(sex)",
        "C(age, _state={})",
        "contr.__init__(age)",
        "I(f'{age}')",
        "log(*age)",
        "I(x := age)",
    ],
)
def test_other_code_is_refused(code):
    with pytest.raises(ValueError, match="Fixed"):
        designs(TABLE, [Fixed(code)])
    table = TABLE[["age", "sex"]]
    with pytest.raises(ValueError, match="Fixed"):  # as from a file that was tampered with
        FormulaColumns(f"1 + {code}", ["x"]).values(table)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("sex +* age", "is no formula"),
        ("age ~ sex", "right-hand side"),
        ("sex + weight", r"names weight, which covariates lacks; its columns are sex, age, litter"),
        ("log(weight)", "names weight, which covariates lacks"),
        ("log(0 * age)", r"log\(0 \* age\) is NaN or infinite in rows 0, 1"),
        ("log(sex)", "cannot be evaluated"),
        ("bs(age, df=1)", "cannot be evaluated.*df"),
    ],
)
def test_bad_formulas_are_named(formula, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        designs(TABLE, [Fixed(formula)])
