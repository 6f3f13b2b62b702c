"""What is recorded of the phenotype, checked: values, intervals or classes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Record:
    """The record of the phenotype of n individuals; standardised = (value - location) / scale."""

    values: np.ndarray  # (n,), NaN = missing; of intervals the lower ends, of classes 0, 1, ...
    location: float  # 0 of classes: a liability is not standardised
    scale: float  # 1 of classes
    upper: np.ndarray | None = None  # (n,), upper ends of intervals
    classes: np.ndarray | None = None  # (M,), their labels in the order of the liability

    @property
    def observed(self):
        """Return which individuals have a record, (n,) bool."""
        return ~np.isnan(self.values)

    @property
    def exact(self):
        """Return the values (n,), NaN also where they lie in an interval."""
        if self.upper is None:
            return self.values
        return np.where(self.values < self.upper, np.nan, self.values)

    def standardised(self, values):
        """Return values on the scale of the sampler."""
        return (values - self.location) / self.scale

    @property
    def compared(self):
        """Return the arrays by which it is known whether a saved chain belongs to these data."""
        if self.classes is not None:
            return [self.values, self.classes.astype(str)]
        return self.values if self.upper is None else [self.values, self.upper]
