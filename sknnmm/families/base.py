"""The contract of a family: what the record says of the response."""

from abc import ABC, abstractmethod

import numpy as np

from sknnmm.priors import GENETIC_SHARE


class Family(ABC):
    """A link between the responses of a layer and their record.

    The response is part of the chain's state, also where it equals the record.
    """

    draws: bool = False  # whether recorded responses are drawn; then no other layer may read them
    residual_variance_is_fixed: bool = False  # at its expectation, as the record has no scale
    #: Variance of a response that its terms with a prior explain together, expected a priori, and
    #: its residual variance.
    explained_variance: float = GENETIC_SHARE
    expected_residual_variance: float = 1 - GENETIC_SHARE

    @abstractmethod
    def start(self, record: np.ndarray) -> np.ndarray:
        """Return responses to start from, given the record (n, C); 0 where it is missing."""

    @abstractmethod
    def draw(
        self, record: np.ndarray, mean: np.ndarray, sd: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return draws of responses given their record, and mean and SD without it, each (m,).

        Asked for if the family `draws`, for responses that have a record.
        """

    @abstractmethod
    def log_density(self, record: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return the log density of records given mean and variance of the responses.

        Of a class or an interval, the log of its probability. The response is normal, and its
        variance is all that is not known of it: the arguments broadcast.
        """
