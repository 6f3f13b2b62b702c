"""
===========================================
HDL cholesterol and body mass index of mice
===========================================

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
from sknnmm.metrics import prediction_dispersion, predictive_correlation
from sknnmm.priors import BayesC

parser = argparse.ArgumentParser(description="Cross-validate HDL cholesterol and BMI of mice.")
parser.add_argument("--data-home", help="folder of mice.RData (default: scikit-learn's)")
parser.add_argument("--n-iter", type=int, default=600, help="iterations per chain")
parser.add_argument("--n-jobs", type=int, default=2, help="chains run at the same time")
# A notebook has no command line: there the options have their defaults.
args = parser.parse_args(None if "__file__" in globals() else [])
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

ALONE, NETWORK, WITH_BLOOD = (
    "genotypes, no omics",
    "genotypes, network",
    "network, own blood traits",
)
MODELS = [ALONE, NETWORK, WITH_BLOOD]

# One SNP in a hundred with an effect, about a hundred for each trait. Estimating this share (the
# default) predicts no better here, and among SNPs in linkage disequilibrium over megabases it
# mixes so slowly that it takes far longer chains.
SNP_PRIOR = BayesC(pi=0.99, estimate_pi=False)

diagnostics = []  # of every fit, looked at in the end instead of a warning after each


def fit(rows, y, omics, n_iter=args.n_iter):
    model = NNMMRegressor(
        SNP_PRIOR,
        n_iter=n_iter,
        burn_in=n_iter // 3,
        n_jobs=args.n_jobs,
        random_state=0,
    )
    omics = None if omics is None else omics.iloc[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X.iloc[rows], y.iloc[rows], omics=omics, covariates=sex.iloc[rows])
    diagnostics.append(model.diagnostics_)
    return model


def cross_validate(y, omics, n_folds=5):
    """Return correlation and dispersion of each prediction in each fold."""
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
            adjusted = predicted - of_its_sex
            rows.append(
                {
                    "fold": fold,
                    "model": model,
                    "correlation": predictive_correlation(observed, adjusted),
                    "dispersion": prediction_dispersion(observed, adjusted),
                }
            )
    return pd.DataFrame(rows).pivot(index="fold", columns="model")


def summarise(folds):
    """Return mean and standard error over the folds, and the gain over genotypes without omics.

    The folds are the same for all models, so the gain has its own standard error.
    """
    gain = folds["correlation"].sub(folds["correlation"][ALONE], axis=0)
    parts = {"correlation": folds["correlation"], "gain": gain, "dispersion": folds["dispersion"]}
    return pd.concat(
        {
            (part, statistic): getattr(values, function)()[MODELS]
            for part, values in parts.items()
            for statistic, function in (("mean", "mean"), ("SE", "sem"))
        },
        axis=1,
    )


accuracy = {}
for name, (y, omics) in TRAITS.items():
    accuracy[name] = summarise(cross_validate(y, omics))
    print(f"\n{name}, adjusted for sex; 5-fold cross-validation, mean and SE over folds")
    print("(gain: difference in correlation from the genotypes without omics, same folds)")
    print(accuracy[name].to_string(float_format="{:.3f}".format), flush=True)

# %%
# What the network learned
# ------------------------
# The omics weights of a fit to all mice: the change of the phenotype with one blood trait, the
# other blood traits, the genotype and the sex held fixed. They describe a regression; that a trait
# has weight does not make it a cause. Single weights of correlated traits (sodium and chloride)
# mix more slowly than predictions, hence longer chains.


def summarise_weights(model, y):
    """Return weights in SD of the phenotype per SD of the blood trait, 5-95 % intervals."""
    draws = model.posterior_.draws["omics_weights"] / y.std(ddof=0)
    low, high = np.quantile(draws, [0.05, 0.95], axis=(0, 1))
    labels = [f"omics_weights[{name}]" for name in model.omics_names_]
    return pd.DataFrame(
        {
            "weight": draws.mean(axis=(0, 1)),
            "5 %": low,
            "95 %": high,
            "P(weight is not 0)": model.omics_inclusion_probability_,
            "R-hat": model.diagnostics_.loc[labels, "r_hat"].to_numpy(),
        },
        index=model.omics_names_,
    ).sort_values("weight", key=np.abs, ascending=False)


weights = {}
for name, (y, omics) in TRAITS.items():
    model = fit(np.arange(len(y)), y, omics, n_iter=3 * args.n_iter)
    weights[name] = summarise_weights(model, y)
    print(f"\nOmics weights for {name} (SD of {name} per SD of the blood trait)")
    print(weights[name].to_string(float_format="{:.3f}".format))
    print(
        f"Heritability given sex {model.heritability_:.2f}, of which the blood traits mediate "
        f"{model.mediated_variance_.sum():.0%}",
        flush=True,
    )

# %%
# Accuracies and weights
# ----------------------

figure, axes = plt.subplots(1, 3, figsize=(13, 5.4), width_ratios=[1.15, 1, 1])
axes[1].sharex(axes[2])  # one scale, to compare the two phenotypes
bars = axes[0]
width = 0.26
for k, model_name in enumerate(MODELS):
    means = [accuracy[name].loc[model_name, ("correlation", "mean")] for name in TRAITS]
    errors = [accuracy[name].loc[model_name, ("correlation", "SE")] for name in TRAITS]
    positions = np.arange(len(TRAITS)) + (k - 1) * width
    bars.bar(positions, means, width, yerr=errors, capsize=3, color=f"C{k}", label=model_name)
bars.set_xticks(range(len(TRAITS)), TRAITS)
bars.set_ylabel("correlation with the phenotype adjusted for sex\n(mean ± SE of 5 folds)")
bars.set_title("Cross-validated accuracy")
bars.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08))
bars.spines[["top", "right"]].set_visible(False)

for ax, (name, table) in zip(axes[1:], weights.items(), strict=True):
    table = table[::-1]  # the largest on top
    ax.hlines(table.index, table["5 %"], table["95 %"], color="C2", lw=2)
    ax.plot(table["weight"], table.index, "o", color="C2", ms=5)
    ax.axvline(0, color="0.6", lw=1, zorder=0)
    ax.set_title(f"Omics weights for {name}")
    ax.set_xlabel(f"SD of {name} per SD of the trait\n(posterior mean, 5-95 %)")
    ax.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
figure.savefig("mice.png", dpi=150)
print("\nThe figure is mice.png in the current folder.")

# %%
# How far the chains can be trusted
# ---------------------------------
# R-hat compares the two chains of a fit; 1 means that they agree.

r_hat = pd.concat(diagnostics)["r_hat"].dropna()  # pi does not vary
kinds = r_hat.groupby(r_hat.index.str.replace(r"\[.*", "", regex=True))
print(f"\nR-hat of {len(diagnostics)} fits:")
print(kinds.describe()[["50%", "max"]].to_string(float_format="{:.2f}".format))
print(f"\nWall time {(time.perf_counter() - started) / 60:.1f} minutes.")
