"""Between which values a record puts the response."""

import numpy as np
from numpy.testing import assert_array_equal

from sknnmm.families import Censored, Gaussian, Ordinal


def test_ends_of_classes_are_the_thresholds_of_each_draw():
    thresholds = np.array([[0.0, 1.0], [0.0, 3.0]])
    record = np.array([[2.0], [0.0], [1.0]])
    lower, upper = Ordinal().ends(record, None, {"thresholds": thresholds}.get)
    assert_array_equal(lower[:, :, 0], [[1, 3], [-np.inf, -np.inf], [0, 0]])
    assert_array_equal(upper[:, :, 0], [[np.inf, np.inf], [0, 0], [1, 3]])


def test_ends_of_measurements_and_intervals_are_the_record_in_every_draw():
    record, upper = np.array([[1.0], [-np.inf]]), np.array([[1.0], [2.0]])
    for family in (Gaussian(), Censored()):
        for found, expected in zip(family.ends(record, upper, None), (record, upper), strict=True):
            assert_array_equal(found, expected[:, None])
    lower, above = Gaussian().ends(record, None, None)
    assert_array_equal(lower, above)
