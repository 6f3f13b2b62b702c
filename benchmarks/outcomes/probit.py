"""Probit of wheat yield cut at its median: ours beside a Gibbs sampler of a few lines.

The model of `BGLR(response_type="ordinal")` with a term "BRR": the effects of 1,279 markers are
normal, their variance is scaled inverse chi-square a priori, the intercept is flat. The other
sampler is that of Albert & Chib (1993, doi 10.1080/01621459.1993.10476321), written down on the
genetic values of the lines in NumPy and SciPy. It shares nothing with ours but the model.
"""

import warnings

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table
from sknnmm import NNMMClassifier
from sknnmm.datasets import fetch_wheat
from sknnmm.priors import RRBLUP
from sknnmm.sampling.chains.parallel import one_blas_thread

DF = 5
GENETIC_VARIANCE = 0.5  # scale of the prior, in residual variances
N_CHAINS = 8
N_EXCHANGES = 1000


def run(options):
    warnings.simplefilter("ignore", ConvergenceWarning)  # chains are compared with each other below
    wheat = fetch_wheat(options.data_home)
    X, y = wheat.genotypes.to_numpy(), wheat.yields["environment_1"].to_numpy()
    is_high = y > np.median(y)
    scale = GENETIC_VARIANCE / X.var(axis=0).sum()
    n_iter = 60 if options.quick else 4000
    ours, theirs = [], []
    with one_blas_thread():
        for repetition in range(options.repetitions):
            first = repetition * N_CHAINS
            ours += [by_ours(X, is_high, scale, n_iter, first + k) for k in range(N_CHAINS)]
            # It mixes more slowly.
            theirs += list(by_albert_and_chib(X, is_high, scale, 5 * n_iter, repetition))
            compare(np.array(ours[first:]), np.array(theirs[first:]), f"seed {repetition}")
    if options.repetitions > 1:
        compare(np.array(ours), np.array(theirs), "all")


def compare(ours, theirs, title):
    """Print means of chains of both, and the size of their differences."""
    rows = [[title, "ours", "Albert & Chib", "standardised difference"]]
    z, n_lines = standardised(ours, theirs), ours.shape[1] - 1
    shown = {"lowest probability": np.argmin, "highest probability": np.argmax}
    for name, which in shown.items():
        line = which(theirs[:, :n_lines].mean(axis=0))
        rows.append(row_of(name, ours[:, line], theirs[:, line], z[line]))
    rows.append(row_of("variance of the effects", ours[:, -1], theirs[:, -1], z[-1]))
    print(as_table(rows))
    probabilities = ours[:, :n_lines], theirs[:, :n_lines]
    difference = np.abs(probabilities[0].mean(axis=0) - probabilities[1].mean(axis=0))
    expected, p_value = by_exchanging_chains(*probabilities)
    print(
        f"\nProbabilities of {n_lines} lines: largest difference {difference.max():.4f}, root mean "
        f"square of the standardised ones {root_mean_square(z[:n_lines]):.2f}, largest "
        f"{np.abs(z[:n_lines]).max():.1f}. With chains exchanged at random the root mean square is "
        f"{expected:.2f} in the median, and as large in {p_value:.0%} of the exchanges.\n",
        flush=True,
    )


def by_exchanging_chains(ours, theirs):
    """Return the median root mean square of z if it does not matter whose a chain is; a p-value."""
    rng, n = np.random.default_rng(0), len(ours)
    chains = np.concatenate([ours, theirs])
    exchanged = np.empty(N_EXCHANGES)
    for i in range(N_EXCHANGES):
        order = rng.permutation(2 * n)
        exchanged[i] = root_mean_square(standardised(chains[order[:n]], chains[order[n:]]))
    found = root_mean_square(standardised(ours, theirs))
    return np.median(exchanged), (exchanged >= found).mean()


def root_mean_square(z):
    return np.sqrt(np.mean(np.square(z)))


def standardised(ours, theirs):
    """Return differences of the means over the chains, in Monte Carlo standard errors."""
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / len(ours))
    return (ours.mean(axis=0) - theirs.mean(axis=0)) / error


def row_of(name, ours, theirs, z):
    means = [f"{v.mean():.4g} ± {v.std(ddof=1) / np.sqrt(len(v)):.1g}" for v in (ours, theirs)]
    return [name, *means, f"{z:+.1f}"]


def by_ours(X, is_high, scale, n_iter, seed):
    """Return the probabilities of the lines in another record, then the mean of the variance."""
    model = NNMMClassifier(
        RRBLUP(DF, scale), n_iter=n_iter, burn_in=n_iter // 4, n_chains=1, random_state=seed,
        precision="double",
    )  # fmt: skip
    model.fit(X, is_high)
    variance = model.posterior_.draws["direct_effects_variance"].mean()
    return np.append(model.predict_proba(X)[:, 1], variance)


def by_albert_and_chib(X, is_high, scale, n_iter, seed):
    """Return the same of the sampler of Albert & Chib, a row for each of its chains."""
    rng = np.random.default_rng(seed)
    centred = X - X.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = values > 1e-9 * values[-1]
    values, vectors, is_high = values[kept, None], vectors[:, kept], is_high[:, None]
    n, rank = vectors.shape
    u, mean, variance = np.zeros((n, N_CHAINS)), np.zeros(N_CHAINS), np.full(N_CHAINS, scale)
    total = np.zeros((n + 1, N_CHAINS))
    for iteration in range(n_iter):
        below = ndtr(-(mean + u))  # probability of the lower class
        uniform = rng.random(u.shape)
        share = np.where(is_high, below + uniform * (1 - below), uniform * below)
        liability = mean + u + ndtri(share)
        mean = (liability - u).mean(axis=0) + rng.standard_normal(N_CHAINS) / np.sqrt(n)
        precision = 1 + 1 / (variance * values)
        rotated = vectors.T @ (liability - mean) / precision
        rotated += rng.standard_normal(rotated.shape) / np.sqrt(precision)
        u = vectors @ rotated
        sum_of_squares = DF * scale + (rotated**2 / values).sum(axis=0)
        variance = sum_of_squares / rng.chisquare(DF + rank, N_CHAINS)
        if iteration >= n_iter // 4:
            total += np.vstack([ndtr(mean + u), variance])
    return total.T / (n_iter - n_iter // 4)
