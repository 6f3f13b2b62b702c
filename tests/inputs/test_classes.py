"""What the y of a classifier may be, and what becomes of it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import DataConversionWarning

from sknnmm.inputs.classes import Classes

TWO = {
    "text": ["no", "yes", "no", "yes"],
    "text array": np.array(["no", "yes", "no", "yes"]),
    "integers": [0, 1, 0, 1],
    "other integers": [-1, 5, -1, 5],
    "booleans": [False, True, False, True],
    "floats": np.array([0.0, 1.0, 0.0, 1.0]),
    "categories": pd.Categorical(["no", "yes", "no", "yes"]),
    "nullable integers": pd.Series([0, 1, 0, 1], dtype="Int64"),
    "nullable booleans": pd.Series([False, True, False, True], dtype="boolean"),
    "nullable text": pd.Series(["no", "yes", "no", "yes"], dtype="string"),
    "a list of a frame": pd.DataFrame({"y": ["no", "yes", "no", "yes"]}),
}


@pytest.mark.parametrize("y", TWO.values(), ids=TWO)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_labels_of_any_kind(y):
    record = Classes(y, ordered=False).check(4, None)
    assert_array_equal(record.values, [0, 1, 0, 1])
    assert (record.location, record.scale) == (0, 1)
    first = y.iloc[0, 0] if isinstance(y, pd.DataFrame) else next(iter(y))
    assert record.classes[0] == first
    assert isinstance(record.classes.tolist()[0], type(np.asarray(first).item()))


MISSING = {
    "NaN among floats": [0.0, np.nan, 1.0, 1.0],
    "None among text": ["a", None, "b", "b"],
    "None among integers": np.array([3, None, 4, 4], object),
    "NA": pd.Series([0, pd.NA, 1, 1], dtype="Int64"),
    "NA among booleans": pd.Series([False, pd.NA, True, True], dtype="boolean"),
    "NA among objects": pd.Series(["a", pd.NA, "b", "b"], dtype=object),
    "NaN among whole categories": pd.Categorical([3, None, 4, 4]),
    "NaN among categories": pd.Categorical(["a", None, "b", "b"]),
    "NA among text": pd.Series(["a", None, "b", "b"], dtype="string"),
}


@pytest.mark.parametrize("y", MISSING.values(), ids=MISSING)
def test_missing_labels(y):
    record = Classes(y, ordered=False).check(4, None)
    assert_array_equal(record.values, [0, np.nan, 1, 1])
    assert len(record.classes) == 2


@pytest.mark.parametrize("kind", [list, pd.Categorical, lambda y: pd.Series(pd.Categorical(y))])
def test_numbers_beside_missing_ones_stay_numbers(kind):
    y = kind(np.array([3, None, 4, 4], object))
    assert Classes(y, ordered=False).check(4, None).classes.dtype.kind == "i"


def test_weight_zero_is_a_missing_label():
    record = Classes([2, 0, 1, 0], ordered=False).check(4, np.array([0, 1.0, 1.0, 2.0]))
    assert_array_equal(record.values, [np.nan, 0, 1, 0])


def test_the_order_of_classes():
    grades = ["b", "a", "c", "b"]
    with pytest.warns(UserWarning, match="a < b < c"):
        assert list(Classes(grades, ordered=True).check(4, None).classes) == ["a", "b", "c"]
    ordered = pd.Categorical(grades, ["c", "a", "b"], ordered=True)
    with pytest.warns(UserWarning, match="in the order of the categories.*sorted labels"):
        record = Classes(ordered, ordered=False).check(4, None)
    assert list(record.classes) == ["c", "a", "b"]
    assert_array_equal(record.values, [2, 1, 0, 2])
    with pytest.warns(
        UserWarning, match="order of the categories"
    ):  # though not of an ordered type
        record = Classes(pd.Series(ordered).cat.as_unordered(), ordered=True).check(4, None)
    assert list(record.classes) == ["c", "a", "b"]


def test_classes_without_records_are_left_out():
    y = pd.Categorical([0, 2, 2, 5], [0, 1, 2, 5, 7], ordered=True)
    with pytest.warns(UserWarning, match="in the classes 1, 7: they are left out"):
        record = Classes(y, ordered=False).check(4, None)
    assert_array_equal(record.classes, [0, 2, 5])
    assert_array_equal(record.values, [0, 1, 1, 2])


def test_a_column_is_ravelled():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        record = Classes(np.array([["a"], ["b"]]), ordered=False).check(2, None)
    assert_array_equal(record.values, [0, 1])


INVALID = {
    "None": (None, "y is None"),
    "one class": (["a", "a", "a", "a"], "y has one class only, a:.*stratify"),
    "one class is left": ([1, np.nan, 1, 1], "y has one class only"),
    "missing": ([np.nan] * 4, "no observed value"),
    "three without an order": (
        ["a", "b", "c", "a"],
        "Only binary.*3: a, b, c.*OneVsRestClassifier",
    ),
    "measurements": ([0.5, 1.5, 0.1, 2.0], "Unknown label type: continuous.*NNMMRegressor"),
    "infinite": ([0, 1, np.inf, 1], "y contains infinity"),
    "mixed": (np.array(["a", 1, "a", 1], object), "mixes labels of different types"),
    "two columns": (np.zeros((4, 2)), "y should be a 1d array"),
    "short": (["a", "b"], "y has 2 values but X has 4"),
    "bytes": ([b"a", b"b", b"a", b"b"], "no numbers, text or booleans, as b'a': make text"),
    "pairs": (pd.Series([("a", 1), ("b", 2)] * 2), r"as \('a', 1\): make text"),
    "intervals": (
        pd.cut([1, 2, 3, 4], 2),
        r"as Interval.*rename_categories\(str\) keeps the order",
    ),
    "complex": ([1j, 0, 1j, 0], "Complex data not supported"),
}


@pytest.mark.parametrize(("y", "message"), INVALID.values(), ids=INVALID)
def test_what_is_refused(y, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Classes(y, ordered=False).check(4, None)


def test_intervals_named_by_text_keep_their_order():
    years = pd.Series(pd.cut([9, 11, 1, 2], [0, 5, 10, 15])).cat.rename_categories(str)
    with pytest.warns(UserWarning, match="in the order of the categories"):
        record = Classes(years, ordered=False).check(4, None)
    assert list(record.classes) == ["(0, 5]", "(5, 10]", "(10, 15]"]
    assert_array_equal(record.values, [1, 2, 0, 0])


def test_the_order_of_labels_that_are_text_is_said():
    y = np.array(["easy", "assisted", "hard"] * 4)
    with pytest.warns(UserWarning, match="assisted < easy < hard"):
        record = Classes(y, ordered=True).check(12, None)
    assert list(record.classes) == ["assisted", "easy", "hard"]
