"""What is predicted of a trait and how predictions are scored, by its family."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from sknnmm.estimators.classifier import NNMMClassifier
from sknnmm.estimators.regressor import NNMMRegressor
from sknnmm.metrics import prediction_bias, prediction_dispersion, predictive_correlation

Network = NNMMRegressor | NNMMClassifier
PROBABILITY = "probability_{}".format  # of a class, the name of its column


def predictions(
    network: Network,
    X: pd.DataFrame,
    omics: pd.DataFrame | None,
    covariates: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return a row for each individual: mean and SD, or class, liability and probabilities."""
    if isinstance(network, NNMMRegressor):
        mean, sd = network.predict(X, omics, covariates, return_std=True)
        return pd.DataFrame({"predicted": mean, "sd": sd}, index=X.index)
    probabilities = network.predict_proba(X, omics, covariates)
    of_classes = zip(map(PROBABILITY, network.classes_), probabilities.T, strict=True)
    return pd.DataFrame(
        {
            "predicted": network.classes_[probabilities.argmax(axis=1)],
            "liability": network.decision_function(X, omics, covariates),
            **dict(of_classes),
        },
        index=X.index,
    )


def scores(table: pd.DataFrame) -> dict[str, float]:
    """Return the measures of a table of predictions with the column observed, none missing.

    NaN of fewer than two measured phenotypes: all others of a fold may be censored.
    """
    if "liability" not in table:
        observed, predicted = table["observed"], table["predicted"]
        if len(table) < 2:
            return dict.fromkeys(("accuracy", "dispersion", "bias"), np.nan)
        return {
            "accuracy": predictive_correlation(observed, predicted),
            "dispersion": prediction_dispersion(observed, predicted),
            "bias": prediction_bias(observed, predicted),
        }
    classes = table["observed"].cat
    probabilities = table[[PROBABILITY(label) for label in classes.categories]].to_numpy()
    of_observed = probabilities[np.arange(len(table)), classes.codes]
    return {
        "AUC": area_under_curve(classes.codes.to_numpy(), table["liability"].to_numpy()),
        "log loss": float(-np.log(np.maximum(of_observed, np.finfo(float).eps)).mean()),
        "accuracy": float((table["observed"] == table["predicted"]).mean()),
    }


def area_under_curve(codes: np.ndarray, liability: np.ndarray) -> float:
    """Return the share of pairs of individuals of different classes that are in the right order.

    Ties count half. Of two classes it is the area under the ROC curve. NaN with one class.
    """
    right = pairs = 0.0
    for low, high in combinations(np.unique(codes), 2):
        lower, higher = liability[codes == low], liability[codes == high]
        right += mannwhitneyu(higher, lower, method="asymptotic").statistic
        pairs += len(lower) * len(higher)
    return right / pairs if pairs else np.nan
