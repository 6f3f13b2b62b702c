"""Records of families that bound the response, for tests of the sampler."""

from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from sknnmm.families import Censored, Ordinal

N_CLASSES = {"binary": 2, "ordinal": 4}
CENTRE = 0.7  # mean of the liabilities of which the prior of the thresholds is made
LARGEST = CENTRE + 6  # threshold
BINS = np.array([-np.inf, -0.5, 0.4, np.inf])


class ProperOrdinal(Ordinal):
    """Ordered classes with a proper prior of the thresholds.

    It is the likelihood of one more record of every class, of liabilities N(CENTRE, 1) whatever the
    other parameters are.
    """

    def draw_parameters(self, parameters, record, mean, sd, rng):
        n_classes = len(parameters.values) + 1
        record = np.append(record, np.arange(n_classes))
        mean = np.append(mean, np.full(n_classes, CENTRE, mean.dtype))
        sd = np.append(sd, np.ones(n_classes, sd.dtype))
        super().draw_parameters(parameters, record, mean, sd, rng)

    def log_likelihood(self, parameters, record, mean, sd, shift=0.0, factor=1.0):
        of_record = super().log_likelihood(parameters, record, mean, sd, shift, factor)
        if len(parameters.values) == 1:
            return of_record
        with np.errstate(divide="ignore"):
            return of_record + np.log(prior_density(factor * parameters.values))


def prior_density(thresholds):
    """Return the prior density of thresholds (..., M - 1), not normalised."""
    below = ndtr(thresholds - CENTRE)
    return np.diff(below, prepend=0, append=1, axis=-1).prod(axis=-1)


def draw_thresholds(family, rng):
    """Return thresholds from their prior, by rejection; without classes one that means nothing."""
    n_free = N_CLASSES.get(family, 2) - 2
    if not n_free:
        return np.zeros(1)
    first = ndtr(-CENTRE)
    largest = first * ((1 - first) / (n_free + 1)) ** (n_free + 1)
    while True:
        candidates = np.zeros((64, n_free + 1))
        candidates[:, 1:] = np.sort(rng.uniform(0, LARGEST, (64, n_free)), axis=1)
        accepted = rng.uniform(0, largest, 64) < prior_density(candidates)
        if accepted.any():
            return candidates[accepted.argmax()]


FAMILIES = {"binary": ProperOrdinal(), "ordinal": ProperOrdinal(), "censored": Censored()}


def of_family(model, family, thresholds):
    """Return the model with the record of a family in place of its y, the responses."""
    lower, upper = record_of(family, model.y, thresholds)
    lower, upper = (np.where(model.y_observed, ends, np.nan) for ends in (lower, upper))
    return replace(
        model,
        y=lower,
        y_upper=upper if family == "censored" else None,
        family=FAMILIES[family],
    )


def is_exact(family, n):
    """Return which records of n rows tell the response."""
    return (np.arange(n) % 3 == 0) & (family == "censored")


def record_of(family, response, thresholds):
    """Return lower and upper ends, the same for classes, of the records of responses (n,)."""
    response = np.nan_to_num(response)
    if family != "censored":
        classes = np.searchsorted(thresholds, response).astype(float)
        return classes, classes
    bin_of = np.searchsorted(BINS, response) - 1
    exact = is_exact(family, len(response))
    return np.where(exact, response, BINS[bin_of]), np.where(exact, response, BINS[bin_of + 1])
