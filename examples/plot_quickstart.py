"""
=====================================
Genomic prediction through the omics
=====================================

A phenotype often depends on the genotype through things that can be measured in between: gene
expression, metabolites, blood traits. This example simulates such a network, in which SNPs drive
ten omics, and the omics, together with SNPs that bypass them, drive the phenotype. It then
compares three models for 400 individuals that were held out:

- the network with direct SNP effects (the default),
- the network in which all genetic effects pass through the omics (the published NN-MM),
- no omics at all: BayesC of the phenotype on the genotypes.

30 % of the omics cells are missing, in training and in the held-out individuals.

Run ``python examples/plot_quickstart.py``; ``--quick`` uses chains too short to be trusted, to see
that everything works. The figure is saved as ``quickstart.png`` in the current folder.
"""

import argparse
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation

parser = argparse.ArgumentParser(description="Compare three models on a simulated network.")
parser.add_argument("--quick", action="store_true", help="short chains, for a first look")
parser.add_argument("--n-jobs", type=int, default=2, help="chains run at the same time")
parser.add_argument("--seed", type=int, default=0, help="of the simulation and the chains")
# A notebook has no command line: there the options have their defaults.
args = parser.parse_args(None if "__file__" in globals() else [])

# %%
# The data
# --------
# The genetic value of an individual, which a breeder selects on, is what its genotype makes of
# its phenotype on average. In a simulation it is known. The phenotype also holds noise, so even a
# perfect prediction from genotypes correlates with it by no more than the root of the heritability.

data = make_omics_network(
    n_samples=1800, n_snps=1000, n_omics=10, missing_omics=0.3, random_state=args.seed
)
n_training = 1400
train, held_out = slice(n_training), slice(n_training, None)
true_value, y = data.genetic_value[held_out], data.y[held_out]

print(
    f"{n_training} individuals to train on and {len(y)} held out, {data.X.shape[1]} SNPs, "
    f"{data.omics.shape[1]} omics with {np.isnan(data.omics).mean():.0%} of the cells missing.\n"
    f"Heritability {data.heritability:.2f}: a perfect prediction from genotypes would correlate by "
    f"{np.corrcoef(true_value, y)[0, 1]:.2f} with the held-out phenotypes.\n"
)

# %%
# The models
# ----------

MODELS = {
    "omics and direct effects": {"use_omics": True, "direct_effects": True},
    "omics only": {"use_omics": True, "direct_effects": False},
    "no omics": {"use_omics": False, "direct_effects": True},
}


def fit(use_omics, direct_effects, n_iter, burn_in, **options):
    model = NNMMRegressor(
        method="BayesC",
        direct_effects=direct_effects,
        n_iter=n_iter,
        burn_in=burn_in,
        random_state=args.seed,
        **options,
    )
    omics = data.omics[train] if use_omics else None
    return model.fit(data.X[train], data.y[train], omics=omics)


# The sampler is compiled at its first use and kept on disk. Doing that here keeps it out of the
# times below; what a chain of three iterations says about convergence is of no interest.
start = time.perf_counter()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for settings in MODELS.values():
        fit(**settings, n_iter=3, burn_in=1)
print(f"Compiled, or loaded from disk, in {time.perf_counter() - start:.0f} s.\n")

fitted, seconds = {}, {}
for name, settings in MODELS.items():
    print(f"Fitting: {name}", flush=True)
    start = time.perf_counter()
    fitted[name] = fit(
        **settings,
        n_iter=400 if args.quick else 3000,
        burn_in=200 if args.quick else 1000,
        n_jobs=args.n_jobs,
        verbose=1,
    )
    seconds[name] = time.perf_counter() - start

# %%
# How accurate they are
# ---------------------
# Accuracy is a correlation in the held-out individuals. Dispersion, the slope of the regression of
# true on predicted values, tells whether predictions have the right spread: 1 is best, below 1 they
# are inflated: differences between individuals are exaggerated.
# `predict` without omics integrates over them given the genotypes; given the measured omics of
# the held-out individuals (their missing cells as NaN) it also knows part of the noise.

X = data.X[held_out]
breeding_values = {name: model.breeding_value(X) for name, model in fitted.items()}
rows = {}
for name, model in fitted.items():
    with_omics = np.nan
    if MODELS[name]["use_omics"]:
        with_omics = predictive_correlation(y, model.predict(X, omics=data.omics[held_out]))
    rows[name] = {
        ("breeding value", "accuracy"): predictive_correlation(true_value, breeding_values[name]),
        ("breeding value", "dispersion"): prediction_dispersion(true_value, breeding_values[name]),
        ("phenotype, correlation", "from genotypes"): predictive_correlation(y, model.predict(X)),
        ("phenotype, correlation", "and own omics"): with_omics,
        ("", "seconds"): round(seconds[name]),
    }
table = pd.DataFrame.from_dict(rows, orient="index")
print(f"\nHeld-out individuals ({len(y)}):")
print(table.to_string(float_format="{:.3f}".format, na_rep="-"))

# %%
# Predicted against true breeding values
# --------------------------------------

figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.9), sharex=True, sharey=True)
limit = 1.05 * max(np.abs(true_value).max(), *(np.abs(b).max() for b in breeding_values.values()))
for ax, (name, predicted) in zip(axes, breeding_values.items(), strict=True):
    ax.plot([-limit, limit], [-limit, limit], color="0.6", lw=1, label="identity")
    ax.scatter(predicted, true_value, s=10, alpha=0.5, color="C0", linewidths=0)
    line = np.polyfit(predicted, true_value, 1)
    ends = np.array([predicted.min(), predicted.max()])
    ax.plot(ends, np.polyval(line, ends), color="C1", lw=2, label="regression")
    ax.text(
        0.04,
        0.96,
        f"accuracy = {predictive_correlation(true_value, predicted):.2f}\n"
        f"dispersion = {prediction_dispersion(true_value, predicted):.2f}",
        transform=ax.transAxes,
        va="top",
    )
    ax.set(title=name, xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.set(xticks=range(-2, 3), yticks=range(-2, 3))
    ax.set_xlabel("predicted breeding value (units of y)")
axes[0].set_ylabel("true genetic value (units of y)")
axes[-1].legend(loc="lower right", frameon=False)
figure.tight_layout()
figure.savefig("quickstart.png", dpi=150)
print("\nThe figure is quickstart.png in the current folder.")

# %%
# This is one data set: with 400 held-out individuals a correlation is uncertain by some 0.02, a
# difference between models of the same individuals by less.
