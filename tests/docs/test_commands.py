"""What the README tells a user to run is what decides whether a change lands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = ".github/workflows/ci.yml"


def runs_of_pytest(path):
    """Return the options of every run of pytest that a file names, but for the slow tier."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.findall(r'(?:python"? -m |^)pytest\b([^`#\n]*)', text, re.MULTILINE)
    return [options.strip() for options in found if "-m slow" not in options]


@pytest.mark.parametrize(
    "path", ["README.md", ".ci/run", WORKFLOW, "docs/development.md", "CONTRIBUTING.md"]
)
def test_everyone_runs_the_same_tests(path):
    assert set(runs_of_pytest(path)) == {"-n auto"}


def test_the_workflow_runs_what_decides_here():
    assert "      - run: .ci/run\n" in (ROOT / WORKFLOW).read_text(encoding="utf-8")
