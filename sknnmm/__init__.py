"""Mixed-effect neural networks from genotypes through omics to phenotype, fitted by MCMC."""

from sknnmm import datasets, priors
from sknnmm.cis import cis_mask
from sknnmm.regressor import NNMMRegressor

__version__ = "0.1.0"
__all__ = ["NNMMRegressor", "cis_mask", "datasets", "priors"]
