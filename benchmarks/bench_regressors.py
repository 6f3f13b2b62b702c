"""The network beside the regressions of scikit-learn, in the same folds.

Ridge regression, Bayesian ridge regression, the lasso, partial least squares, random forest,
gradient boosting, support vector regression and a two-step procedure that predicts the omics from
the SNPs and then the phenotype from the predicted omics; on a simulated network and on phenotypes
of mice. Each is tuned within the training sets. Times are processor time of a fit, tuning included.

    python -m benchmarks.bench_regressors --data-home DIR      # HDL and BMI; some twenty minutes
    python -m benchmarks.bench_regressors --quick              # short chains, to see that it runs

There are two contests, by what is known of the individuals to be predicted:

- their genotypes only. Omics of the training individuals are there for every model, but a
  regression of y on SNPs has no place for them: only the network and the two-step procedure use
  them.
- their genotypes and their own omics. Every model gets both, in training and prediction.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import BayesianRidge, LassoCV, RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from benchmarks.reporting import describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice, make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation
from sknnmm.preprocessing import LDPruner

GENOTYPES, OWN_OMICS = "genotypes only", "genotypes and own omics"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-home", help="where the mice are, or are to be stored")
    parser.add_argument("--traits", nargs="*", choices=["HDL", "BMI"], default=["HDL", "BMI"])
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--n-iter", type=int, default=600, help="iterations per chain")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.traits, options.folds, options.n_iter = [], 2, 20
    warnings.simplefilter("ignore", ConvergenceWarning)  # R-hat is printed
    data = {"simulated": simulated()}
    if options.traits:
        mice = fetch_hs_mice(data_home=options.data_home)
        pruned = LDPruner(r2=0.3).set_output(transform="pandas").fit_transform(mice.genotypes)
        data |= {f"{trait} of mice": mice_with(trait, mice, pruned) for trait in options.traits}
    for name, (snps, omics, y, _) in data.items():
        print(
            f"{name}: {len(y)} individuals, {snps.shape[1]} SNPs, {omics.shape[1]} omics with "
            f"{omics.isna().to_numpy().mean():.0%} of their cells missing"
        )
    compile_sampler(*data["simulated"][:3])
    folds, r_hats = {}, []
    for name, tables in data.items():
        folds[name] = cross_validate(*tables, options, r_hats)
    report(pd.concat(folds, names=["data"]), options)
    print(f"\nLargest R-hat of the omics weights, by fit: {np.round(r_hats, 2)}")
    print(describe_machine())


# Data ---------------------------------------------------------------------------------------------


def simulated():
    data = make_omics_network(
        n_samples=1200, n_snps=1000, n_omics=10, missing_omics=0.3, random_state=0
    )
    snps = pd.DataFrame(data.X).add_prefix("snp_")
    omics = pd.DataFrame(data.omics).add_prefix("omic_")
    return snps, omics, pd.Series(data.y), pd.Series("all", index=snps.index)


def mice_with(trait, mice, pruned):
    """Return SNPs pruned by linkage, other blood traits, phenotype and sex of the mice with it.

    Total cholesterol and LDL contain HDL; potassium was measured in few mice.
    """
    blood = mice.omics.drop(columns="Biochem.Potassium")
    if trait == "HDL":
        y = blood["Biochem.HDL"]
        blood = blood.drop(columns=["Biochem.HDL", "Biochem.LDL", "Biochem.Tot.Cholesterol"])
    else:
        y = mice.BMI
    measured = y.notna()
    return pruned[measured], blood[measured], y[measured], mice.sex[measured]


# Competitors --------------------------------------------------------------------------------------
#
# Penalties and other settings are tuned within each training set, but for the random forest: a
# third of the columns per split is usual. Where the scale of columns matters, they are
# standardised, and missing omics are set to their mean. A thousand SNPs would drown ten omics, so
# for ridge, Bayesian ridge, PLS and SVR each of the two blocks is divided by the square root of its
# number of columns: both then have the same total variance, which is what the priors of the network
# expect, too. The penalty of ridge regression is the ratio of residual to genetic variance in these
# units. (The lasso, which drops columns, gets all of them at equal variance.) Trees get the columns
# as they are, gaps included.


def competitors(snps, omics):
    """Return regressions on the columns `snps` and `omics` (may be empty) of a DataFrame."""
    blocks = [
        ("snps", StandardScaler(), snps),
        ("omics", make_pipeline(StandardScaler(), SimpleImputer()), omics),
    ]
    equal = ColumnTransformer(blocks)
    balanced = ColumnTransformer(
        blocks, transformer_weights={name: max(1, len(c)) ** -0.5 for name, _, c in blocks}
    )

    def tuned(model, grid):
        return GridSearchCV(model, grid, cv=3)

    return {
        "ridge": make_pipeline(balanced, RidgeCV(alphas=np.geomspace(0.03, 30, 13))),
        "Bayesian ridge": make_pipeline(balanced, BayesianRidge()),
        "lasso": make_pipeline(equal, LassoCV(cv=3, eps=0.02)),
        "PLS": make_pipeline(
            balanced, tuned(PLSRegression(scale=False), {"n_components": [1, 2, 3, 5, 8]})
        ),
        "SVR": make_pipeline(balanced, tuned(SVR(), {"C": [1, 3], "gamma": [0.1, 0.5]})),
        "random forest": RandomForestRegressor(
            200, max_features=1 / 3, min_samples_leaf=5, random_state=0
        ),
        "gradient boosting": tuned(
            HistGradientBoostingRegressor(max_features=0.2, early_stopping=True, random_state=0),
            {"max_leaf_nodes": [3, 10]},
        ),
    }


# Two steps ----------------------------------------------------------------------------------------
#
# First each omic is regressed on the SNPs, then the phenotype on the omics and the SNPs, both by
# ridge regression. For the second step the omics of the training individuals are predicted out of
# fold, as those of new individuals will be: fitted values would look far better than they are.
# Where own omics may be used, predictions fill their gaps only.


class TwoStepRidge(RegressorMixin, BaseEstimator):
    """Ridge regression of omics on SNPs, then of y on predicted omics and SNPs.

    `measured`: use omics where they are measured, in training and prediction.
    """

    def __init__(self, snps, omics, measured):
        self.snps = snps
        self.omics = omics
        self.measured = measured

    def fit(self, X, y):
        """Fit both steps."""
        self.first_, expected = {}, {}
        for omic in self.omics:
            known = X[omic].notna()
            model = competitors(self.snps, [])["ridge"]
            out_of_fold = cross_val_predict(
                model, X.loc[known, self.snps], X.loc[known, omic], cv=3
            )
            self.first_[omic] = model.fit(X.loc[known, self.snps], X.loc[known, omic])
            expected[omic] = pd.Series(model.predict(X[self.snps]), index=X.index)
            expected[omic][known] = out_of_fold
        self.second_ = competitors(self.snps, self.omics)["ridge"]
        self.second_.fit(self._with_omics(X, pd.DataFrame(expected)), y)
        return self

    def predict(self, X):
        """Predict y from the SNPs, and the omics where they may be used."""
        expected = {omic: model.predict(X[self.snps]) for omic, model in self.first_.items()}
        return self.second_.predict(self._with_omics(X, pd.DataFrame(expected, index=X.index)))

    def _with_omics(self, X, expected):
        omics = X[self.omics].fillna(expected) if self.measured else expected
        return X[self.snps].join(omics)


# The network --------------------------------------------------------------------------------------
#
# With its defaults, but for the length of the chains. The omics are columns of X: all models of a
# fold are fitted to the same DataFrame or to its SNPs. One fit serves both contests; of the mice or
# simulated individuals to be predicted, the first contest gives their SNPs only.


def network(omics, n_iter):
    return NNMMRegressor(
        omics_features=omics, n_iter=n_iter, burn_in=n_iter // 4, n_chains=2, random_state=0
    )


# Cross-validation ---------------------------------------------------------------------------------
#
# Sex is a confounder of the mice: blood traits differ between the sexes and would predict part of
# a phenotype only because the phenotype does, too. Phenotype and omics are therefore adjusted
# before any model sees them, by the means of the sexes in the training set.
#
# Times are processor time of the fit, tuning included.


def adjusted(values, groups, train):
    """Return values minus the mean of the group among the training individuals."""
    means = values.iloc[train].groupby(groups.iloc[train]).mean()
    return values - means.loc[groups].to_numpy()


def fit(model, X, y):
    """Fit and return the seconds of processor time."""
    start = time.process_time()
    model.fit(X, y)
    return time.process_time() - start


def predictions(X, y, test_X, snps, omics, n_iter, r_hats):
    """Yield (contest, model, predictions, seconds)."""
    model = network(omics, n_iter)
    seconds = fit(model, X, y)
    weights = model.diagnostics_.index.str.startswith("omics_weights[")
    r_hats.append(model.diagnostics_.loc[weights, "r_hat"].max())
    yield GENOTYPES, "network", model.predict(test_X[snps]), seconds
    yield OWN_OMICS, "network", model.predict(test_X), seconds
    model = network(None, n_iter)
    seconds = fit(model, X[snps], y)
    yield GENOTYPES, "network without omics", model.predict(test_X[snps]), seconds
    for contest, used in ((GENOTYPES, []), (OWN_OMICS, omics)):
        model = TwoStepRidge(snps, omics, measured=contest == OWN_OMICS)
        seconds = fit(model, X, y)
        yield contest, "two-step ridge", model.predict(test_X), seconds
        for name, model in competitors(snps, used).items():
            seconds = fit(model, X[snps + used], y)
            yield contest, name, model.predict(test_X[snps + used]), seconds


def cross_validate(snps, omics, y, sex, options, r_hats):
    y = y / y.std()
    rows = []
    folds = KFold(options.folds, shuffle=True, random_state=0)
    for fold, (train, test) in enumerate(folds.split(snps)):
        X = snps.join(adjusted(omics, sex, train))
        target = adjusted(y, sex, train)
        known = X.iloc[train], target.iloc[train], X.iloc[test]
        observed = target.iloc[test]
        columns = list(snps), list(omics)
        for contest, model, predicted, seconds in predictions(
            *known, *columns, options.n_iter, r_hats
        ):
            rows.append(
                {
                    "contest": contest,
                    "model": model,
                    "fold": fold,
                    "correlation": predictive_correlation(observed, predicted),
                    "dispersion": prediction_dispersion(observed, predicted),
                    "RMSE": root_mean_squared_error(observed, predicted),
                    "seconds": seconds,
                }
            )
    return pd.DataFrame(rows)


def compile_sampler(snps, omics, y):
    """Compile at the first use, to keep it out of the times."""
    fit(network(list(omics), n_iter=3), snps.join(omics), y)
    fit(network(None, n_iter=3), snps, y)


# Report -------------------------------------------------------------------------------------------
#
# Means over the folds. Dispersion is the slope of the regression of observed on predicted values: 1
# is best, below it predictions are inflated. The RMSE is in SD of the phenotype. "SE" is the
# standard error of the correlation over the folds; "behind" is by how much the correlation is
# lower than that of the network, with its standard error over the same folds. With few folds both
# standard errors are rough.


def report(folds, options):
    keys = ["data", "contest", "model"]
    correlations = folds.reset_index().pivot(index=keys, columns="fold", values="correlation")
    behind = correlations.xs("network", level="model") - correlations
    table = folds.groupby(keys)[["correlation", "dispersion", "RMSE", "seconds"]].mean()
    table.insert(1, "SE", correlations.sem(axis=1))
    table.insert(2, "behind", behind.mean(axis=1))
    table.insert(3, "SE of it", behind.sem(axis=1))
    formats = {"dispersion": "{:.2f}".format, "seconds": "{:.1f}".format}
    for (data, contest), part in table.groupby(level=["data", "contest"], sort=False):
        print(f"\n{data}, {contest}; {options.folds}-fold cross-validation")
        part = part.loc[(data, contest)].sort_values("correlation", ascending=False)
        print(part.to_string(float_format="{:.3f}".format, formatters=formats, index_names=False))


if __name__ == "__main__":
    main()
