"""The state of a chain as plain data, dictionaries of arrays and numbers, and back."""

from dataclasses import fields, is_dataclass

import numpy as np

from sknnmm.sampling.step_size import StepSize

LAYOUT = "columns"  # the field of hyperparameters that is no state: how effects lie in memory


def take(iteration, chain, recorder, rng):
    """Return all that a chain needs to go on after `iteration`: references, not copies."""
    return {
        "iteration": iteration,
        "rng": rng.bit_generator.state,
        "chain": _fields(chain),
        "recorder": recorder.contents(),
    }


def restore(saved, chain, recorder, rng):
    """Put back what `take` returned, into a chain at its start; return the iteration.

    Arrays are copied into those of the start, so that their memory layout, and which of them are
    one and the same, are as in a chain that was never saved.
    """
    rng.bit_generator.state = saved["rng"]
    if saved["chain"]["step_size"] is not None:
        chain.step_size = StepSize()  # which else the first draw makes
    _put(chain, saved["chain"])
    recorder.restore(saved["recorder"])
    return saved["iteration"]


def copy_into(arrays, saved):
    """Copy saved arrays into those of the same name."""
    for name, array in arrays.items():
        np.copyto(array, saved[name], casting="no")


def _fields(part):
    values = {f.name: getattr(part, f.name) for f in fields(part) if f.name != LAYOUT}
    return {name: _fields(v) if is_dataclass(v) else v for name, v in values.items()}


def _put(part, saved):
    for name, value in saved.items():
        if isinstance(value, dict):
            _put(getattr(part, name), value)
        elif isinstance(value, np.ndarray):
            copy_into({name: getattr(part, name)}, saved)
        else:
            setattr(part, name, value)
