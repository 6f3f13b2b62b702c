"""The estimator that options describe, and its fit."""

import re
import tomllib
from typing import Any

from sknnmm.cli.inputs import Inputs, path_of
from sknnmm.cli.options import Data, Model
from sknnmm.estimators.regressor import NNMMRegressor

DIFFERENT_NAMES = {"jobs": "n_jobs", "seed": "random_state"}
NOT_PARAMETERS = "set", "n_iter"


def estimator(options: Model, inputs: Inputs, **others: Any) -> NNMMRegressor:
    """Return an estimator with the parameters that options and files give."""
    parameters = {
        DIFFERENT_NAMES.get(name, name): value
        for name, value in vars(options).items()
        if name not in NOT_PARAMETERS
    }
    model = NNMMRegressor(n_iter=_n_iter(options.n_iter), **parameters, **inputs.parameters)
    for assignment in options.set or []:
        model.set_params(**_parameter(assignment))
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


def fitted(
    model: NNMMRegressor, inputs: Inputs, data: Data, rows: Any = slice(None)
) -> NNMMRegressor:
    """Fit rows of the inputs; an error names the file that it is about."""

    def part(table):
        return None if table is None else table.iloc[rows]

    try:
        return model.fit(
            part(inputs.genotypes),
            part(inputs.y),
            omics=part(inputs.omics),
            covariates=part(inputs.covariates),
            sample_weight=part(inputs.weight),
        )
    except (ValueError, TypeError) as error:
        path = path_of(str(error), data)
        raise ValueError(f"{path}: {error}" if path else str(error)) from error
