"""Genotypes in memory or in files, centred, and their products."""

from sknnmm.genotypes.centred import Genotypes, ScaledGenotypes, row_products

__all__ = ["Genotypes", "ScaledGenotypes", "row_products"]
