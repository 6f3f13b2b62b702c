"""The python blocks of the README and of the guide run, page by page, in order."""

import re
from pathlib import Path

import pytest
import sklearn

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "index.md", *sorted(ROOT.glob("docs/guide/*.md"))]
MANY_FITS = {  # only in the slow tier; the tests of what they show are in the ordinary one
    "choosing",
    "comparing_models",
    "cross_validation",
    "diagnostics",
    "figures",
    "groups",
    "large_data",
    "long_runs",
    "mediation",
    "mixed_model",
    "model",
    "other_outcomes",
    "partial_networks",
    "preparing_omics",
    "real_data",
    "tutorial",
    "uncertainty",
}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(text):
    """Return each block padded with empty lines, so that its line numbers are those of the page."""
    return ["\n" * text[: m.start(1)].count("\n") + m[1] for m in BLOCK.finditer(text)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(p, id=p.stem, marks=[pytest.mark.slow] if p.stem in MANY_FITS else [])
        for p in PAGES
    ],
)
def test_snippets_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    with sklearn.config_context():  # restores the configuration that a snippet sets
        for snippet in snippets(page.read_text(encoding="utf-8")):
            exec(compile(snippet, page, "exec"), namespace)


def test_every_page_has_snippets():
    without = [p.stem for p in PAGES if not snippets(p.read_text(encoding="utf-8"))]
    assert without == ["index"]  # the table of contents of the guide


def test_a_broken_snippet_fails_at_its_line():
    (snippet,) = snippets("# Page\n\n```python\nx = 1\nx.y\n```\n")
    with pytest.raises(AttributeError) as error:
        exec(compile(snippet, "page.md", "exec"), {})
    assert error.traceback[-1].lineno + 1 == 5
