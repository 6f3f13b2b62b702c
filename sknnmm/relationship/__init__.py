"""Relationships between the levels of a random effect: by pedigree, by SNPs, or any matrix."""

from sknnmm.relationship._genomic import genomic_relationship
from sknnmm.relationship._matrix import Relationship
from sknnmm.relationship._pedigree import Pedigree

__all__ = ["Pedigree", "Relationship", "genomic_relationship"]
