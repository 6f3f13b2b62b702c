"""
=======================================
Against the regressions of scikit-learn
=======================================

The network is a scikit-learn regressor, so it takes its place in the list beside others, in the
same folds. There are two contests, by what is known of the individuals to be predicted:

- their genotypes only. A regression of y on SNPs has no place for the omics of the training
  individuals; the network learns from them.
- their genotypes and their own omics. Every model gets both, in training and prediction.

The data are simulated from a linear network, for which the network and ridge regression are made.
It takes some twenty seconds.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import predictive_correlation

warnings.simplefilter("ignore", ConvergenceWarning)  # short chains

data = make_omics_network(n_samples=900, n_snps=500, n_omics=10, missing_omics=0.3, random_state=0)
snps = pd.DataFrame(data.X).add_prefix("snp_")
omics = pd.DataFrame(data.omics).add_prefix("omic_")
y = data.y

# %%
# The models
# ----------
# The omics are columns of X, which ``omics_features`` names, so that all models are fitted to the
# same table. For ridge regression and partial least squares, columns are standardised, missing
# omics are at their mean, and both blocks of columns get the same total variance: hundreds of SNPs
# would drown ten omics.


def balanced(*blocks):
    """Return standardised blocks of columns, each of a total variance of 1."""
    names = [str(k) for k in range(len(blocks))]
    scalers = [make_pipeline(StandardScaler(), SimpleImputer()) for _ in blocks]
    return ColumnTransformer(
        list(zip(names, scalers, blocks, strict=True)),
        transformer_weights={
            name: len(columns) ** -0.5 for name, columns in zip(names, blocks, strict=True)
        },
    )


def regressions(*blocks):
    """Return what scikit-learn offers for these blocks of columns."""
    return {
        "ridge": make_pipeline(balanced(*blocks), RidgeCV(alphas=np.geomspace(0.03, 30, 13))),
        "PLS": make_pipeline(balanced(*blocks), PLSRegression(3, scale=False)),
        "random forest": RandomForestRegressor(
            100, max_features=1 / 3, min_samples_leaf=5, random_state=0
        ),
    }


chains = {"n_iter": 500, "burn_in": 150, "n_jobs": 2, "random_state": 0}
network = NNMMRegressor(omics_features=list(omics), **chains)
no_omics = NNMMRegressor(**chains)

# %%
# Cross-validation
# ----------------
# One fit of the network serves both contests: the table to be predicted has the columns of the
# omics, or it has not.

X = snps.join(omics)
GENOTYPES, OWN_OMICS = "genotypes only", "genotypes and own omics"
rows = []
for train, test in KFold(3, shuffle=True, random_state=0).split(X):
    new, new_snps = X.iloc[test], snps.iloc[test]
    network.fit(X.iloc[train], y[train])
    predicted = {
        ("network", GENOTYPES): network.predict(new_snps),
        ("network", OWN_OMICS): network.predict(new),
        ("network without omics", GENOTYPES): no_omics.fit(snps.iloc[train], y[train]).predict(
            new_snps
        ),
    }
    for contest, blocks in ((GENOTYPES, [list(snps)]), (OWN_OMICS, [list(snps), list(omics)])):
        columns = [name for block in blocks for name in block]
        for name, model in regressions(*blocks).items():
            model.fit(X.iloc[train][columns], y[train])
            predicted[name, contest] = model.predict(new[columns])
    rows += [(*key, predictive_correlation(y[test], values)) for key, values in predicted.items()]
folds = pd.DataFrame(rows, columns=["model", "contest", "correlation"])

# %%
# The table
# ---------
# Mean and standard error of three folds. From genotypes alone, it is the omics of the training
# individuals that put the network ahead.

table = folds.groupby(["model", "contest"], sort=False)["correlation"].agg(["mean", "sem"])
print(table.unstack("contest").round(3).to_string(na_rep="-"))

# %%

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
names = list(table.index.unique("model"))[::-1]
for contest, marker in ((GENOTYPES, "o"), (OWN_OMICS, "s")):
    own = table.xs(contest, level="contest").reindex(names)
    ax.errorbar(own["mean"], range(len(names)), xerr=own["sem"], fmt=marker, label=contest)
ax.set_yticks(range(len(names)), names)
ax.set_xlabel("correlation with the phenotype (mean ± SE of three folds)")
ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
ax.spines[["top", "right"]].set_visible(False)
figure.savefig("model_comparison.png", dpi=120)

# %%
# ``python -m benchmarks.bench_regressors`` has more regressions, each tuned, a procedure in two
# steps, times, and phenotypes of mice.
