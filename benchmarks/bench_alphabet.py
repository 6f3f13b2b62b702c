"""Every prior with every activation on simulated data, and every prior on real data.

The network: 1,800 simulated individuals (400 held out), 1,000 SNPs, 10 omics with 30 % of the
cells missing, a linear truth. Held-out accuracy and dispersion, seconds per 1,000 iterations of one
chain, and the smallest effective sample size per second of the omics weights::

    python -m benchmarks.bench_alphabet            # about a quarter of an hour
    python -m benchmarks.bench_alphabet --quick    # a minute: only to see that it runs

The classical alphabet: grain yield of 599 wheat lines in four environments predicted from 1,279
markers, without omics, by the 10-fold cross-validation that comes with the data::

    python -m benchmarks.bench_alphabet --wheat    # about ten minutes

Seconds are processor time of one thread, so other work on the machine counts little.
"""

import argparse
import warnings
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_wheat, make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation

METHODS = ["BayesA", "BayesB", "BayesC", "BayesL", "BayesR", "RR-BLUP", "GBLUP"]
N_CHAINS = 2


def softsign(z):
    """Return z / (1 + |z|): a function as a user would write it, without a derivative."""
    return z / (1 + np.abs(z))


ACTIVATIONS = {
    name: name for name in ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "softplus"]
} | {"user function": softsign}


def main():
    options = parse_options()
    table, report = (
        (cross_validate_wheat(options), report_wheat)
        if options.wheat
        else (compare_networks(options), report_networks)
    )
    print(f"\n{report(table)}\n\n{describe_machine()}")
    if options.output:
        table.to_csv(options.output, index=False)


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheat", action="store_true", help="the wheat lines, not the network")
    parser.add_argument("--data-home", help="folder of wheat.RData (default: scikit-learn's)")
    parser.add_argument(
        "--n-iter", type=int, help="per chain (default: 600 of two chains; wheat: 1000 of one)"
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seeds", type=int, default=1, help="simulated data sets")
    parser.add_argument("--output", type=Path, help="CSV file of every fit")
    parser.add_argument("--quick", action="store_true", help="small and short: see that it runs")
    options = parser.parse_args()
    options.n_iter = options.n_iter or (40 if options.quick else 1000 if options.wheat else 600)
    return options


def fit(model, *data, **omics):
    """Fit and return the seconds of processor time that it took."""
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the tables tell how well it mixed
        model.fit(*data, **omics)
    return process_time() - start


# The network ----------------------------------------------------------------------------------


def compare_networks(options):
    """Return one row per simulated data set, method and activation."""
    size = {"n_samples": 400, "n_snps": 100, "n_omics": 3} if options.quick else {}
    rows = []
    for seed in range(options.seeds):
        data = make_omics_network(missing_omics=0.3, random_state=seed, **size)
        for method in options.methods:
            for name, activation in ACTIVATIONS.items():
                scores = score_network(data, method, activation, options.n_iter)
                rows.append({"seed": seed, "method": method, "activation": name} | scores)
                line = (f"{key} {show(value)}" for key, value in rows[-1].items())
                print(", ".join(line), flush=True)
    return pd.DataFrame(rows)


def score_network(data, method, activation, n_iter):
    n_train = len(data.y) * 7 // 9
    train, held_out = slice(n_train), slice(n_train, None)
    settings = {"activation": activation, "n_chains": N_CHAINS, "random_state": 0}
    training = (data.X[train], data.y[train])
    # The first fit compiles, or loads from disk; that is kept out of the seconds.
    fit(NNMMRegressor(method, n_iter=3, burn_in=1, **settings), *training, omics=data.omics[train])
    model = NNMMRegressor(method, n_iter=n_iter, burn_in=n_iter // 3, **settings)
    seconds = fit(model, *training, omics=data.omics[train])

    X = data.X[held_out]
    accuracy, dispersion = agreement(data.genetic_value[held_out], model.breeding_value(X))
    with_omics = agreement(data.y[held_out], model.predict(X, omics=data.omics[held_out]))
    of_weights = model.diagnostics_.index.str.startswith("omics_weights[")
    seconds_sampled = seconds * (n_iter - model.burn_in) / n_iter
    return {
        "accuracy": accuracy,
        "dispersion": dispersion,
        "correlation_with_omics": with_omics[0],
        "dispersion_with_omics": with_omics[1],
        "seconds_per_1000": seconds / (N_CHAINS * n_iter) * 1000,
        "ess_per_second": model.diagnostics_.loc[of_weights, "ess_bulk"].min() / seconds_sampled,
        "max_r_hat": model.diagnostics_.loc[of_weights, "r_hat"].max(),
    }


def agreement(true, predicted):
    """Return correlation and dispersion."""
    return predictive_correlation(true, predicted), prediction_dispersion(true, predicted)


def report_networks(table):
    means = table.groupby(["method", "activation"]).mean(numeric_only=True)
    parts = {
        "Genotypes only: accuracy (dispersion) of breeding values": (
            "{0.accuracy:.3f} ({0.dispersion:.2f})"
        ),
        "Genotypes and own omics: correlation (dispersion) of predicted phenotypes": (
            "{0.correlation_with_omics:.3f} ({0.dispersion_with_omics:.2f})"
        ),
        "Seconds per 1,000 iterations": "{0.seconds_per_1000:.1f}",
        "Smallest bulk ESS of an omics weight, per second": "{0.ess_per_second:.1f}",
    }
    return "\n\n".join(
        f"{title}\n\n{method_table(list(ACTIVATIONS), means, cell)}"
        for title, cell in parts.items()
    )


def method_table(columns, means, cell):
    """Return methods by columns as Markdown; `cell` formats one row of `means`."""
    methods = [method for method in METHODS if method in means.index]
    rows = [[method, *(cell.format(means.loc[method, c]) for c in columns)] for method in methods]
    return as_table([["", *columns], *rows])


# The wheat lines ------------------------------------------------------------------------------


def cross_validate_wheat(options):
    """Return one row per environment, method and fold."""
    wheat = fetch_wheat(options.data_home)
    rows = []
    for environment, y in wheat.yields.items():
        for method in options.methods:
            for fold in np.unique(wheat.sets):
                held_out = wheat.sets == fold
                model = NNMMRegressor(
                    method,
                    n_iter=options.n_iter,
                    burn_in=options.n_iter // 3,
                    n_chains=1,
                    random_state=0,
                )
                seconds = fit(model, wheat.genotypes[~held_out], y[~held_out])
                predicted = model.predict(wheat.genotypes[held_out])
                correlation, dispersion = agreement(y[held_out], predicted)
                rows.append(
                    {
                        "method": method,
                        "environment": environment,
                        "fold": fold,
                        "correlation": correlation,
                        "dispersion": dispersion,
                        "seconds": seconds,
                    }
                )
                print(f"{environment}, {method}, fold {fold}: {correlation:.3f}", flush=True)
    return pd.DataFrame(rows)


def report_wheat(table):
    """Return correlation and dispersion, mean (SE) over the folds."""
    folds = table.groupby(["method", "environment"])[["correlation", "dispersion"]]
    means = folds.mean().join(folds.sem().add_suffix("_se"))
    environments = list(table["environment"].unique())
    parts = {
        "Correlation of yield and prediction, mean (SE) of the folds": (
            "{0.correlation:.3f} ({0.correlation_se:.3f})"
        ),
        "Dispersion, mean (SE) of the folds": "{0.dispersion:.2f} ({0.dispersion_se:.2f})",
    }
    return "\n\n".join(
        f"{title}\n\n{method_table(environments, means, cell)}" for title, cell in parts.items()
    )


def show(value):
    return f"{value:.3f}" if isinstance(value, float) else value


if __name__ == "__main__":
    main()
