"""Where chains resume, from a checkpoint or the last fit, and whether that was the same fit."""

import json
from dataclasses import dataclass

import joblib
import numpy as np

from sknnmm.activations import probe_grid
from sknnmm.priors import ScaledInverseChi2, as_prior
from sknnmm.sampling.chains.chain import ChainOrigin
from sknnmm.sampling.resume.files import Checkpoint, read_chains

FORMAT = 6  # of the states; raise it when those of before cannot be resumed

#: Parameters that do not change the chains, or do so through the data that are compared.
NOT_COMPARED = {
    "checkpoint",
    "mask",
    "n_jobs",
    "omics_features",
    "random_state",
    "verbose",
    "warm_start",
}


def describe_fit(estimator, entropy, model, data):
    """Return what a fit is, as plain data.

    Parameters
    ----------
    estimator : NNMMRegressor
    entropy : int or list of int
        Of the seeds.
    model : NNMM
    data : dict
        The arguments of fit as checked: name -> array, list of arrays, or None.

    Returns
    -------
    dict
    """
    from sknnmm import __version__  # not there yet while the package is imported

    parameters = {"random_state": None if estimator.random_state is None else entropy}
    for name, value in estimator.get_params(deep=False).items():
        if name not in NOT_COMPARED:
            parameters |= _described(name, value)
    digests = {name: _digest(arrays) for name, arrays in data.items()}
    # A function is known by what it does; np.tanh is the same as "tanh".
    if callable(estimator.activation) and estimator.activation is not np.tanh:
        digests["activation"] = _digest(_values_of(model))
    fit = {
        "sknnmm": __version__,
        "format": FORMAT,
        "entropy": entropy,
        "parameters": parameters,
        "data": digests,
    }
    return json.loads(json.dumps(fit, default=_plain))


def _values_of(model):
    """Return the activation (and its derivative) at the training nodes and on a fixed grid.

    The grid tells functions of latent nodes apart: in the data these have no values.
    """
    activation = model.activation
    nodes = np.nan_to_num(model.omics).astype(model.dtype)
    functions = [activation.evaluate]
    if activation.has_derivative:
        functions.append(activation.evaluate_derivative)
    with np.errstate(all="ignore"):
        return [
            function(z)
            for z in (nodes, probe_grid(model.n_nodes).astype(model.dtype))
            for function in functions
        ]


def _described(name, value):
    """Return a parameter as plain data; the parameters of a prior as method__pi and the like."""
    if name in ("method", "omics_method"):
        value = as_prior(value)
    if name == "residual_prior" and value is None:
        value = ScaledInverseChi2()
    if hasattr(value, "get_params"):
        own = {f"{name}__{key}": v for key, v in value.get_params().items()}
        return {name: type(value).__name__, **own}
    if value is np.tanh:
        value = "tanh"
    if callable(value):
        return {name: getattr(value, "__qualname__", type(value).__qualname__)}
    return {name: value}


def _plain(value):
    """Return NumPy numbers and arrays as Python's."""
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _digest(arrays):
    """Return a hash of contiguous arrays, in their order in memory: nothing is copied."""
    if arrays is None:
        return None
    parts = [
        # Flat, as the strides of an axis of length 1 are arbitrary.
        (array.shape, array.flags.c_contiguous, array.ravel(order="K"))
        for array in (arrays if isinstance(arrays, list) else [arrays])
    ]
    return joblib.hash(parts, hash_name="sha1")  # of those it knows the faster one


@dataclass
class ResumePoint:
    """Where the chains of a fit start or resume: at their seeds, or at saved states."""

    fit: dict  # as described, with the entropy of the seeds
    states: list  # of every chain; None: it starts at its seed

    def origins(self, checkpoint):
        """Return the ChainOrigins, whose states are saved in `checkpoint` unless that is None."""
        seeds = np.random.SeedSequence(self.fit["entropy"]).spawn(len(self.states))
        saved = [None] * len(seeds)
        if checkpoint is not None:
            saved = [Checkpoint(checkpoint, chain, self.fit) for chain in range(len(seeds))]
        return [ChainOrigin(*parts) for parts in zip(seeds, self.states, saved, strict=True)]


def find_resume_point(fit, checkpoint, warm_start, last):
    """Return the ResumePoint of a fit.

    Parameters
    ----------
    fit : dict
        From `describe_fit`.
    checkpoint : Path or None
        Directory to look into first.
    warm_start : bool
        Whether the saved chains may be shorter.
    last : dict or None
        Fit and states of the last fit, which a warm start continues.

    Raises
    ------
    ValueError
        If what there is to continue belongs to another fit, naming the differences.
    """
    n_chains = fit["parameters"]["n_chains"]
    if checkpoint is not None:
        found = read_chains(checkpoint, n_chains)
        if any(found):
            advice = "Pass another directory, or delete this one to start anew."
            if not warm_start:
                advice += " (With warm_start=True, n_iter may be larger.)"
            advice += (
                " In a cross-validation or a grid search every fit needs a directory of its own, "
                "or none."
            )
            return _continue(fit, found, f"checkpoint={str(checkpoint)!r}", warm_start, advice)
    if warm_start and last is not None:
        done, n_iter = last["fit"]["parameters"]["n_iter"], fit["parameters"]["n_iter"]
        if n_iter <= done:
            raise ValueError(
                f"n_iter={n_iter} must be greater than the {done} iterations of the last fit, "
                "which warm_start=True continues."
            )
        found = [(last["fit"], state) for state in last["states"]]
        advice = "Set warm_start=False to start anew."
        return _continue(fit, found, "warm_start=True", warm_start, advice)
    return ResumePoint(fit, [None] * n_chains)


def _continue(fit, found, where, may_grow, advice):
    """Return the ResumePoint from (fit, state) of every chain, None where nothing was found."""
    found_fits = [saved[0] for saved in found if saved]
    if not all(_is_description(old) for old in found_fits):
        raise ValueError(f"{where} was not written by a fit. {advice}")
    if fit["parameters"]["random_state"] is None:  # the seeds of the saved fit count
        fit = fit | {"entropy": found_fits[0]["entropy"]}
    for old in found_fits:
        if differences := _differences(old, fit, may_grow):
            raise ValueError(
                f"{where} cannot continue another fit: {'; '.join(differences)}. {advice}"
            )
    return ResumePoint(fit, [saved and saved[1] for saved in found])


def _is_description(fit):
    """Return whether plain data could be what `describe_fit` returned, in any version."""
    kinds = {"sknnmm": str, "format": int, "entropy": int | list, "parameters": dict, "data": dict}
    return fit.keys() >= kinds.keys() and all(
        isinstance(fit[name], kind) for name, kind in kinds.items()
    )


def _differences(old, new, may_grow):
    before, now = old["parameters"], new["parameters"]
    changed = [
        (name, before[name], now[name])
        for name in before
        if name in now
        and before[name] != now[name]
        and not (name == "n_iter" and may_grow and before[name] < now[name])
    ]
    changed += [(n, old[n], new[n]) for n in ("sknnmm", "format", "entropy") if old[n] != new[n]]
    data = old["data"].keys() | new["data"].keys()
    return [f"{name} was {a!r}, is {b!r}" for name, a, b in changed] + [
        f"{name} differs in values, type or memory layout"
        for name in sorted(data)
        if old["data"].get(name) != new["data"].get(name)
    ]
