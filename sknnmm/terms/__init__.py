"""The terms of a layer: what adds up to the expected response."""

from sknnmm.terms.base import Term
from sknnmm.terms.fixed import Fixed
from sknnmm.terms.levels import Levels
from sknnmm.terms.nodes import Nodes
from sknnmm.terms.random import Random
from sknnmm.terms.snps import SNPs

__all__ = ["Fixed", "Levels", "Nodes", "Random", "SNPs", "Term"]
