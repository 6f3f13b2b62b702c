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
AS_IN_PYTHON = {"True": True, "False": False, "None": None}  # of --set; else as in TOML
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
    if text.strip() in AS_IN_PYTHON:
        return {name.strip(): AS_IN_PYTHON[text.strip()]}
    try:
        return {name.strip(): tomllib.loads(f"value = {text}")["value"]}
    except tomllib.TOMLDecodeError:
        return {name.strip(): text.strip()}


def fitted(
    network: Network, inputs: Inputs, data: Data, model: Model, rows: Any = slice(None)
) -> Network:
    """Fit rows of the inputs; an error names the file that it is about, or the --set."""

    def part(table):
        return None if table is None else table.iloc[rows]

    censored = {} if inputs.y_upper is None else {"y_upper": part(inputs.y_upper)}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "classes_ are")  # the log tells their order
            return network.fit(
                part(inputs.genotypes),
                part(inputs.y),
                omics=part(inputs.omics),
                covariates=part(inputs.covariates),
                sample_weight=part(inputs.weight),
                **censored,
            )
    except (ValueError, TypeError) as error:
        about = _set_by(str(error), model) or path_of(str(error), data)
        raise ValueError(f"{about}: {error}" if about else str(error)) from error


def _set_by(message, model):
    """Return the --set of the parameter that a message is about, None if there is none."""
    name = re.search(r"\w+(?=' parameter)", message) or re.match(r"\w+", message)
    for assignment in model.set or []:
        parameter = assignment.partition("=")[0].strip()
        if name is not None and parameter.split("__")[-1] == name[0]:
            return f"--set {assignment}"
    return None
