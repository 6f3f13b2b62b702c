"""Labelled inputs of other individuals, or of the same in another order, are refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknnmm.io import align
from sknnmm.metrics import (
    neg_absolute_bias_scorer,
    neg_absolute_dispersion_error_scorer,
    prediction_bias,
    prediction_dispersion,
    predictive_correlation,
    predictive_correlation_scorer,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def tables(data):
    ids = [f"animal{i}" for i in range(80)]
    return {
        "X": pd.DataFrame(data.X, ids, [f"rs{j}" for j in range(24)]),
        "y": pd.Series(data.y, ids),
        "omics": pd.DataFrame(data.gappy, ids, list("abc")),
        "covariates": pd.DataFrame(data.covariates, ids, ["age", "sex"]),
        "sample_weight": pd.Series(np.linspace(1, 2, 80), ids),
    }


@pytest.fixture(scope="module")
def fitted(tables, short):
    return short().fit(**tables)


@pytest.mark.parametrize("argument", ["y", "omics", "covariates", "sample_weight"])
@pytest.mark.usefixtures("no_sampling")
def test_fit_and_score_refuse_another_order(fitted, tables, short, argument):
    shuffled = tables | {argument: tables[argument].iloc[::-1]}
    message = f"{argument} and X have different indexes.*Align"
    with pytest.raises(ValueError, match=message):
        short().fit(**shuffled)
    with pytest.raises(ValueError, match=message):
        fitted.score(**shuffled)


@pytest.mark.parametrize(
    "scorer",
    [
        predictive_correlation_scorer,
        neg_absolute_bias_scorer,
        neg_absolute_dispersion_error_scorer,
    ],
)
@pytest.mark.parametrize("argument", ["y", "omics", "covariates"])
def test_scorers_refuse_another_order(fitted, tables, scorer, argument):
    given = {name: table for name, table in tables.items() if name != "sample_weight"}
    assert np.isfinite(scorer(fitted, **given))
    with pytest.raises(ValueError, match=f"{argument} and X have different indexes"):
        scorer(fitted, **given | {argument: given[argument].iloc[::-1]})


@pytest.mark.parametrize(
    ("metric", "best"),
    [(predictive_correlation, 1), (prediction_bias, 0), (prediction_dispersion, 1)],
)
def test_metrics_refuse_another_order(tables, metric, best):
    y = tables["y"]
    assert metric(y, y.to_numpy()) == pytest.approx(best)
    with pytest.raises(ValueError, match="y_pred and y_true have different indexes"):
        metric(y, y.iloc[::-1])


@pytest.mark.parametrize("argument", ["y", "omics", "covariates", "sample_weight"])
def test_other_lengths_point_to_align(tables, short, argument):
    arrays = {name: table.to_numpy() for name, table in tables.items()}
    with pytest.raises(ValueError, match=rf"{argument} has 79 .*sknnmm\.io\.align"):
        short().fit(**arrays | {argument: arrays[argument][1:]})
    assert callable(align)


def test_a_candidate_without_phenotype_and_covariates_is_kept(tables, short):
    y, covariates = tables["y"].copy(), tables["covariates"].copy()
    y.iloc[[3, 7]] = np.nan
    given = tables | {"y": y}
    known = short().fit(**given)
    covariates.iloc[3, 1] = np.nan
    model = short().fit(**given | {"covariates": covariates})
    assert np.isfinite(model.predict(tables["X"], covariates=tables["covariates"])).all()
    observed = tables["omics"].notna().to_numpy()
    assert_array_equal(model.omics_imputed_[observed], tables["omics"].to_numpy()[observed])
    assert np.isfinite(model.omics_imputed_).all()
    # It informs nothing: as if it had no omics either. Candidate 7, which has covariates, does.
    uninformed = tables["omics"].copy()
    uninformed.iloc[3] = np.nan
    without = short().fit(**given | {"omics": uninformed, "covariates": covariates})
    assert_array_equal(model.coef_, without.coef_)
    assert (known.coef_ != model.coef_).any()
    with pytest.raises(ValueError, match=r"NaN or infinity in sex.*where y is observed"):
        short().fit(**tables | {"covariates": covariates})
