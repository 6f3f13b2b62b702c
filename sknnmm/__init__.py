"""Mixed-effect neural networks from genotypes through omics to phenotype, fitted by MCMC."""

from importlib import import_module
from types import ModuleType

from sknnmm import association, datasets, effects, io, mediation, metrics, priors
from sknnmm.estimators.classifier import NNMMClassifier
from sknnmm.estimators.regressor import NNMMRegressor
from sknnmm.inputs.cis import cis_mask

__version__ = "0.1.0"
__all__ = [
    "NNMMClassifier",
    "NNMMRegressor",
    "association",
    "cis_mask",
    "datasets",
    "effects",
    "io",
    "mediation",
    "metrics",
    "preprocessing",
    "priors",
]


def __getattr__(name: str) -> ModuleType:
    if name == "preprocessing":  # on demand: it needs sklearn.feature_selection, slow to import
        return import_module("sknnmm.preprocessing")
    raise AttributeError(f"module 'sknnmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
