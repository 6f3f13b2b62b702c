"""How often intervals of predictions hold the truth, on simulated data.

Each replicate simulates 500 individuals (100 held out) with 200 SNPs and 5 omics, 30 % of whose
cells are missing, fits three models and looks whether 50 % and 90 % intervals of the held-out
individuals hold their phenotype or their true genetic value::

    python -m benchmarks.bench_coverage            # a quarter of an hour
    python -m benchmarks.bench_coverage --quick    # seconds: only to see that it runs

Individuals of a replicate share a fit, so standard errors are those of the mean over replicates.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network

N_TRAIN, N_HELD_OUT = 400, 100
LEVELS = (0.5, 0.9)
MODELS = {"network": {}, "`direct_effects=False`": {"direct_effects": False}, "no omics": {}}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=60)
    parser.add_argument("--n-iter", type=int, default=1000, help="per chain, of two")
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.replicates, options.n_iter = 3, 60
    rows = []
    for seed in range(options.replicates):
        rows += replicate(seed, options.n_iter)
        print(f"replicate {seed + 1} of {options.replicates}", flush=True)
    print(f"\n{report(pd.DataFrame(rows))}\n\n{describe_machine()}")


def replicate(seed, n_iter):
    """Return the coverage of every kind of interval in one simulated data set."""
    data = make_omics_network(
        n_samples=N_TRAIN + N_HELD_OUT, n_snps=200, n_omics=5, missing_omics=0.3, random_state=seed
    )
    rows = []
    for name, settings in MODELS.items():
        omics = None if name == "no omics" else data.omics
        training = None if omics is None else omics[:N_TRAIN]
        model = NNMMRegressor(n_iter=n_iter, burn_in=n_iter // 4, random_state=seed, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(data.X[:N_TRAIN], data.y[:N_TRAIN], omics=training)
        for quantity, truth, intervals in predicted(model, data, omics, seed):
            for level, (low, high) in zip(LEVELS, intervals, strict=True):
                covered = ((low <= truth) & (truth <= high)).mean()
                rows.append(
                    {"model": name, "quantity": quantity, "level": level, "covered": covered}
                )
    return rows


def predicted(model, data, omics, seed):
    """Yield (quantity, true values, interval of each level) of the held-out individuals."""
    held_out = slice(N_TRAIN, None)
    X, y = data.X[held_out], data.y[held_out]
    given = {"genotypes": None}
    if omics is not None:
        given["genotypes and omics"] = omics[held_out]
    for known, own in given.items():
        mean_std = model.predict(X, omics=own, return_std=True)
        yield f"y from {known}, mean and SD", y, normal_intervals(*mean_std)
        draws = model.sample_posterior_predictive(X, n_draws=1000, omics=own, random_state=seed)
        yield f"y from {known}, draws", y, quantile_intervals(draws)
    # Breeding values are deviations from the mean of the training individuals.
    true_value = data.genetic_value[held_out] - data.genetic_value[:N_TRAIN].mean()
    value_std = model.breeding_value(X, return_std=True)
    yield "breeding value, mean and SD", true_value, normal_intervals(*value_std)


def normal_intervals(mean, std):
    return [(mean - z * std, mean + z * std) for z in norm.isf((1 - np.array(LEVELS)) / 2)]


def quantile_intervals(draws):
    return [np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=1) for level in LEVELS]


def report(table):
    """Return mean (SE) over the replicates by quantity, model and level."""
    coverage = table.groupby(["quantity", "model", "level"], sort=False)["covered"]
    cells = {
        key: f"{mean:.3f} ({error:.3f})"
        for key, mean, error in zip(
            coverage.mean().index, coverage.mean(), coverage.sem(), strict=True
        )
    }
    columns = [(name, level) for name in MODELS for level in LEVELS]
    rows = [["", *(f"{name}, {level:.0%}" for name, level in columns)]]
    for quantity in table["quantity"].unique():
        rows.append([quantity, *(cells.get((quantity, *column), "") for column in columns)])
    return as_table(rows)


if __name__ == "__main__":
    main()
