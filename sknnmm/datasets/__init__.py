"""Simulated and real data with genotypes and a phenotype, and omics in between."""

from sknnmm.datasets._maize import fetch_maize_hybrids
from sknnmm.datasets._mice import fetch_hs_mice
from sknnmm.datasets._simulated import make_omics_network
from sknnmm.datasets._wheat import fetch_wheat
from sknnmm.datasets._wheat_htp import fetch_wheat_htp

__all__ = [
    "fetch_hs_mice",
    "fetch_maize_hybrids",
    "fetch_wheat",
    "fetch_wheat_htp",
    "make_omics_network",
]
