"""
==========================================
HDL cholesterol and body mass index of mice
==========================================

1,814 mice of a heterogeneous stock, with 10,346 SNPs and measurements of their blood (Valdar et
al. 2006, as distributed with BGLR). HDL cholesterol is predicted three ways:

- from genotypes alone, by a model that never saw other blood traits,
- from genotypes alone, by the network trained with the other blood traits as omics,
- by the same network from genotypes and the mouse's own blood traits.

Then the same for body mass index (BMI) as the sober contrast: the blood traits say little about it,
and a network has to notice that and not do worse than without them.

Run ``python examples/plot_mice.py``. The data (2 MB) are downloaded at first use; the figure is
saved as ``mice.png`` in the current folder.
"""

import argparse
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice

parser = argparse.ArgumentParser(description="Cross-validate HDL cholesterol and BMI of mice.")
parser.add_argument("--data-home", help="folder of mice.RData (default: scikit-learn's)")
parser.add_argument("--n-iter", type=int, default=600, help="iterations per chain")
parser.add_argument("--n-jobs", type=int, default=2, help="chains run at the same time")
args = parser.parse_args()
started = time.perf_counter()

# %%
# The data
# --------
# Total cholesterol and LDL contain HDL or are computed from it, so as omics of HDL they would give
# the answer away; potassium was measured in 153 mice only. Everything is used as measured.
#
# Sex is a covariate of both layers. Without it, it leaks through the blood traits, which differ
# between the sexes: they would seem to predict BMI.

mice = fetch_hs_mice(data_home=args.data_home)
X = mice.genotypes
sex = pd.DataFrame({"male": (mice.sex == "M").astype(float)})
blood = mice.omics.rename(columns=lambda name: name.removeprefix("Biochem."))
TRAITS = {
    "HDL": (blood["HDL"], blood.drop(columns=["HDL", "LDL", "Tot.Cholesterol", "Potassium"])),
    "BMI": (mice.BMI, blood.drop(columns="Potassium")),
}
for name, (y, omics) in TRAITS.items():
    print(
        f"{name}: observed in {y.notna().sum()} of {len(y)} mice; {omics.shape[1]} blood traits, "
        f"{omics.isna().to_numpy().mean():.0%} of their cells missing"
    )

# %%
# Cross-validation
# ----------------
# Mice whose phenotype is missing are in every training set (their blood informs the SNP effects on
# the blood traits) and are never scored.
#
# Predictions are scored against the phenotype adjusted for sex: minus the mean of the sex among
# the training mice. The predictions are adjusted by the same means. Correlating adjusted
# phenotypes with predictions for one common sex would not do: given a mouse's own blood traits, a
# prediction still knows the sex through them. What is left is what a model knows beyond the sex,
# and a prediction that is off by a sex difference is not forgiven.
#
# The folds are random, so litter and cage mates of a scored mouse are in training: these are
# accuracies for mice from families that are known.

ALONE, NETWORK, WITH_BLOOD = "genotypes, no omics", "genotypes, network", "network, own blood traits"


def fit(rows, y, omics):
    model = NNMMRegressor(
        n_iter=args.n_iter,
        burn_in=args.n_iter // 3,
        n_jobs=args.n_jobs,
        random_state=0,
    )
    omics = None if omics is None else omics.iloc[rows]
    return model.fit(X.iloc[rows], y.iloc[rows], omics=omics, covariates=sex.iloc[rows])


def cross_validate(y, omics, n_folds=5):
    """Return correlation and slope of each prediction in each fold."""
    scored = np.flatnonzero(y.notna())
    rows = []
    for fold, (_, test) in enumerate(KFold(n_folds, shuffle=True, random_state=0).split(scored)):
        test = scored[test]
        train = np.setdiff1d(np.arange(len(y)), test)
        genotypes, covariates = X.iloc[test], sex.iloc[test]
        alone, network = fit(train, y, None), fit(train, y, omics)
        predictions = {
            ALONE: alone.predict(genotypes, covariates=covariates),
            NETWORK: network.predict(genotypes, covariates=covariates),
            WITH_BLOOD: network.predict(genotypes, omics=omics.iloc[test], covariates=covariates),
        }
        sex_means = y.iloc[train].groupby(mice.sex.iloc[train]).mean()
        of_its_sex = mice.sex.iloc[test].map(sex_means).to_numpy(float)
        observed = y.iloc[test].to_numpy() - of_its_sex
        for model, predicted in predictions.items():
            slope, _ = np.polyfit(predicted - of_its_sex, observed, 1)
            correlation = np.corrcoef(predicted - of_its_sex, observed)[0, 1]
            rows.append({"fold": fold, "model": model, "correlation": correlation, "slope": slope})
    return pd.DataFrame(rows).pivot(index="fold", columns="model")[["correlation", "slope"]]
