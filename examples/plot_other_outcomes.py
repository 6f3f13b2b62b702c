"""
============================
Diseases and censored values
============================

A disease is no measurement: what is recorded of an individual is whether its liability, which
nobody sees, exceeds a threshold. Nor is a time that lasted longer than the study: what is recorded
is that it was longer. This example simulates both, through the omics, and looks at what the fits
find out about what was not seen:

- the liability to a disease of 30 % of the individuals, from their classes alone; probabilities,
  whether they are calibrated, and how well they tell sick from healthy individuals; heritability on
  the scale of the liability and on that of 0 and 1;
- times, of which 40 % were longer than the study: as what they are, as if they had ended with the
  study, and left out.

It takes about a minute.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import RocCurveDisplay, log_loss, roc_auc_score

from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import (
    observed_heritability,
    prediction_bias,
    prediction_dispersion,
    predictive_correlation,
)
from sknnmm.plotting import PredictionDisplay

CHAINS = {"n_iter": 2200, "burn_in": 500, "n_jobs": 2, "random_state": 0}
SIZE = {"n_samples": 2000, "n_snps": 200, "n_omics": 5, "missing_omics": 0.2, "random_state": 0}
train, held_out = slice(1000), slice(1000, None)

# %%
# A disease
# ---------
# The classifier is given the classes, and the omics, a fifth of whose cells are missing.

PREVALENCE = 0.3
disease = make_omics_network(**SIZE, outcome="binary", prevalence=PREVALENCE)
classifier = NNMMClassifier(**CHAINS)
classifier.fit(disease.X[train], disease.y[train], omics=disease.omics[train])

# %%
# Probabilities are averages over the posterior. Without omics they integrate over what these may be
# given the genotypes.

known = {"genotypes": {}, "genotypes and own omics": {"omics": disease.omics[held_out]}}
sick = disease.y[held_out]
probability = {
    name: classifier.predict_proba(disease.X[held_out], **omics)[:, 1]
    for name, omics in known.items()
}
liability = {
    name: classifier.decision_function(disease.X[held_out], **omics)
    for name, omics in known.items()
}

# %%
# The unit of the liability is the SD of its residual, and its threshold is 0: so is the true one
# expressed here.

true_liability = disease.liability[held_out] - disease.thresholds[0]
true_liability /= np.sqrt(disease.residual_variance)
table = pd.DataFrame(
    {
        name: {
            "correlation with the liability": predictive_correlation(
                true_liability, liability[name]
            ),
            "dispersion": prediction_dispersion(true_liability, liability[name]),
            "AUC": roc_auc_score(sick, probability[name]),
            "log loss": log_loss(sick, probability[name]),
        }
        for name in known
    }
).T
print(f"A disease, prevalence {PREVALENCE}; {len(sick)} held-out individuals:")
print(table.to_string(float_format="{:.3f}".format))

# %%
# Heritability is that of the liability. On the scale of 0 and 1, that of a linear model, it is
# smaller; how much smaller follows from the prevalence.

draws = classifier.posterior_.draws["heritability"]
low, high = np.quantile(draws, [0.05, 0.95])
on_observed_scale = observed_heritability(classifier.heritability_, PREVALENCE)
print(
    f"\nHeritability of the liability {classifier.heritability_:.2f} (5-95 %: {low:.2f} to "
    f"{high:.2f}), truth {disease.heritability:.2f}; on the scale of 0 and 1 "
    f"{on_observed_scale:.2f}"
)

# %%
# Times longer than the study
# ---------------------------
# The logarithm of a time to an event, say. Where the study ended first, `y` is the end of the study
# and `y_upper` infinite. (A time from which it is only known that it lies in an interval has both
# ends of it.)

times = make_omics_network(**SIZE, outcome="censored", censored_share=0.4)
is_censored = np.isinf(times.y_upper)
records = {
    "censored": {"y": times.y[train], "y_upper": times.y_upper[train]},
    "end of the study": {"y": times.y[train]},
    "left out": {"y": np.where(is_censored, np.nan, times.y)[train]},
}
true_time = times.liability[held_out]
regressors, rows = {}, {}
for name, record in records.items():
    regressor = NNMMRegressor(**CHAINS).fit(times.X[train], omics=times.omics[train], **record)
    predicted = regressor.predict(times.X[held_out], omics=times.omics[held_out])
    regressors[name] = regressor
    rows[name] = {
        "correlation": predictive_correlation(true_time, predicted),
        "bias": prediction_bias(true_time, predicted),
        "dispersion": prediction_dispersion(true_time, predicted),
        "residual variance": regressor.residual_variance_,
        "heritability": regressor.heritability_,
    }
rows["truth"] = {
    "residual variance": times.residual_variance,
    "heritability": times.heritability,
}
print(f"\nTimes, {is_censored.mean():.0%} longer than the study; the same, held out:")
print(pd.DataFrame(rows).T.to_string(float_format="{:.3f}".format, na_rep="-"))

# %%
# What was not seen, and what was found out about it
# --------------------------------------------------
# Of the disease: the true liability against the predicted one, curves of sensitivity against the
# rate of false alarms, and the share of sick individuals against the predicted probability, in
# tenths of the individuals.

figure, (of_liability, roc, calibration) = plt.subplots(
    1, 3, figsize=(14, 4.6), layout="constrained"
)
best = "genotypes and own omics"
for label, is_shown, color in (("healthy", sick == 0, "C0"), ("sick", sick == 1, "C3")):
    shown = liability[best][is_shown], true_liability[is_shown]
    of_liability.scatter(*shown, s=9, alpha=0.5, lw=0, color=color, label=label)
of_liability.axline((0, 0), slope=1, color="0.4", lw=1, zorder=0, label="identity")
of_liability.axhline(0, color="0.6", lw=1, ls=":", zorder=0, label="threshold")
of_liability.set(
    title=f"liability, r = {table.loc[best, 'correlation with the liability']:.2f}",
    xlabel="predicted from genotypes and own omics (residual SDs)",
    ylabel="true liability (residual SDs)",
)
of_liability.legend(frameon=False, loc="upper left", markerscale=2)
for name, of_sick in probability.items():
    RocCurveDisplay.from_predictions(sick, of_sick, name=name, ax=roc)
    CalibrationDisplay.from_predictions(
        sick, of_sick, n_bins=10, strategy="quantile", name=name, ax=calibration
    )
roc.axline((0, 0), slope=1, color="0.4", lw=1, zorder=0)
roc.set(title="ROC", xlabel="healthy taken for sick", ylabel="sick taken for sick")
calibration.set(
    title="calibration", xlabel="mean predicted probability", ylabel="share of sick individuals"
)
figure.savefig("disease.png", dpi=100)

# %%
# Of the times: all true ones against the predicted ones, with intervals. Fitted as what they are,
# they have an interval for what went on after the study; taken for shorter, they have not.

figure, axes = plt.subplots(1, 3, figsize=(14, 4.8), sharey=True, layout="constrained")
for ax, (name, regressor) in zip(axes, regressors.items(), strict=True):
    PredictionDisplay.from_estimator(
        regressor,
        times.X[held_out],
        true_time,
        omics=times.omics[held_out],
        y_name="time (log)",
        ax=ax,
    )
    ax.axhline(times.y.max(), color="0.4", lw=1, ls=":")
    ax.set_title(f"fitted as: {name}\n{ax.get_title(loc='left')}", loc="left", fontsize="medium")
    ax.set_ylabel("true time (log); dotted: end of the study" if ax is axes[0] else "")
figure.savefig("times.png", dpi=100)
