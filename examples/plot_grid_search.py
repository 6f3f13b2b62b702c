"""
=======================================
Grid search over priors and activations
=======================================

Which prior of the SNP effects, which activation, which share of SNPs without effect? A grid search
tries them in a cross-validation. The omics must go with the individuals into the folds; the search
is done in both ways in which they can:

- as columns of X, which ``omics_features`` names,
- by scikit-learn's metadata routing, beside X.

Before the model a step of the Pipeline removes SNPs with rare alleles, within each fold.

It takes about a minute, so the documentation shows a figure that
``python examples/plot_grid_search.py`` saved.
"""

# sphinx_gallery_thumbnail_path = '_static/examples/grid_search.png'

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import predictive_correlation, predictive_correlation_scorer
from sknnmm.preprocessing import MinorAlleleFrequencySelector
from sknnmm.priors import BayesC

# %%
# The data
# --------
# The omics act on the phenotype above a threshold only (``"relu"``). Some individuals are set
# aside, to see in the end what the chosen model is worth: the score of the best of many settings
# flatters it.

data = make_omics_network(
    n_samples=900, n_snps=300, n_omics=4, missing_omics=0.2, activation="relu", random_state=1
)
snps = pd.DataFrame(data.X).add_prefix("snp_")
omics = pd.DataFrame(data.omics).add_prefix("omic_")
train, held_out = slice(600), slice(600, None)

# %%
# The grid
# --------
# Only some priors have a ``pi``, the share of SNPs without effect, hence a list of two grids.
# ``estimate_pi=False`` keeps it where the grid puts it; estimated, the grid would move no more than
# its start.

ACTIVATIONS = ["linear", "relu"]
GRID = [
    {"model__method": ["RR-BLUP", "BayesR"], "model__activation": ACTIVATIONS},
    {
        "model__method": [BayesC(estimate_pi=False)],
        "model__method__pi": [0.5, 0.9, 0.98],
        "model__activation": ACTIVATIONS,
    },
]
FOLDS = KFold(4, shuffle=True, random_state=0)
CHAIN = {"n_iter": 400, "burn_in": 100, "n_chains": 1, "random_state": 0}
warnings.simplefilter("ignore", ConvergenceWarning)  # one short chain for each fit


# %%
# Omics as columns of X
# ---------------------
# The selector is to see SNPs only; ``remainder="passthrough"`` hands the omics on, and names of
# columns reach the model. Validation individuals are predicted from genotypes and their own omics.

X = snps.join(omics)
selector = make_column_transformer(
    (MinorAlleleFrequencySelector(0.1), list(snps)),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
by_columns = GridSearchCV(
    Pipeline([("select", selector), ("model", NNMMRegressor(omics_features=list(omics), **CHAIN))]),
    GRID,
    scoring=predictive_correlation_scorer,
    cv=FOLDS,
)
by_columns.fit(X[train], data.y[train])

# %%
# Metadata routing
# ----------------
# The omics stay beside X; the model requests them for ``fit``, and for ``predict`` because one of
# the scorers hands them on. Two scorers tell what each setting is worth with and without omics of
# the individuals to be predicted; ``refit`` says by which one to choose: here from genotypes alone,
# for the selection of candidates that nobody has measured.

with sklearn.config_context(enable_metadata_routing=True):
    model = NNMMRegressor(**CHAIN).set_fit_request(omics=True).set_predict_request(omics=True)
    by_routing = GridSearchCV(
        Pipeline([("select", MinorAlleleFrequencySelector(0.1)), ("model", model)]),
        GRID,
        scoring={
            "genotypes": predictive_correlation_scorer.set_score_request(omics=False),
            "own omics": predictive_correlation_scorer.set_score_request(omics=True),
        },
        refit="genotypes",
        cv=FOLDS,
    )
    by_routing.fit(snps[train], data.y[train], omics=omics[train])

# %%
# Both ways fit the same models to the same data with the same random numbers.

difference = (
    by_routing.cv_results_["mean_test_own omics"] - by_columns.cv_results_["mean_test_score"]
)
print(f"The scores of both ways differ by {np.abs(difference).max():.1g} at most.")

# %%
# The scores
# ----------
# The standard error is that over the folds. All settings share the folds, so differences between
# them are less uncertain than the scores.


def name_of(params):
    method = params["model__method"]
    pi = params.get("model__method__pi")
    return method if pi is None else f"BayesC, pi = {pi}"


results = by_routing.cv_results_
scores = pd.DataFrame(
    {
        "method": [name_of(params) for params in results["params"]],
        "activation": [params["model__activation"] for params in results["params"]],
    }
)
CONTESTS = {"genotypes": "from genotypes", "own omics": "from genotypes and own omics"}
for contest in CONTESTS:
    scores[contest] = results[f"mean_test_{contest}"]
    # scikit-learn's standard deviation divides by the number of folds
    scores[f"SE, {contest}"] = results[f"std_test_{contest}"] / np.sqrt(by_routing.n_splits_ - 1)
print(f"\n{scores.to_string(index=False, float_format='{:.3f}'.format)}\n")

chosen = by_routing.best_estimator_
held_out_y = data.y[held_out]
print(
    f"Chosen for genotypes: {name_of(by_routing.best_params_)}, "
    f"{by_routing.best_params_['model__activation']}: {by_routing.best_score_:.3f} in the search, "
    f"{predictive_correlation(held_out_y, chosen.predict(snps[held_out])):.3f} held out\n"
    f"Chosen for own omics: {name_of(by_columns.best_params_)}, "
    f"{by_columns.best_params_['model__activation']}: {by_columns.best_score_:.3f} in the search, "
    f"{predictive_correlation(held_out_y, by_columns.predict(X[held_out])):.3f} held out"
)

# %%
# The figure
# ----------
#
# .. image:: /_static/examples/grid_search.png
#    :alt: Correlations of priors and activations, from genotypes and from genotypes and own omics

methods = list(scores["method"].unique())[::-1]
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
for ax, (contest, title) in zip(axes, CONTESTS.items(), strict=True):
    for k, activation in enumerate(ACTIVATIONS):
        part = scores[scores["activation"] == activation].set_index("method").loc[methods]
        ax.errorbar(
            part[contest],
            np.arange(len(methods)) + 0.2 * (1 - k),
            xerr=part[f"SE, {contest}"],
            fmt="o",
            color=f"C{k}",
            label=activation,
        )
    ax.set_title(title)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("cross-validated correlation\n(mean ± SE of 4 folds)")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_yticks(range(len(methods)), methods)
axes[0].set_ylabel("prior of the SNP effects")
axes[1].legend(title="activation", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()
figure.savefig("grid_search.png", dpi=100)
