"""Records of families that bound the response, for tests of the sampler."""

import numpy as np

from sknnmm.families import Censored, Ordinal

SHAPE, RATE = 2.0, 2.0  # of the gamma prior of the second threshold, where there is one
BINS = np.array([-np.inf, -0.5, 0.4, np.inf])


class ProperOrdinal(Ordinal):
    """Three classes, with a proper prior of the second threshold.

    It is proposed by the draw under a flat prior, which is reversible for a single threshold.
    """

    def draw_parameters(self, parameters, record, mean, sd, rng):
        now = parameters.values.copy()
        super().draw_parameters(parameters, record, mean, sd, rng)
        if len(now) > 1 and np.log(rng.random()) > log_prior(parameters.values[1]) - log_prior(
            now[1]
        ):
            parameters.values[:] = now

    def log_likelihood(self, parameters, record, mean, sd, shift=0.0, factor=1.0):
        of_record = super().log_likelihood(parameters, record, mean, sd, shift, factor)
        if len(parameters.values) == 1:
            return of_record
        return of_record + log_prior(factor * parameters.values[1])


def log_prior(threshold):
    return (SHAPE - 1) * np.log(threshold) - RATE * threshold


def draw_thresholds(family, rng):
    """Return thresholds from their prior: of two classes, of three, or none."""
    if family == "ordinal":
        return np.array([0.0, rng.gamma(SHAPE, 1 / RATE)])
    return np.zeros(1)


FAMILIES = {"binary": ProperOrdinal(), "ordinal": ProperOrdinal(), "censored": Censored()}


def is_exact(family, n):
    """Return which records of n rows tell the response."""
    return (np.arange(n) % 3 == 0) & (family == "censored")


def record_of(family, response, thresholds):
    """Return lower and upper ends, the same for classes, of the records of responses (n,)."""
    if family != "censored":
        classes = np.searchsorted(thresholds, response).astype(float)
        return classes, classes
    bin_of = np.searchsorted(BINS, response) - 1
    exact = is_exact(family, len(response))
    return np.where(exact, response, BINS[bin_of]), np.where(exact, response, BINS[bin_of + 1])
