"""Figures of a classifier: they show its liability."""

import numpy as np
import pytest

from sknnmm import NNMMClassifier
from sknnmm.mediation import omics_table
from sknnmm.plotting import (
    MediationDisplay,
    NetworkDisplay,
    PredictionDisplay,
    TraceDisplay,
    VariancePartitionDisplay,
)
from tests.helpers.association import SHORT, small_data


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_figures_of_a_classifier_are_those_of_its_liability():
    X, y, omics = small_data()
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    model = NNMMClassifier(ordered=True, **SHORT).fit(X, classes, omics=omics)
    bars = MediationDisplay.from_estimator(model).bars_
    shares = omics_table(model).set_index("path")["genetic_share"]
    np.testing.assert_allclose(
        [bar.get_width() for bar in bars[:2]], shares[["mediated", "direct"]]
    )
    components = model.variance_components_.loc["phenotype", "y"]
    drawn = VariancePartitionDisplay.from_estimator(model, y_name="liability").bars_
    widths = {term: bars[0].get_width() for term, bars in drawn.items()}
    assert widths == pytest.approx(components["share"].to_dict())
    assert components.loc["residual", "mean"] == 1
    traces = TraceDisplay.from_estimator(model, ["thresholds[1|2]", "heritability"])
    assert traces.ax_.shape == (2, 2)
    assert NetworkDisplay.from_estimator(model, X).figure_.axes
    with pytest.raises(TypeError, match=r"NNMMClassifier predicts classes: use CalibrationDisplay"):
        PredictionDisplay.from_estimator(model, X, classes, omics=omics)
