"""Nested parameters of priors: of one for all effects, or of those of groups."""

from collections.abc import Mapping

from sklearn.base import clone

from sknnmm.common.messages import some
from sknnmm.priors import as_prior


def of_groups(name, priors):
    """Return the nested parameters of priors of groups: ``name__group``, ``name__group__pi``."""
    nested = {}
    for group, prior in priors.items():
        nested[f"{name}__{group}"] = prior
        of_prior = as_prior(prior).get_params()
        nested |= {f"{name}__{group}__{key}": value for key, value in of_prior.items()}
    return nested


def with_changes(name, priors, changes):
    """Return priors of groups with some exchanged, or with other parameters.

    Parameters
    ----------
    name : str
        The parameter that holds them.
    priors : mapping
    changes : dict
        By ``group`` or ``group__pi``.
    """
    priors = {str(group): prior for group, prior in priors.items()}
    for key, value in sorted(changes.items(), key=lambda change: change[0].count("__")):
        group = next((g for g in priors if key == g or key.startswith(f"{g}__")), None)
        if group is None:
            raise ValueError(f"{name} has no group of {key!r}; its groups are {some(priors)}.")
        parameter = key.removeprefix(group).removeprefix("__")
        if parameter:
            value = clone(as_prior(priors[group])).set_params(**{parameter: value})
        priors[group] = value
    return priors


def replaced(name, present, params):
    """Return parameters with the nested ones of a prior applied, if `present` has to be replaced.

    A string becomes the prior it stands for, to which scikit-learn then applies them.

    Parameters
    ----------
    name : str
        The parameter that holds it.
    present : str, Prior, bool or mapping
    params : dict
        Of `set_params`.
    """
    prefix = f"{name}__"
    nested = [key for key in params if key.startswith(prefix)]
    if not nested:
        return params
    value = params.get(name, present)
    if not isinstance(value, Mapping):
        return params if isinstance(value, bool) else params | {name: as_prior(value)}
    changes = {key.removeprefix(prefix): params[key] for key in nested}
    rest = {key: value for key, value in params.items() if key not in nested}
    return rest | {name: with_changes(name, value, changes)}
