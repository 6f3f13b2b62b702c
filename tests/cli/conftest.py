"""Simulated files and one fit of them, as the commands make them."""

import os
from types import SimpleNamespace

import pytest

from sknnmm.cli import main

SHORT = ["--n-iter", "60", "--burn-in", "20", "--n-chains", "2", "--quiet"]


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """Return a folder in which simulate, fit, predict, cv and report were run, with exit codes."""
    folder = tmp_path_factory.mktemp("cli")
    before = os.getcwd()
    os.chdir(folder)
    try:
        codes = [
            main(line.split() + extra)
            for line, extra in (
                ("simulate --out demo --individuals 80 --new 10 --snps 30 --omics 2 --quiet", []),
                ("fit --config demo/run.toml --out results", SHORT),
                (
                    "predict --model results --genotypes demo/new.bed --covariates "
                    "demo/new_covariates.csv --out new --quiet",
                    [],
                ),
                ("cv --config demo/run.toml --group family --folds 2 --out folds", SHORT),
                ("report --model results --cv folds --quiet", []),
            )
        ]
    finally:
        os.chdir(before)
    return SimpleNamespace(folder=folder, codes=codes)


@pytest.fixture
def inside(workplace, monkeypatch):
    """Change to that folder for a test."""
    monkeypatch.chdir(workplace.folder)
    return workplace.folder
