"""One rule for what is constant, in any unit."""

import numpy as np
import pytest

from sknnmm.common.constant import is_constant, mean_and_sd, varies


@pytest.mark.parametrize("unit", [1e-300, 1e-20, 1, 1e20, 1e300])
def test_rounding_is_no_variation(unit):
    equal = np.full(7, 0.1) * 3 * unit  # their computed SD need not be zero
    assert not varies(equal)
    equal[3] = np.nextafter(equal[3], np.inf)
    assert not varies(equal)
    equal[3] *= 1 + 1e-9
    assert varies(equal)


def test_columns_are_judged_by_themselves():
    spread, largest = np.array([0, 1e-12, 1e-11, 1e-11]), np.array([0, 1, 1, 1e2])
    np.testing.assert_array_equal(is_constant(spread, largest), [True, True, False, True])


def test_columns_without_values_have_mean_and_sd_zero():
    values = np.column_stack([np.full(4, np.nan), [1, np.nan, 3, np.nan], np.full(4, 0.1)])
    mean, sd = mean_and_sd(values)
    np.testing.assert_array_equal(mean, [0, 2, 0.1])
    np.testing.assert_array_equal(sd, [0, 1, 0])
