"""What is passed to fit and predict, checked once and frozen."""

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknnmm.inputs import genotypes
from sknnmm.inputs.fit_inputs import check_fit_inputs
from sknnmm.inputs.phenotype import Phenotype
from sknnmm.inputs.predict_inputs import check_predict_inputs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def frame(data):
    """Return genotypes and omics in one table, an omic between the SNPs."""
    table = pd.DataFrame(data.X, columns=[f"rs{j}" for j in range(24)])
    table.insert(5, "HDL", data.gappy[:, 0])
    table["LDL"] = data.gappy[:, 1]
    return table


def test_inputs_of_a_fit_are_frozen_and_the_estimator_is_as_it_was(data, frame, short):
    model = short(omics_features=["HDL", "LDL"])
    before = dict(vars(model))
    inputs = check_fit_inputs(
        model, frame, Phenotype(data.y), None, data.covariates, None, np.float32
    )
    assert vars(model) == before
    assert inputs.n_features == 26 and list(inputs.feature_names) == list(frame)
    assert_array_equal(inputs.positions["omics"], [5, 25])
    assert list(inputs.snp_names) == [f"rs{j}" for j in range(24)]
    assert list(inputs.node_names) == ["HDL", "LDL"]
    assert_array_equal(inputs.omics, data.gappy[:, :2])
    assert_array_equal(inputs.genotypes.dosages, np.maximum(data.X, -1))
    with pytest.raises(FrozenInstanceError):
        inputs.y = data.y


def test_what_predict_compares_with(data, short):
    constant = np.column_stack([data.gappy[:, 0], np.full(80, 5.0)])
    with pytest.warns(UserWarning, match="1 column without variance"):
        inputs = check_fit_inputs(
            short(), data.X, Phenotype(data.y), constant, None, None, np.float32
        )
    fitted = inputs.fitted_columns(is_network=False)
    assert_array_equal(fitted.omics_idle, [False, True])
    assert_array_equal(inputs.fitted_columns(is_network=True).omics_idle, [False, False])
    assert fitted.omics_low[0] == np.nanmin(data.gappy[:, 0])
    assert fitted.omics_high[0] == np.nanmax(data.gappy[:, 0])
    given = constant[:3] + np.array([0, 7])  # of an idle omic nothing is read
    checked = check_predict_inputs(short(), fitted, data.X[:3], given, None)
    assert_array_equal(checked.omics, np.column_stack([data.gappy[:3, 0], [5, 5, 5]]))
    assert checked.covariates["phenotype"].shape == checked.covariates["omics"].shape == (3, 0)
    assert checked.dosages.dtype == np.int8


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64])
def test_the_range_of_X_is_taken_once(dtype, data, short, monkeypatch):
    taken = []
    column_range = genotypes.column_range

    def counted(X):
        taken.append(X.shape)
        return column_range(X)

    monkeypatch.setattr(genotypes, "column_range", counted)
    X = np.maximum(data.X, 0).astype(dtype)
    model = short().fit(X, data.y, omics=data.gappy)
    assert taken == [(80, 24)]
    model.score(X[:9], data.y[:9], omics=data.gappy[:9])
    assert taken == [(80, 24), (9, 24)]


def test_floating_columns_that_differ_by_rounding_alone_have_effect_zero(data, short):
    X = np.maximum(data.X, 0) * 0.9
    X[:, 2] = 0.3
    X[::2, 2] = np.nextafter(0.3, 1)
    model = short(precision="double", method="RR-BLUP")
    with pytest.warns(UserWarning, match=r"X has 1 column without variance \(2\)"):
        model.fit(X, data.y)
    assert model.direct_effects_[2] == 0 and np.count_nonzero(model.direct_effects_) == 23


def test_names_go_with_the_fit(data, frame, short):
    model = short().fit(frame.drop(columns=["HDL", "LDL"]), data.y)
    assert list(model.feature_names_in_) == [f"rs{j}" for j in range(24)]
    model.fit(data.X[:, :7], data.y)
    assert not hasattr(model, "feature_names_in_") and model.n_features_in_ == 7
