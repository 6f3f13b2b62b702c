"""Families: how the responses of a layer are linked to their record."""

from sknnmm.families.base import Family
from sknnmm.families.gaussian import Gaussian

__all__ = ["Family", "Gaussian"]
