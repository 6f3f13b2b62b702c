"""Everything needed to continue a chain, on the sampling scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class LayerState:
    """State of one layer.

    Residuals are formed from the parts when an update needs them, so none can go stale; only the
    genotype fits, too expensive to recompute, are maintained.
    """

    response: np.ndarray  # (n, C), missing cells as they were drawn last
    residual_variance: np.ndarray  # (C,)
    terms: dict[str, Any]  # state of each term, by its name
    family: Any = None  # parameters of the family, if it has any
    step_size: object = None  # of Hamiltonian Monte Carlo for missing responses, where it is used


@dataclass
class ChainState:
    """State of one chain."""

    layers: dict[str, LayerState]  # by the name of the layer
