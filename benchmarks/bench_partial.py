"""Partially connected networks: speed against the full network, growth, held-out accuracy.

Three parts, each with a table; one BLAS thread. Run from the root of the repository::

    python -m benchmarks.bench_partial                      # all of it
    python -m benchmarks.bench_partial --parts sweep        # masked against full, in turns
    python -m benchmarks.bench_partial --parts connections  # time per iteration, memory
    python -m benchmarks.bench_partial --parts accuracy     # held-out omics, over simulations
    python -m benchmarks.bench_partial --quick              # small data: only to see that it runs
"""

import argparse
import dataclasses
import resource
import sys
import warnings
from contextlib import ExitStack, contextmanager
from itertools import product
from time import perf_counter
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.sparse import csc_array
from sklearn.exceptions import ConvergenceWarning

from benchmarks.bench_sweep import ITERATION, SWEEP, Case, run_turn, simulated_model
from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor, cis_mask
from sknnmm.datasets import make_omics_network
from sknnmm.model.connections import Connections
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep
from sknnmm.sampling.snp.passes import ConnectionSweep

PARTS = ("sweep", "connections", "accuracy")
QUICK = {  # in place of the values of the options of the same names
    "samples": 300,
    "snps": 3000,
    "omics": 100,
    "connections": [500, 2000],
    "fits": 1,
    "seeds": 2,
    "n_iter": 100,
    "turns": 3,
    "warm_up": 5,
}
SHORT_FIT = 3  # iterations, of which the last is kept


def main():
    options = parse_options()
    # First the part that reports peak memory, which the others would raise.
    if "connections" in options.parts:
        measure_connections(options)
    if "sweep" in options.parts:
        measure_sweep(options)
    if "accuracy" in options.parts:
        measure_accuracy(options)
    print(f"\n{describe_machine()}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="small data, to see that it runs")
    sweep = parser.add_argument_group("sweep")
    sweep.add_argument("--turns", type=int, default=30, help="of each network")
    sweep.add_argument("--warm-up", type=int, default=50, help="iterations before the turns")
    growth = parser.add_argument_group("connections")
    growth.add_argument("--samples", type=int, default=1000)
    growth.add_argument("--snps", type=int, default=200_000)
    growth.add_argument("--omics", type=int, default=5000)
    growth.add_argument(
        "--connections", type=int, nargs="+", default=[100_000, 300_000, 1_000_000],
        help="smallest first, for the peak memory; as near as whole SNPs per omic allow",
    )  # fmt: skip
    growth.add_argument("--iterations", type=int, default=20, help="by which two fits differ")
    growth.add_argument("--fits", type=int, default=3, help="pairs of fits, the fastest count")
    growth.add_argument("--direct-effects", action="store_true", help="with the direct path too")
    accuracy = parser.add_argument_group("accuracy")
    accuracy.add_argument("--seeds", type=int, default=5, help="simulations")
    accuracy.add_argument("--n-iter", type=int, default=1000, help="a third of it burn-in")
    accuracy.add_argument("--n-jobs", type=int, default=1, help="chains run at the same time")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    return options


# Masked against full ----------------------------------------------------------------------------


def measure_sweep(options):
    """Print iterations and sweeps per second of group masks and of the full network."""
    size = {"n_omics": 5, "n_samples": 300, "n_snps": 100} if options.quick else {"n_omics": 10}
    case = Case(**size)
    rows = [["", "iterations/s", "full", "ratio", "sweeps/s", "full", "ratio"]]
    with one_blas_thread():
        for missing, direct_effects in product((0.0, 0.3), (False, True)):
            case = Case(**size, missing_omics=missing)
            masked, full = take_turns(case, direct_effects, options)
            rows.append([f"{missing:.0%} missing" + ", direct effects" * direct_effects])
            for step in (ITERATION, SWEEP):
                seconds = np.array([[turn[step] for turn in turns] for turns in (masked, full)])
                rates = 1 / seconds.min(axis=1)
                ratio = np.median(seconds[1] / seconds[0])
                rows[-1] += [*(f"{rate:.1f}" for rate in rates), f"{ratio:.2f}"]
    print(
        f"\nGroups: n={case.n_samples}, {case.n_snps} SNPs in {case.n_omics} blocks, each with its "
        "omic; BayesC, single precision.\nMasked first, then the full network of the same data.\n"
    )
    print(as_table(rows), flush=True)


def take_turns(case, direct_effects, options):
    """Return the turns of the masked and of the full network, {step: seconds per iteration}."""
    full = simulated_model(case)
    if not direct_effects:
        full = dataclasses.replace(full, direct_prior=None)
    block = np.arange(case.n_snps) * case.n_omics // case.n_snps
    mask = csc_array(block[:, None] == np.arange(case.n_omics))
    masked = dataclasses.replace(full, connections=Connections(mask))
    runs = [warmed_up(model, options) for model in (masked, full)]
    turns = [[run_turn(*run, n_iterations=10) for run in runs] for _ in range(options.turns)]
    return zip(*turns, strict=True)


def warmed_up(model, options):
    sampler, rng = Sampler(model.network()), np.random.default_rng(0)
    chain = starting_state(sampler, rng)
    for _ in range(options.warm_up):
        sampler.iterate(chain, rng, tuning=True)
    run_turn(sampler, chain, rng, 1)  # compiles what records
    return sampler, chain, rng


# Time and memory against connections ------------------------------------------------------------


def measure_connections(options):
    """Print time per iteration and peak memory for windows of several widths."""
    rng = np.random.default_rng(0)
    time_per_iteration(*simulated_cis(rng, 100, 500, 20, 5), options, fits=1)  # compiles
    rows = [["connections", "SNPs per omic", "ms/iteration", "of it SNP sweep"]]
    rows[0] += ["sweep, ns/(connection x individual)", "set-up s", "peak MB"]
    X = simulated_dosages(rng, options.samples, options.snps)
    before = peak_megabytes()
    for wanted in options.connections:
        per_omic = max(1, round(wanted / options.omics))
        fitted = simulated_cis(rng, options.samples, options.snps, options.omics, per_omic, X)
        with timed_sweeps() as sweeps:
            seconds, set_up = time_per_iteration(*fitted, options, fits=options.fits)
        sweep = min(sweeps)
        n_connections = fitted[-1].nnz
        each = 1e9 * sweep / n_connections / options.samples
        rows.append([f"{n_connections:,}", str(per_omic), f"{1000 * seconds:.0f}"])
        rows[-1] += [f"{1000 * sweep:.0f}", f"{each:.2f}", f"{set_up:.1f}"]
        rows[-1] += [f"{peak_megabytes():.0f}"]
        print(f"{n_connections:,} connections: done", flush=True)
    print(
        f"\nConnections: n={options.samples}, {options.snps:,} SNPs (int8, SNP-major), "
        f"{options.omics:,} complete omics,\nwindows by cis_mask, direct effects "
        f"{'on' if options.direct_effects else 'off'}; BayesC, single precision, one chain.\n"
        f"Peak memory of the process so far; with the genotypes alone it was {before:.0f} MB.\n"
    )
    print(as_table(rows), flush=True)


@contextmanager
def timed_sweeps():
    """Give the list to which every sweep of connections adds its seconds."""
    seconds = []

    def timed(sweep):
        def call(*args):
            start = perf_counter()
            sweep(*args)
            seconds.append(perf_counter() - start)

        return call

    with ExitStack() as stack:
        for kind in (ConnectionSweep, ConnectionCrossProductSweep):
            stack.enter_context(patch.object(kind, "sweep", timed(kind.sweep)))
        yield seconds


def simulated_dosages(rng, n_samples, n_snps):
    return rng.integers(0, 3, size=(n_snps, n_samples), dtype=np.int8).T


def simulated_cis(rng, n_samples, n_snps, n_omics, per_omic, X=None):
    """Return X, y, omics and the mask of windows of `per_omic` SNPs along the genome."""
    if per_omic > n_snps:
        raise ValueError(f"{per_omic} SNPs per omic were asked for, but there are {n_snps}.")
    X = simulated_dosages(rng, n_samples, n_snps) if X is None else X
    first = np.linspace(0, n_snps - per_omic, n_omics).astype(int)
    snps = pd.DataFrame({"chromosome": 1, "position": np.arange(n_snps)})
    genes = pd.DataFrame({"chromosome": 1, "start": first, "end": first + per_omic - 1})
    omics = rng.standard_normal((n_samples, n_omics))
    for k, start in enumerate(first):
        value = X[:, start : start + per_omic] @ rng.standard_normal(per_omic)
        omics[:, k] += np.sqrt(0.4) * (value - value.mean()) / value.std()  # heritability 0.3
    y = omics @ rng.standard_normal(n_omics) / np.sqrt(n_omics) + rng.standard_normal(n_samples)
    return X, y, omics, cis_mask(snps, genes, window=0)


def time_per_iteration(X, y, omics, mask, options, fits):
    """Return seconds per iteration and of everything else, from the fastest of some fits each."""
    seconds = {SHORT_FIT: [], SHORT_FIT + options.iterations: []}
    for _ in range(fits):
        for n_iter, so_far in seconds.items():
            model = NNMMRegressor(
                direct_effects=options.direct_effects,
                mask=mask,
                n_iter=n_iter,
                burn_in=n_iter - 1,  # one draw in each fit, so that recording cancels too
                n_chains=1,
                random_state=0,
            )
            start = perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, y, omics=omics)
            so_far.append(perf_counter() - start)
    short, long = (min(so_far) for so_far in seconds.values())
    each = (long - short) / options.iterations
    return each, short - SHORT_FIT * each


def peak_megabytes():
    """Return the largest resident memory of this process until now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


# Accuracy ---------------------------------------------------------------------------------------


def measure_accuracy(options):
    """Print held-out accuracies of the true mask and of the full network, over simulations."""
    rows = []
    for seed in range(options.seeds):
        rows.append(held_out_accuracies(seed, options))
        print(f"simulation {seed}: done", flush=True)
    table = pd.DataFrame(rows)
    table["gain"] = table["omics, mask"] - table["omics, full"]
    table["gain, value"] = table["value, mask"] - table["value, full"]
    order = ["omics, mask", "omics, full", "gain", "value, mask", "value, full", "gain, value"]
    summary = {str(seed): row for seed, row in table[order].iterrows()}
    summary |= {"mean": table[order].mean(), "SE": table[order].sem()}
    n_train, n_held_out, n_snps, n_omics = accuracy_sizes(options)
    print(
        f"\nAccuracy: {n_train} individuals to train on and {n_held_out} held out, {n_snps} SNPs, "
        f"{n_omics} omics with 30 % of the cells missing.\nCorrelations in held-out individuals: "
        "predict_omics with the omics (mean over omics), breeding with true genetic value.\n"
    )
    cells = [[name, *(f"{value:.3f}" for value in row)] for name, row in summary.items()]
    print(as_table([["simulation", *order], *cells]), flush=True)


def accuracy_sizes(options):
    """Return the numbers of individuals to train on and held out, SNPs and omics."""
    return (200, 100, 60, 3) if options.quick else (1400, 400, 1000, 10)


def held_out_accuracies(seed, options):
    n_train, n_held_out, n_snps, n_omics = accuracy_sizes(options)
    data = make_omics_network(
        n_train + n_held_out, n_snps, n_omics, missing_omics=0.3, random_state=seed
    )
    train, held_out = slice(n_train), slice(n_train, None)
    accuracies = {}
    for name, mask in {"mask": data.mask, "full": None}.items():
        model = NNMMRegressor(
            mask=mask,
            n_iter=options.n_iter,
            burn_in=options.n_iter // 3,
            n_jobs=options.n_jobs,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of pi; predictions hardly feel it
            model.fit(data.X[train], data.y[train], omics=data.omics[train])
        predicted = model.predict_omics(data.X[held_out])
        columns = zip(predicted.T, data.omics_complete[held_out].T, strict=True)
        accuracies[f"omics, {name}"] = np.mean([correlation(*column) for column in columns])
        value = model.breeding_value(data.X[held_out])
        accuracies[f"value, {name}"] = correlation(value, data.genetic_value[held_out])
    return accuracies


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


if __name__ == "__main__":
    main()
