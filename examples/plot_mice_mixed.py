"""
===========================================
The mixed model: families and cages of mice
===========================================

Body mass index (BMI) of 1,814 mice with 10,346 SNPs and five blood traits (Valdar et al. 2006, as
distributed with BGLR). Mice of one cage share their environment, and mostly their parents: 523
cages hold 169 families of full sibs. What a cage does to its mice looks like genetics to a model
that does not know the cages.

Sex is a fixed effect, the cage a random one, both on the blood traits and on BMI. The example shows

- the variance components, with and without cages,
- accuracy of cross-validation within families (random folds) and across them (no sibs of a test
  mouse in training), with and without cages,
- breeding values of mice without phenotype, with their reliabilities.

Run ``python examples/plot_mice_mixed.py``. The data (2 MB) are downloaded at first use; the figure
is saved as ``mice_mixed.png`` in the current folder.
"""

import argparse
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold

from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice
from sknnmm.effects import Fixed, Random
from sknnmm.metrics import prediction_dispersion, predictive_correlation

parser = argparse.ArgumentParser(description="Mixed models of the BMI of mice.")
parser.add_argument("--data-home", help="folder of mice.RData (default: scikit-learn's)")
parser.add_argument("--n-iter", type=int, default=600, help="iterations per chain")
parser.add_argument("--n-jobs", type=int, default=2, help="chains run at the same time")
# A notebook has no command line: there the options have their defaults.
args = parser.parse_args(None if "__file__" in globals() else [])
started = time.perf_counter()

# %%
# Data and models
# ---------------
# One omics layer of a few blood traits, to keep the example short. ``Random("cage")`` acts on them
# and on BMI, each with a variance of its own.

mice = fetch_hs_mice(data_home=args.data_home)
X, y = mice.genotypes, mice.BMI
blood = mice.omics.rename(columns=lambda name: name.removeprefix("Biochem."))
blood = blood[["HDL", "LDL", "Triglycerides", "Glucose", "ALP"]]
covariates = pd.DataFrame({"sex": mice.sex, "cage": mice.cage})
MODELS = {"sex": [Fixed("sex")], "sex and cage": [Fixed("sex"), Random("cage")]}


def model(effects):
    """Return a network with RR-BLUP priors of the SNP effects: BMI is polygenic."""
    length = {"n_iter": args.n_iter, "burn_in": args.n_iter // 4, "n_jobs": args.n_jobs}
    return NNMMRegressor("RR-BLUP", effects=effects, random_state=0, **length)


def columns(effects):
    """Return the covariates that a list of effects names."""
    return covariates if len(effects) > 1 else covariates[["sex"]]


warnings.simplefilter("ignore", ConvergenceWarning)  # short chains: the numbers say how exact

# %%
# Variance components
# -------------------
# Without cages the SNPs take over what cages do. (Their heritability here is given sex, and in the
# second model given the cage too: cages are not part of its denominator.)

fits = {
    name: model(effects).fit(X, y, omics=blood, covariates=columns(effects))
    for name, effects in MODELS.items()
}
components = {name: fit.variance_components_ for name, fit in fits.items()}
for name, table in components.items():
    print(f"\nBMI, {name}:")
    print(table.loc["phenotype", "y"].round(4))
    print(f"heritability {fits[name].heritability_:.2f}")

# %%
# Accuracy within and across families
# -----------------------------------
# Blood traits of test mice are not used. Sex is part of what is predicted, and so are cages that
# test mice share with mice of the training set.

SPLITS = {
    "within families": KFold(5, shuffle=True, random_state=0).split(X),
    "across families": GroupKFold(5).split(X, groups=mice.family),
}
rows = []
for split, folds in SPLITS.items():
    predicted = {name: np.empty(len(y)) for name in MODELS}
    fold_of = np.empty(len(y), int)
    for fold, (train, test) in enumerate(folds):
        fold_of[test] = fold
        for name, effects in MODELS.items():
            own = columns(effects)
            fitted = model(effects).fit(
                X.iloc[train], y.iloc[train], omics=blood.iloc[train], covariates=own.iloc[train]
            )
            predicted[name][test] = fitted.predict(X.iloc[test], covariates=own.iloc[test])
    for name, values in predicted.items():
        of_folds = [predictive_correlation(y[fold_of == k], values[fold_of == k]) for k in range(5)]
        dispersion = prediction_dispersion(y, values)
        rows.append((split, name, np.mean(of_folds), np.std(of_folds) / 5**0.5, dispersion))
accuracy = pd.DataFrame(rows, columns=["folds", "model", "correlation", "SE", "dispersion"])
print("\nBMI of test mice, mean of five folds:")
print(accuracy.round(3).to_string(index=False))

# %%
# Candidates without phenotype
# ----------------------------
# One family in ten has no BMI; its mice get breeding values from their genotypes.

is_candidate = (mice.family % 10 == 0).to_numpy()
fitted = model(MODELS["sex and cage"]).fit(
    X,
    y.where(~is_candidate),
    omics=blood[~is_candidate].reindex(blood.index),
    covariates=covariates,
)
candidates = fitted.breeding_values(X[is_candidate])
print(f"\n{len(candidates)} candidates, the best five:")
print(candidates.nlargest(5, "breeding_value").round(4).to_string())

# %%
# The figure
# ----------

figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
colors = {"sex": "#4477AA", "sex and cage": "#EE7733"}
terms = ["SNPs", "omics", "cage", "residual"]
for shift, (name, table) in zip((-0.2, 0.2), components.items(), strict=True):
    own = table.loc["phenotype", "y"].reindex(terms)
    low, high = own["mean"] - own["5%"], own["95%"] - own["mean"]
    axes[0].bar(np.arange(4) + shift, own["mean"], 0.38, color=colors[name], label=name)
    axes[0].errorbar(np.arange(4) + shift, own["mean"], [low, high], fmt="none", ecolor="0.2")
axes[0].set_xticks(range(4), terms)
axes[0].set(ylabel="variance of BMI (squared units)", title="Variance components, 90 % intervals")
axes[0].legend(title="effects", frameon=False)
for shift, name in zip((-0.2, 0.2), MODELS, strict=True):
    own = accuracy[accuracy["model"] == name]
    axes[1].bar(np.arange(2) + shift, own["correlation"], 0.38, yerr=own["SE"], color=colors[name])
axes[1].set_xticks(range(2), SPLITS)
axes[1].set(ylabel="correlation with BMI", title="Test mice, five folds (SE)")
axes[2].scatter(candidates["breeding_value"], candidates["reliability"], s=12, color="#4477AA")
axes[2].set(
    xlabel="breeding value of BMI (units of BMI)",
    ylabel="reliability",
    title="Candidates without phenotype",
)
figure.savefig("mice_mixed.png", dpi=150)
print(f"\nSaved mice_mixed.png; {time.perf_counter() - started:.0f} s in all.")
