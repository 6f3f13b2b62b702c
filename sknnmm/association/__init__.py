"""Association: which SNPs and regions act on the omics and on the phenotype, from the draws."""

from sknnmm.association._credible_sets import credible_sets
from sknnmm.association._snp_table import snp_table
from sknnmm.association._windows import windows

__all__ = ["credible_sets", "snp_table", "windows"]
