"""Genotypes and tables from files, and their alignment by individual."""

from sknnmm.io._align import align
from sknnmm.io._plink import open_plink, read_plink
from sknnmm.io._table import read_table

__all__ = ["align", "open_plink", "read_plink", "read_table"]
