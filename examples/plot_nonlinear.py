"""
===============================
Omics that act nonlinearly on y
===============================

An enzyme saturates, a receptor answers above a threshold, a phenotype depends on the ratio of two
metabolites: omics need not act linearly. This example simulates three such phenotypes and fits
each with the function that made them and with ``activation="linear"``:

- saturation: every omic acts through a steep tanh,
- threshold: every omic acts through a steep sigmoid that begins to answer above the mean,
- ratio: the network function sqrt(z1^2 / (z1^2 + z2^2)) of two omics, without weights; it is the
  example of a user-defined function in the documentation of JWAS, the software of the published
  network.

The first two are also fitted with the named activations "tanh" and "sigmoid". The gentle tanh gets
part of the way to the steep one; the sigmoid bends at the mean, not at the threshold, and does no
better than the straight line.

30 % of the omics cells are missing in training. The held-out individuals are predicted from their
genotypes and their omics.

Run ``python examples/plot_nonlinear.py``, which takes about two minutes; ``--quick`` uses one
simulation and chains too short to be trusted. The figure is saved as ``nonlinear.png`` in the
current folder.
"""

import argparse
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression

from sknnmm import NNMMRegressor
from sknnmm.activations import Activation
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation

parser = argparse.ArgumentParser(description="Fit nonlinear phenotypes with and without curves.")
parser.add_argument("--quick", action="store_true", help="for a first look")
parser.add_argument("--n-jobs", type=int, default=1, help="chains run at the same time")
# A notebook has no command line: there the options have their defaults.
args = parser.parse_args(None if "__file__" in globals() else [])
N_SIMULATIONS = 1 if args.quick else 3
started = time.perf_counter()

# %%
# The functions
# -------------
# Activations act on standardised omics, so a named one always bends the same, and gently: of a
# normal omic a straight line explains 93 % of the variance of tanh(z) and 98 % of that of the
# sigmoid. Where the response is steeper or begins elsewhere, it is passed as a function. With its
# derivative, missing omics are drawn by Hamiltonian Monte Carlo; without, by elliptical slice
# sampling, as those of the network function below.

steep_tanh = Activation(
    lambda z: np.tanh(3 * z),
    derivative=lambda z: 3 * (1 - np.tanh(3 * z) ** 2),
)
threshold = Activation(
    lambda z: expit(4 * (z - 1)),
    derivative=lambda z: 4 * expit(4 * (z - 1)) * expit(-4 * (z - 1)),
)


# %%
# A function that returns one number per individual is the whole network function. It takes the
# omics on their original scale, and nothing is learned about it.


def ratio(omics):
    first, second = omics.T
    return np.sqrt(first**2 / (first**2 + second**2 + 1e-8))


# %%
# The data
# --------
# 600 individuals to train on and 300 held out, with 200 SNPs. For saturation and threshold the
# simulator takes the function, and three omics (mean 0, variance 1) act through it. For the ratio,
# two omics get mean 1 on top and the phenotype is written by hand. Little noise is added: the
# example is about the shape of the response, which noise would blur for every model alike.

N_TRAIN, N_HELD_OUT = 600, 300
SIZE = {"n_samples": N_TRAIN + N_HELD_OUT, "n_snps": 200, "missing_omics": 0.3}
train, held_out = slice(N_TRAIN), slice(N_TRAIN, None)


def simulate_elementwise(function, seed):
    data = make_omics_network(
        **SIZE, n_omics=3, activation=function, residual_variance=0.2, random_state=seed
    )
    data.response = lambda omics: function(omics) @ data.omics_weights
    data.expected_y = data.response(data.omics_complete) + data.direct_value
    return data


def simulate_network(function, seed):
    data = make_omics_network(**SIZE, n_omics=2, random_state=seed)
    data.omics, data.omics_complete = data.omics + 1, data.omics_complete + 1
    data.response = function
    data.expected_y = function(data.omics_complete)
    noise = np.random.default_rng(seed).standard_normal(len(data.y))
    data.y = data.expected_y + 0.1 * noise
    return data


TRUTHS = {
    "saturation": (simulate_elementwise, steep_tanh),
    "threshold": (simulate_elementwise, threshold),
    "ratio": (simulate_network, ratio),
}
MODELS = {
    "saturation": {"true function": steep_tanh, '"tanh"': "tanh", '"linear"': "linear"},
    "threshold": {"true function": threshold, '"sigmoid"': "sigmoid", '"linear"': "linear"},
    "ratio": {"true function": ratio, '"linear"': "linear"},
}

# %%
# How nonlinear they are: the share of the variance of the expected phenotype (without noise) that
# the best linear function of the complete omics and the true direct value explains. This is what
# ``activation="linear"`` can reach at most.


def linear_share(data):
    known = np.column_stack([data.omics_complete, data.direct_value])
    return LinearRegression().fit(known, data.expected_y).score(known, data.expected_y)


# %%
# Fits and held-out predictions
# -----------------------------


def fit(data, activation):
    n_iter = 150 if args.quick else 500
    model = NNMMRegressor(
        activation=activation,
        n_iter=n_iter,
        burn_in=n_iter // 3,
        n_jobs=args.n_jobs,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # short chains
        return model.fit(data.X[train], data.y[train], omics=data.omics[train])


def scores(y, predicted):
    return {
        "correlation": predictive_correlation(y, predicted),
        "dispersion": prediction_dispersion(y, predicted),
        "RMSE": np.sqrt(np.mean((y - predicted) ** 2)),
    }


rows, first_data, first_models = [], {}, {}
for truth, (simulate, function) in TRUTHS.items():
    for seed in range(N_SIMULATIONS):
        data = simulate(function, seed)
        share = linear_share(data)
        models = {name: fit(data, activation) for name, activation in MODELS[truth].items()}
        for name, model in models.items():
            predicted = model.predict(data.X[held_out], omics=data.omics_complete[held_out])
            row = {"truth": truth, "activation": name, "seed": seed, "linear share": share}
            rows.append(row | scores(data.y[held_out], predicted))
        if seed == 0:
            first_data[truth], first_models[truth] = data, models
    print(f"{truth}: done after {time.perf_counter() - started:.0f} s", flush=True)

results = pd.DataFrame(rows)
table = results.groupby(["truth", "activation"], sort=False).mean().drop(columns="seed")
print(f"\nHeld-out phenotypes given genotypes and omics, simulations: {N_SIMULATIONS}, means")
print("(linear share: of the variance of the expected phenotype, all a linear model can explain)")
print(table.to_string(float_format="{:.3f}".format))

# %%
# By how much the true function beats the straight line. With the ratio nothing but the intercept
# is left to learn, so given the omics its predictions are all but exact.

rmse = results.pivot(index=["truth", "seed"], columns="activation", values="RMSE")
gain = 1 - rmse["true function"] / rmse['"linear"']
print("\nReduction of the RMSE by the true function, smallest and largest of the simulations:")
print(gain.groupby("truth", sort=False).agg(["min", "max"]).map("{:.0%}".format).to_string())

# %%
# What was learned
# ----------------
# Of the first simulation. Above, the expected phenotype as one omic varies and everything else
# stays at its mean (of saturation and threshold the omic with the largest weight). Below, the true
# expected phenotype against predictions: where a straight line stands in for a curve, the points
# bend away from the identity.

COLORS = {"true function": "C0", '"linear"': "C1", '"tanh"': "C2", '"sigmoid"': "C2"}


def response_curves(data, models, k):
    """Return a grid of omic k, the true response along it, and each model's."""
    complete = data.omics_complete
    grid = np.linspace(*np.quantile(complete[:, k], [0.005, 0.995]), 201)
    omics = np.tile(complete.mean(axis=0), (len(grid), 1))
    omics[:, k] = grid
    X = np.tile(data.X[train].mean(axis=0), (len(grid), 1))
    fitted = {name: model.predict(X, omics=omics) for name, model in models.items()}
    return grid, data.response(omics), fitted


figure, axes = plt.subplots(2, 3, figsize=(11.5, 7.6))
for (above, below), truth in zip(axes.T, TRUTHS, strict=True):
    data, models = first_data[truth], first_models[truth]
    k = np.abs(data.omics_weights).argmax() if truth != "ratio" else 0
    grid, response, fitted = response_curves(data, models, k)
    above.plot(grid, response, color="k", lw=5, alpha=0.25, label="truth")
    for name, curve in fitted.items():
        above.plot(grid, curve, color=COLORS[name], lw=1.8, label=name)
    above.set(title=truth, xlabel=f"omic {k + 1} (omic units)")
    above.legend(frameon=False)

    expected = data.expected_y[held_out]
    for name in ['"linear"', "true function"]:
        predicted = models[name].predict(data.X[held_out], omics=data.omics_complete[held_out])
        r = np.corrcoef(predicted, expected)[0, 1]
        label = f"{name}, r = {r:.3f}"
        below.scatter(predicted, expected, s=9, alpha=0.6, lw=0, color=COLORS[name], label=label)
    low, high = expected.min(), expected.max()
    below.plot([low, high], [low, high], color="0.4", lw=1, zorder=0, label="identity")
    below.set_ylim(top=high + 0.3 * (high - low))  # room for the legend
    below.set_xlabel("predicted phenotype (units of y)")
    below.legend(frameon=False, markerscale=2, loc="upper left")
axes[0, 0].set_ylabel("expected phenotype (units of y)")
axes[1, 0].set_ylabel("true expected phenotype (units of y)")
for ax in axes.flat:
    ax.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
figure.savefig("nonlinear.png", dpi=150)
print("\nThe figure is nonlinear.png in the current folder.")
print(f"Wall time {time.perf_counter() - started:.0f} s.")
