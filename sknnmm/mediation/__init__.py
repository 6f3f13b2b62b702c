"""Mediation: how much of the genetics of the phenotype passes through which omic."""

from sknnmm.mediation._omics_table import omics_table
from sknnmm.mediation._snp_paths import snp_paths

__all__ = ["omics_table", "snp_paths"]
