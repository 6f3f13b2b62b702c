"""Whether an estimator is one that this package has fitted."""

from collections.abc import Callable
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def check_is_fitted_network(model: Any) -> None:
    """Raise an error unless a model is a fitted NNMMRegressor or NNMMClassifier."""
    if not _is_network(model):
        raise TypeError(
            "model must be a fitted NNMMRegressor or NNMMClassifier; got "
            f"{type(model).__name__}.{pass_what_is_inside(model, _is_network)}"
        )
    check_is_fitted(model)


def pass_what_is_inside(model: Any, is_accepted: Callable[[Any], bool]) -> str:
    """Return " Pass ...", the accepted estimator in a Pipeline or a search; "" if there is none.

    Steps before it change X, so the message says what X it takes.
    """
    path, X = "model", "X"
    while True:
        if isinstance(model, Pipeline):
            X = f"{path}[:-1].transform({X})" if len(model) > 1 else X
            path, model = f"{path}[-1]", model[-1]
        elif hasattr(model, "best_estimator_"):
            path, model = f"{path}.best_estimator_", model.best_estimator_
        else:
            return ""
        if is_accepted(model):
            return f" Pass {path}." if X == "X" else f" Pass {path}; its X is {X}."


def _is_network(model):
    return hasattr(model, "predict_omics")
