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
genotypes and their omics. It takes less than a minute.
"""

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
from sknnmm.plotting import PredictionDisplay

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

SIZE = {"n_samples": 900, "n_snps": 200, "missing_omics": 0.3, "random_state": 0}
train, held_out = slice(600), slice(600, None)


def simulate_elementwise(function):
    data = make_omics_network(**SIZE, n_omics=3, activation=function, residual_variance=0.2)
    data.response = lambda omics: function(omics) @ data.omics_weights
    data.expected_y = data.response(data.omics_complete) + data.direct_value
    return data


def simulate_network(function):
    data = make_omics_network(**SIZE, n_omics=2)
    data.omics, data.omics_complete = data.omics + 1, data.omics_complete + 1
    data.response = function
    data.expected_y = function(data.omics_complete)
    data.y = data.expected_y + 0.1 * np.random.default_rng(0).standard_normal(len(data.y))
    return data


PHENOTYPES = {
    "saturation": simulate_elementwise(steep_tanh),
    "threshold": simulate_elementwise(threshold),
    "ratio": simulate_network(ratio),
}
ACTIVATIONS = {
    "saturation": {"true function": steep_tanh, "tanh": "tanh", "linear": "linear"},
    "threshold": {"true function": threshold, "sigmoid": "sigmoid", "linear": "linear"},
    "ratio": {"true function": ratio, "linear": "linear"},
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
# With the ratio nothing but the intercept is left to learn, so given the omics the predictions by
# the true function are all but exact.

models, rows = {}, []
for phenotype, data in PHENOTYPES.items():
    for name, activation in ACTIVATIONS[phenotype].items():
        model = NNMMRegressor(
            activation=activation, n_iter=500, burn_in=150, n_jobs=2, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # short chains
            model.fit(data.X[train], data.y[train], omics=data.omics[train])
        predicted = model.predict(data.X[held_out], omics=data.omics_complete[held_out])
        models[phenotype, name] = model
        rows.append(
            {
                "phenotype": phenotype,
                "activation": name,
                "linear share": linear_share(data),
                "correlation": predictive_correlation(data.y[held_out], predicted),
                "dispersion": prediction_dispersion(data.y[held_out], predicted),
                "RMSE": np.sqrt(np.mean((data.y[held_out] - predicted) ** 2)),
            }
        )
print("Held-out phenotypes given genotypes and omics")
print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))

# %%
# What was learned
# ----------------
# At the top, the expected phenotype as one omic varies and everything else stays at its mean (of
# saturation and threshold the omic with the largest weight). Below, the held-out phenotypes against
# their predictions: where a straight line stands in for a curve, the points bend away from the
# identity, and intervals are longer.

COLORS = {"true function": "C0", "linear": "C1", "tanh": "C2", "sigmoid": "C2"}
figure, axes = plt.subplots(3, 3, figsize=(12, 12), layout="constrained")
for (curves, *scatters), (phenotype, data) in zip(axes.T, PHENOTYPES.items(), strict=True):
    k = np.abs(data.omics_weights).argmax() if phenotype != "ratio" else 0
    grid = np.linspace(*np.quantile(data.omics_complete[:, k], [0.005, 0.995]), 201)
    omics = np.tile(data.omics_complete.mean(axis=0), (len(grid), 1))
    omics[:, k] = grid
    X = np.tile(data.X[train].mean(axis=0), (len(grid), 1))
    curves.plot(grid, data.response(omics), color="k", lw=5, alpha=0.25, label="truth")
    for name in ACTIVATIONS[phenotype]:
        curve = models[phenotype, name].predict(X, omics=omics)
        curves.plot(grid, curve, color=COLORS[name], lw=1.8, label=name)
    for ax, name in zip(scatters, ("linear", "true function"), strict=True):
        PredictionDisplay.from_estimator(
            models[phenotype, name],
            data.X[held_out],
            data.y[held_out],
            omics=data.omics_complete[held_out],
            y_name="phenotype",
            ax=ax,
        )
        ax.set_title(f"{name}\n{ax.get_title(loc='left')}", loc="left", fontsize="medium")
    curves.set(title=phenotype, xlabel=f"omic {k + 1} (omic units)")
    curves.legend(frameon=False)
axes[0, 0].set_ylabel("expected phenotype (units of y)")
figure.savefig("nonlinear.png", dpi=100)
