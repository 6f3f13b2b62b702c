"""Iterations per second of our sampler and of the plain one, and where the time goes.

Both samplers fit the same model in one process on one BLAS thread, in short turns, so that what
else runs on the machine slows both alike. They differ in the sweep over the SNP effects only. Run
from the root of the repository::

    python -m benchmarks.bench_sweep            # about a minute
    python -m benchmarks.bench_sweep --quick    # small data: only to see that it runs
"""

import argparse
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from benchmarks.reporting import as_table, describe_machine
from benchmarks.single_site import SingleSiteSweep
from sknnmm import NNMMRegressor
from sknnmm.activations import ACTIVATIONS
from sknnmm.datasets import make_omics_network
from sknnmm.estimators.specification import NNMM
from sknnmm.genotypes import Genotypes
from sknnmm.priors import BayesC, ScaledInverseChi2
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.genetic_values import followed_rows
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.recorder import Recorder
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.terms.snps import SNPState

ITERATION, SWEEP, RECORDING, REST = "iteration", "SNP sweep", "recording", "the rest"


@dataclass(frozen=True)
class Case:
    """What is simulated and fitted."""

    n_omics: int
    missing_omics: float = 0.0
    activation: str = "linear"
    n_samples: int = 3534
    n_snps: int = 1000

    def __str__(self):
        missing = f", {self.missing_omics:.0%} missing" if self.missing_omics else ""
        activation = f", {self.activation}" if self.activation != "linear" else ""
        return f"K={self.n_omics}{missing}{activation}"


CASES = (
    Case(10),
    Case(40),
    Case(100),
    Case(10, missing_omics=0.3),
    Case(10, missing_omics=0.3, activation="sigmoid"),
)
QUICK_CASES = (
    Case(3, n_samples=300, n_snps=100),
    Case(3, n_samples=300, n_snps=100, missing_omics=0.3, activation="sigmoid"),
)


@dataclass(frozen=True)
class Comparison:
    """Turns of both samplers in one case; a turn is {step: seconds per iteration}."""

    case: Case
    ours: list
    plain: list
    nonzero: float  # share of SNP effects in the model where the turns begin

    def rates_and_ratio(self, step):
        """Return both samplers' fastest rates per second and how many times faster ours is."""
        pairs = zip(self.ours, self.plain, strict=True)
        ratio = np.median([plain[step] / ours[step] for ours, plain in pairs])
        return 1 / fastest(self.ours, step), 1 / fastest(self.plain, step), ratio


def fastest(turns, step):
    return min(turn[step] for turn in turns)


def main():
    options = parse_options()
    comparisons = []
    with one_blas_thread():
        for case in QUICK_CASES if options.quick else CASES:
            comparisons.append(compare(case, options))
            print(f"{case}: done", flush=True)
    print(f"\n{describe_data(comparisons[0].case)}\n")
    print(ratio_table(comparisons))
    print("\nShare of each step in an iteration of our sampler\n")
    print(step_table(comparisons))
    print(f"\n{describe_machine()}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=30, help="turns of each sampler")
    parser.add_argument("--iterations", type=int, default=2, help="iterations per turn")
    parser.add_argument("--warm-up", type=int, default=50, help="iterations before the turns")
    parser.add_argument("--quick", action="store_true", help="small data, to see that it runs")
    return parser.parse_args()


# Measuring ------------------------------------------------------------------------------------


def compare(case, options):
    """Time both samplers, warmed up alike, in turn.

    Both without the moves of hyperparameters, which the plain sampler has not.
    """
    network = simulated_model(case).network()
    terms = [term for layer in network.layers for term in layer.terms if term.acts_by_snps]
    ours = Sampler(network, n_moves=0)
    plain = Sampler(network, [SingleSiteSweep(network, terms)], n_moves=0)
    runs = []
    for sampler in (ours, plain):
        rng = Stream(np.random.PCG64(0))  # as chains have
        chain = starting_state(sampler, rng)
        for _ in range(options.warm_up):
            sampler.iterate(chain, rng, tuning=True)
        run_turn(sampler, chain, rng, 1)  # compiles what records
        runs.append((sampler, chain, rng))
    turns = [[run_turn(*run, options.iterations) for run in runs] for _ in range(options.repeats)]
    return Comparison(case, *zip(*turns, strict=True), nonzero_share(chain))


def simulated_model(case):
    """Return the NNMM that NNMMRegressor with its defaults fits to simulated data."""
    data = simulated(case)
    return NNMM(
        genotypes=Genotypes(data.X),
        y=standardised(data.y),
        omics=standardised(data.omics[:, : case.n_omics]),
        n_latent=0,
        covariates=np.empty((case.n_samples, 0)),
        activation=ACTIVATIONS[case.activation],
        snp_prior=BayesC(),
        weight_prior=BayesC(),
        direct_prior=BayesC(),
        residual_prior=ScaledInverseChi2(),
    )


def simulated(case):
    """Return the data of a case; without omics (K = 0) y is still that of a network with one."""
    return make_omics_network(
        case.n_samples,
        case.n_snps,
        max(1, case.n_omics),
        missing_omics=case.missing_omics,
        activation=case.activation,
        random_state=0,
    )


def standardised(values):
    return (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)


def run_turn(sampler, chain, rng, n_iterations):
    """Return {step: seconds per iteration} of some iterations, each of them recorded.

    ITERATION is the whole without recording, REST what is in no other step: mostly arithmetic on
    (n, K) arrays between the steps.
    """
    recorder = new_recorder(sampler, n_iterations)
    with step_clock(steps_of(sampler, recorder)) as seconds:
        for _ in range(n_iterations):
            sampler.iterate(chain, rng, tuning=False)
            recorder.record(chain, rng)
    inside = sum(seconds.values()) - seconds[ITERATION] - seconds[RECORDING]
    seconds[REST] = seconds[ITERATION] - inside
    return {step: total / n_iterations for step, total in seconds.items()}


def new_recorder(sampler, n_kept):
    """Return the Recorder of one chain that NNMMRegressor has with its defaults."""
    budget = NNMMRegressor().effects_memory * 2**20
    return Recorder(sampler, n_kept, budget, followed_rows(0, len(sampler.layers[-1].record)))


def steps_of(sampler, recorder):
    """Return the methods that make up each step, as {step: [(object, method name), ...]}."""
    terms = [term for layer in sampler.layers for term in layer.terms]
    snps = [term for term in terms if term.acts_by_snps]
    nodes = [term for term in terms if term.source]
    return {
        "intercepts": [(term, "draw") for term in terms if term not in snps + nodes],
        SWEEP: [(update, "sweep") for update in sampler.snp_updates],
        "hyperparameters": [(term, "draw_hyperparameters") for term in snps],
        "residual variances": [(variances, "draw") for variances in sampler.variances.values()],
        "omics weights": [(term, "draw") for term in nodes],
        "missing omics": [(draws, "draw") for draws in sampler.missing.values()],
        RECORDING: [(recorder, "record")],
        ITERATION: [(sampler, "iterate")],
    }


@contextmanager
def step_clock(steps):
    """Time methods of objects while the context lasts; yield {step: seconds so far}."""
    seconds = dict.fromkeys(steps, 0.0)

    def timed(method, step):
        def call(*args, **kwargs):
            start = perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                seconds[step] += perf_counter() - start

        return call

    methods = [(owner, name, step) for step, pairs in steps.items() for owner, name in pairs]
    for owner, name, step in methods:
        setattr(owner, name, timed(getattr(owner, name), step))
    try:
        yield seconds
    finally:
        for owner, name, _ in methods:
            delattr(owner, name)  # the method of the class shows again


def nonzero_share(chain):
    """Return the share of the SNP effects that are not zero."""
    states = [state for layer in chain.layers.values() for state in layer.terms.values()]
    effects = [state.effects.ravel() for state in states if isinstance(state, SNPState)]
    return np.mean(np.concatenate(effects) != 0)


# Reporting ------------------------------------------------------------------------------------


def ratio_table(comparisons):
    rows = [["", "nonzero", "iterations/s", "plain", "ratio", "sweeps/s", "plain", "ratio"]]
    for comparison in comparisons:
        rows.append([str(comparison.case), f"{comparison.nonzero:.0%}"])
        for step in (ITERATION, SWEEP):
            ours, plain, ratio = comparison.rates_and_ratio(step)
            rows[-1] += [f"{ours:.1f}", f"{plain:.1f}", f"{ratio:.2f}"]
    return as_table(rows)


def step_table(comparisons):
    steps = [step for step in comparisons[0].ours[0] if step != ITERATION]
    seconds = np.array([[fastest(c.ours, step) for c in comparisons] for step in steps])
    total = seconds.sum(axis=0)
    rows = [["", *(str(c.case) for c in comparisons)]]
    for step, shares in zip(steps, seconds / total, strict=True):
        rows.append([step, *(f"{share:.1%}" for share in shares)])
    return as_table([*rows, ["ms in all", *(f"{1000 * t:.1f}" for t in total)]])


def describe_data(case):
    return (
        f"n={case.n_samples}, p={case.n_snps}, BayesC with direct effects, single precision, one "
        "thread.\nplain: one SNP and one omic at a time. nonzero: share of SNP effects in the "
        "model.\nRates are those of the fastest turn, ratios the median over pairs of turns."
    )


if __name__ == "__main__":
    main()
