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

The data (2 MB) are downloaded at first use. On one core it takes some minutes, so the documentation
shows a figure and a table of ``python examples/plot_mice_mixed.py``.
"""

# sphinx_gallery_thumbnail_path = '_static/examples/mice_mixed.png'

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
from sknnmm.plotting import VariancePartitionDisplay

# %%
# Data and models
# ---------------
# One omics layer of a few blood traits, to keep the example short. ``Random("cage")`` acts on them
# and on BMI, each with a variance of its own.

mice = fetch_hs_mice()
X, y = mice.genotypes, mice.BMI
blood = mice.omics.rename(columns=lambda name: name.removeprefix("Biochem."))
blood = blood[["HDL", "LDL", "Triglycerides", "Glucose", "ALP"]]
covariates = pd.DataFrame({"sex": mice.sex, "cage": mice.cage})
MODELS = {"sex": [Fixed("sex")], "sex and cage": [Fixed("sex"), Random("cage")]}
warnings.simplefilter("ignore", ConvergenceWarning)  # short chains: the numbers say how exact


def fit(name, rows, y=y, omics=blood):
    """Return a network with RR-BLUP priors of the SNP effects: BMI is polygenic."""
    model = NNMMRegressor(
        "RR-BLUP", effects=MODELS[name], n_iter=400, burn_in=100, n_jobs=2, random_state=0
    )
    return model.fit(
        X.iloc[rows], y.iloc[rows], omics=omics.iloc[rows], covariates=known(name, rows)
    )


def known(name, rows):
    """Return the covariates of some mice that a model takes."""
    return covariates[["sex", "cage"] if "cage" in name else ["sex"]].iloc[rows]


# %%
# Variance components
# -------------------
# Without cages the SNPs take over part of what cages do. (Both partitions are of what sex leaves.)
#
# .. image:: /_static/examples/mice_mixed.png
#    :alt: Shares of the variance of BMI and of the blood traits, without and with cages

everyone = np.arange(len(y))
figure, axes = plt.subplots(1, 2, figsize=(13, 3.6), layout="constrained")
for ax, name in zip(axes, MODELS, strict=True):
    fitted = fit(name, everyone)
    VariancePartitionDisplay.from_estimator(fitted, y_name="BMI", ax=ax)
    ax.set_xlabel(f"share of the variance (effects: {name})")
    print(f"\nBMI, {name}: heritability {fitted.heritability_:.2f}")
    print(fitted.variance_components_.loc["phenotype", "y"].round(4))
figure.savefig("mice_mixed.png", dpi=100)

# %%
# Accuracy within and across families
# -----------------------------------
# Blood traits of test mice are not used. Sex is part of what is predicted, and so are cages that
# test mice share with mice of the training set. It printed::
#
#                                  correlation        dispersion
#                                         mean    sem       mean    sem
#     folds           effects
#     within families sex                0.537  0.008      0.998  0.023
#                     sex and cage       0.565  0.013      0.979  0.034
#     across families sex                0.520  0.026      0.977  0.099
#                     sex and cage       0.534  0.026      1.023  0.102

SPLITS = {
    "within families": KFold(3, shuffle=True, random_state=0).split(X),
    "across families": GroupKFold(3).split(X, groups=mice.family),
}
rows = []
for split, folds in SPLITS.items():
    for train, test in folds:
        for name in MODELS:
            predicted = fit(name, train).predict(X.iloc[test], covariates=known(name, test))
            scores = (
                predictive_correlation(y.iloc[test], predicted),
                prediction_dispersion(y.iloc[test], predicted),
            )
            rows.append((split, name, *scores))
scores = pd.DataFrame(rows, columns=["folds", "effects", "correlation", "dispersion"])
print("\nBMI of test mice, mean and standard error of three folds:")
print(scores.groupby(["folds", "effects"], sort=False).agg(["mean", "sem"]).round(3).to_string())

# %%
# Candidates without phenotype
# ----------------------------
# One family in ten has no BMI; its mice get breeding values from their genotypes.

is_candidate = (mice.family % 10 == 0).to_numpy()
fitted = fit(
    "sex and cage",
    everyone,
    y.where(~is_candidate),
    blood.mask(np.broadcast_to(is_candidate[:, np.newaxis], blood.shape)),
)
candidates = fitted.breeding_values(X[is_candidate])
print(f"\n{len(candidates)} candidates, the best five:")
print(candidates.nlargest(5, "breeding_value").round(4).to_string())
