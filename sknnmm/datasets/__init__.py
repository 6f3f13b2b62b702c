"""Simulated and real data with genotypes and a phenotype, and omics in between."""

from sknnmm.datasets._mice import fetch_hs_mice
from sknnmm.datasets._simulated import make_omics_network
from sknnmm.datasets._wheat import fetch_wheat

__all__ = ["fetch_hs_mice", "fetch_wheat", "make_omics_network"]
