"""R-hat and effective sample sizes of many quantities at once.

The rank-normalised statistics of Vehtari et al. (2021, doi 10.1214/20-BA1221), to the rounding as
ArviZ computes them. That goes quantity by quantity and lag by lag, and takes minutes for thousands
of quantities that mix slowly.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri

MIN_DRAWS = 4  # per chain
TAIL = (0.05, 0.95)


@np.errstate(divide="ignore", invalid="ignore")  # of halves of chains that do not vary
def rank_statistics(values):
    """Return R-hat and effective sample sizes.

    Parameters
    ----------
    values : ndarray of shape (quantity, chain, draw)

    Returns
    -------
    dict of str to ndarray of shape (quantity,)
        ess_bulk, for the mean and median; ess_tail, for the 5 % and 95 % quantiles; r_hat, NaN with
        one chain; ess_mean, for the mean, without ranks. All are NaN with fewer than 4 draws.
    """
    n_quantities, n_chains, n_draws = values.shape
    if n_draws < MIN_DRAWS:
        names = ("ess_bulk", "ess_tail", "r_hat", "ess_mean")
        return {name: np.full(n_quantities, np.nan) for name in names}
    halves = _split(values)
    scores = _normal_scores(halves)
    r_hat = np.full(n_quantities, np.nan)
    if n_chains > 1:
        distances = np.abs(halves - np.median(halves, axis=(1, 2), keepdims=True))
        r_hat = np.fmax(_plain_r_hat(scores), _plain_r_hat(_normal_scores(distances)))
    below = [
        _split(values <= quantile[:, None, None]).astype(float)
        for quantile in np.quantile(values, TAIL, axis=(1, 2))
    ]
    return {
        "ess_bulk": _effective(scores),
        "ess_tail": np.minimum(*(_effective(indicator) for indicator in below)),
        "r_hat": r_hat,
        "ess_mean": _effective(halves),
    }


def _split(values):
    """Return the halves of the chains as chains of their own, (Q, 2 chains, half of the draws)."""
    half = values.shape[2] // 2
    return np.concatenate([values[:, :, :half], values[:, :, -half:]], axis=1)


def _normal_scores(values):
    """Return the normal quantiles of the ranks within each quantity; ties share a mean rank."""
    flat = values.reshape(len(values), -1)
    n = flat.shape[1]
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    differs = ordered[:, 1:] != ordered[:, :-1]
    first, last = np.zeros((2, *flat.shape), np.int64)  # of each group of ties
    first[:, 1:] = np.where(differs, np.arange(1, n), 0)
    np.maximum.accumulate(first, axis=1, out=first)
    last[:, -1] = n - 1
    last[:, :-1] = np.where(differs, np.arange(n - 1), n - 1)
    backwards = last[:, ::-1]
    np.minimum.accumulate(backwards, axis=1, out=backwards)
    mean_ranks = np.arange(2, 2 * n + 1) / 2  # all that there can be
    scores = ndtri((mean_ranks - 3 / 8) / (n + 1 / 4))
    result = np.empty(flat.shape)
    np.put_along_axis(result, order, scores[first + last], axis=1)
    return result.reshape(values.shape)


def _plain_r_hat(values):
    n = values.shape[2]
    within = values.var(axis=2, ddof=1).mean(axis=1)
    between = n * values.mean(axis=2).var(axis=1, ddof=1)
    return np.sqrt((between / within + n - 1) / n)


def _effective(values):
    """Return effective sample sizes from Geyer's initial monotone sequence, (Q,)."""
    n_quantities, n_chains, n = values.shape
    means = values.mean(axis=2)
    covariance = _autocovariance(values - means[:, :, None])
    within = covariance[:, [0]] * n / (n - 1)
    total = covariance[:, [0]] + means.var(axis=1, ddof=1, keepdims=True)
    correlation = 1 - (within - covariance) / total
    correlation[:, 0] = 1
    # Sums over pairs of lags are positive and fall, but for noise: it begins with a sum below 0.
    n_pairs = 1 + max(0, -(-(n - 4) // 2))
    pairs = correlation[:, : 2 * n_pairs].reshape(n_quantities, n_pairs, 2)
    sums = pairs.sum(axis=2)
    is_noise = sums <= 0
    is_noise[:, -1] = True
    end = is_noise.argmax(axis=1)
    before = np.arange(n_pairs) < end[:, None]
    falling = np.where(before, np.minimum.accumulate(sums, axis=1), 0).sum(axis=1)
    each = np.arange(n_quantities)
    at_end = pairs[each, end, 0]
    at_end = np.where((at_end > 0) | (sums[each, end] >= 0), at_end, 0)
    size = n_chains * n
    ess = size / np.maximum(-1 + 2 * falling + at_end, 1 / np.log10(size))
    is_constant = np.ptp(values, axis=(1, 2)) < np.finfo(float).resolution
    return np.where(is_constant, size, ess)


def _autocovariance(deviations):
    """Return the autocovariances (Q, lags), averaged over the chains."""
    n = deviations.shape[2]
    length = next_fast_len(2 * n, real=True)
    transformed = rfft(deviations, length)
    power = np.mean(transformed.real**2 + transformed.imag**2, axis=1)
    return irfft(power, length)[:, :n] / n
