"""Read genotypes and tables from files, align and harmonise them, write models for others."""

from sknnmm.io._align import align
from sknnmm.io._anndata import omics_from_anndata
from sknnmm.io._bgen import read_bgen
from sknnmm.io._genotypes import read_genotypes
from sknnmm.io._grm import read_grm
from sknnmm.io._hapmap import read_hapmap
from sknnmm.io._harmonise import Harmonisation, harmonise
from sknnmm.io._pgen import read_pgen
from sknnmm.io._plink import open_plink, read_plink
from sknnmm.io._predictdb import write_predictdb
from sknnmm.io._raw import read_plink_raw
from sknnmm.io._table import read_table
from sknnmm.io._vcf import read_vcf

__all__ = [
    "Harmonisation",
    "align",
    "harmonise",
    "omics_from_anndata",
    "open_plink",
    "read_bgen",
    "read_genotypes",
    "read_grm",
    "read_hapmap",
    "read_pgen",
    "read_plink",
    "read_plink_raw",
    "read_table",
    "read_vcf",
    "write_predictdb",
]
