"""
=============================
What was learned, in figures
=============================

After a fit the questions are: did the chains converge, where on the genome is something, through
which omic does it act, how much does each omic carry, and how good are predictions? Every section
asks one of them, and draws the answer with a display of :mod:`sknnmm.plotting`.

The data are simulated, so that the answers are known. It takes about a minute.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.mediation import omics_table
from sknnmm.plotting import (
    ManhattanDisplay,
    MediationDisplay,
    NetworkDisplay,
    PredictionDisplay,
    TraceDisplay,
    VariancePartitionDisplay,
)

# %%
# The data
# --------
# 1,000 individuals have 1,000 SNPs on ten chromosomes, and four metabolites of which 20 % of the
# cells are missing. Seven SNPs act:
#
# - on metabolite A those at 30 Mb of chromosome 1 and at 50 Mb of chromosome 5,
# - on B that at 20 Mb of chromosome 3,
# - on C the first one of A again, and that at 80 Mb of chromosome 8,
# - on D that at 60 Mb of chromosome 7,
# - and past all of them, on the yield itself, that at 40 Mb of chromosome 9.
#
# A and B raise the yield, **C lowers it, and D does nothing**.

rng = np.random.default_rng(4)
variants = pd.DataFrame(
    {"chromosome": np.repeat(np.arange(1, 11), 100), "position": np.tile(np.arange(100), 10) * 1e6}
)
variants.index = [f"{c:.0f}_{p / 1e6:.0f}" for c, p in variants.to_numpy()]
X = pd.DataFrame(
    make_omics_network(n_samples=1000, n_snps=1000, ld=0.8, random_state=4).X,
    columns=variants.index,
)


def value_of(*snps):
    """Return the standardised sum of the genotypes of some SNPs."""
    value = X[list(snps)].sum(axis=1)
    return (value - value.mean()) / value.std()


metabolites = pd.DataFrame(
    {
        "A": 0.6 * value_of("1_30", "5_50"),
        "B": 0.5 * value_of("3_20"),
        "C": 0.6 * value_of("1_30", "8_80"),
        "D": 0.6 * value_of("7_60"),
    }
).add_prefix("metabolite ")
metabolites += 0.8 * rng.standard_normal(metabolites.shape)
yield_ = metabolites @ [1.0, 0.8, -0.5, 0.0] + 0.4 * value_of("9_40") + rng.standard_normal(1000)
yield_ = (50 + 5 * yield_).rename("yield (dt/ha)")
measured = metabolites.mask(rng.random(metabolites.shape) < 0.2)

train, new = slice(800), slice(800, None)
model = NNMMRegressor("BayesC", n_iter=3000, burn_in=1000, random_state=0)
model.fit(X[train], yield_[train], omics=measured[train])

# %%
# Have the chains converged?
# --------------------------
# The targets with the largest R-hat. The chains lie over each other, and the histograms of their
# ranks stay near the dashed line: there is nothing to worry about.

trace = TraceDisplay.from_estimator(model, max_quantities=3)
trace.figure_.savefig("trace.png", dpi=120)
print(f"largest R-hat of the targets: {model.diagnostics_.query('target')['r_hat'].max():.3f}")

# %%
# Where on the genome, and on what?
# ---------------------------------
# The share of draws in which a window of 5 Mb explains more than 2 % of the genetic variance
# (WPPA). Each panel has the windows with its own causal SNPs at the top. In the total effect on the
# yield that of D is missing, a metabolite that does nothing, and chromosome 1 is less certain than
# the others: A and C work against each other there.

manhattan = ManhattanDisplay.from_estimator(
    model,
    variants,
    [*metabolites, "direct", "total"],
    X=X[train],
    window="5Mb",
    threshold=0.02,
    y_name="yield",
)
manhattan.figure_.savefig("windows.png", dpi=120)

# %%
# From where, and through what?
# -----------------------------
# The width of a line is a share of the genetic variance of the yield. A carries most of it, from
# chromosomes 1 and 5. The path from chromosome 1 through C is red: **of what the SNP adds through
# A, C takes half back.** Nothing passes through D.

network = NetworkDisplay.from_estimator(model, X[train], variants, y_name="yield")
network.figure_.savefig("network.png", dpi=120)
print(network.shares_.round(2).to_string())

# %%
# How much does each metabolite carry?
# ------------------------------------
# The same shares summed over chromosomes, with their intervals. A heritable metabolite carries
# nothing if it has no weight: D. A share can be negative (:doc:`why <../guide/mediation>`).

mediation = MediationDisplay.from_estimator(model, y_name="yield")
mediation.figure_.savefig("mediation.png", dpi=120)
print(omics_table(model)[["path", "heritability", "weight", "genetic_share"]].round(2).to_string())

# %%
# What makes up the variance?
# ---------------------------
# Blue is genetic. More than a third of the variance of the yield comes from parts of the
# metabolites that are not genetic: no breeding value can predict them, measured metabolites do.

partition = VariancePartitionDisplay.from_estimator(model, y_name="yield")
partition.figure_.savefig("variances.png", dpi=120)
print(model.variance_components_["share"].round(2).unstack("term").to_string())

# %%
# How good are predictions?
# -------------------------
# 200 individuals that the model has not seen, from their genotypes, and from their measured
# metabolites as well. Intervals get shorter, and still hold about 90 % of the records.

for omics, name in [(None, "genotypes"), (measured[new], "metabolites")]:
    display = PredictionDisplay.from_estimator(model, X[new], yield_[new], omics=omics)
    display.figure_.savefig(f"predicted_from_{name}.png", dpi=120)
    print(
        f"from {name}: correlation {display.correlation_:.2f}, coverage {display.coverage_:.2f}, "
        f"mean width of the intervals {np.mean(2 * 1.645 * display.std):.1f} dt/ha"
    )

# %%
# One figure of several
# ---------------------
# Every display draws in axes that it is given.

figure, axes = plt.subplot_mosaic(
    [["genome", "genome"], ["network", "bars"]],
    figsize=(11, 6.6),
    height_ratios=[1, 1.7],
    width_ratios=[1.5, 1],
    layout="constrained",
)
only_total = manhattan.table[manhattan.table["response"] == "total"]
ManhattanDisplay(only_total, y_name="yield").plot(axes["genome"], n_labels=5)
network.plot(axes["network"])
mediation.plot(axes["bars"])
axes["bars"].set_xlabel("share of the genetic variance of yield")
figure.savefig("what_was_learned.png", dpi=120)
