"""Omics below their detection limit, and what to do about them.

Three of ten log-normal omics have 30 % of their values below their detection limit, in individuals
to train on and in those held out alike. Compared, in the same simulations and on logarithms, are
the complete data, detection limits, half the limit instead of the value, the limit itself, and NaN.
How far half the limit lies below the limit depends on the SD of the logarithms.
"""

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.reporting import as_table
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import predictive_correlation

AFFECTED = 3
SHARE = 0.3
SIZES = {"n_samples": 800, "n_snps": 100, "n_omics": 10}
QUICK = {"n_samples": 120, "n_snps": 40, "n_omics": 5}
HALF = {"half the limit, SD 0.4": 0.4, "half the limit, SD 1": 1.0}  # of logarithms
TREATMENTS = ("complete", "detection limits", *HALF, "the limit", "NaN")
MEASURES = {  # of the affected omics but for the accuracies
    "slope of weights": "weights regressed on true ones",
    "mean of omics": "over individuals, in SDs, minus the true one",
    "residual variance": "of the omics, over the true one",
    "accuracy of y": "held-out phenotypes, own omics known",
    "accuracy of breeding values": "held-out individuals, from genotypes alone",
}


def run(options):
    start = time.perf_counter()
    found = {treatment: [] for treatment in TREATMENTS}
    seeds = 2 if options.quick else options.seeds
    for seed in range(seeds):
        for treatment, measures in measure(seed, QUICK if options.quick else SIZES).items():
            found[treatment].append(measures)
    found = {treatment: np.array(values) for treatment, values in found.items()}
    print(table_of(found))
    print(f"\n{seeds} simulations, {time.perf_counter() - start:.0f} s")
    if options.figure:
        draw(found, options.figure)


def measure(seed, sizes):
    """Return the measures of every treatment in one simulation."""
    below = np.zeros(sizes["n_omics"])
    below[:AFFECTED] = SHARE
    data = make_omics_network(
        **sizes, log_sd=1.0, detection_limits=below, below_detection="-inf", random_state=seed
    )
    return {treatment: scores(data, treatment, seed) for treatment in TREATMENTS}


def scores(data, treatment, seed):
    omics, limits = treated(data, treatment)
    train = np.arange(len(data.y)) < len(data.y) // 2
    test = ~train
    model = NNMMRegressor(
        detection_limits=limits, n_iter=1000, burn_in=300, thin=5, n_chains=1, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one short chain
        model.fit(data.X[train], data.y[train], omics=omics[train])
        y = model.predict(data.X[test], omics=omics[test])
        values = model.breeding_value(data.X[test])
    own = slice(AFFECTED)
    weights = (model.omics_weights_ / model.omics_scale_)[own]
    true_weights = data.omics_weights[own]
    true = data.omics_complete[train][:, own]
    residual = true - data.omics_genetic_value[train][:, own]
    return [
        weights @ true_weights / (true_weights @ true_weights),
        (model.omics_imputed_[:, own].mean(axis=0) - true.mean(axis=0)).mean(),
        (model.omics_residual_variance_[own] / residual.var(axis=0)).mean(),
        predictive_correlation(data.y[test], y),
        predictive_correlation(data.genetic_value[test], values),
    ]


def treated(data, treatment):
    """Return logarithms of omics in their SDs, and their detection limits."""
    if treatment == "complete":
        return data.omics_complete, None
    below = data.is_below_detection
    logarithms = np.log(np.where(below, 1, data.omics))
    limits = np.log(np.where(np.isfinite(data.detection_limits), data.detection_limits, 1))
    instead = {
        "detection limits": -np.inf,
        **{name: limits - np.log(2) / sd for name, sd in HALF.items()},
        "the limit": limits,
        "NaN": np.nan,
    }[treatment]
    return np.where(below, instead, logarithms), limits


def table_of(found):
    rows = [["", *MEASURES]]
    reference = found["complete"]
    for treatment, values in found.items():
        rows.append([treatment, *cells(values, None if values is reference else reference)])
    return as_table(rows)


def cells(values, reference):
    """Return means, and differences to the reference with their standard errors."""
    means = [f"{mean:.3f}" for mean in values.mean(axis=0)]
    if reference is None:
        return means
    gain = values - reference
    error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
    return [
        f"{mean} ({g:+.3f} ± {e:.3f})"
        for mean, g, e in zip(means, gain.mean(axis=0), error, strict=True)
    ]


def draw(found, path):
    """Save the differences to the complete data, mean and standard error over simulations."""
    names = TREATMENTS[:0:-1]
    panels = ("slope of weights", "accuracy of y", "accuracy of breeding values")
    figure, axes = plt.subplots(1, len(panels), figsize=(9.5, 2.6), sharey=True)
    for ax, panel in zip(axes, panels, strict=True):
        k = list(MEASURES).index(panel)
        gains = np.array([(found[name] - found["complete"])[:, k] for name in names])
        error = gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])
        ax.errorbar(gains.mean(axis=1), range(len(names)), xerr=error, fmt="o", color="C0")
        ax.axvline(0, color="0.6", lw=1)
        ax.set_xlabel(f"{panel}\nminus that of the complete data")
        ax.grid(axis="x", color="0.92")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].margins(y=0.2)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
