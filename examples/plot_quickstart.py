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
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation
from sknnmm.plotting import PredictionDisplay

# %%
# The data
# --------
# The genetic value of an individual, which a breeder selects on, is what its genotype makes of
# its phenotype on average. In a simulation it is known. The phenotype also holds noise, so even a
# perfect prediction from genotypes correlates with it by no more than the root of the heritability.

data = make_omics_network(
    n_samples=1800, n_snps=1000, n_omics=10, missing_omics=0.3, random_state=0
)
train, held_out = slice(1400), slice(1400, None)
X, y, true_value = data.X[held_out], data.y[held_out], data.genetic_value[held_out]

print(
    f"1400 individuals to train on and {len(y)} held out, {X.shape[1]} SNPs, "
    f"{data.omics.shape[1]} omics with {np.isnan(data.omics).mean():.0%} of the cells missing.\n"
    f"Heritability {data.heritability:.2f}: a perfect prediction from genotypes would correlate by "
    f"{np.corrcoef(true_value, y)[0, 1]:.2f} with the held-out phenotypes.\n"
)

# %%
# The models
# ----------

CHAINS = {"n_iter": 3000, "burn_in": 1000, "n_jobs": 2, "random_state": 0, "verbose": 1}
models = {
    "omics and direct effects": NNMMRegressor(**CHAINS),
    "omics only": NNMMRegressor(direct_effects=False, **CHAINS),
    "no omics": NNMMRegressor(**CHAINS),
}
for name, model in models.items():
    print(f"Fitting: {name}", flush=True)
    omics = None if name == "no omics" else data.omics[train]
    model.fit(data.X[train], data.y[train], omics=omics)

# %%
# How accurate they are
# ---------------------
# Accuracy is a correlation in the held-out individuals. Dispersion, the slope of the regression of
# true on predicted values, tells whether predictions have the right spread: 1 is best, below 1 they
# are inflated: differences between individuals are exaggerated.
# `predict` without omics integrates over them given the genotypes; given the measured omics of
# the held-out individuals (their missing cells as NaN) it also knows part of the noise.

rows = {}
for name, model in models.items():
    value = model.breeding_value(X)
    with_omics = np.nan
    if name != "no omics":
        with_omics = predictive_correlation(y, model.predict(X, omics=data.omics[held_out]))
    rows[name] = {
        ("breeding value", "accuracy"): predictive_correlation(true_value, value),
        ("breeding value", "dispersion"): prediction_dispersion(true_value, value),
        ("phenotype, correlation", "from genotypes"): predictive_correlation(y, model.predict(X)),
        ("phenotype, correlation", "and own omics"): with_omics,
    }
table = pd.DataFrame.from_dict(rows, orient="index")
print(f"\nHeld-out individuals ({len(y)}):")
print(table.to_string(float_format="{:.3f}".format, na_rep="-"))

# %%
# Predicted against true breeding values
# --------------------------------------
# With the interval of each; red are those whose true value lies outside. Where the network has no
# direct effects, its intervals are too short: it does not know of what bypasses the omics.

figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), sharex=True, sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    mean, std = model.breeding_value(X, return_std=True)
    PredictionDisplay(true_value, mean, std, y_name="breeding value").plot(ax)
    ax.set_title(f"{name}\n{ax.get_title(loc='left')}", loc="left", fontsize="medium")
    ax.set_ylabel("true breeding value (units of y)" if ax is axes[0] else "")
figure.savefig("quickstart.png", dpi=120)
print("\nThe figure is quickstart.png in the current folder.")

# %%
# This is one data set: with 400 held-out individuals a correlation is uncertain by some 0.02, a
# difference between models of the same individuals by less.
