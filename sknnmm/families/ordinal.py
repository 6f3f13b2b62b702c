"""The ordinal family: ordered classes are intervals of a liability between thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.families.liability import Liability, class_edges
from sknnmm.kernels.thresholds import draw_thresholds
from sknnmm.model.variables import Variable

if TYPE_CHECKING:
    from sknnmm.model.network import Layer


@dataclass
class Thresholds:
    """Where classes meet on the scale of the liability."""

    values: np.ndarray  # (number of classes - 1,), increasing; the first is 0


class Ordinal(Liability):
    """Records 0, 1, ..., M - 1: the interval of the liability between thresholds 0 = t_1 < t_2 ...

    The prior of the thresholds is flat. They are drawn with the liability integrated out (Cowles
    1996): given the liability each would be held between the largest of one class and the smallest
    of the next, and hardly move. One at a time, by slice sampling.

    References
    ----------
    Cowles (1996), doi 10.1007/BF00162520; Neal (2003), doi 10.1214/aos/1056562461.
    """

    def start_parameters(self, record: np.ndarray) -> Thresholds:
        """Return the thresholds that belong to the shares of the classes (see Family)."""
        edges = class_edges(record)
        return Thresholds(edges - edges[0])

    def bounds(
        self, record: np.ndarray, upper: np.ndarray | None, parameters: Thresholds
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the thresholds on both sides of the class (see Family)."""
        edges = np.concatenate([[-np.inf], parameters.values, [np.inf]])
        of_class = record.astype(np.intp)
        return edges[of_class], edges[of_class + 1]

    def draw_parameters(
        self,
        parameters: Thresholds,
        record: np.ndarray,
        mean: np.ndarray,
        sd: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw every threshold but the first (see Family)."""
        draw_thresholds(rng, record.astype(np.intp), mean, sd, parameters.values)

    def variables(self, layer: "Layer") -> list[Variable]:
        """Return the thresholds (see Family)."""
        return [
            Variable(
                f"{layer.prefix}thresholds",
                layer.name,
                "thresholds of the liability between classes, the first 0",
                ("threshold",),
                power=1,
                is_target=True,
                is_diagnosed=True,
            )
        ]

    def values(self, parameters: Thresholds) -> Sequence[np.ndarray]:
        """Return the thresholds (see Family)."""
        return [parameters.values]
