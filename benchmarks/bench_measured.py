"""Omics as they are measured: which treatment, prior of the weights and activation stand it best.

Simulated individuals, half of them held out, with `make_omics_network`: clean omics and log-normal
ones, these with rare large values, batches, detection limits, in modules, and with all of it.
Beside these stand omics of the same distribution that are related to nothing. Predicted are the
phenotype, from genotypes and own omics, and the genetic value, from genotypes alone. One chain, one
thread. Run from the root of the repository::

    python -m benchmarks.bench_measured                # all of it, 5 simulations: eight minutes
    python -m benchmarks.bench_measured --parts prior
    python -m benchmarks.bench_measured --quick        # small data: only to see that it runs
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.metrics import prediction_dispersion, predictive_correlation

LOG_NORMAL = {"log_sd": 1.5}
OUTLIERS = {"outlier_share": 0.01}
BATCHES = {"n_batches": 6}
BELOW = {"detection_limits": 0.3}
MODULES = {"n_modules": 2}  # of a hundred omics each
SCENARIOS = {  # options of make_omics_network
    "clean": {},
    "log-normal": LOG_NORMAL,
    "+ 1 % outliers": LOG_NORMAL | OUTLIERS,
    "+ 6 batches": LOG_NORMAL | BATCHES,
    "+ 30 % below detection, NaN": LOG_NORMAL | BELOW,
    "+ 30 % below detection, limit": LOG_NORMAL | BELOW | {"below_detection": "limit"},
    "+ 2 modules of 100": LOG_NORMAL | MODULES,
    "+ all of it, NaN": LOG_NORMAL | OUTLIERS | BATCHES | BELOW | MODULES,
}
PRIORS = ("BayesC", "BayesB", "BayesL", "RR-BLUP")
ACTIVATIONS = ("linear", "tanh", "sigmoid")
THIN = 5  # to make draws is what takes time with curved activations
PARTS = ("treatment", "prior", "activation")
QUANTITIES = {"y": "phenotype, own omics known", "value": "genetic value, genotypes alone"}
QUICK = {"samples": 120, "snps": 60, "omics": 6, "module": 12, "seeds": 2, "n_iter": 80}


def main():
    options = parse_options()
    start = time.perf_counter()
    wanted = dict.fromkeys(  # parts share some of them
        (scenario, setting)
        for part in options.parts
        for scenario in SCENARIOS
        for _, setting in settings_of(part, scenario)
    )
    fits = {each: [] for each in wanted}
    for seed in range(options.seeds):
        for scenario, setting in wanted:
            scores = Simulation(seed, scenario, options).scores_of(*setting, options.n_iter)
            fits[scenario, setting].append(scores)
        print(f"simulation {seed}: done, {time.perf_counter() - start:.0f} s", flush=True)
    for part in options.parts:
        for quantity, description in QUANTITIES.items():
            print(f"\n{part}: {description}\n\n{table_of(part, quantity, fits)}", flush=True)
    print(f"\n{describe_machine()}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="small data, to see that it runs")
    parser.add_argument("--samples", type=int, default=600, help="half of them held out")
    parser.add_argument("--snps", type=int, default=200)
    parser.add_argument("--omics", type=int, default=30, help="that act on y, and as many more")
    parser.add_argument("--module", type=int, default=100, help="omics of a module, all act on y")
    parser.add_argument("--seeds", type=int, default=5, help="simulations")
    parser.add_argument("--n-iter", type=int, default=400, help="a quarter of it burn-in")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    return options


# What is compared -------------------------------------------------------------------------------


def settings_of(part, scenario):
    """Return pairs of a column of the table of a part and a setting.

    A setting is the treatment of the omics, whether batches are covariates, the prior of the
    weights and the activation.
    """
    best = "raw" if scenario == "clean" else "log"
    batch = "n_batches" in SCENARIOS[scenario]
    if part == "prior":
        return [(prior, (best, batch, prior, "linear")) for prior in PRIORS]
    if part == "activation":
        if "n_modules" in SCENARIOS[scenario]:
            return []  # curved activations of hundreds of omics take too long here
        return [
            (f"{g}, {treatment}", (treatment, batch, "BayesC", g))
            for treatment in dict.fromkeys(("raw", best))
            for g in ACTIVATIONS
        ]
    columns = {
        treatment: (treatment, False, "BayesC", "linear")
        for treatment in ("no omics", "raw", best, "rank-normal")
    }
    if batch:
        columns["log, batch a covariate"] = ("log", True, "BayesC", "linear")
    return list(columns.items())


def table_of(part, quantity, fits):
    """Return accuracy (dispersion) in the first column, and in the others the difference to it."""
    columns = {s: dict(settings_of(part, s)) for s in SCENARIOS}
    names = list(max(columns.values(), key=len))
    rows = [["", *names]]
    for scenario, settings in columns.items():
        if not settings:
            continue
        found = {
            name: np.array([scores[quantity] for scores in fits[scenario, setting]])
            for name, setting in settings.items()
        }
        first = found[names[0]]
        rows.append([scenario])
        rows[-1] += [cell(found[name], first) if name in found else "" for name in names]
    return as_table(rows)


def cell(found, reference):
    accuracy, dispersion = found.mean(axis=0)
    text = f"{accuracy:.3f}"
    if found is not reference:
        gain = found[:, 0] - reference[:, 0]
        text = f"{gain.mean():+.3f} ± {gain.std(ddof=1) / len(gain) ** 0.5:.3f}"
    return f"{text} ({dispersion:.2f})"


# One fit ----------------------------------------------------------------------------------------


class Simulation:
    """A simulated data set, half of which is to train on."""

    def __init__(self, seed, scenario, options):
        how = SCENARIOS[scenario]
        n_omics = how["n_modules"] * options.module if "n_modules" in how else options.omics
        data = make_omics_network(options.samples, options.snps, n_omics, **how, random_state=seed)
        others = permuted_within(data.batch, np.random.default_rng(seed))
        omics = np.hstack([data.omics, data.omics[others, : options.omics]])
        self.genotypes = pd.DataFrame(data.X).add_prefix("snp_")
        self.omics = pd.DataFrame(omics).add_prefix("omic_")
        self.batch = pd.get_dummies(data.batch, prefix="batch", drop_first=True, dtype=float)
        self.y, self.genetic_value = data.y, data.genetic_value
        self.is_training = np.arange(options.samples) < options.samples // 2

    def scores_of(self, treatment, batch, prior, activation, n_iter):
        """Return accuracy and dispersion of both quantities in the individuals held out."""
        train, test = self.is_training, ~self.is_training
        names = [] if treatment == "no omics" else list(self.omics)
        X = pd.concat([self.genotypes, self.omics[names]], axis=1)
        prepare = ColumnTransformer(
            [("omics", transformer(treatment), names)],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        model = NNMMRegressor(
            activation=activation,
            omics_method=prior,
            omics_features=names or None,
            n_iter=n_iter,
            burn_in=n_iter // 4,
            thin=THIN,
            n_chains=1,
            random_state=0,
        )
        pipeline = make_pipeline(prepare, model)
        fit_options = {"nnmmregressor__covariates": self.batch[train]} if batch else {}
        predict_options = {"covariates": self.batch[test]} if batch else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of short chains, and of the values this is about
            pipeline.fit(X[train], self.y[train], **fit_options)
            y = pipeline.predict(X[test], **predict_options)
            value = pipeline[-1].breeding_value(self.genotypes[test])
        return {
            "y": accuracy_and_dispersion(self.y[test], y),
            "value": accuracy_and_dispersion(self.genetic_value[test], value),
        }


def permuted_within(batch, rng):
    """Return for every row another of the same batch, each once, at random."""
    order = rng.permutation(len(batch))
    others = np.empty_like(order)
    others[np.argsort(batch)] = order[np.argsort(batch[order])]
    return others


def transformer(treatment):
    if treatment == "log":
        return FunctionTransformer(np.log)
    if treatment == "rank-normal":
        return QuantileTransformer(output_distribution="normal", n_quantiles=200)
    return "passthrough"


def accuracy_and_dispersion(true, predicted):
    return predictive_correlation(true, predicted), prediction_dispersion(true, predicted)


if __name__ == "__main__":
    main()
