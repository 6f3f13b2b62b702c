"""Simulated and real data with genotypes, omics and a phenotype."""

from sknnmm.datasets._mice import fetch_hs_mice
from sknnmm.datasets._simulated import make_omics_network

__all__ = ["fetch_hs_mice", "make_omics_network"]
