"""Bayesian GBLUP beside GBLUP by restricted maximum likelihood: estimates and time.

REML takes one eigendecomposition of the relationship matrix, the fixed effects projected out, and a
search over the variance ratio (Kang et al. 2008, doi 10.1534/genetics.107.080101). Grain yield of
the wheat lines in four environments, and BMI and HDL of the mice with sex as a covariate; both
methods have the same relationship matrix::

    python -m benchmarks.bench_reml            # about a minute
    python -m benchmarks.bench_reml --quick    # short chains: to see that it runs

Seconds are processor time of one thread.
"""

import argparse
import warnings
from time import process_time

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice, fetch_wheat
from sknnmm.genotypes import Genotypes, ScaledGenotypes
from sknnmm.sampling.chains.parallel import one_blas_thread


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-home", help="folder of the data (default: scikit-learn's)")
    parser.add_argument("--n-iter", type=int, default=2000, help="of each of two chains")
    parser.add_argument("--quick", action="store_true", help="short: only to see that it runs")
    options = parser.parse_args()
    n_iter = 60 if options.quick else options.n_iter
    rows = [["", "h2, REML", "GBLUP (SD)", "ESS of v", "s2", "r", "slope", "s, REML", "GBLUP"]]
    with one_blas_thread():
        for name, X, y, covariates in traits(options.data_home):
            rows.append([name, *compare(X, y, covariates, n_iter)])
            print(f"{name}: done", flush=True)
    print(f"\n{as_table(rows)}\n\n{describe_machine()}")


def traits(data_home):
    """Yield name, genotypes, phenotype and covariates."""
    wheat = fetch_wheat(data_home)
    for name, y in wheat.yields.items():
        yield f"wheat, {name}", wheat.genotypes, y, None
    mice = fetch_hs_mice(data_home)
    sex = pd.DataFrame({"male": (mice.sex == "M").astype(float)})
    for name, y in {"BMI": mice.BMI, "HDL": mice.omics["Biochem.HDL"]}.items():
        seen = y.notna()
        yield f"mice, {name}", mice.genotypes[seen], y[seen], sex[seen]


def compare(X, y, covariates, n_iter):
    """Return the cells of one trait."""
    start = process_time()
    heritability, values = reml_gblup(X.to_numpy(), y.to_numpy(), covariates)
    seconds_reml = process_time() - start
    settings = {"n_chains": 2, "n_jobs": 1, "random_state": 0}
    short = NNMMRegressor("GBLUP", n_iter=3, burn_in=1, **settings)
    quiet_fit(short, X, y, covariates)  # compiles
    model = NNMMRegressor("GBLUP", n_iter=n_iter, burn_in=n_iter // 4, **settings)
    seconds = quiet_fit(model, X, y, covariates)
    draws = model.posterior_.draws
    n_snps = np.count_nonzero(Genotypes(X.to_numpy()).polymorphic)
    genetic = n_snps * draws["direct_effects_variance"] * y.std(ddof=0) ** 2
    share = genetic / (genetic + draws["residual_variance"])
    ess = model.diagnostics_["ess_bulk"]
    drawn = model.breeding_value(X)
    return [
        f"{heritability:.3f}",
        f"{share.mean():.3f} ({share.std():.3f})",
        f"{ess['direct_effects_variance']:.0f}",
        f"{ess['residual_variance']:.0f}",
        f"{np.corrcoef(values, drawn)[0, 1]:.4f}",
        f"{np.polyfit(values, drawn, 1)[0]:.3f}",
        f"{seconds_reml:.1f}",
        f"{seconds:.1f}",
    ]


def quiet_fit(model, X, y, covariates):
    """Fit and return the seconds of processor time."""
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the table has the sample sizes
        model.fit(X, y, covariates=covariates)
    return process_time() - start


def reml_gblup(dosages, y, covariates):
    """Return the genetic share of variance and the breeding values, by REML.

    y = fixed effects + u + e, u ~ N(0, sigma_u^2 G), with the relationship matrix G of GBLUP.
    """
    genotypes = ScaledGenotypes(Genotypes(dosages))
    relationship = genotypes.row_gram() / np.count_nonzero(genotypes.polymorphic)
    design = np.ones((len(y), 1))
    if covariates is not None:
        design = np.column_stack([design, covariates])
    outside = np.linalg.qr(design, mode="complete")[0][:, design.shape[1] :]
    values, vectors = np.linalg.eigh(outside.T @ relationship @ outside)
    squares = (vectors.T @ (outside.T @ y)) ** 2

    def deviance(log_ratio):  # of sigma_e^2 to sigma_u^2, but for a constant
        variances = values + np.exp(log_ratio)
        return len(squares) * np.log((squares / variances).sum()) + np.log(variances).sum()

    ratio = np.exp(minimize_scalar(deviance, bounds=(-7, 7), method="bounded").x)
    weighted = outside @ (vectors @ ((vectors.T @ (outside.T @ y)) / (values + ratio)))
    return 1 / (1 + ratio), relationship @ weighted


if __name__ == "__main__":
    main()
