"""Draws from truncated normal distributions: ours beside `scipy.stats.truncnorm`."""

import time
import warnings

import numpy as np
from scipy.special import log_ndtr
from scipy.stats import kstest, truncnorm

from benchmarks.reporting import as_table
from sknnmm.kernels.truncated_normal import fill_truncated_normal

INTERVALS = [(-1, np.inf), (2, np.inf), (8, np.inf), (35, np.inf), (40, np.inf), (37.9, 38), (0, 1)]
REPEATS = 5


def run(options):
    n = 2_000 if options.quick else 100_000
    rows = [["interval", "ours, ns a draw", "SciPy", "ours, p of KS", "SciPy"]]
    for lower, upper in INTERVALS:
        times, draws = {ours: [], scipys: []}, {}
        for repeat in range(REPEATS):  # in turn
            for draw in times:
                rng = np.random.default_rng(repeat)
                start = time.process_time()
                draws[draw] = draw(np.full(n, float(lower)), np.full(n, float(upper)), rng)
                times[draw].append(time.process_time() - start)
        row = [f"[{lower}, {upper}]"]
        row += [f"{1e9 * min(of_draw) / n:.0f}" for of_draw in times.values()]
        row += [agreement(draws[draw], lower, upper) for draw in times]
        rows.append(row)
    print(as_table(rows))


def ours(lower, upper, rng):
    out = np.empty(lower.size)
    fill_truncated_normal(rng, np.zeros(lower.size), np.ones(lower.size), lower, upper, out)
    return out


def scipys(lower, upper, rng):
    """Bounds differ from draw to draw, as those of a sampler do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return truncnorm.rvs(lower, upper, random_state=rng)


def agreement(draws, lower, upper):
    """Return the p value of a test of the distribution, or what is wrong with the draws."""
    if not np.isfinite(draws).all():
        return f"{1 - np.isfinite(draws).mean():.0%} not finite"
    outside = ((draws < lower) | (draws > upper)).mean()
    if outside:
        return f"{outside:.0%} outside"
    whole = log_share(lower, upper)
    return f"{kstest(draws, lambda x: np.exp(log_share(lower, x) - whole)).pvalue:.2f}"


def log_share(lower, upper):
    """Return the log probability of an interval, from the upper tail."""
    with np.errstate(divide="ignore"):  # at the lower bound
        return log_ndtr(-lower) + np.log1p(-np.exp(log_ndtr(-upper) - log_ndtr(-lower)))
