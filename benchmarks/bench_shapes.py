"""Where the time of an iteration goes, how it grows, and what other packages take for one trait.

On one thread. Shares and rates come from short turns, the fastest of which counts. From the root of
the repository::

    python -m benchmarks.bench_shapes                       # all parts, some ten minutes
    python -m benchmarks.bench_shapes --parts growth        # or another: see PARTS
    python -m benchmarks.bench_shapes --quick               # small data: to see that it runs
"""

import argparse
import warnings
from dataclasses import replace
from time import perf_counter, process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ARDRegression, BayesianRidge

from benchmarks.bench_sweep import (
    ITERATION,
    RECORDING,
    REST,
    SWEEP,
    Case,
    fastest,
    new_recorder,
    nonzero_share,
    run_turn,
    simulated,
    simulated_model,
    step_clock,
    steps_of,
)
from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import REFRESH_EVERY, Sampler

SHAPES = ((3534, 1000, 10), (1814, 10_346, 15), (2000, 50_000, 100), (500, 5000, 1000))
QUICK_SHAPES = ((300, 100, 3), (100, 300, 5))
BASE = Case(n_samples=2000, n_snps=2000, n_omics=20, missing_omics=0.3)
QUICK_BASE = Case(n_samples=200, n_snps=200, n_omics=4, missing_omics=0.3)
GOALS = (  # seconds per 1,000 iterations
    (Case(10), None),
    (Case(10, missing_omics=0.3), 3.0),
    (Case(10, missing_omics=0.3, activation="sigmoid"), 5.0),
    (Case(0, n_samples=1814, n_snps=10_346), 2.5),
    (Case(15, n_samples=1814, n_snps=10_346), 15.0),
)
QUICK_GOALS = ((Case(0, n_samples=300, n_snps=100), 0.5),)
BLUP_CASES = (
    Case(10, n_samples=1400),
    Case(10, missing_omics=0.3, n_samples=1400),
    Case(10, n_samples=600, n_snps=5000),
    Case(10, missing_omics=0.3, n_samples=600, n_snps=5000),
)
QUICK_BLUP_CASES = (Case(3, missing_omics=0.3, n_samples=300, n_snps=100),)
TRAIT_SHAPES = ((479, 1279), (1500, 1000), (1450, 5000))
MANY_OMICS, QUICK_MANY_OMICS = (300, 14_456, 1323), (40, 100, 60)  # n, p, K
PARTS = ("profile", "growth", "goals", "blup", "trait", "cells", "many")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=6.0, help="of turns, per case")
    parser.add_argument("--repeats", type=int, default=2, help="parts goals, blup; best counts")
    parser.add_argument("--n-iter", type=int, default=2000, help="iterations, part trait")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.n_iter = 0.2, 100
    print(describe_machine() + "\n")
    parts = {
        "profile": profile,
        "growth": growth,
        "goals": goals,
        "blup": blup,
        "trait": one_trait,
        "cells": drawn_cells,
        "many": many_omics,
    }
    with one_blas_thread():
        for part in options.parts:
            parts[part](options)


def profile(options):
    """Print the share of every step, and the arithmetic rate of the sweep."""
    for n, p, n_omics in QUICK_SHAPES if options.quick else SHAPES:
        cases = [
            Case(n_omics, missing, activation, n, p)
            for activation in ("linear", "tanh")
            for missing in (0.0, 0.3)
        ]
        measured, sgemm = [], []
        for case in cases:
            sgemm.append(sgemm_rate(options))
            measured.append(measure(case, options))
        headings = [f"{case.activation}, {case.missing_omics:.0%} missing" for case in cases]
        rows = [[f"n={n}, p={p}, K={n_omics}", *headings]]
        total = [steps[ITERATION] + steps[RECORDING] for steps in measured]
        for step in (step for step in measured[0] if step != ITERATION):
            shares = [steps[step] / sum_of for steps, sum_of in zip(measured, total, strict=True)]
            rows.append([step, *(f"{share:.1%}" for share in shares)])
        rows.append(["ms in all", *(f"{1000 * seconds:.1f}" for seconds in total)])
        # Two passes over the genotypes, a multiplication and an addition for each number.
        rates = [4e-9 * n * p * (n_omics + 1) / steps[SWEEP] for steps in measured]
        rows.append(["sweep, GFLOP/s of two passes", *(f"{rate:.0f}" for rate in rates)])
        shares = [rate / of_core for rate, of_core in zip(rates, sgemm, strict=True)]
        rows.append(["of the rate of sgemm", *(f"{share:.0%}" for share in shares)])
        print(as_table(rows) + f"\n\nsgemm: {min(sgemm):.0f} to {max(sgemm):.0f} GFLOP/s\n")


def growth(options):
    """Print the time per iteration as one dimension at a time is doubled."""
    base = QUICK_BASE if options.quick else BASE
    rows = [["", "half", "as it is", "twice", "four times"]]
    now = measure(base, options)
    now = now[ITERATION] + now[RECORDING]
    for name in ("n_samples", "n_snps", "n_omics"):
        row = [f"{name} ({getattr(base, name)})"]
        for factor in (0.5, 1, 2, 4):
            case = replace(base, **{name: int(factor * getattr(base, name))})
            row.append(f"{1000 * _seconds(case, options, now if factor == 1 else None):.1f}")
        rows.append(row)
    print("Milliseconds per iteration, recording included; the others as they are:\n")
    print(as_table(rows) + "\n")
    rates = (0.0, 0.1, 0.3, 0.6, 0.9)
    cells = [f"{1000 * _seconds(replace(base, missing_omics=r), options):.1f}" for r in rates]
    print(as_table([["cells missing", *(f"{r:.0%}" for r in rates)], ["ms", *cells]]) + "\n")


def _seconds(case, options, known=None):
    if known is not None:
        return known
    steps = measure(case, options)
    return steps[ITERATION] + steps[RECORDING]


def goals(options):
    """Print seconds of a chain of 1,000 iterations from its start, beside the goals."""
    rows = [["n, p, case", "s per 1,000 iterations", "goal", "of it SNP sweep", "nonzero at last"]]
    for case, goal in QUICK_GOALS if options.quick else GOALS:
        sampler = Sampler(simulated_model(case).network())
        chains = [whole_chain(sampler, options) for _ in range(options.repeats)]
        seconds, nonzero = min(chains, key=lambda chain: chain[0][ITERATION] + chain[0][RECORDING])
        total = seconds[ITERATION] + seconds[RECORDING]
        name = f"{case.n_samples}, {case.n_snps}, {case}"
        aim = f"{goal}" if goal else "one tenth of the plain sampler (bench_sweep)"
        rows.append([name, f"{total:.1f}", aim, f"{seconds[SWEEP]:.1f}", f"{nonzero:.0%}"])
    print(as_table(rows) + "\n")


def whole_chain(sampler, options):
    """Return {step: seconds per 1,000 iterations} of a chain, and the share of nonzero effects.

    A quarter of the iterations is burn-in, the others are recorded.
    """
    n_iter = 40 if options.quick else 1000
    rng = Stream(np.random.PCG64(0))
    chain = starting_state(sampler, rng)
    run_turn(sampler, chain, rng, 1)  # compiles
    chain = starting_state(sampler, rng)
    recorder = new_recorder(sampler, n_iter - n_iter // 4)
    with step_clock(steps_of(sampler, recorder)) as seconds:
        for iteration in range(1, n_iter + 1):
            sampler.iterate(chain, rng, tuning=iteration <= n_iter // 4)
            if iteration % REFRESH_EVERY == 0:
                sampler.refresh(chain)
            if iteration > n_iter // 4:
                recorder.record(chain, rng)
    return {step: 1000 / n_iter * total for step, total in seconds.items()}, nonzero_share(chain)


def blup(options):
    """Print seconds of fits with priors that are drawn jointly, beside those of BayesC.

    One chain. The methods take turns, and the quickest fit of each counts.
    """
    methods, lengths = ("RR-BLUP", "GBLUP", "BayesC"), (20, 40) if options.quick else (200, 1000)
    head = ["n, p, case", *methods, "RR-BLUP / BayesC", "GBLUP / BayesC", "goal"]
    of_fits, of_iterations = [head], [head]
    for case in QUICK_BLUP_CASES if options.quick else BLUP_CASES:
        data = simulated(case)
        for method in methods:
            seconds_of_fit(data, 4, method)  # compiles
        turns = [
            [[seconds_of_fit(data, n_iter, method) for method in methods] for n_iter in lengths]
            for _ in range(options.repeats)
        ]
        short, long = np.min(turns, axis=0)
        per_thousand = 1000 * (long - short) / (lengths[1] - lengths[0])
        for rows, seconds in ((of_fits, long), (of_iterations, per_thousand)):
            ratios = seconds[:2] / seconds[2]
            rows.append([f"{case.n_samples}, {case.n_snps}, {case}"])
            rows[-1] += [f"{s:.1f}" for s in seconds] + [f"{ratio:.2f}" for ratio in ratios]
            rows[-1].append("1.0" if case.n_snps <= case.n_samples else "0.5")
    print(f"Seconds of processor time of a fit of {lengths[1]} iterations:\n")
    print(as_table(of_fits) + "\n")
    print("Per 1,000 iterations, without what a fit takes before and after its chain:\n")
    print(as_table(of_iterations) + "\n")


def seconds_of_fit(data, n_iter, method):
    """Return the processor time of a fit of one chain, a quarter of it burn-in."""
    length = {"n_iter": n_iter, "burn_in": n_iter // 4, "n_chains": 1}
    model = NNMMRegressor(method, **length, random_state=0)
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a time needs no converged chain
        model.fit(data.X, data.y, omics=data.omics)
    return process_time() - start


def one_trait(options):
    """Print time and held-out accuracy of one trait without omics, beside scikit-learn."""
    warnings.simplefilter("ignore")  # a time needs no converged chain
    rows = [["n, p", "model", "s", "correlation", "RMSE in SD of y"]]
    for n, p in ((100, 60),) if options.quick else TRAIT_SHAPES:
        data = make_omics_network(n + 300, p, 10, random_state=1)
        X, y = data.X, data.y
        y = (y - y[:n].mean()) / y[:n].std()
        length = {"n_iter": options.n_iter, "burn_in": options.n_iter // 4, "n_chains": 1}
        models = {
            "network, BayesC": NNMMRegressor("BayesC", **length, random_state=0),
            "network, RR-BLUP": NNMMRegressor("RR-BLUP", **length, random_state=0),
            "BayesianRidge": BayesianRidge(),
            "ARDRegression": ARDRegression(),
        }
        for name, model in models.items():
            # int8 for us, what scikit-learn would convert it to for the others
            values = X if "network" in name else X.astype(float)
            start = perf_counter()
            model.fit(values[:n], y[:n])
            seconds = perf_counter() - start
            predicted = model.predict(values[n:])
            correlation = np.corrcoef(predicted, y[n:])[0, 1]
            error = np.sqrt(np.mean((predicted - y[n:]) ** 2))
            cells = [f"{seconds:.1f}", f"{correlation:.3f}", f"{error:.3f}"]
            rows.append([f"{n}, {p}", name, *cells])
    print(f"One trait; networks with {options.n_iter} iterations of one chain:\n")
    print(as_table(rows) + "\n")


def drawn_cells(options):
    """Print the time per iteration with 30 % of the cells missing over that with complete omics.

    Both in turn, in processor time: a busy machine slows both alike.
    """
    small = {"n_samples": 300, "n_snps": 100} if options.quick else {}
    cases = [replace(Case(10, missing_omics=rate), **small) for rate in (0.0, 0.3)]
    rows = [["moves of hyperparameters", "complete, ms", "30% missing, ms", "ratio"]]
    for name, n_moves in (("as a fit makes them", None), ("none", 0)):
        runs = [
            warmed_up(Sampler(simulated_model(case).network(), n_moves=n_moves), options)
            for case in cases
        ]
        turns, start = [], perf_counter()
        while len(turns) < 3 or perf_counter() - start < 2 * options.seconds:
            turns.append([cpu_seconds(*run) for run in runs])
        complete, missing = 1000 * np.array(turns).T
        ratio = np.median(missing / complete)
        rows.append([name, f"{complete.min():.1f}", f"{missing.min():.1f}", f"{ratio:.1f}"])
    print(f"n={cases[0].n_samples}, p={cases[0].n_snps}, K=10, BayesC; recording included:\n")
    print(as_table(rows) + "\n")


def warmed_up(sampler, options):
    """Return the sampler with a chain whose burn-in is over, its random numbers and recorder."""
    rng = Stream(np.random.PCG64(0))
    chain = starting_state(sampler, rng)
    burn_in = 20 if options.quick else 250
    for _ in range(burn_in):
        sampler.iterate(chain, rng, tuning=True)
    run_turn(sampler, chain, rng, 1)  # compiles what records
    return sampler, chain, rng


def cpu_seconds(sampler, chain, rng, n_iterations=20):
    """Return the processor time of an iteration that is recorded."""
    recorder, start = new_recorder(sampler, n_iterations), process_time()
    for _ in range(n_iterations):
        sampler.iterate(chain, rng, tuning=False)
        recorder.record(chain, rng)
    return (process_time() - start) / n_iterations


def many_omics(options):
    """Print the processor time of fits with more omics than individuals, and of their parts."""
    warnings.simplefilter("ignore")  # a time needs no converged chain
    n, p, n_omics = QUICK_MANY_OMICS if options.quick else MANY_OMICS
    data = make_omics_network(n, p, n_omics, random_state=0)
    lengths, seconds = (20, 500), []
    for n_iter in (lengths[0], *lengths):  # the first one compiles
        model = NNMMRegressor(
            "RR-BLUP", omics_method="RR-BLUP", n_iter=n_iter, burn_in=10, n_chains=1, random_state=0
        )
        start = process_time()
        model.fit(data.X, data.y, omics=data.omics)
        seconds.append(process_time() - start)
    per_iteration = (seconds[-1] - seconds[-2]) / (lengths[1] - lengths[0])
    rows = [
        [f"n={n}, p={p}, K={n_omics}, RR-BLUP, one chain", ""],
        [f"fit of {lengths[1]} iterations, s", f"{seconds[-1]:.1f}"],
        ["an iteration, ms", f"{1000 * per_iteration:.1f}"],
        ["all that is not an iteration, s", f"{seconds[-1] - lengths[1] * per_iteration:.1f}"],
    ]
    print(as_table(rows) + "\n")


def measure(case, options):
    """Return {step: seconds per iteration} of the fastest turns of one chain."""
    sampler = Sampler(simulated_model(case).network())
    rng = Stream(np.random.PCG64(0))  # as chains have
    chain = starting_state(sampler, rng)
    run_turn(sampler, chain, rng, 1)  # compiles
    start = perf_counter()
    warm_up = 0
    while warm_up < 5 or (perf_counter() - start < options.seconds / 2 and warm_up < 100):
        sampler.iterate(chain, rng, tuning=True)
        warm_up += 1
    turns, start = [], perf_counter()
    while len(turns) < 3 or perf_counter() - start < options.seconds:
        turns.append(run_turn(sampler, chain, rng, 2))
    steps = {step: fastest(turns, step) for step in turns[0] if step != REST}
    inside = sum(steps.values()) - steps[ITERATION] - steps[RECORDING]
    return {**steps, REST: max(0.0, steps[ITERATION] - inside)}


def sgemm_rate(options):
    """Return the GFLOP/s of a product of square matrices in single precision."""
    size = 500 if options.quick else 2000
    a = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    seconds = []
    for _ in range(4):
        start = perf_counter()
        a @ a
        seconds.append(perf_counter() - start)
    return 2e-9 * size**3 / min(seconds)


if __name__ == "__main__":
    main()
