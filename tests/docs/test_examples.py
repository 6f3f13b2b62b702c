"""The examples take options as scripts, and run as the notebooks that the gallery offers."""

from pathlib import Path

import pytest

py_source_parser = pytest.importorskip("sphinx_gallery.py_source_parser")
notebook = pytest.importorskip("sphinx_gallery.notebook")
gen_gallery = pytest.importorskip("sphinx_gallery.gen_gallery")

matplotlib = pytest.importorskip("matplotlib")

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("plot_*.py"))
WITH_OPTIONS = [path for path in EXAMPLES if "argparse" in path.read_text(encoding="utf-8")]
every_example = pytest.mark.parametrize("example", WITH_OPTIONS, ids=lambda path: path.stem)


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


@pytest.mark.slow
def test_what_was_learned_is_what_its_text_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    (example,) = [path for path in EXAMPLES if path.stem == "plot_what_was_learned"]
    for cell in code_cells(example):
        exec(cell, namespace)

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
