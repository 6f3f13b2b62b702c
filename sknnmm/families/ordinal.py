"""The ordinal family: classes are intervals of a liability between thresholds (threshold model)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from sknnmm.families.base import Family
from sknnmm.kernels.thresholds import draw_thresholds, log_likelihood_of_classes
from sknnmm.model.variables import Variable

if TYPE_CHECKING:
    from sknnmm.model.network import Layer


@dataclass
class Thresholds:
    """Where classes meet on the scale of the liability."""

    values: np.ndarray  # (number of classes - 1,), increasing; the first is 0


class Ordinal(Family):
    """Records 0, 1, ..., M - 1: the interval of a liability between thresholds 0 = t_1 < t_2 < ...

    All classes occur. Two classes: the binary probit model, whose only threshold is fixed. The
    liability has residual variance 1; its terms are expected to explain as much.

    The prior of the thresholds is flat. They are drawn with the liability integrated out (Cowles
    1996): given the liability each would be held between the largest of one class and the smallest
    of the next, and hardly move. One at a time, by slice sampling.

    References
    ----------
    Albert & Chib (1993), doi 10.1080/01621459.1993.10476321; Cowles (1996),
    doi 10.1007/BF00162520; Neal (2003), doi 10.1214/aos/1056562461.
    """

    residual_variance_is_fixed = True
    explained_variance = 1.0
    expected_residual_variance = 1.0

    def start(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return the mean of each class if the liability were N(m, 1), m of its share (see Family).

        The first threshold is 0.
        """
        present = ~np.isnan(record)
        edges = np.concatenate([[-np.inf], _edges(record), [np.inf]])
        density = np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi)
        share = np.bincount(record[present].astype(int)) / np.count_nonzero(present)
        means = -np.diff(density) / share - edges[1]
        return np.where(present, means[np.where(present, record, 0).astype(int)], 0)

    def start_parameters(self, record: np.ndarray) -> Thresholds:
        """Return the thresholds that belong to the shares of the classes (see Family)."""
        edges = _edges(record)
        return Thresholds(edges - edges[0])

    def is_bounded(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return that every record bounds a liability (see Family)."""
        return ~np.isnan(record)

    def bounds(
        self, record: np.ndarray, upper: np.ndarray | None, parameters: Thresholds
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the thresholds on both sides of the class (see Family)."""
        return _ends_of_class(parameters.values, record)

    def ends(
        self, record: np.ndarray, upper: np.ndarray | None, draws: Callable[[str], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the thresholds on both sides of the class (see Family)."""
        lower, above = _ends_of_class(draws("thresholds"), record)
        return lower.swapaxes(0, 1), above.swapaxes(0, 1)

    def draw_parameters(
        self,
        parameters: Thresholds,
        record: np.ndarray,
        mean: np.ndarray,
        sd: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw every threshold but the first (see Family)."""
        if len(parameters.values) > 1:
            mean, sd = mean.astype(float, copy=False), sd.astype(float, copy=False)
            draw_thresholds(rng, record.astype(np.intp), mean, sd, parameters.values)

    def log_likelihood(
        self,
        parameters: Thresholds,
        record: np.ndarray,
        mean: np.ndarray,
        sd: np.ndarray,
        shift: float = 0.0,
        factor: float = 1.0,
    ) -> float:
        """Return the log probability of the classes (see Family)."""
        mean, sd = mean.astype(float, copy=False), sd.astype(float, copy=False)
        return log_likelihood_of_classes(
            record.astype(np.intp), mean, sd, parameters.values, shift, factor
        )

    def rescale(self, parameters: Thresholds, factor: float) -> None:
        """Multiply the thresholds (see Family)."""
        parameters.values *= factor

    def n_scaled(self, parameters: Thresholds) -> int:
        """Return the number of thresholds that are not 0 (see Family)."""
        return len(parameters.values) - 1

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


def _ends_of_class(thresholds: np.ndarray, record: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper ends (..., *shape) of classes, given thresholds (..., M - 1)."""
    infinite = np.full((*thresholds.shape[:-1], 1), np.inf)
    edges = np.concatenate([-infinite, thresholds, infinite], axis=-1)
    of_class = record.astype(np.intp)
    return edges[..., of_class], edges[..., of_class + 1]


def _edges(record: np.ndarray) -> np.ndarray:
    """Return where classes meet if the liability were N(0, 1), (number of classes - 1,)."""
    counts = np.bincount(record[~np.isnan(record)].astype(int))
    return ndtri(np.cumsum(counts)[:-1] / counts.sum())
