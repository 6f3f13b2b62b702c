"""Sphinx settings. Build: ``python -m sphinx -W --keep-going -b html docs docs/_build/html``."""

import os
import re
from pathlib import Path

import sknnmm

os.environ["TQDM_DISABLE"] = "1"  # a progress bar would fill the pages of examples that are run

project = "sknnmm"
author = "The sknnmm developers"
copyright = author
version = release = sknnmm.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
# Formulas work offline: tex-svg.js of MathJax 3.2.2 (`npm pack mathjax@3.2.2`) has its fonts in it.
mathjax_path = "mathjax/tex-svg.js"

# Attributes stand in the docstrings; a table of methods per class would only repeat the pages.
numpydoc_show_class_members = False
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "default_thumb_file": str(Path(__file__).parent / "_static" / "network.svg"),
    "notebook_images": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}
# These download data or take minutes: they run on demand only, and show stored figures.
if os.environ.get("SKNNMM_PLOT_GALLERY", "0") != "1":
    sphinx_gallery_conf["filename_pattern"] = "plot_(?!mice|grid_search)"

html_theme = "pydata_sphinx_theme"
html_title = "sknnmm"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_sidebars = {"architecture": [], "benchmarks": [], "development": []}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def _plain_foreign_references(app, what, name, obj, options, lines):
    """Keep the text of references into scikit-learn's manual, which this site cannot resolve."""
    lines[:] = [re.sub(r":(?:ref|term):`([^<`]+?)(?: <[^>]*>)?`", r"\1", line) for line in lines]


def _link_to_pages(app, docname, source):
    """Turn links to files outside docs, which serve readers of the repository, into links here."""
    source[0] = source[0].replace("(../benchmarks/README.md)", "(benchmarks.md)")


def setup(app):
    """Connect the hooks."""
    app.connect("autodoc-process-docstring", _plain_foreign_references)
    app.connect("source-read", _link_to_pages)
