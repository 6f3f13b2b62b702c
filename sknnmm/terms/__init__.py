"""The terms of a layer: what adds up to the expected response."""

from sknnmm.terms.base import Term
from sknnmm.terms.fixed import Fixed
from sknnmm.terms.nodes import Nodes
from sknnmm.terms.snps import SNPs

__all__ = ["Fixed", "Nodes", "SNPs", "Term"]
