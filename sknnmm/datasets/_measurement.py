"""How simulated omics are measured: batches, logarithms, rare large values, detection limits."""

from dataclasses import dataclass

import numpy as np

BATCH_VARIANCE = 0.5  # of the shift of an omic in a batch; the omic itself has variance 1
OUTLIER_SIZE = 10.0  # mean of what is added to an outlier, in SDs of the omic as measured
MIN_DETECTED = 2  # values per omic: with fewer neither a mean nor a variance can be estimated


@dataclass(frozen=True)
class Measurement:
    """Omics as measured, and what happened to them.

    n individuals, K omics.
    """

    omics: np.ndarray  # (n, K), NaN = missing
    batch: np.ndarray  # (n,) int
    is_outlier: np.ndarray  # (n, K) bool
    detection_limits: np.ndarray  # (K,), -inf: none
    is_below_detection: np.ndarray  # (n, K) bool


def measure(rng, omics, missing, n_batches, log_sd, outlier_share, below_share, below_detection):
    """Return the Measurement of omics (n, K) of variance 1, of which cells (n, K) are missing.

    `below_share` (K,) is the share of the measured values of each omic that lie below its limit,
    `below_detection` what is written for them; the others are options of `make_omics_network`. What
    is off draws no random numbers, and leaves the omics as they are.
    """
    n_samples, n_omics = omics.shape
    batch, is_outlier = np.zeros(n_samples, dtype=int), np.zeros(omics.shape, dtype=bool)
    if n_batches > 1:
        batch = rng.permutation(np.arange(n_samples) % n_batches)
        shifts = np.sqrt(BATCH_VARIANCE) * rng.standard_normal((n_batches, n_omics))
        omics = omics + shifts[batch]
    if log_sd > 0:
        omics = np.exp(log_sd * omics)
    if outlier_share > 0:
        is_outlier = rng.random(omics.shape) < outlier_share
        size = OUTLIER_SIZE * omics.std(axis=0) * rng.standard_exponential(omics.shape)
        omics = np.where(is_outlier, omics + size, omics)
    omics = np.where(missing, np.nan, omics)
    limits = _detection_limits(omics, below_share)
    is_below = omics < limits
    instead = {"missing": np.nan, "limit": limits, "-inf": -np.inf}[below_detection]
    omics = np.where(is_below, instead, omics)
    return Measurement(omics, batch, is_outlier & ~missing, limits, is_below)


def _detection_limits(omics, below_share):
    """Return the quantile of every omic, but no more than leaves `MIN_DETECTED` values."""
    highest = (-np.sort(-omics, axis=0))[MIN_DETECTED - 1]  # NaN last
    return np.array(
        [
            min(np.nanquantile(column, share), most) if share > 0 else -np.inf
            for column, share, most in zip(omics.T, below_share, highest, strict=True)
        ]
    )
