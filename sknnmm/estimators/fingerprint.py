"""What a fit is, as plain data, by which it is known whether saved chains belong to it."""

import json
from collections.abc import Mapping

import joblib
import numpy as np

from sknnmm.activations import probe_grid
from sknnmm.priors import ScaledInverseChi2, as_prior
from sknnmm.sampling.resume.snapshot import FORMAT

#: Parameters that do not change the chains, or do so through the data that are compared.
NOT_COMPARED = {
    "checkpoint",
    "covariate_features",
    "detection_limits",
    "mask",
    "omics_groups",
    "n_jobs",
    "omics_features",
    "random_state",
    "snp_groups",
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

    parameters = {
        "estimator": type(estimator).__name__,
        "random_state": None if estimator.random_state is None else entropy,
    }
    not_compared = NOT_COMPARED
    if estimator.n_iter != "auto":
        not_compared = NOT_COMPARED | {"min_ess", "max_iter"}
    for name, value in estimator.get_params(deep=False).items():
        if name not in not_compared:
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
    if isinstance(value, Mapping):
        of_groups = {name: [str(group) for group in value]}
        for group, prior in value.items():
            of_groups |= _described(f"{name}__{group}", as_prior(prior))
        return of_groups
    if name in ("method", "omics_method"):
        value = as_prior(value)
    if name == "residual_prior" and value is None:
        value = ScaledInverseChi2()
    if hasattr(value, "get_params"):
        own = {f"{name}__{key}": v for key, v in value.get_params().items()}
        return {name: type(value).__name__, **own}
    if name == "effects" and value is not None:
        return {name: [_described_term(term) for term in value]}
    if value is np.tanh:
        value = "tanh"
    if callable(value):
        return {name: getattr(value, "__qualname__", type(value).__qualname__)}
    return {name: value}


def _described_term(term):
    """Return a term on covariates as plain data; its data are compared by themselves."""
    parameters = term.get_params()
    relationship = parameters.pop("relationship", None)
    return [type(term).__name__, parameters, type(relationship).__name__]


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
