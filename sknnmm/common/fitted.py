"""Whether an estimator is one that this package has fitted."""

from typing import Any

from sklearn.utils.validation import check_is_fitted


def check_is_fitted_network(model: Any) -> None:
    """Raise an error unless a model is a fitted NNMMRegressor or NNMMClassifier."""
    if not hasattr(model, "predict_omics"):
        raise TypeError(
            "model must be a fitted NNMMRegressor or NNMMClassifier; got "
            f"{type(model).__name__}. The last step of a Pipeline is pipeline[-1]."
        )
    check_is_fitted(model)
