"""The contract of a family: what the record says of the response."""

from abc import ABC, abstractmethod

import numpy as np


class Family(ABC):
    """A link between the responses of a layer and their record.

    The response is part of the chain's state, also where it equals the record.
    """

    draws = False  # whether recorded responses are drawn
    residual_variance_is_fixed = False  # at 1, because the record has no scale

    @abstractmethod
    def start(self, record: np.ndarray) -> np.ndarray:
        """Return responses to start from, given the record (n, C); 0 where it is missing."""

    @abstractmethod
    def draw(
        self,
        record: np.ndarray,
        response: np.ndarray,
        mean: np.ndarray,
        sd: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw responses (n, C) in place given their record, and mean and SD without it."""

    @abstractmethod
    def expected_record(self, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return the expected record of individuals whose response has this mean and variance."""
