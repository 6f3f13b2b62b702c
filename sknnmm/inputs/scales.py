"""Location and scale of the data, by which they are standardised, in any unit."""

from dataclasses import dataclass

import numpy as np

SMALLEST, LARGEST = 1e-75, 1e75  # SDs: ratios of two units have squares in double precision
CONSTANT = 1e-12  # SD over the largest value: rounding gives constant columns an SD too


@dataclass(frozen=True)
class Scales:
    """Location and scale of the data: original = mean + scale * standardised."""

    y_mean: float
    y_scale: float
    omics_mean: np.ndarray  # (K,), 0 for latent nodes
    omics_scale: np.ndarray  # (K,), 1 for latent nodes
    covariates_mean: np.ndarray  # (q,)
    covariates_scale: np.ndarray  # (q,)
    omics_vary: np.ndarray  # (K,) bool; True for latent nodes
    weight_mean: float  # of sample_weight over the records: those of the sampler are relative to it

    @property
    def omics_unit(self):
        """Return what turns standardised effects on nodes into omic units; 0 without variance."""
        return np.where(self.omics_vary, self.omics_scale, 0)

    @classmethod
    def of(cls, y, omics, n_latent, covariates, weight_mean=1.0):
        """Return the scales of the observed values (not NaN).

        Parameters
        ----------
        y : ndarray of shape (n,)
        omics : ndarray of shape (n, n_omics)
        n_latent : int
        covariates : ndarray of shape (n, q)
        weight_mean : float

        Raises
        ------
        ValueError
            If double precision cannot hold variances in the unit of an argument.
        """
        y_mean, y_scale = mean_and_sd(y[:, None], "y")
        omics_mean, omics_scale = mean_and_sd(omics, "omics")
        covariates_mean, covariates_scale = mean_and_sd(covariates, "covariates")
        return cls(
            y_mean=y_mean[0],
            y_scale=y_scale[0],
            omics_mean=np.append(omics_mean, np.zeros(n_latent)),
            omics_scale=np.append(_or_one(omics_scale), np.ones(n_latent)),
            covariates_mean=covariates_mean,
            covariates_scale=_or_one(covariates_scale),
            omics_vary=np.append(omics_scale > 0, np.ones(n_latent, bool)),
            weight_mean=weight_mean,
        )


def mean_and_sd(values, argument=None):
    """Return means and population SDs of the columns over the values that are not NaN.

    Sums and squares are taken in a unit (a power of two, so nothing is rounded) of the size of the
    largest value: none overflows or vanishes. Of constant columns the SD is exactly 0. Others with
    squares that could not be held raise a ValueError, if `argument` names the values.
    """
    if not values.size:
        return np.zeros((2, values.shape[1]))
    values = np.where(np.isnan(values).all(axis=0), 0, values)  # no value: mean and SD 0
    exponent = np.frexp(np.nanmax(np.abs(values), axis=0))[1]
    scaled = np.ldexp(values, -exponent)
    mean, sd = np.nanmean(scaled, axis=0), np.nanstd(scaled, axis=0)
    sd = np.where(sd > CONSTANT, sd, 0)  # the largest scaled value lies between 0.5 and 1
    mean, sd = np.ldexp(mean, exponent), np.ldexp(sd, exponent)
    held = (sd == 0) | ((sd >= SMALLEST) & (sd <= LARGEST))
    if argument is not None and not held.all():
        column = np.flatnonzero(~held)[0]
        where = f" in column {column}" if len(sd) > 1 else ""
        raise ValueError(
            f"{argument} has a standard deviation of {sd[column]:.3g}{where}, whose square "
            f"overflows or underflows: give {argument} in another unit, in which standard "
            f"deviations lie between {SMALLEST:g} and {LARGEST:g}."
        )
    return mean, sd


def _or_one(scale):
    return np.where(scale > 0, scale, 1)
