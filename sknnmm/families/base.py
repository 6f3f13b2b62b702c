"""The contract of a family: what the record says of the response."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sknnmm.model.variables import Variable
from sknnmm.priors import GENETIC_SHARE

if TYPE_CHECKING:
    from sknnmm.model.network import Layer


class Family(ABC):
    """A link between the responses of a layer and their record.

    The record tells a response, or bounds it: then the response is drawn in every iteration, given
    the terms of its layer. No other layer may read it. What a family estimates besides, as
    thresholds, are its parameters: a part of the state of a chain.
    """

    residual_variance_is_fixed: bool = False  # at its expectation, as the record has no scale
    #: Variance of a response that its terms with a prior explain together, expected a priori, and
    #: its residual variance.
    explained_variance: float = GENETIC_SHARE
    expected_residual_variance: float = 1 - GENETIC_SHARE

    @abstractmethod
    def start(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return responses to start from, given the record (n, C); 0 where it is missing.

        `upper` (n, C), or None, are the upper ends of records that are intervals.
        """

    @abstractmethod
    def is_bounded(self, record: np.ndarray, upper: np.ndarray | None) -> np.ndarray:
        """Return where the record bounds the response and does not tell it, (n, C) bool."""

    def bounds(
        self, record: np.ndarray, upper: np.ndarray | None, parameters: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper bounds of some bounded responses, (m,) each."""
        raise NotImplementedError

    def start_parameters(self, record: np.ndarray) -> Any:
        """Return the parameters to start from, a dataclass; None without any."""
        return None

    def draw_parameters(  # noqa: B027  not for all
        self,
        parameters: Any,
        record: np.ndarray,
        mean: np.ndarray,
        sd: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw the parameters in place, with the bounded responses integrated out.

        These have a mean and an SD given the terms of their layer, (m,) each.
        """

    def ends(
        self, record: np.ndarray, upper: np.ndarray | None, draws: Callable[[str], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return between which values records (n, C) put the response in posterior draws.

        Both broadcast to (n, draws, C), and are equal where the record tells the response. `draws`
        returns the draws (draws, size) of a variable of the family by its name.
        """
        return record[:, None], (record if upper is None else upper)[:, None]

    # Of families whose record has no scale (`residual_variance_is_fixed`) ---------------------

    def log_likelihood(
        self,
        parameters: Any,
        record: np.ndarray,
        mean: np.ndarray,
        sd: np.ndarray,
        shift: float = 0.0,
        factor: float = 1.0,
    ) -> float:
        """Return the log probability of the record, with the responses integrated out.

        If their means are multiplied by `factor`, as are the parameters, and shifted.
        """
        raise NotImplementedError

    def rescale(self, parameters: Any, factor: float) -> None:
        """Multiply the parameters, in place."""
        raise NotImplementedError

    def n_scaled(self, parameters: Any) -> int:
        """Return how many free parameters `rescale` changes."""
        raise NotImplementedError

    # -------------------------------------------------------------------------------------------

    def variables(self, layer: "Layer") -> list[Variable]:
        """Return the Variables of the parameters."""
        return []

    def values(self, parameters: Any) -> Sequence[np.ndarray]:
        """Return their values, views of the state, in the same order."""
        return []
