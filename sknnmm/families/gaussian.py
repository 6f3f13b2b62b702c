"""The normal family: the record is the response."""

import numpy as np

from sknnmm.families.base import Family


class Gaussian(Family):
    """Responses that are recorded as they are."""

    def start(self, record):
        """Return the record (see Family)."""
        return np.nan_to_num(record)

    def draw(self, record, response, mean, sd, rng):
        """Do nothing: there is nothing to draw (see Family)."""

    def expected_record(self, mean, variance):
        """Return the mean (see Family)."""
        return mean
