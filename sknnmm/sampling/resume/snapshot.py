"""The state of a chain as plain data, dictionaries of arrays and numbers, and back."""

from dataclasses import fields, is_dataclass
from numbers import Real

import numpy as np

from sknnmm.sampling.missing.step_size import StepSize

FORMAT = 9  # of the states; raise it when those of before cannot be resumed
LAYOUT = "layout"  # the field of hyperparameters that is no state: how effects lie in memory


def take(iteration, settings, chain, recorder, rngs):
    """Return all that a chain needs to go on after `iteration`: references, not copies.

    `settings`, a dictionary, are those of its length; `rngs` has its random generators by name.
    """
    return {
        "iteration": iteration,
        "settings": settings,
        "rngs": {name: rng.bit_generator.state for name, rng in rngs.items()},
        "chain": _fields(chain),
        "recorder": recorder.contents(),
    }


def restore_chain(saved, chain, rng):
    """Put back the state that `take` returned, into a chain at its start; return the iteration.

    Arrays are copied into those of the start, so that their memory layout, and which of them are
    one and the same, are as in a chain that was never saved.
    """
    rng.bit_generator.state = saved["rngs"]["iterations"]
    for name, layer in chain.layers.items():
        if saved["chain"]["layers"][name]["step_size"] is not None:
            layer.step_size = StepSize()  # which else the first draw makes
    _put(chain, saved["chain"])
    return saved["iteration"]


def restore_recorder(saved, recorder, rng):
    """Put back what `take` returned of a Recorder, and its random generator."""
    rng.bit_generator.state = saved["rngs"]["recording"]
    recorder.restore(saved["recorder"])


def copy_into(arrays, saved):
    """Copy saved arrays into those of the same name, and shape and type."""
    for name, array in arrays.items():
        if saved[name].shape != array.shape:  # it would be broadcast
            raise ValueError(f"{name} has shape {saved[name].shape}, not {array.shape}.")
        np.copyto(array, saved[name], casting="no")


def _parts(part):
    """Return the parts of a dataclass or dictionary by name."""
    if isinstance(part, dict):
        return part
    names = (field.name for field in fields(part))
    return {name: getattr(part, name) for name in names if name != LAYOUT}


def _is_nested(value):
    return is_dataclass(value) or isinstance(value, dict)


def _fields(part):
    return {name: _fields(v) if _is_nested(v) else v for name, v in _parts(part).items()}


def _put(part, saved):
    for name, present in _parts(part).items():
        if _is_nested(present):
            _put(present, saved[name])
        elif isinstance(present, np.ndarray):
            copy_into({name: present}, saved)
        elif isinstance(saved[name], Real) != isinstance(present, Real):
            raise TypeError(f"{name} is {saved[name]!r}.")
        else:
            setattr(part, name, saved[name])
