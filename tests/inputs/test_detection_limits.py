"""Detection limits as users pass them: their forms, and what contradicts them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknnmm.inputs.detection_limits import check_below, resolve_limits

NAMES = np.array(["lactate", "glucose", "urea"], dtype=object)
EXPECTED = [np.nan, 0.5, np.nan]


@pytest.mark.parametrize(
    "limits",
    [
        {"glucose": 0.5},
        {1: 0.5},
        {"urea": None, "glucose": 0.5},
        pd.Series({"glucose": 0.5, "lactate": -np.inf}),
        [np.nan, 0.5, -np.inf],
        np.array([[np.nan], [0.5], [np.nan]]),
    ],
    ids=repr,
)
def test_every_form_of_limits(limits):
    assert_array_equal(resolve_limits(limits, NAMES), EXPECTED)


def test_no_limits():
    assert_array_equal(resolve_limits(None, NAMES), [np.nan] * 3)
    assert_array_equal(resolve_limits({}, NAMES), [np.nan] * 3)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"glucos": 0.5}, "detection_limits names glucos, but the omics are lactate"),
        ({3: 0.5}, "detection_limits has the omic position 3"),
        ({"glucose": "low"}, "detection_limits must be numeric"),
        ([0.5, 0.5], "detection_limits has 2 limits but there are 3 omics"),
        ([0.5, np.inf, 0], "detection_limits has an infinite limit of glucose"),
        (pd.Series([1.0, 2.0], ["urea", "urea"]), "detection_limits has 1 duplicated omic"),
    ],
)
def test_limits_that_cannot_be_are_refused(limits, message):
    with pytest.raises((ValueError, TypeError), match=message):
        resolve_limits(limits, NAMES)


def test_cells_below_no_limit_are_refused_by_name():
    omics = np.array([[1.0, -np.inf, -np.inf], [2.0, 3.0, 4.0]])
    with pytest.raises(ValueError, match=r"omics has -inf, .* in urea, of which detection_limits"):
        check_below(omics, np.array(EXPECTED), NAMES)


def test_measured_values_below_a_limit_are_a_warning():
    omics = np.array([[1.0, 0.4, 3.0], [1.0, -np.inf, 3.0], [1.0, 0.3, 3.0], [1.0, 0.5, 3.0]])
    for rows, values in ((4, "2 values"), (2, "1 value")):
        message = f"omics has {values} below the limits in detection_limits, of glucose. Such"
        with pytest.warns(UserWarning, match=message):
            check_below(omics[:rows], np.array(EXPECTED), NAMES)


def test_a_fit_checks_before_it_samples(data, short, no_sampling):
    omics = data.omics.copy()
    omics[3, 1] = -np.inf
    with pytest.raises(ValueError, match="in omic_1, of which"):
        short().fit(data.X, data.y, omics=omics)
    omics[3, 1] = np.inf
    with pytest.raises(ValueError, match="omics contains infinity"):
        short(detection_limits=[0.0, 0.0, 0.0]).fit(data.X, data.y, omics=omics)


def test_one_number_is_no_limit_of_each_omic():
    with pytest.raises(ValueError, match="detection_limits are those of omics, but there are none"):
        resolve_limits({"glucose": 1.0}, np.array([], object))
    with pytest.raises(TypeError, match="detection_limits is 0.5: pass one limit for each omic"):
        resolve_limits(0.5, np.array(["urea", "glucose"]))
