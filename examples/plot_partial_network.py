"""
=======================================
Pathways: partially connected networks
=======================================

SNPs of a pathway act on the omic of that pathway, not on all omics. Told which SNPs belong
together, the network has fewer effects to learn. This example simulates five pathways of 100 SNPs
each and fits the types of partially connected network of Zhao et al. (2022, doi
10.1093/genetics/iyac034):

- groups of SNPs, each with its observed omic (30 % of the cells missing in training),
- the same groups with latent nodes: the pathways are known, but nothing of them is measured,
- groups with latent nodes and a network function of one's own: the phenotype is limited by the
  least active pathway,

each against the fully connected network of the same nodes, ``mask=None``. It also shows every way
to write a mask, and a mask behind a filter of SNPs in a Pipeline. It takes less than a minute.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sknnmm import NNMMRegressor, cis_mask
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation
from sknnmm.plotting import NetworkDisplay
from sknnmm.preprocessing import MinorAlleleFrequencySelector

# %%
# The data
# --------
# 800 individuals to train on and 400 held out. Every omic is driven by the 100 SNPs of its own
# pathway, which explain half of its variance; 20 % of the genetic variance of the phenotype comes
# from SNPs past the omics.

N_TRAIN, N_HELD_OUT, N_GROUPS = 800, 400, 5
OMICS_HERITABILITY = 0.5
data = make_omics_network(
    n_samples=N_TRAIN + N_HELD_OUT,
    n_snps=100 * N_GROUPS,
    n_omics=N_GROUPS,
    omics_heritability=OMICS_HERITABILITY,
    missing_omics=0.3,
    random_state=0,
)
omic_names = [f"omic_{k + 1}" for k in range(N_GROUPS)]
X = pd.DataFrame(data.X).add_prefix("rs")
omics = pd.DataFrame(data.omics, columns=omic_names)
train, held_out = slice(N_TRAIN), slice(N_TRAIN, None)
pathway = pd.Series(data.mask.argmax(axis=1), index=X.columns)  # of every SNP: 0, 1, ...

# %%
# A second phenotype depends on the same omics by Liebig's law of the minimum: the least active
# pathway sets it. No omic has an effect by itself; each matters where it is the lowest.


def limiting(nodes):
    return nodes.min(axis=1)


rng = np.random.default_rng(0)
limited_y = limiting(data.omics_complete) + 0.3 * rng.standard_normal(len(X))

# %%
# Its true genetic value is its expectation given the genotypes, here over 500 draws of what else
# moves the omics.

noise_sd = np.sqrt(1 - OMICS_HERITABILITY)
draws = (noise_sd * rng.standard_normal(data.omics.shape) for _ in range(500))
limited_value = np.mean([limiting(data.omics_genetic_value + draw) for draw in draws], axis=0)

# %%
# Ways to write a mask
# --------------------
# One label per SNP is the shortest where every SNP feeds one node. As a Series with the names of
# the SNPs it finds them in X by name; as a list or array it has the order of X. A mapping from
# omics to SNPs and a table by names serve when SNPs feed several nodes; ``cis_mask`` connects SNPs
# to features of the genome near them. All lead to the same network:

labels = pathway.map(dict(enumerate(omic_names)))
snp_positions = pd.DataFrame({"chromosome": 1, "position": np.arange(len(labels))})
gene_positions = pd.DataFrame(
    {"chromosome": 1, "position": [np.flatnonzero(labels == omic).mean() for omic in omic_names]}
)
masks = {
    "labels": labels,
    "mapping": {omic: labels.index[labels == omic] for omic in omic_names},
    "DataFrame": pd.DataFrame({omic: labels == omic for omic in omic_names}),
    "cis_mask": cis_mask(snp_positions, gene_positions, window=49.5),
}


def fit(y, omics=None, *, n_iter=500, **settings):
    model = NNMMRegressor(
        n_iter=n_iter,
        burn_in=n_iter // 3,
        n_jobs=2,
        random_state=0,
        **settings,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # R-hat is in the table at the end
        return model.fit(X[train], y[train], omics=None if omics is None else omics[train])


values = {
    form: fit(data.y, omics, mask=mask, n_iter=10).breeding_value(X[held_out])
    for form, mask in masks.items()
}
print("Masks that are the same network as the labels, to the bit:")
for form in ("mapping", "DataFrame", "cis_mask"):
    print(f"  {form}: {np.array_equal(values[form], values['labels'])}")

# %%
# Behind a filter
# ---------------
# A step of a Pipeline that drops SNPs must hand on their names, which ``set_output`` does. The mask
# by names then still fits; a warning tells how many of its SNPs are gone. (By position it would
# have too many rows, an error.)

pipeline = make_pipeline(
    MinorAlleleFrequencySelector(0.1).set_output(transform="pandas"),
    NNMMRegressor(mask=labels, n_iter=10, burn_in=5, random_state=0),
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.simplefilter("ignore", ConvergenceWarning)
    pipeline.fit(X[train], data.y[train], nnmmregressor__omics=omics[train])
print(f"\nPipeline: {pipeline[0].get_support().sum()} of {X.shape[1]} SNPs pass the filter.")
print("\n".join(f"  {warning.category.__name__}: {warning.message}" for warning in caught))

# %%
# The models
# ----------
# Latent nodes are masked by their names, ``latent_0`` and so on. They stand in the order of the
# labels, which is how a pathway is found again in the results. With the linear network the sign of
# a latent node is free; the minimum fixes it, because low and high are not alike.
#
# With the second phenotype there are no direct effects, so all that is learned passes through the
# pathways. Without a mask and without omics nothing tells latent nodes apart.

latent_labels = pathway.map("latent_{}".format)
LATENT = {"n_latent": N_GROUPS}
LIMITED = LATENT | {"activation": limiting, "direct_effects": False}
SUM, MINIMUM = "sum of omics", "minimum of omics"
NETWORKS = {
    (SUM, "groups, observed omics"): {"omics": omics, "mask": labels},
    (SUM, "full, observed omics"): {"omics": omics},
    (SUM, "groups, latent nodes"): LATENT | {"mask": latent_labels},
    (SUM, "no nodes"): {},
    (MINIMUM, "groups, latent, minimum"): LIMITED | {"mask": latent_labels},
    (MINIMUM, "full, latent, minimum"): LIMITED,
    (MINIMUM, "no nodes"): {},
}
PHENOTYPES = {SUM: data.y, MINIMUM: limited_y}
TRUE_VALUES = {SUM: data.genetic_value, MINIMUM: limited_value}
models = {key: fit(PHENOTYPES[key[0]], **settings) for key, settings in NETWORKS.items()}

# %%
# The paths
# ---------
# How much of the genetic variance of the first phenotype comes from which pathway, by way of which
# omic. In truth every pathway acts through its own omic and past the omics. So does it in the fit
# that knows the pathways; the full network finds paths that do not exist.

GROUPS, FULL = (SUM, "groups, observed omics"), (SUM, "full, observed omics")

effects = pd.DataFrame(data.snp_effects * data.omics_weights, X.columns, omic_names)
effects["direct"] = data.direct_effects
centred = X - X.mean()
total = centred @ effects.sum(axis=1)
share_per_effect = centred.T @ total / (total @ total)
group = (pathway + 1).rename("pathway")
true_shares = effects.mul(share_per_effect, axis=0).groupby(group).sum()

figure, axes = plt.subplots(1, 3, figsize=(17, 4.8), layout="constrained")
NetworkDisplay(true_shares).plot(axes[0])
for ax, key in zip(axes[1:], (GROUPS, FULL), strict=True):
    NetworkDisplay.from_estimator(models[key], X[train], group, ax=ax)
for ax, title in zip(axes, ("truth", *(key[1] for key in (GROUPS, FULL))), strict=True):
    ax.set_title(title, weight="bold", pad=40)  # above the key
figure.savefig("partial_network.png", dpi=100)

# %%
# Held-out omics
# --------------
# Omics predicted from genotypes, against the omics themselves: at most the root of their
# heritability, 0.71, can be reached. The full network spends part of what it knows on SNPs that do
# nothing.


def correlations(model, truth):
    """Return the correlation of the predicted nodes of held-out individuals with `truth`."""
    predicted = model.predict_omics(X[held_out])
    return [np.corrcoef(*pair)[0, 1] for pair in zip(predicted.T, truth[held_out].T, strict=True)]


accuracy = pd.DataFrame(
    {key[1]: correlations(models[key], data.omics_complete) for key in (GROUPS, FULL)}, omic_names
)
accuracy.loc["mean"] = accuracy.mean()
print(f"Held-out individuals ({N_HELD_OUT}): correlation of predict_omics with the omics")
print(accuracy.to_string(float_format="{:.3f}".format))

# %%
# Latent pathways
# ---------------
# What a latent node is like can be seen from the genetic value that the simulation gave to the
# omic of the same pathway, though no omic was passed. The mask makes each node that of one pathway;
# in the full network a node is a mixture of them that depends on the chain.

accuracy = pd.DataFrame(
    {
        key[1]: correlations(model, data.omics_genetic_value)
        for key, model in models.items()
        if NETWORKS[key].get("activation") is limiting
    },
    omic_names,
)
accuracy.loc["mean"] = accuracy.mean()
print("Correlation of the latent nodes' predictions with the genetic value of the pathway's omic")
print(accuracy.to_string(float_format="{:.3f}".format))

# %%
# Held-out breeding values
# ------------------------
# With observed omics the groups help. Latent nodes with a linear network do not: sums of normal
# nodes are the classical model again, grouped or not. They pay where the network function says
# something about the pathways that a sum of SNP effects cannot.
#
# R-hat compares the two chains; 1 means that they agree. Where nodes are latent, their noise and
# that of the phenotype can stand in for each other, so the residual variance can mix slowly: its
# estimate needs much longer chains than these. Breeding values feel it less.

rows = {}
for (phenotype, network), model in models.items():
    true_value, y = TRUE_VALUES[phenotype][held_out], PHENOTYPES[phenotype][held_out]
    value = model.breeding_value(X[held_out])
    rows[phenotype, network] = {
        ("breeding value", "accuracy"): predictive_correlation(true_value, value),
        ("breeding value", "dispersion"): prediction_dispersion(true_value, value),
        ("phenotype", "correlation"): predictive_correlation(y, model.predict(X[held_out])),
        ("residual variance", "R-hat"): model.diagnostics_.loc["residual_variance", "r_hat"],
    }
table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["phenotype", "network"])
print("Held-out individuals, all predicted from their genotypes")
print("(dispersion: slope of the true genetic value on the breeding value)")
print(table.to_string(float_format="{:.3f}".format))

# %%
# One data set: with 400 held-out individuals a correlation is uncertain by 0.03 to 0.05, a
# difference between networks of the same individuals by less. ``benchmarks/bench_partial.py``
# repeats the comparison of groups and full network over simulations.
