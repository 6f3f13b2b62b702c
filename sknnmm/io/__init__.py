"""Read genotypes and tables from files, align and harmonise them, write models for others."""

from sknnmm.io._align import align
from sknnmm.io._harmonise import Harmonisation, harmonise
from sknnmm.io._plink import open_plink, read_plink
from sknnmm.io._predictdb import write_predictdb
from sknnmm.io._table import read_table

__all__ = [
    "Harmonisation",
    "align",
    "harmonise",
    "open_plink",
    "read_plink",
    "read_table",
    "write_predictdb",
]
