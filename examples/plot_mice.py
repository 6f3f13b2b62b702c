"""
========================
HDL cholesterol of mice
========================

1,814 mice of a heterogeneous stock, with 10,346 SNPs and measurements of their blood (Valdar et
al. 2006, as distributed with BGLR). HDL cholesterol is predicted from genotypes, with the other
blood traits as omics. Then: where on the genome does it act, and which blood traits does it pass
through?

The data (2 MB) are downloaded at first use. On one core it takes about two minutes, so the
documentation shows figures that ``python examples/plot_mice.py`` saved.
"""

# sphinx_gallery_thumbnail_path = '_static/examples/mice_network.png'

from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice
from sknnmm.effects import Fixed
from sknnmm.mediation import omics_table
from sknnmm.plotting import (
    ManhattanDisplay,
    MediationDisplay,
    NetworkDisplay,
    PredictionDisplay,
    TraceDisplay,
)

# %%
# The data
# --------
# Total cholesterol and LDL contain HDL or are computed from it, so as omics of HDL they would give
# the answer away; potassium was measured in 153 mice only. The names of some blood traits are
# abbreviations: ALP, ALT and AST are enzymes of the liver.
#
# Positions on the map of the mice are centimorgans.

mice = fetch_hs_mice()
X = mice.genotypes
blood = mice.omics.rename(columns=lambda name: name.removeprefix("Biochem."))
y = blood["HDL"]
omics = blood.drop(columns=["HDL", "LDL", "Tot.Cholesterol", "Potassium"])
variants = mice.map.set_index("snp_id")[["chr", "mbp"]].set_axis(["chromosome", "position"], axis=1)
print(
    f"HDL was observed in {y.notna().sum()} of {len(y)} mice; {omics.shape[1]} blood traits, "
    f"{omics.isna().to_numpy().mean():.0%} of their cells missing"
)

# %%
# The fit
# -------
# Every tenth family is held out. Mice without HDL stay in training: their blood informs the SNP
# effects on the blood traits. Sex is a fixed effect on all of them. Without it, it leaks through
# the blood traits, which differ between the sexes.

held_out = (mice.family % 10 == 0).to_numpy()
sex = mice.sex.to_frame()
model = NNMMRegressor(effects=[Fixed("sex")], n_iter=1500, burn_in=500, n_jobs=2, random_state=0)
model.fit(X[~held_out], y[~held_out], omics=omics[~held_out], covariates=sex[~held_out])

# %%
# Have the chains converged?
# --------------------------
# The two quantities with the largest R-hat, of all that the fit is judged by. The heritability of
# creatinine has fewer effective draws than one would like, of which a warning tells; those of HDL
# have converged.
#
# .. image:: /_static/examples/mice_trace.png
#    :alt: Traces of two chains and histograms of the ranks of their draws

trace = TraceDisplay.from_estimator(model, max_quantities=2)
trace.figure_.savefig("mice_trace.png", dpi=100)

# %%
# How good are predictions?
# -------------------------
# Of mice of new families, from their genotypes and from their own blood traits as well. Sex is part
# of what is predicted. The correlation is 0.65 from genotypes and 0.78 with the blood traits.
#
# .. image:: /_static/examples/mice_predicted.png
#    :alt: Observed HDL against its prediction from genotypes and own blood traits

for own in (None, omics[held_out]):
    display = PredictionDisplay.from_estimator(
        model, X[held_out], y[held_out], omics=own, covariates=sex[held_out], y_name="HDL (mmol/l)"
    )
    known = "genotypes" if own is None else "genotypes and own blood traits"
    print(f"from {known}: correlation {display.correlation_:.2f}, {display.coverage_:.0%} inside")
display.figure_.savefig("mice_predicted.png", dpi=100)

# %%
# Where on the genome?
# --------------------
# The share of draws in which a window of 2 cM explains more than 1 % of the genetic variance of
# HDL. On chromosome 1, at 88 cM, lies *Apoa2*, the gene of a protein of HDL itself. **It acts past
# the other blood traits:** the windows there are certain for the direct effect, not for the
# mediated one.
#
# .. image:: /_static/examples/mice_windows.png
#    :alt: Window probabilities along the chromosomes for direct, mediated and total effects

manhattan = ManhattanDisplay.from_estimator(
    model,
    variants,
    ["direct", "mediated", "total"],
    X=X[~held_out],
    window="2cM",
    y_name="HDL",
    n_labels=4,
)
manhattan.figure_.savefig("mice_windows.png", dpi=100)

# %%
# Through which blood traits?
# ---------------------------
# What each carries of the genetic variance of HDL. All of them together carry a sixth, more than
# half of it through calcium. These are regressions: that a blood trait
# carries some of it does not make it a cause (:doc:`../guide/mediation`).
#
# .. image:: /_static/examples/mice_mediation.png
#    :alt: Shares of the genetic variance of HDL by blood trait, with their intervals

mediation = MediationDisplay.from_estimator(model, y_name="HDL")
mediation.figure_.savefig("mice_mediation.png", dpi=100)
print(omics_table(model)[["path", "heritability", "weight", "genetic_share"]].round(2).to_string())

# %%
# .. image:: /_static/examples/mice_network.png
#    :alt: Chromosomes, blood traits and HDL, joined by lines as wide as the variance they carry

network = NetworkDisplay.from_estimator(model, X[~held_out], variants, y_name="HDL", max_omics=8)
network.figure_.savefig("mice_network.png", dpi=100)

# %%
# ``python -m benchmarks.bench_mice`` cross-validates HDL and body mass index, about which the blood
# traits say little; ``python -m benchmarks.bench_real`` has other methods beside it.
