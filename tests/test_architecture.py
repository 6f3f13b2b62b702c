"""The rules of the rooms: imports go one way, and what is private looks so."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sknnmm

PACKAGE = Path(sknnmm.__file__).parent
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
PUBLIC = {
    "activations",
    "association",
    "datasets",
    "io",
    "mediation",
    "plotting",
    "preprocessing",
    "priors",
    "relationship",
}  # packages of docs/api.rst
PUBLIC_MODULES = {"__init__", "__main__", "effects", "metrics", "persistence"}


def modules():
    """Return {dotted name below sknnmm: path} of every module."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }


def imported(path):
    """Return the dotted names below sknnmm that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sknnmm"):
            parent = node.module.partition(".")[2]
            names |= {parent} if parent else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name.partition(".")[2] for a in node.names if a.name.startswith("sknnmm.")}
    return names


def for_types_only(path):
    """Return what is imported below `if TYPE_CHECKING`, which never runs."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            names |= {n.module.partition(".")[2] for n in node.body}
    return names


@cache
def rooms_imported():
    """Return {room: rooms that it imports}; top-level modules are rooms of their own."""
    rooms = {}
    for name, path in modules().items():
        room = name.partition(".")[0]
        others = {i.partition(".")[0] for i in imported(path) - for_types_only(path)}
        rooms.setdefault(room, set()).update(others - {room, "__version__"})
    del rooms["__init__"]
    return rooms


def test_there_are_rooms_to_look_at():
    assert {"model", "terms", "families", "sampling", "posterior", "estimators"} <= set(ROOMS)
    assert "sampling" in rooms_imported()["estimators"]


def test_imports_between_rooms_go_one_way():
    order = list(TopologicalSorter(rooms_imported()).static_order())  # fails on a circle
    assert order.index("priors") < order.index("terms") < order.index("sampling")
    assert order.index("sampling") < order.index("estimators")


MAY_IMPORT = {  # all may import common; docs/architecture.md has the table
    "__main__": {"cli"},
    "activations": set(),
    "association": {"genotypes", "inputs", "prediction"},
    "cli": {
        "activations", "association", "datasets", "effects", "estimators", "inputs", "io",
        "mediation", "metrics", "persistence", "plotting", "posterior", "priors", "relationship",
    },
    "common": set(),
    "datasets": {"activations"},
    "effects": {"model", "priors"},
    "estimators": {
        "activations", "effects", "families", "genotypes", "inputs", "model", "posterior",
        "prediction", "priors", "sampling", "terms",
    },
    "families": {"kernels", "model", "priors"},
    "genotypes": set(),
    "inputs": {"effects", "genotypes", "model", "priors"},
    "io": {"genotypes", "inputs", "relationship"},
    "kernels": {"genotypes"},
    "mediation": {"inputs", "prediction"},
    "metrics": {"inputs"},
    "model": {"genotypes", "priors"},
    "persistence": {*ROOMS, "effects"},
    "plotting": {"association", "genotypes", "inputs", "mediation", "posterior", "prediction"},
    "posterior": {"model"},
    "prediction": {"activations", "genotypes", "posterior"},
    "preprocessing": {"genotypes", "inputs", "relationship"},
    "priors": set(),
    "relationship": {"genotypes", "inputs", "model"},
    "sampling": {"activations", "genotypes", "kernels", "model", "priors", "terms"},
    "terms": {"activations", "genotypes", "kernels", "model", "priors"},
}  # fmt: skip


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_what_it_may(room):
    assert rooms_imported()[room] <= MAY_IMPORT[room] | {"common"}


def test_every_room_is_listed():
    assert rooms_imported().keys() == MAY_IMPORT.keys()


@pytest.mark.parametrize("room", ["sampling", "terms", "families", "model", "kernels"])
def test_the_sampler_knows_no_estimator_of_scikit_learn(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert "sklearn" not in path.read_text(encoding="utf-8"), path


def test_files_of_public_packages_that_are_private_begin_with_an_underscore():
    for name in modules():
        room, _, module = name.partition(".")
        if room in PUBLIC:
            assert module.rpartition(".")[2].startswith("_"), name
        elif not module:
            assert name in PUBLIC_MODULES, f"{name}: a module at the top is public"
