"""What X must be at fit; SNPs without variance."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from tests.helpers.inputs import assert_refused, change, frame

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


INVALID = {
    "X infinite": (dict(X=lambda d: change(d.X, (0, 0), np.inf)), "X contains infinity; use NaN"),
    "X vector": (dict(X=lambda d: d.X[:, 0]), "Expected 2D array"),
    "X same names": (
        dict(X=lambda d: frame(d.X, ["rs1"] * 24)),
        r"X has 1 duplicated column name \(rs1\). Rename",
    ),
    "X constant": (dict(X=lambda d: np.ones_like(d.X)), "X has no column with variance"),
    "X all missing": (dict(X=lambda d: np.full((80, 24), np.nan)), "X has no column with var"),
}


@pytest.mark.parametrize(("changes", "message"), INVALID.values(), ids=INVALID)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_genotypes(changes, message, data, short):
    assert_refused(short(), data, changes, message)


@pytest.mark.parametrize("method", ["BayesC", "RR-BLUP"])
def test_snps_without_variance_have_no_effect(method, data, short):
    X = change(data.X, (slice(None), [2, 7]), [1, -1], np.int8)  # one constant, one all missing
    with pytest.warns(UserWarning, match=r"X has 2 columns without variance \(2, 7\)") as caught:
        model = short(method=method).fit(X, data.y, omics=data.omics)
    assert len([w for w in caught if "without variance" in str(w.message)]) == 1
    assert caught[0].filename == __file__
    for name in ("snp_effects", "direct_effects", "snp_effects_std", "direct_effects_std"):
        effects = getattr(model, f"{name}_")
        assert_array_equal(effects[[2, 7]], 0)
        assert np.mean(np.delete(effects, [2, 7], axis=0) != 0) > 0.9
    for inclusion in (model.inclusion_probability_, model.direct_inclusion_probability_):
        assert_array_equal(inclusion[[2, 7]], 0)
    assert_array_equal(model.coef_[[2, 7]], 0)


def test_rows_without_genotypes_hint_at_a_pedigree(data, short):
    """Once, in the fit; single gaps are no reason."""
    X = data.X.astype(float)
    X[X < 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        short().fit(X, data.y)
    X[[3, 7]] = np.nan
    with pytest.warns(UserWarning, match=r"2 rows without any genotype .3, 7.*PedigreeImputer"):
        fitted = short().fit(X, data.y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(X)
