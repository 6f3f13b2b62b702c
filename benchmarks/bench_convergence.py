"""How well chains mix, and what fits with default settings say of themselves.

Three parts, from the root of the repository, on one BLAS thread::

    python -m benchmarks.bench_convergence --data-home DIR     # mice.RData and wheat.RData
    python -m benchmarks.bench_convergence --parts moves --cases "mice BMI" "wheat"
    python -m benchmarks.bench_convergence --quick             # to see that it runs

- moves: smallest bulk effective sample size per second of processor time, without and with the
  joint moves of effects and their hyperparameters, of chains of ``--n-iter`` iterations, a fifth of
  them burn-in: of fewer than some 50 effective draws their number is not known;
- defaults: two fits with default settings and seeds of their own: whether they warn, and how far
  they agree;
- auto: iterations and seconds of ``n_iter="auto"``.
"""

import argparse
import warnings
from functools import partial
from time import process_time
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import fetch_hs_mice, fetch_wheat, make_omics_network
from sknnmm.estimators import base
from sknnmm.sampling.gibbs import Sampler

GROUPS = {  # heading -> names of draws; the smallest of all their values counts
    "pi": ("pi", "direct_pi"),
    "variance": tuple(
        f"{effects}_{kept}"
        for effects in ("snp_effects", "direct_effects")
        for kept in ("variance", "scale", "squared_penalty")
    ),
    "weights": ("omics_weights",),
    "heritability": ("heritability", "omics_heritability"),
    "genetic values": ("genetic_values",),
}
NOT_HDL = ["HDL", "LDL", "Tot.Cholesterol", "Potassium"]  # they contain it, or are hardly measured


class Case(NamedTuple):
    """What a model is fitted to, and its settings."""

    inputs: dict  # of `fit`
    settings: dict


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"moves": moves, "defaults": defaults, "auto": auto}
    parser.add_argument("--parts", nargs="+", choices=list(parts), default=list(parts))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--data-home", help="folder of mice.RData and wheat.RData")
    parser.add_argument("--n-iter", type=int, default=10_000, help="of the part moves")
    parser.add_argument("--quick", action="store_true", help="short chains, to see that it runs")
    options = parser.parse_args()
    made = {name: CASES[name](options.data_home) for name in options.cases}
    for part in options.parts:
        rows = None
        for name, case in made.items():
            columns = parts[part](case, options)
            rows = [["", *columns]] if rows is None else rows
            rows.append([name, *columns.values()])
            print(f"{part}: {name} done", flush=True)
        print(f"\n{as_table(rows)}\n")
    print(describe_machine())


def moves(case, options):
    """Return bulk ESS per second of every group, without and with joint moves."""
    n_iter = 60 if options.quick else options.n_iter
    length = {"n_iter": n_iter, "burn_in": n_iter // 5}
    without = partial(Sampler, n_moves=0)
    rates = []
    for sampler in (without, Sampler):
        with patch.object(base, "Sampler", sampler):
            model, seconds, _ = fitted(case, random_state=3, **length)
        rates.append({name: ess / seconds for name, ess in smallest_ess(model).items()})
    before, after = rates
    return {
        name: f"{before[name]:.2f} / {after[name]:.2f} ({after[name] / before[name]:.1f})"
        if name in before
        else "-"
        for name in GROUPS
    }


def defaults(case, options):
    """Return what two fits with default settings and different seeds say."""
    length = {"n_iter": 60, "burn_in": 20} if options.quick else {}
    fits = [fitted(case, random_state=seed, **length) for seed in (1, 2)]
    (one, seconds, first), (other, _, second) = fits
    values = np.column_stack([model.breeding_value(case.inputs["X"]) for model in (one, other)])
    both = [model.diagnostics_.loc["heritability"] for model in (one, other)]
    error = np.hypot(both[0]["mcse"], both[1]["mcse"])
    worst = [worst_target(model) for model in (one, other)]
    return {
        "warnings": f"{first}, {second}",
        **{name: ", ".join(of_fit[name] for of_fit in worst) for name in worst[0]},
        "breeding values, correlation": f"{np.corrcoef(values.T)[0, 1]:.4f}",
        "ratio of SDs": f"{values[:, 0].std() / values[:, 1].std():.3f}",
        "heritability": f"{both[0]['mean']:.3f}, {both[1]['mean']:.3f}",
        "difference / MCSE": f"{abs(both[0]['mean'] - both[1]['mean']) / error:.1f}",
        "seconds": f"{seconds:.1f}",
    }


def auto(case, options):
    """Return iterations and seconds until the targets have converged."""
    length = {"burn_in": 100, "max_iter": 400, "min_ess": 20} if options.quick else {}
    model, seconds, warned = fitted(case, random_state=1, n_iter="auto", **length)
    return {
        "iterations": f"{model.n_iter_}",
        "burn-in": f"{model.burn_in_}",
        "warnings": f"{warned}",
        **worst_target(model),
        "seconds": f"{seconds:.1f}",
    }


def fitted(case, **settings):
    """Return a fitted model, seconds of processor time, and the number of convergence warnings."""
    model = NNMMRegressor(**case.settings, **settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = process_time()
        model.fit(**case.inputs)
        seconds = process_time() - start
    return model, seconds, sum(issubclass(w.category, ConvergenceWarning) for w in caught)


def worst_target(model):
    """Return the smallest bulk ESS and the largest R-hat of what chains are judged by."""
    targets = model.diagnostics_[model.diagnostics_["target"]]
    return {
        "smallest ESS": f"{targets['ess_bulk'].min():.0f}",
        "largest R-hat": f"{targets['r_hat'].max():.3f}",
    }


def smallest_ess(model):
    """Return the smallest bulk ESS of every group of draws that the model has."""
    draws, smallest = model.posterior_.draws, {}
    for group, names in GROUPS.items():
        own = [draws[name].reshape(*draws[name].shape[:2], -1) for name in names if name in draws]
        if own:
            values = np.moveaxis(np.concatenate(own, axis=2), -1, 0)
            values = values[np.ptp(values, axis=(1, 2)) > 0]  # others are constant
            ess = array_stats.ess(values, method="bulk", chain_axis=1, draw_axis=2)
            smallest[group] = float(np.min(ess))
    return smallest


def quickstart(data_home, **settings):
    """Return the training data of examples/plot_quickstart.py."""
    data = make_omics_network(
        n_samples=1800, n_snps=1000, n_omics=10, missing_omics=0.3, random_state=0
    )
    inputs = {"X": data.X[:1400], "y": data.y[:1400], "omics": data.omics[:1400]}
    return Case(inputs, settings)


def mice(data_home, trait, with_omics=False):
    """Return a trait of the mice, sex as a covariate, the other blood traits if wanted."""
    data = fetch_hs_mice(data_home=data_home)
    blood = data.omics.rename(columns=lambda name: name.removeprefix("Biochem."))
    inputs = {
        "X": data.genotypes,
        "y": data.BMI if trait == "BMI" else blood[trait],
        "covariates": pd.DataFrame({"male": (data.sex == "M").astype(float)}),
    }
    if with_omics:
        inputs["omics"] = blood.drop(columns=NOT_HDL)
    return Case(inputs, {})


def wheat(data_home):
    """Return the yield of the wheat lines in the first environment."""
    data = fetch_wheat(data_home=data_home)
    return Case({"X": data.genotypes, "y": data.yields["environment_1"]}, {})


CASES = {
    "quickstart": quickstart,
    "quickstart, BayesR": partial(quickstart, method="BayesR"),
    "mice HDL, 13 omics": partial(mice, trait="HDL", with_omics=True),
    "mice BMI": partial(mice, trait="BMI"),
    "mice HDL": partial(mice, trait="HDL"),
    "wheat": wheat,
}


if __name__ == "__main__":
    main()
