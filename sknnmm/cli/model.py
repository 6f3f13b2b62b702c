"""The estimator that options describe, and its fit."""

import re
import tomllib
import warnings
from typing import Any

from sknnmm.cli.inputs import Inputs, path_of
from sknnmm.cli.options import Data, Family, Model
from sknnmm.cli.outcomes import Network
from sknnmm.estimators.classifier import NNMMClassifier
from sknnmm.estimators.regressor import NNMMRegressor

DIFFERENT_NAMES = {"jobs": "n_jobs", "seed": "random_state"}
NOT_PARAMETERS = "set", "n_iter"


def estimator(options: Model, inputs: Inputs, **others: Any) -> Network:
    """Return an estimator with the parameters that options and files give."""
    parameters = {
        DIFFERENT_NAMES.get(name, name): value
        for name, value in vars(options).items()
        if name not in NOT_PARAMETERS
    }
    kind = NNMMRegressor if inputs.family is Family.GAUSSIAN else NNMMClassifier
    model: Network = kind(n_iter=_n_iter(options.n_iter), **parameters, **inputs.parameters)
    for assignment in options.set or []:
        parameter = _parameter(assignment)
        try:
            model.set_params(**parameter)
        except ValueError as error:
            raise ValueError(
                f"--set {assignment}: the model has no parameter {next(iter(parameter))}. The API "
                "reference lists those of NNMMRegressor and NNMMClassifier, and of their priors."
            ) from error
    return model.set_params(**others)


def _n_iter(text):
    if text == "auto":
        return text
    if not re.fullmatch(r"\d+", text):
        raise ValueError(f'--n-iter {text} is neither a whole number nor "auto".')
    return int(text)


def _parameter(assignment):
    name, equals, text = assignment.partition("=")
    if not equals:
        raise ValueError(f"--set {assignment} has no =. Write for example --set method__pi=0.9.")
    try:
        return {name.strip(): tomllib.loads(f"value = {text}")["value"]}
    except tomllib.TOMLDecodeError:
        return {name.strip(): text.strip()}


def fitted(model: Network, inputs: Inputs, data: Data, rows: Any = slice(None)) -> Network:
    """Fit rows of the inputs; an error names the file that it is about."""

    def part(table):
        return None if table is None else table.iloc[rows]

    censored = {} if inputs.y_upper is None else {"y_upper": part(inputs.y_upper)}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "classes_ are")  # the log tells their order
            return model.fit(
                part(inputs.genotypes),
                part(inputs.y),
                omics=part(inputs.omics),
                covariates=part(inputs.covariates),
                sample_weight=part(inputs.weight),
                **censored,
            )
    except (ValueError, TypeError) as error:
        path = path_of(str(error), data)
        raise ValueError(f"{path}: {error}" if path else str(error)) from error
