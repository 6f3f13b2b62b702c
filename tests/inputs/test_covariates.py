"""What covariates must be at fit."""

import numpy as np
import pytest

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
    "covariates text": (
        dict(covariates=lambda d: frame([["F"], ["M"]] * 40, ["sex"])),
        "covariates must be a numeric table.*code categories",
    ),
}


@pytest.mark.parametrize(("changes", "message"), INVALID.values(), ids=INVALID)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_covariates(changes, message, data, short):
    assert_refused(short(), data, changes, message)
