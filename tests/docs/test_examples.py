"""The examples run as the notebooks that the gallery offers."""

from pathlib import Path

import pytest

py_source_parser = pytest.importorskip("sphinx_gallery.py_source_parser")
notebook = pytest.importorskip("sphinx_gallery.notebook")
gen_gallery = pytest.importorskip("sphinx_gallery.gen_gallery")

matplotlib = pytest.importorskip("matplotlib")

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("plot_*.py"))


@pytest.fixture(autouse=True)
def without_windows(monkeypatch):
    matplotlib.use("Agg")


def cells(name, kind):
    """Return the cells of a kind in the notebook that sphinx-gallery makes of an example."""
    (example,) = [path for path in EXAMPLES if path.stem == name]
    conf = gen_gallery.DEFAULT_GALLERY_CONF | {"notebook_images": True, "src_dir": str(DOCS)}
    _, blocks = py_source_parser.split_code_and_text_blocks(example)
    made = notebook.jupyter_notebook(blocks, conf, example.parent)
    return ["".join(c["source"]) for c in made["cells"] if c["cell_type"] == kind]


def run(name, tmp_path, monkeypatch):
    """Run a notebook in a folder of its own, and return what it defines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    namespace = {"__name__": "__main__"}
    for cell in cells(name, "code"):
        exec(cell, namespace)
    return namespace


def test_figures_that_are_stored_are_in_the_notebooks_of_what_is_not_run():
    images = {path.stem: "".join(cells(path.stem, "markdown")).count("<img") for path in EXAMPLES}
    assert {name for name, n in images.items() if n} == {
        "plot_grid_search",
        "plot_mice",
        "plot_mice_mixed",
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_quickstart_notebook_runs(tmp_path, monkeypatch):
    namespace = run("plot_quickstart", tmp_path, monkeypatch)
    assert (tmp_path / "quickstart.png").stat().st_size > 10_000
    assert namespace["table"]["breeding value", "accuracy"].max() > 0.5


@pytest.mark.slow
def test_what_was_learned_is_what_its_text_says(tmp_path, monkeypatch):
    namespace = run("plot_what_was_learned", tmp_path, monkeypatch)

    assert namespace["model"].diagnostics_.query("target")["r_hat"].max() < 1.02
    causal = {
        "metabolite A": {"1: 30 to 35 Mb", "5: 50 to 55 Mb"},
        "metabolite B": {"3: 20 to 25 Mb"},
        "metabolite C": {"1: 30 to 35 Mb", "8: 80 to 85 Mb"},
        "metabolite D": {"7: 60 to 65 Mb"},
        "direct": {"9: 40 to 45 Mb"},
    }
    table = namespace["manhattan"].table.set_index("response")
    for response, expected in causal.items():
        top = table.loc[response].nlargest(len(expected), ["wppa", "share"])
        names = {
            f"{w.chromosome}: {w.start / 1e6:g} to {w.end / 1e6:g} Mb" for w in top.itertuples()
        }
        assert names == expected
        assert (top["wppa"] > 0.9).all()
    total = table.loc["total"].set_index(["chromosome", "start"])["wppa"]
    assert total[7, 60e6] < 0.05 < 0.9 < total[5, 50e6]

    shares = namespace["network"].shares_
    assert shares["metabolite A"].sum() == shares.sum().max()
    assert shares.loc[1, "metabolite C"] / shares.loc[1, "metabolite A"] == pytest.approx(
        -0.5, abs=0.15
    )
    assert abs(shares["metabolite D"].sum()) < 0.01
    of_y = namespace["model"].variance_components_["share"]["phenotype", "y"]
    assert of_y["omics"] > 1 / 3
