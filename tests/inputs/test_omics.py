"""What omics must be at fit."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from tests.helpers.inputs import assert_refused, change, frame

INVALID = {
    "omics unobserved": (
        dict(omics=lambda d: np.full((80, 2), np.nan)),
        "omics has no column with variance.*Leave omics out, or use n_latent",
    ),
    "omics constant or observed once": (
        dict(omics=lambda d: np.column_stack([np.full(80, 0.1), [1] + [np.nan] * 79])),
        "omics has no column with variance over at least two observed values",
    ),
    "omics same names": (
        dict(omics=lambda d: frame(d.omics, "aba")),
        r"omics has 1 duplicated column name \(a\). Rename",
    ),
    "omics rows": (
        dict(omics=lambda d: d.omics[1:]),
        "omics has 79 rows but X has 80 samples: rows must be",
    ),
    "omics infinite": (
        dict(omics=lambda d: change(d.omics, (0, 0), np.inf)),
        "omics contains infinity; use NaN",
    ),
    "omics vector": (dict(omics=lambda d: d.omics[:, 0]), "omics must have two dim.*reshape"),
    "omics series": (dict(omics=lambda d: pd.Series(d.y)), "omics must have two dim.*to_frame"),
    "omics text": (dict(omics=lambda d: [["a"]] * 80), "omics must be a numeric table"),
    "omics sparse": (dict(omics=lambda d: csr_array(d.omics)), "omics must be a numeric table"),
    "omics mixed names": (
        dict(omics=lambda d: frame(d.omics, ["a", 1, 2])),
        "omics must be a numeric table",
    ),
}


@pytest.mark.parametrize(("changes", "message"), INVALID.values(), ids=INVALID)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_omics(changes, message, data, short):
    assert_refused(short(), data, changes, message)


@pytest.mark.usefixtures("no_sampling")
def test_omic_named_like_a_latent_node(data, short):
    omics = frame(data.omics, ["a", "b", "latent_0"])
    with pytest.raises(ValueError, match="omics .*latent_0"):
        short(n_latent=1).fit(data.X, data.y, omics)
