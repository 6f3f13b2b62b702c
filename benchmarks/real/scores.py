"""Predictions of methods in the folds of a case, their scores and tables of these."""

from itertools import islice
from time import process_time

import numpy as np
import pandas as pd

from benchmarks.reporting import as_table
from sknnmm.metrics import prediction_bias, prediction_dispersion, predictive_correlation


def predictions(case, methods, n_folds=None):
    """Return a row per method, fold (the first ones), individual and what is known of it.

    `y` and `predicted` are in SD of the phenotype, `seconds` is processor time of the fold.
    """
    parts = []
    sd = case.individuals.y.std()
    for number, fold in enumerate(islice(case.folds(), n_folds)):
        for method, predict in methods.items():
            start = process_time()
            predicted = predict(fold)
            seconds = process_time() - start
            for known, values in predicted.items():
                part = pd.DataFrame({"y": fold.test.y / sd, "predicted": values / sd})
                part["case"] = case.names[fold.test_rows]
                parts.append(part.assign(method=method, known=known, fold=number, seconds=seconds))
        print(f"{case.names[0]}, fold {number}: done", flush=True)
    return pd.concat(parts, ignore_index=True)


def scores(predicted):
    """Return accuracy, dispersion, bias and seconds by case, known, method and fold."""
    by_fold = predicted.groupby(["case", "known", "method", "fold"], sort=False)
    return by_fold[["y", "predicted", "seconds"]].apply(_scores_of_fold)


def _scores_of_fold(rows):
    pair = rows["y"], rows["predicted"]
    constant = np.ptp(rows["predicted"]) == 0  # an elastic net without any column
    return pd.Series(
        {
            "accuracy": 0.0 if constant else predictive_correlation(*pair),
            "dispersion": np.nan if constant else prediction_dispersion(*pair),
            "bias": prediction_bias(*pair),
            "seconds": rows["seconds"].iloc[0],
        }
    )


def behind(accuracy, competitors):
    """Return the best competitor, and by how much each method is behind it, with its SE.

    `accuracy` has a row per method and a column per fold. The SE is that of the mean difference
    over folds; folds that share parents are not independent, so it is rough.
    """
    best = accuracy[accuracy.index.isin(competitors)].mean(axis=1).idxmax()
    difference = accuracy.loc[best] - accuracy
    return best, difference.mean(axis=1), difference.sem(axis=1)


def print_tables(scored, competitors, known):
    """Print accuracy, then dispersion and bias, of methods (rows) in cases (columns)."""
    accuracy, spread = {}, {}
    for case, part in scored.xs(known, level="known").groupby("case", sort=False):
        by_fold = part["accuracy"].droplevel("case").unstack("fold")
        best, lag, se = behind(by_fold, competitors)
        accuracy[case] = {
            method: f"{r:.3f}"
            + ("" if method == best else f" ({lag[method]:.3f} ± {se[method]:.3f})")
            for method, r in by_fold.mean(axis=1).items()
        }
        means = part[["dispersion", "bias"]].groupby("method", sort=False).mean()
        spread[case] = {m: f"{row.dispersion:.2f}, {row.bias:+.2f}" for m, row in means.iterrows()}
    print(f"\nAccuracy from {known}: mean over folds (behind the best competitor ± SE)\n")
    print(_methods_by_cases(accuracy))
    print(f"\nDispersion and bias (SD) from {known}: mean over folds\n")
    print(_methods_by_cases(spread), flush=True)


def print_seconds(scored):
    """Print seconds of processor time per fit, predictions included."""
    seconds = scored["seconds"].groupby(["case", "method"], sort=False).mean()
    columns = {
        case: {method: f"{value:.1f}" for method, value in part.droplevel("case").items()}
        for case, part in seconds.groupby("case", sort=False)
    }
    print("\nSeconds of processor time of a fold\n")
    print(_methods_by_cases(columns), flush=True)


def print_pooled(predicted):
    """Print accuracies over all individuals, whatever their fold."""
    columns = {}
    for case, part in predicted.groupby("case", sort=False):
        by_method = part.groupby(["method", "known"], sort=False)
        columns[case] = {
            f"{method}, {known}": f"{predictive_correlation(rows['y'], rows['predicted']):.3f}"
            for (method, known), rows in by_method
        }
    n = len(part) // len(by_method)
    print(f"\nAccuracy over {n} individuals\n\n{_methods_by_cases(columns)}", flush=True)


def _methods_by_cases(columns):
    methods = dict.fromkeys(method for column in columns.values() for method in column)
    rows = [
        [method, *(column.get(method, "") for column in columns.values())] for method in methods
    ]
    return as_table([["", *columns], *rows])
