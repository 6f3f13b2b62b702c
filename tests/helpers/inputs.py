"""Inputs of a fit, and changes that make them invalid."""

import numpy as np
import pandas as pd
import pytest


def fit_inputs(data):
    return {"X": data.X, "y": data.y, "omics": data.omics, "covariates": data.covariates}


def change(array, where, value, dtype=float):
    changed = np.array(array, dtype)
    changed[where] = value
    return changed


def frame(array, names):
    return pd.DataFrame(array, columns=list(names))


def assert_refused(model, data, changes, message):
    """Assert that fit raises for the inputs of the data with some made anew, or left out."""
    inputs = fit_inputs(data) | {name: make and make(data) for name, make in changes.items()}
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(**inputs)
