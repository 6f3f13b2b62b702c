"""Wall time of a grid search with one and two processes, on simulated data.

3 methods x 2 activations x 5 folds of 1,500 individuals with 1,000 SNPs and 10 omics, 30 % of whose
cells are missing; one chain of 300 iterations per fit. Leave all cores of the machine free::

    python -m benchmarks.bench_grid_search            # some minutes
    python -m benchmarks.bench_grid_search --quick    # seconds: only to see that it runs
"""

import argparse
import warnings
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import predictive_correlation_scorer

GRID = {"method": ["BayesC", "BayesR", "RR-BLUP"], "activation": ["linear", "tanh"]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n-iter", type=int, default=300, help="of the one chain of a fit")
    parser.add_argument("--n-jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    options = parser.parse_args()
    size = {"n_samples": 200, "n_snps": 50} if options.quick else {"n_samples": 1500}
    n_iter = 20 if options.quick else options.n_iter
    data = make_omics_network(missing_omics=0.3, random_state=0, **size)
    X = pd.DataFrame(data.X).join(pd.DataFrame(data.omics).add_prefix("omic_"))
    X.columns = X.columns.astype(str)

    search(X, data.y, 3, n_jobs=1)  # compiles, or loads from disk
    rows = [["n_jobs", "s", "s of one fit, mean", "n_jobs=1 takes"]]
    results = [search(X, data.y, n_iter, n_jobs) for n_jobs in options.n_jobs]
    for n_jobs, (seconds, fit_seconds, scores) in zip(options.n_jobs, results, strict=True):
        np.testing.assert_array_equal(scores, results[0][2])
        ratio = results[0][0] / seconds
        rows.append([str(n_jobs), f"{seconds:.0f}", f"{fit_seconds:.2f}", f"{ratio:.2f} times"])
    print(f"{as_table(rows)}\n\n{describe_machine()}")


def search(X, y, n_iter, n_jobs):
    """Return wall seconds of the whole search, mean of its fits, and the scores."""
    omics = [column for column in X if column.startswith("omic_")]
    model = NNMMRegressor(
        omics_features=omics, n_iter=n_iter, burn_in=n_iter // 3, n_chains=1, random_state=0
    )
    grid_search = GridSearchCV(
        model, GRID, scoring=predictive_correlation_scorer, cv=5, refit=False, n_jobs=n_jobs
    )
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short chains; those of other processes are printed
        grid_search.fit(X, y)
    seconds = perf_counter() - start
    results = grid_search.cv_results_
    return seconds, results["mean_fit_time"].mean(), results["mean_test_score"]


if __name__ == "__main__":
    main()
