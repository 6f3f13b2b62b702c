"""Held-out accuracy on the published benchmark's recipe, over seeds and missing rates.

Accuracy (correlation with the true genetic value) and dispersion of the breeding values of
1,800 individuals (400 held out), 1,000 SNPs and 10 omics: the network with and without direct
effects, genotypes alone (omics=None), and two latent nodes in place of omics.

    python benchmarks/bench_accuracy.py [--seeds 3] [--n-iter 1500] [--n-jobs 2]
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation

N_TRAIN = 1400
NETWORKS = {
    "direct_effects=True": {},
    "direct_effects=False": {"direct_effects": False},
    "omics=None": None,
    "two latent nodes": {"n_latent": 2, "direct_effects": False},
}


def fit_one(data, network, **settings):
    """Fit one network and return its held-out accuracy, dispersion and seconds."""
    with_omics = network in ("direct_effects=True", "direct_effects=False")
    model = NNMMRegressor(**settings, **(NETWORKS[network] or {}))
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # pi mixes slowly; see the table
        model.fit(
            data.X[:N_TRAIN], data.y[:N_TRAIN], omics=data.omics[:N_TRAIN] if with_omics else None
        )
    seconds = time.perf_counter() - start
    predicted, true = model.breeding_value(data.X[N_TRAIN:]), data.genetic_value[N_TRAIN:]
    return {
        "network": network,
        "accuracy": predictive_correlation(true, predicted),
        "dispersion": prediction_dispersion(true, predicted),
        "heritability": model.heritability_ - data.heritability,
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-iter", type=int, default=1500)
    parser.add_argument("--n-jobs", type=int, default=2)
    arguments = parser.parse_args()
    settings = {
        "n_iter": arguments.n_iter,
        "burn_in": arguments.n_iter // 3,
        "n_jobs": arguments.n_jobs,
        "random_state": 0,
    }
    rows = []
    for seed in range(arguments.seeds):
        for rate in (0.0, 0.3, 0.5):
            data = make_omics_network(missing_omics=rate, random_state=seed)
            for network in NETWORKS:
                uses_omics = network.startswith("direct")
                if rate > 0 and not uses_omics:
                    continue
                row = fit_one(data, network, **settings) | {"missing": rate, "seed": seed}
                rows.append(row)
                print(pd.Series(row).to_frame().T.to_string(header=len(rows) == 1), flush=True)
    table = pd.DataFrame(rows)
    table["missing"] = table["missing"].where(table.network.str.startswith("direct"), np.nan)
    print("\nMeans over seeds (heritability: estimate minus truth)")
    means = table.groupby(["network", "missing"], dropna=False, sort=False).mean()
    print(means.drop(columns="seed").round(3).to_string())


if __name__ == "__main__":
    main()
