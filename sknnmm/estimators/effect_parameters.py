"""Nested parameters of the terms of `effects`: ``effects__0``, ``effects__0__df``."""

from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator, clone

PREFIX = "effects__"


def of_effects(effects: Iterable[BaseEstimator]) -> dict[str, Any]:
    """Return the nested parameters of terms, by their position in the list."""
    nested = {}
    for position, term in enumerate(effects):
        nested[f"{PREFIX}{position}"] = term
        if isinstance(term, BaseEstimator):  # anything else is refused by fit
            of_term = term.get_params(deep=False)
            nested |= {f"{PREFIX}{position}__{key}": value for key, value in of_term.items()}
    return nested


def with_effects(
    present: Iterable[BaseEstimator] | None, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return parameters with the nested ones of terms applied to copies of these.

    Parameters
    ----------
    present : list of Fixed and Random, or None
    params : dict
        Of `set_params`.
    """
    nested = sorted(key for key in params if key.startswith(PREFIX))  # terms before their own
    if not nested:
        return dict(params)
    terms = list(params.get("effects", present) or [])
    for key in nested:
        position, _, parameter = key.removeprefix(PREFIX).partition("__")
        if not (position.isdecimal() and int(position) < len(terms)):
            raise ValueError(
                f"{key}: terms of effects go by their position, and there are {len(terms)}: "
                f"{terms}."
            )
        value = params[key]
        if parameter:
            value = clone(terms[int(position)]).set_params(**{parameter: value})
        terms[int(position)] = value
    rest = {key: value for key, value in params.items() if key not in nested}
    return rest | {"effects": terms}
