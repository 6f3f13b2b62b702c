"""The binary family: a class is the sign of a liability (probit model)."""

from typing import Any

import numpy as np

from sknnmm.families.liability import Liability


class Binary(Liability):
    """Records 0 and 1: whether a liability of residual variance 1 is above 0.

    References
    ----------
    Albert & Chib (1993), doi 10.1080/01621459.1993.10476321.
    """

    def bounds(
        self, record: np.ndarray, upper: np.ndarray | None, parameters: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return 0 and infinity, on the side of the class (see Family)."""
        is_above = record > 0
        return np.where(is_above, 0, -np.inf), np.where(is_above, np.inf, 0)
