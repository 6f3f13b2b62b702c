"""Pedigree and markers of the wheat lines, beside the exact posterior and published values.

    python -m benchmarks.bench_wheat --data-home DIR     # some five minutes
    python -m benchmarks.bench_wheat --quick             # short chains: to see that it runs

Grain yield of 599 lines in four environments, with a random effect of the lines that covaries by
pedigree, with the effects of 1,279 markers, or with both:

- Posterior means and SDs of the variances in environment 1, from our chains and by integration.
  Given their ratios, effects and residual variance are integrated out in closed form; the ratios
  are on a grid.
- Correlations of predicted and observed yield in the ten folds of the data, beside those of Crossa
  et al. (2010, doi 10.1534/genetics.110.118521, table 3: P, M-BL and PM-BL). They had these models,
  the Bayesian LASSO for the markers, and these folds.
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
        print(as_table(variances(wheat, n_iter=200 if options.quick else 10_000)) + "\n")
        print(as_table(correlations(wheat, n_iter=40 if options.quick else 1000)) + "\n")
    print(describe_machine())


def variances(wheat, n_iter):
    """Return the rows of a table: posterior mean (SD) of the variance that each term makes."""
    y = wheat.yields["environment_1"].to_numpy()
    y = (y - y.mean()) / y.std()
    X = wheat.genotypes.to_numpy()
    centred = X - X.mean(axis=0)
    kernels = {"line": wheat.relationship.to_numpy(), "SNPs": centred @ centred.T}
    multiples = {term: np.trace(kernel) / len(y) for term, kernel in kernels.items()}
    rows = [["model", "term", "our chains", "by integration"]]
    for model, terms in MODELS.items():
        scales = {term: 0.5 / len(terms) / multiples[term] for term in terms}
        drawn = of_chains(wheat, X, y, scales, n_iter)
        exact = by_integration(y, {term: kernels[term] for term in terms}, scales)
        for term in [*terms, "residual"]:
            values = multiples.get(term, 1.0) * drawn[term]
            mean, sd = (multiples.get(term, 1.0) * moment for moment in exact[term])
            ours = f"{values.mean():.3f} ({values.std():.3f})"
            rows.append([model, term, ours, f"{mean:.3f} ({sd:.3f})"])
    return rows


def of_chains(wheat, X, y, scales, n_iter):
    """Return draws of the variances by term."""
    prior = RRBLUP(DF, scales["SNPs"]) if "SNPs" in scales else NO_SNPS
    model, data = with_terms(wheat, prior, scales.get("line"), n_iter)
    model.set_params(residual_prior=ScaledInverseChi2(DF, 0.5), precision="double")
    draws = model.fit(X, y, **data).posterior_.draws
    names = {"line": "line_variance", "SNPs": "direct_effects_variance"}
    return {term: draws[names[term]] for term in scales} | {"residual": draws["residual_variance"]}


def with_terms(wheat, method, line_scale, n_iter):
    """Return a model, and the covariates that it needs; no random effect if its scale is None."""
    chain = {"n_iter": n_iter, "burn_in": n_iter // 4, "n_chains": 1, "random_state": 0}
    if line_scale is None:
        return NNMMRegressor(method, **chain), {}
    lines = Relationship(wheat.relationship, wheat.ids)
    effect = Random("line", relationship=lines, df=DF, scale=line_scale)
    covariates = pd.DataFrame({"line": wheat.ids})
    return NNMMRegressor(method, effects=[effect], **chain), {"covariates": covariates}


def by_integration(y, kernels, scales):
    """Return posterior mean and SD of every variance.

    y = mean + sum of u + e, u ~ N(0, s2_u K), with scaled inverse chi-square priors of all s2.
    """
    n_terms = len(kernels)
    power = 0.5 * (len(y) - 1 + (n_terms + 1) * DF)  # of the residual variance given the ratios
    density, rates, ratios = [], [], []
    for logs in product(LOG_RATIOS, repeat=n_terms):
        of_kernels = [
            np.exp(log) / (np.trace(kernel) / len(y))
            for log, kernel in zip(logs, kernels.values(), strict=True)
        ]
        quadratic, log_determinant = restricted(y, kernels.values(), of_kernels)
        of_priors = 0.5 + sum(
            scale / ratio for scale, ratio in zip(scales.values(), of_kernels, strict=True)
        )
        rates.append(0.5 * (quadratic + DF * of_priors))
        density.append(
            -power * np.log(rates[-1]) - 0.5 * DF * np.log(of_kernels).sum() - 0.5 * log_determinant
        )
        ratios.append(of_kernels)
    weight = np.exp(np.array(density) - max(density))
    weight /= weight.sum()
    residual = np.array(rates) / (power - 1)
    squared = np.array(rates) ** 2 / ((power - 1) * (power - 2))
    moments = {}
    for term, ratio in zip([*kernels, "residual"], [*np.transpose(ratios), 1.0], strict=True):
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


def correlations(wheat, n_iter):
    """Return the rows of a table: correlations over the ten folds, ours (published)."""
    rows = [["ours (published)", *MODELS]]
    X = wheat.genotypes.to_numpy()
    for environment, y in wheat.yields.items():
        cells = []
        for model, terms in MODELS.items():
            method = "BayesL" if "SNPs" in terms else NO_SNPS
            predicted = np.empty(len(y))
            for fold in np.unique(wheat.sets):
                held_out = (wheat.sets == fold).to_numpy()
                scale = "auto" if "line" in terms else None
                regressor, data = with_terms(wheat, method, scale, n_iter)
                regressor.fit(X, y.mask(held_out).to_numpy(), **data)
                predicted[held_out] = regressor.predict(X, **data)[held_out]
            ours = np.corrcoef(predicted, y)[0, 1]
            cells.append(f"{ours:.3f} ({PUBLISHED.loc[environment, model]:.3f})")
        rows.append([environment, *cells])
    return rows


if __name__ == "__main__":
    main()
