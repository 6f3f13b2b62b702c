"""Figures of what a fit has learned. Needs matplotlib: ``pip install sknnmm[plot]``."""

from sknnmm.plotting._manhattan import ManhattanDisplay
from sknnmm.plotting._mediation import MediationDisplay
from sknnmm.plotting._network import NetworkDisplay
from sknnmm.plotting._prediction import PredictionDisplay
from sknnmm.plotting._trace import TraceDisplay
from sknnmm.plotting._variances import VariancePartitionDisplay

__all__ = [
    "ManhattanDisplay",
    "MediationDisplay",
    "NetworkDisplay",
    "PredictionDisplay",
    "TraceDisplay",
    "VariancePartitionDisplay",
]
