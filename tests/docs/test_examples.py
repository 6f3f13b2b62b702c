"""The examples take options as scripts, and run as the notebooks that the gallery offers."""

from pathlib import Path

import pytest

py_source_parser = pytest.importorskip("sphinx_gallery.py_source_parser")
notebook = pytest.importorskip("sphinx_gallery.notebook")
gen_gallery = pytest.importorskip("sphinx_gallery.gen_gallery")

matplotlib = pytest.importorskip("matplotlib")

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("plot_*.py"))
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def without_windows(monkeypatch):
    matplotlib.use("Agg")


def code_cells(example):
    """Return the code cells of the notebook that sphinx-gallery makes of an example."""
    _, blocks = py_source_parser.split_code_and_text_blocks(example)
    cells = notebook.jupyter_notebook(blocks, gen_gallery.DEFAULT_GALLERY_CONF, example.parent)
    return ["".join(c["source"]) for c in cells["cells"] if c["cell_type"] == "code"]


def start_kernel(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["ipykernel_launcher.py", *options])


@every_example
@pytest.mark.parametrize("options", [["-f", "kernel.json"], ["--f=kernel.json"], []])
def test_notebooks_start_with_the_default_options(example, options, monkeypatch):
    start_kernel(monkeypatch, *options)
    namespace = {"__name__": "__main__"}
    exec(code_cells(example)[0], namespace)
    args, parser = namespace["args"], namespace["parser"]
    assert args == parser.parse_args([])
    assert len(vars(args)) >= 2


@every_example
def test_scripts_take_options(example, monkeypatch):
    first, _ = py_source_parser.split_code_and_text_blocks(example)[1][1:3]
    option = "--folds" if example.stem == "plot_model_comparison" else "--n-jobs"
    monkeypatch.setattr("sys.argv", [str(example), option, "7"])
    namespace = {"__name__": "__main__", "__file__": str(example)}
    exec(first.content, namespace)
    assert getattr(namespace["args"], option[2:].replace("-", "_")) == 7
    monkeypatch.setattr("sys.argv", [str(example), "--misspelt"])
    with pytest.raises(SystemExit):
        exec(first.content, namespace)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_quickstart_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start_kernel(monkeypatch, "-f", "kernel.json")
    namespace = {"__name__": "__main__"}
    (example,) = [path for path in EXAMPLES if path.stem == "plot_quickstart"]
    for cell in code_cells(example):
        exec(cell, namespace)
    assert (tmp_path / "quickstart.png").stat().st_size > 10_000
    assert namespace["table"]["breeding value", "accuracy"].max() > 0.5
