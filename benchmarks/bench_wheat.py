"""Pedigree and markers of the wheat lines, beside the exact posterior and published values.

    python -m benchmarks.bench_wheat --data-home DIR     # some five minutes
    python -m benchmarks.bench_wheat --quick             # short chains: to see that it runs

Grain yield of 599 lines in four environments, with a random effect of the lines that covaries by
pedigree, with the effects of 1,279 markers, or with both:

- Posterior means and SDs of the variances in environment 1, from our chains and by integration.
  Given their ratios, effects and residual variance are integrated out in closed form; the ratios
  are on a grid.
- Correlations of predicted and observed yield in the ten folds of the data, with the Bayesian LASSO
  for the markers: ours, those of BLUP with the exact posterior means of the variances in
  environment 1, and those that Crossa et al. (2010, doi 10.1534/genetics.110.118521, table 3: P,
  M-BL and PM-BL) found in a ten-fold cross-validation with the predecessor of BGLR.
"""

import argparse
import warnings
from itertools import product

import numpy as np
import pandas as pd
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_wheat
from sknnmm.effects import Random
from sknnmm.priors import RRBLUP, ScaledInverseChi2
from sknnmm.relationship import Relationship
from sknnmm.sampling.chains.parallel import one_blas_thread

DF = 5
MODELS = {"pedigree": ("line",), "markers": ("SNPs",), "both": ("line", "SNPs")}
NO_SNPS = RRBLUP(scale=1e-8, estimate_variance=False)
LOG_RATIOS = np.arange(-5, 2.6, 0.25)  # of the variance a term makes to the residual variance
PUBLISHED = pd.DataFrame(
    {
        "pedigree": [0.448, 0.417, 0.417, 0.449],
        "markers": [0.518, 0.493, 0.403, 0.457],
        "both": [0.542, 0.501, 0.449, 0.495],
    },
    ["environment_1", "environment_2", "environment_3", "environment_4"],
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-home", help="folder of wheat.RData (default: scikit-learn's)")
    parser.add_argument("--quick", action="store_true", help="short: only to see that it runs")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    wheat = fetch_wheat(options.data_home)
    with one_blas_thread():
        rows, exact = variances(wheat, n_iter=200 if options.quick else 10_000)
        print(as_table(rows) + "\n", flush=True)
        print(as_table(correlations(wheat, exact, n_iter=40 if options.quick else 1000)) + "\n")
    print(describe_machine())


def variances(wheat, n_iter):
    """Return the rows of a table: posterior mean (SD) of the variance that each term makes.

    And the exact means of the variances by model and term.
    """
    y = wheat.yields["environment_1"].to_numpy()
    y = (y - y.mean()) / y.std()
    kernels = kernels_of(wheat)
    rows, means = [["model", "term", "our chains", "by integration"]], {}
    for model, terms in MODELS.items():
        scale = 0.5 / len(terms)
        drawn = of_chains(wheat, y, dict.fromkeys(terms, scale), n_iter)
        exact = by_integration(y, {term: kernels[term] for term in terms}, scale)
        means[model] = {term: mean for term, (mean, _) in exact.items()}
        for term, (mean, sd) in exact.items():
            ours = f"{drawn[term].mean():.3f} ({drawn[term].std():.3f})"
            rows.append([model, term, ours, f"{mean:.3f} ({sd:.3f})"])
    return rows, means


def kernels_of(wheat):
    """Return the covariances of the lines by pedigree and by markers, of mean diagonal 1."""
    centred = wheat.genotypes.to_numpy() - wheat.genotypes.to_numpy().mean(axis=0)
    kernels = {"line": wheat.relationship.to_numpy(), "SNPs": centred @ centred.T}
    return {term: kernel / kernel.diagonal().mean() for term, kernel in kernels.items()}


def of_chains(wheat, y, scales, n_iter):
    """Return draws of the variances by term, given the scales of their priors."""
    X = wheat.genotypes.to_numpy()
    multiples = {"line": wheat.relationship.to_numpy().diagonal().mean(), "SNPs": X.var(0).sum()}
    scales = {term: scale / multiples[term] for term, scale in scales.items()}
    prior = RRBLUP(DF, scales["SNPs"]) if "SNPs" in scales else NO_SNPS
    model, data = with_terms(wheat, prior, scales.get("line"), n_iter)
    model.set_params(residual_prior=ScaledInverseChi2(DF, 0.5), precision="double")
    draws = model.fit(X, y, **data).posterior_.draws
    names = {"line": "line_variance", "SNPs": "direct_effects_variance"}
    drawn = {term: multiples[term] * draws[names[term]] for term in scales}
    return drawn | {"residual": draws["residual_variance"]}


def with_terms(wheat, method, line_scale, n_iter):
    """Return a model, and the covariates that it needs; no random effect if its scale is None."""
    chain = {"n_iter": n_iter, "burn_in": n_iter // 4, "n_chains": 1, "random_state": 0}
    if line_scale is None:
        return NNMMRegressor(method, **chain), {}
    lines = Relationship(wheat.relationship, wheat.ids)
    effect = Random("line", relationship=lines, df=DF, scale=line_scale)
    covariates = pd.DataFrame({"line": wheat.ids})
    return NNMMRegressor(method, effects=[effect], **chain), {"covariates": covariates}


def by_integration(y, kernels, scale):
    """Return posterior mean and SD of every variance.

    y = mean + sum of u + e, u ~ N(0, s2_u K), with scaled inverse chi-square priors of all s2:
    this scale, that of the residual variance 0.5.
    """
    power = 0.5 * (len(y) - 1 + (len(kernels) + 1) * DF)  # of 1 / s2_e given the ratios
    grid = np.array(list(product(LOG_RATIOS, repeat=len(kernels))))
    density, rates = np.empty((2, len(grid)))
    for point, logs in enumerate(grid):
        quadratic, log_determinant = restricted(y, kernels.values(), np.exp(logs))
        rates[point] = 0.5 * (quadratic + DF * (0.5 + scale * np.exp(-logs).sum()))
        density[point] = -power * np.log(rates[point]) - 0.5 * (DF * logs.sum() + log_determinant)
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    residual = rates / (power - 1)
    squared = rates**2 / ((power - 1) * (power - 2))
    moments = {}
    for term, ratio in zip([*kernels, "residual"], [*np.exp(grid.T), 1.0], strict=True):
        mean = weight @ (ratio * residual)
        moments[term] = mean, np.sqrt(weight @ (ratio**2 * squared) - mean**2)
    return moments


def restricted(y, kernels, ratios):
    """Return y'Py and the log determinants of the restricted likelihood, residual variance 1."""
    covariance = np.eye(len(y))
    for kernel, ratio in zip(kernels, ratios, strict=True):
        covariance += ratio * kernel
    lower = linalg.cholesky(covariance, lower=True, overwrite_a=True)
    both = linalg.solve_triangular(lower, np.column_stack([y, np.ones(len(y))]), lower=True)
    (yy, y1), (_, ones) = both.T @ both
    return yy - y1**2 / ones, 2 * np.log(lower.diagonal()).sum() + np.log(ones)


def correlations(wheat, exact, n_iter):
    """Return the rows of a table: correlations over the ten folds."""
    rows = [["ours, BLUP, published", *MODELS]]
    X, kernels = wheat.genotypes.to_numpy(), kernels_of(wheat)
    for environment, y in wheat.yields.items():
        cells = []
        for model, terms in MODELS.items():
            method = "BayesL" if "SNPs" in terms else NO_SNPS
            regressor, data = with_terms(wheat, method, "auto" if "line" in terms else None, n_iter)
            kernel = sum(exact[model][term] * kernels[term] for term in terms)
            ours, by_blup = np.empty((2, len(y)))
            for fold in np.unique(wheat.sets):
                held_out = (wheat.sets == fold).to_numpy()
                train = y.mask(held_out).to_numpy()
                ours[held_out] = regressor.fit(X, train, **data).predict(X, **data)[held_out]
                by_blup[held_out] = blup(train, kernel, exact[model]["residual"])[held_out]
            both = (np.corrcoef(values, y)[0, 1] for values in (ours, by_blup))
            published = PUBLISHED.loc[environment, model]
            cells.append(", ".join(f"{value:.3f}" for value in (*both, published)))
        rows.append([environment, *cells])
    return rows


def blup(y, covariance, residual_variance):
    """Return predictions (n,) of all lines, y NaN where it is not known."""
    seen = ~np.isnan(y)
    of_seen = covariance[np.ix_(seen, seen)] + residual_variance * np.eye(seen.sum())
    solved = np.linalg.solve(of_seen, np.column_stack([y[seen], np.ones(seen.sum())]))
    mean = solved[:, 0].sum() / solved[:, 1].sum()
    return mean + covariance[:, seen] @ (solved[:, 0] - mean * solved[:, 1])


if __name__ == "__main__":
    main()
