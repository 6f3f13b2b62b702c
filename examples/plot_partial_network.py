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
to write a mask, and a mask behind a filter of SNPs in a Pipeline.

Run ``python examples/plot_partial_network.py``, which takes about two minutes; ``--quick`` uses
chains too short to be trusted. The figures are saved as ``partial_network.png`` and
``partial_network_accuracy.png`` in the current folder.
"""

import argparse
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sknnmm import NNMMRegressor, cis_mask
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion
from sknnmm.preprocessing import MinorAlleleFrequencySelector

parser = argparse.ArgumentParser(description="Fit partially connected networks of pathways.")
parser.add_argument("--quick", action="store_true", help="short chains, for a first look")
parser.add_argument("--n-jobs", type=int, default=1, help="chains run at the same time")
parser.add_argument("--seed", type=int, default=0, help="of the simulation")
# A notebook has no command line: there the options have their defaults.
args = parser.parse_args(None if "__file__" in globals() else [])
started = time.perf_counter()

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
    random_state=args.seed,
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


rng = np.random.default_rng(args.seed)
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


def fit(y, omics=None, *, n_iter=200 if args.quick else 800, **settings):
    model = NNMMRegressor(
        n_iter=n_iter,
        burn_in=n_iter // 3,
        n_jobs=args.n_jobs,
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
SUM = "sum of omics"
MINIMUM = "minimum of omics"
MODELS = {
    (SUM, "1 groups, observed omics"): {"omics": omics, "mask": labels},
    (SUM, "full, observed omics"): {"omics": omics},
    (SUM, "2 groups, latent nodes"): LATENT | {"mask": latent_labels},
    (SUM, "full, latent nodes"): LATENT,
    (SUM, "no nodes"): {},
    (MINIMUM, "3 groups, latent, minimum"): LIMITED | {"mask": latent_labels},
    (MINIMUM, "full, latent, minimum"): LIMITED,
    (MINIMUM, "2 groups, latent nodes"): LATENT | {"mask": latent_labels},
    (MINIMUM, "no nodes"): {},
}
PHENOTYPES = {SUM: data.y, MINIMUM: limited_y}
TRUE_VALUES = {SUM: data.genetic_value, MINIMUM: limited_value}

# %%
# The sampler is compiled at its first use and kept on disk. Doing that here keeps it out of the
# times below.

print()
for (phenotype, _), settings in MODELS.items():
    fit(PHENOTYPES[phenotype], n_iter=3, **settings)

models, seconds = {}, {}
for key, settings in MODELS.items():
    start = time.perf_counter()
    models[key] = fit(PHENOTYPES[key[0]], **settings)
    seconds[key] = time.perf_counter() - start
    print(f"Fitted in {seconds[key]:.0f} s: {key[0]}; {key[1]}", flush=True)

# %%
# Held-out omics
# --------------
# Omics predicted from genotypes, against the omics themselves: at most the root of their
# heritability, 0.71, can be reached. The full network spends part of what it knows on SNPs that do
# nothing.


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


GROUPS, FULL = (SUM, "1 groups, observed omics"), (SUM, "full, observed omics")
predicted = {key: models[key].predict_omics(X[held_out]) for key in (GROUPS, FULL)}
omics_accuracy = pd.DataFrame(
    {
        key[1]: [
            correlation(predicted[key][:, k], data.omics_complete[held_out, k])
            for k in range(N_GROUPS)
        ]
        for key in predicted
    },
    index=omic_names,
)
omics_accuracy.loc["mean"] = omics_accuracy.mean()
print(f"\nHeld-out individuals ({N_HELD_OUT}): correlation of predict_omics with the omics")
print(omics_accuracy.to_string(float_format="{:.3f}".format))

# %%
# Latent pathways
# ---------------
# What a latent node is like can be seen from the genetic value that the simulation gave to the
# omic of the same pathway, though no omic was passed. The mask makes each node that of one pathway;
# in the full network a node is a mixture of them that depends on the chain.

limited_keys = [key for key in MODELS if MODELS[key].get("activation") is limiting]
latent_accuracy = pd.DataFrame(
    {
        key[1]: [
            correlation(node, data.omics_genetic_value[held_out, k])
            for k, node in enumerate(models[key].predict_omics(X[held_out]).T)
        ]
        for key in limited_keys
    },
    index=omic_names,
)
latent_accuracy.loc["mean"] = latent_accuracy.mean()
print("\nCorrelation of the latent nodes' predictions with the genetic value of the pathway's omic")
print(latent_accuracy.to_string(float_format="{:.3f}".format))

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
for key, model in models.items():
    true_value, y = TRUE_VALUES[key[0]][held_out], PHENOTYPES[key[0]][held_out]
    value = model.breeding_value(X[held_out])
    rows[key] = {
        ("breeding value", "accuracy"): correlation(value, true_value),
        ("breeding value", "dispersion"): prediction_dispersion(true_value, value),
        ("phenotype", "correlation"): correlation(model.predict(X[held_out]), y),
        ("residual variance", "R-hat"): model.diagnostics_.loc["residual_variance", "r_hat"],
        ("", "seconds"): round(seconds[key], 1),
    }
accuracy = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["phenotype", "network"])
print("\nHeld-out individuals, all predicted from their genotypes")
print("(dispersion: slope of the true genetic value on the breeding value)")
print(accuracy.to_string(float_format="{:.3f}".format))

# %%
# The paths
# ---------
# How strong a path is, in SD of what it leads to:
#
# - SNP group to omic: SD of what the SNPs of the group contribute to the omic, over SD of the omic,
# - omic to phenotype: weight, in SD of the phenotype per SD of the omic,
# - direct path: SD of what all SNPs contribute past the omics, over SD of the phenotype.
#
# From posterior means of the effects, which shrink them. The truth is known from the simulation.


def paths(snp_effects, weights, direct_effects, omics_sd, y_sd):
    """Return the strengths group x omic, omic to phenotype and direct, all SD per SD."""
    groups = [pathway.to_numpy() == k for k in range(N_GROUPS)]
    contributions = np.array([(data.X[:, g] @ snp_effects[g]).std(axis=0) for g in groups])
    return contributions / omics_sd, weights / y_sd, (data.X @ direct_effects).std() / y_sd


def fitted_paths(model):
    return paths(
        model.snp_effects_,
        model.omics_weights_,
        model.direct_effects_,
        model.omics_scale_,
        data.y[train].std(),
    )


true_paths = paths(
    data.snp_effects,
    data.omics_weights * data.omics_complete.std(axis=0),
    data.direct_effects,
    data.omics_complete.std(axis=0),
    data.y.std(),
)


def stray_share(contributions):
    """Return the share of the explained variance of omics that comes from other groups' SNPs."""
    squares = contributions**2
    return 1 - np.trace(squares) / squares.sum()


POINTS_PER_SD = 16
THINNEST = 0.02  # SD per SD; weaker paths are left out
COLORS = {"SNPs to omic": "0.55", "positive": "#0072B2", "negative": "#D55E00", "direct": "#009E73"}
LEFT, MIDDLE, RIGHT, HALF_WIDTH = 0.0, 1.0, 2.0, 0.26


def draw_path(ax, start, end, strength, color):
    if abs(strength) < THINNEST:
        return
    (x0, y0), (x1, y1) = start, end
    halfway = (x0 + x1) / 2
    curve = Path([start, (halfway, y0), (halfway, y1), end], [Path.MOVETO] + 3 * [Path.CURVE4])
    width = POINTS_PER_SD * abs(strength)
    style = {"fc": "none", "ec": color, "capstyle": "butt", "alpha": 0.8}
    ax.add_patch(PathPatch(curve, lw=width, **style))


def draw_node(ax, x, y, text, height=0.56, face="white"):
    corner = x - HALF_WIDTH, y - height / 2
    box = "round,pad=0,rounding_size=0.06"
    node = FancyBboxPatch(
        corner, 2 * HALF_WIDTH, height, boxstyle=box, fc=face, ec="0.25", lw=1, zorder=3
    )
    ax.add_patch(node)
    ax.text(x, y, text, ha="center", va="center", fontsize=8, zorder=4)


def draw_network(ax, contributions, weights, direct):
    levels = np.arange(N_GROUPS)[::-1]
    centre, bottom = levels.mean(), -1.15
    for k, level in enumerate(levels):
        for group, from_level in enumerate(levels):
            ends = (LEFT + HALF_WIDTH, from_level), (MIDDLE - HALF_WIDTH, level)
            draw_path(ax, *ends, contributions[group, k], COLORS["SNPs to omic"])
        ends = (MIDDLE + HALF_WIDTH, level), (RIGHT - HALF_WIDTH, centre + 0.25 * (level - centre))
        sign = "positive" if weights[k] > 0 else "negative"
        draw_path(ax, *ends, weights[k], COLORS[sign])
        draw_node(ax, LEFT, level, f"group {k + 1}\n100 SNPs", face="0.94")
        draw_node(ax, MIDDLE, level, f"omic {k + 1}\nw = {weights[k]:.2f}".replace("-", "\u2212"))
    # Level under the omics before it rises, so that it crosses none of them.
    turn = MIDDLE + HALF_WIDTH
    width = POINTS_PER_SD * direct
    ax.plot(
        [LEFT + HALF_WIDTH, turn],
        2 * [bottom],
        color=COLORS["direct"],
        lw=width,
        alpha=0.8,
        solid_capstyle="butt",
    )
    draw_path(ax, (turn, bottom), (RIGHT - HALF_WIDTH, centre - 0.75), direct, COLORS["direct"])
    draw_node(ax, LEFT, bottom, f"all {X.shape[1]}\nSNPs", face="0.94")
    draw_node(ax, RIGHT, centre, "phenotype", height=1.9)
    ax.text(MIDDLE, bottom + 0.16, f"direct, {direct:.2f}", ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(-0.27, 2.27), ylim=(bottom - 0.4, N_GROUPS - 0.6))
    ax.axis("off")


networks = {
    "Truth": true_paths,
    "Groups, observed omics": fitted_paths(models[GROUPS]),
    "Full network, observed omics": fitted_paths(models[FULL]),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 5))
for ax, letter, (name, strengths) in zip(axes, "abc", networks.items(), strict=True):
    draw_network(ax, *strengths)
    ax.set_title(f"{letter}  {name}", loc="left", fontsize=11, weight="bold", pad=18)
    stray = f"SNPs of other groups: {stray_share(strengths[0]):.0%} of the explained omics variance"
    ax.text(0, 1.01, stray, transform=ax.transAxes, fontsize=8.5, va="bottom", color="0.3")
scale = [
    Line2D([], [], color="0.25", lw=POINTS_PER_SD * sd, label=f"{sd}", solid_capstyle="butt")
    for sd in (0.05, 0.1, 0.3, 0.6)
]
kinds = [
    Line2D([], [], color=color, lw=5, alpha=0.8, label=label, solid_capstyle="butt")
    for label, color in zip(
        ["SNPs to omic", "omic to phenotype, w > 0", "omic to phenotype, w < 0", "direct path"],
        COLORS.values(),
        strict=True,
    )
]
style = {"frameon": False, "fontsize": 9, "title_fontsize": 9, "alignment": "left", "ncols": 4}
figure.legend(handles=scale, title="Line width: SD per SD", loc=(0.01, 0.005), **style)
figure.legend(handles=kinds, title="Path", loc=(0.4, 0.005), **style)
figure.subplots_adjust(left=0.01, right=0.99, bottom=0.12, top=0.89, wspace=0.1)
figure.savefig("partial_network.png", dpi=150)

# %%
# How accurate the networks are
# -----------------------------

figure, axes = plt.subplots(1, 3, figsize=(12.5, 4))
title = {"loc": "left", "fontsize": 10, "weight": "bold"}
ax = axes[0]
rows = np.arange(len(omics_accuracy))[::-1]
ax.hlines(rows, omics_accuracy[FULL[1]], omics_accuracy[GROUPS[1]], color="0.7", lw=2, zorder=1)
ax.scatter(omics_accuracy[FULL[1]], rows, color="C1", s=36, label="full network", zorder=2)
ax.scatter(omics_accuracy[GROUPS[1]], rows, color="C0", s=36, label="groups", zorder=2)
attainable = np.sqrt(OMICS_HERITABILITY)
ax.vlines(attainable, -0.6, len(rows) - 0.4, color="0.4", lw=1, ls="--")
ax.text(attainable, len(rows) - 0.3, "attainable", ha="right", fontsize=9, color="0.4")
ax.set_yticks(rows, omics_accuracy.index.str.replace("_", " "))
ax.set_ylim(-0.6, len(rows) + 0.8)  # room for the legend
ax.set_title("a  Omics", **title)
ax.set_xlabel("correlation of omic and\nits prediction from genotypes")
ax.margins(x=0.1)
ax.legend(frameon=False, fontsize=9, ncols=2, loc="upper left", handletextpad=0.2)
for ax, letter, phenotype in zip(axes[1:], "bc", PHENOTYPES, strict=True):
    values = accuracy.loc[phenotype][("breeding value", "accuracy")]
    rows = np.arange(len(values))[::-1]
    colors = [
        "C0" if "groups" in name else "C1" if "full" in name else "0.5" for name in values.index
    ]
    ax.hlines(rows, 0, values, color=colors, lw=2)
    ax.scatter(values, rows, color=colors, s=36)
    for row, value in zip(rows, values, strict=True):
        ax.text(value + 0.025, row, f"{value:.2f}", va="center", fontsize=9)
    ax.set_yticks(rows, values.index.str.replace(r"^\d ", "", regex=True))
    ax.set_title(f"{letter}  {phenotype.capitalize()}", **title)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(rows) - 0.4))
    ax.set_xlabel("correlation of breeding value\nand true genetic value")
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
figure.savefig("partial_network_accuracy.png", dpi=150)

# %%
# One data set: with 400 held-out individuals a correlation is uncertain by 0.03 to 0.05, a
# difference between networks of the same individuals by less. ``benchmarks/bench_partial.py``
# repeats the comparison of groups and full network over simulations.

gain = omics_accuracy[GROUPS[1]] - omics_accuracy[FULL[1]]
print(f"\nThe true groups predict the omics better by {gain['mean']:.3f} on average.")
print("The figures are partial_network.png and partial_network_accuracy.png.")
print(f"Wall time {time.perf_counter() - started:.0f} s.")
