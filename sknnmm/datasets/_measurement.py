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

    omics: np.ndarray  # (n, K), NaN = missing or below detection
    batch: np.ndarray  # (n,) int
    is_outlier: np.ndarray  # (n, K) bool
    detection_limit: np.ndarray  # (K,), -inf: none
    is_below_detection: np.ndarray  # (n, K) bool


def measure(
    rng, omics, missing, n_batches, log_sd, outlier_share, detection_quantile, below_detection
):
    """Return the Measurement of omics (n, K) of variance 1, of which cells (n, K) are missing.

    What is off draws no random numbers, and leaves the omics as they are.
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
    limit = np.full(n_omics, -np.inf)
    if detection_quantile > 0:
        limit = _detection_limits(omics, detection_quantile)
    is_below = omics < limit
    omics = np.where(is_below, limit if below_detection == "limit" else np.nan, omics)
    return Measurement(omics, batch, is_outlier & ~missing, limit, is_below)


def _detection_limits(omics, quantile):
    """Return the quantile of every omic, but no more than leaves `MIN_DETECTED` values."""
    descending = -np.sort(-omics, axis=0)  # NaN last
    return np.minimum(np.nanquantile(omics, quantile, axis=0), descending[MIN_DETECTED - 1])
