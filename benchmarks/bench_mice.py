"""HDL cholesterol and body mass index of the mice, with their blood traits as omics.

Predicted three ways, in the same folds: from genotypes alone, by a model that never saw other blood
traits; from genotypes alone, by the network trained with the other blood traits as omics; by the
same network from genotypes and the mouse's own blood traits. The blood traits say little about BMI:
a network has to notice that and not do worse than without them.

    python -m benchmarks.bench_mice --data-home DIR     # some ten minutes
    python -m benchmarks.bench_mice --quick             # short chains, to see that it runs

Sex is a covariate of both layers: without it, it leaks through the blood traits, which differ
between the sexes. Predictions are scored against the phenotype adjusted for sex, minus the mean of
the sex among the training mice, and are adjusted by the same means: what is left is what a model
knows beyond the sex. Mice whose phenotype is missing are in every training set and never scored.
Folds are random, so litter and cage mates of a scored mouse are in training: these are accuracies
for mice from families that are known.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice
from sknnmm.metrics import prediction_dispersion, predictive_correlation
from sknnmm.priors import BayesC

ALONE, NETWORK, WITH_BLOOD = (
    "genotypes, no omics",
    "genotypes, network",
    "network, own blood traits",
)
CONTAIN_HDL = ["LDL", "Tot.Cholesterol"]  # would give the answer away
# One SNP in a hundred with an effect, about a hundred for each trait. Estimating this share (the
# default) predicts no better here, and among SNPs in linkage disequilibrium over megabases it
# mixes so slowly that it takes far longer chains.
SNP_PRIOR = BayesC(pi=0.99, estimate_pi=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-home", help="where the mice are, or are to be stored")
    parser.add_argument("--n-iter", type=int, default=600, help="iterations per chain")
    parser.add_argument("--n-jobs", type=int, default=1, help="chains run at the same time")
    parser.add_argument("--quick", action="store_true", help="short chains, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.n_iter = 10
    warnings.simplefilter("ignore", ConvergenceWarning)
    mice = fetch_hs_mice(data_home=options.data_home)
    sex = pd.DataFrame({"male": (mice.sex == "M").astype(float)})
    blood = mice.omics.rename(columns=lambda name: name.removeprefix("Biochem."))
    blood = blood.drop(columns="Potassium")  # measured in 153 mice only
    traits = {
        "HDL": (blood["HDL"], blood.drop(columns=["HDL", *CONTAIN_HDL])),
        "BMI": (mice.BMI, blood),
    }
    rows = {"correlation": [], "dispersion": []}
    for trait, (y, omics) in traits.items():
        folds = cross_validate(mice.genotypes, y, omics, sex, options)
        for score, table in rows.items():
            of_models = folds.groupby("model", sort=False)[score]
            cells = [
                f"{m:.3f} ({se:.3f})"
                for m, se in zip(of_models.mean(), of_models.sem(), strict=True)
            ]
            table.append([trait, *cells])
    for score, table in rows.items():
        print(f"\n{score}, mean (SE) of 5 folds\n")
        print(as_table([["", ALONE, NETWORK, WITH_BLOOD], *table]))
    print(f"\n{describe_machine()}")


def cross_validate(X, y, omics, sex, options):
    """Return correlation and dispersion by fold and model."""

    def fit(rows, omics):
        model = NNMMRegressor(
            SNP_PRIOR,
            n_iter=options.n_iter,
            burn_in=options.n_iter // 3,
            n_jobs=options.n_jobs,
            random_state=0,
        )
        omics = None if omics is None else omics.iloc[rows]
        return model.fit(X.iloc[rows], y.iloc[rows], omics=omics, covariates=sex.iloc[rows])

    scored, scores = np.flatnonzero(y.notna()), []
    for _, test in KFold(5, shuffle=True, random_state=0).split(scored):
        test = scored[test]
        train = np.setdiff1d(np.arange(len(y)), test)
        of_sex = y.iloc[train].groupby(sex["male"].iloc[train]).mean()
        of_sex = of_sex.loc[sex["male"].iloc[test]].to_numpy()
        network = fit(train, omics)
        known = {"covariates": sex.iloc[test]}
        predictions = {
            ALONE: fit(train, None).predict(X.iloc[test], **known),
            NETWORK: network.predict(X.iloc[test], **known),
            WITH_BLOOD: network.predict(X.iloc[test], omics=omics.iloc[test], **known),
        }
        for model, predicted in predictions.items():
            pair = y.iloc[test] - of_sex, predicted - of_sex
            scores.append(
                {
                    "model": model,
                    "correlation": predictive_correlation(*pair),
                    "dispersion": prediction_dispersion(*pair),
                }
            )
    return pd.DataFrame(scores)


if __name__ == "__main__":
    main()
