"""Everything public has type hints; that they are true is checked by mypy."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

API = Path(__file__).parents[1] / "docs" / "api.rst"


def public_names():
    """Return module and name of what docs/api.rst lists."""
    module, names, listed = "", [], False
    for line in API.read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif line:
            listed = line == ".. autosummary::" or (listed and line.startswith(" "))
            if listed and (found := re.fullmatch(r" +(\w+)", line)):
                names.append((module, found[1]))
    return names


def functions_of(public):
    """Yield the functions behind a public object: itself, or methods and properties of a class."""
    if not inspect.isclass(public):
        yield public
        return
    for name in dir(public):
        member = inspect.getattr_static(public, name)
        parts = (member.fget, member.fset) if isinstance(member, property) else (member,)
        for part in filter(inspect.isfunction, parts):
            if part.__module__.startswith("sknnmm.") and (name == "__init__" or name[0] != "_"):
                yield part


def without_hints(function):
    """Return the parameters of a function that have no hint, and "return" if its result has none.

    A first parameter `self` needs none.
    """
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    missing = [p.name for p in parameters if p.name != "self" and p.annotation is p.empty]
    has_result = signature.return_annotation is not signature.empty
    return missing if has_result else [*missing, "return"]


@pytest.mark.parametrize(("module", "name"), public_names())
def test_public_functions_and_methods_have_hints(module, name):
    functions = list(functions_of(getattr(import_module(module), name)))
    assert functions
    assert {f.__qualname__: w for f in functions if (w := without_hints(f))} == {}


def test_the_list_of_public_names_is_read():
    names = public_names()
    assert len(names) == len(set(names))
    assert {
        ("sknnmm", "NNMMRegressor"),
        ("sknnmm.priors", "Prior"),
        ("sknnmm.metrics", "PredictionScorer"),
        ("sknnmm.datasets", "fetch_wheat"),
    } <= set(names)


def test_missing_hints_are_found():
    class Partial:
        def method(self, a, b: int = 0): ...

    assert without_hints(Partial.method) == ["a", "return"]
