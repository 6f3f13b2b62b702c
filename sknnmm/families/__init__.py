"""Families: how the responses of a layer are linked to their record."""

from sknnmm.families.base import Family
from sknnmm.families.censored import Censored
from sknnmm.families.gaussian import Gaussian
from sknnmm.families.ordinal import Ordinal

__all__ = ["Censored", "Family", "Gaussian", "Ordinal"]
