"""Classes and censored phenotypes: what they cost, and how their thresholds mix.

    python -m benchmarks.bench_families                # some three minutes
    python -m benchmarks.bench_families --parts time   # or mixing
    python -m benchmarks.bench_families --quick        # small: to see that it runs

- `time`: milliseconds per iteration with 3,534 individuals, 1,000 SNPs and 10 omics, missing in
  part or complete, for a measured phenotype and for families that bound it, in turns in one
  process.
- `mixing`: effective draws of thresholds, of the mean liability and of the variance of what omics
  add to it, in 1,000 iterations,
  for four classes and for two of which one is rare, with thresholds drawn given the liability
  (Albert & Chib 1993), with the liability integrated out (Cowles 1996), and with the joint moves of
  intercept and scale besides, as in every fit.

Seconds are processor time of one thread.
"""

import argparse
import warnings
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.estimators.describe import describe
from sknnmm.families import Ordinal
from sknnmm.inputs.classes import Classes
from sknnmm.inputs.fit_inputs import check_fit_inputs
from sknnmm.inputs.phenotype import Phenotype
from sknnmm.posterior.rank_statistics import rank_statistics
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler

PARTS = ("time", "mixing")
LIMITS = (0.2, 0.5, 0.9)  # quantiles at which classes meet
CENSORED = 0.7  # quantile beyond which a value is censored
RARE = 0.95


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--method", default="BayesC")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(describe_machine() + "\n")
    with one_blas_thread():
        for part in options.parts:
            {"time": time, "mixing": mixing}[part](options)


class Chain:
    """A chain of an estimator on some data."""

    def __init__(self, estimator, X, y, omics):
        inputs = check_fit_inputs(estimator, X, y, omics, None, None, np.float32)
        self.sampler = Sampler(describe(estimator, inputs, np.float32).network())
        self.rng = Stream(np.random.PCG64(0))
        self.state = starting_state(self.sampler, self.rng)

    def run(self, n_iter, tuning=False):
        """Iterate."""
        for _ in range(n_iter):
            self.sampler.iterate(self.state, self.rng, tuning)


def time(options):
    """Print milliseconds per iteration of every family."""
    n, p, n_iter = (300, 50, 2) if options.quick else (3534, 1000, 20)
    chains = {}
    for omics, missing in (("missing", 0.3), ("complete", 0.0)):
        data = make_omics_network(
            n_samples=n, n_snps=p, n_omics=10, missing_omics=missing, random_state=0
        )
        limit = np.quantile(data.y, CENSORED)
        upper = np.where(data.y > limit, np.inf, data.y)
        families = {
            "measured": (NNMMRegressor, Phenotype(data.y)),
            "two classes": (NNMMClassifier, Classes(data.y > limit, ordered=False)),
            "four classes": (NNMMClassifier, Classes(classes_of(data.y), ordered=True)),
            "30 % censored": (NNMMRegressor, Phenotype(np.minimum(data.y, limit), upper)),
        }
        for family, (kind, y) in families.items():
            chain = Chain(kind(options.method), data.X, y, data.omics)
            chain.run(60, tuning=True)
            chains[family, omics] = chain
    seconds = {name: [] for name in chains}
    for _ in range(5):
        for name, chain in chains.items():
            start = process_time()
            chain.run(n_iter)
            seconds[name].append((process_time() - start) / n_iter)
    rows = [["phenotype", "omics", "ms per iteration"]]
    for (family, omics), taken in seconds.items():
        rows.append([family, omics, f"{1e3 * min(taken):.2f}"])
    print(f"{n} individuals, {p} SNPs, 10 omics, {options.method}\n")
    print(as_table(rows) + "\n")


def classes_of(y):
    return np.digitize(y, np.quantile(y, LIMITS))


def mixing(options):
    """Print effective draws per 1,000 iterations of three ways to draw thresholds."""
    n, n_iter = (200, 50) if options.quick else (1000, 2000)
    data = make_omics_network(n_samples=n, n_snps=200, n_omics=5, missing_omics=0.3, random_state=0)
    cases = {
        "four classes": Classes(classes_of(data.y), ordered=True),
        "rare class (5 %)": Classes(data.y > np.quantile(data.y, RARE), ordered=False),
    }
    ways = {
        "given the liability": given_the_liability,
        "integrated out": without_moves,
        "and moves": lambda sampler: None,
    }
    names = ("mean liability", "variance by omics", "second threshold", "last threshold")
    rows = [["classes", "thresholds drawn", *names]]
    for case, y in cases.items():
        for way, change in ways.items():
            if case.startswith("rare") and way == "given the liability":
                continue  # its only threshold is fixed
            chain = Chain(NNMMClassifier(options.method), data.X, y, data.omics)
            change(chain.sampler)
            chain.run(n_iter // 4, tuning=True)
            draws = np.array([quantities(chain) for _ in range(n_iter)])
            ess = rank_statistics(draws.T[:, None])["ess_bulk"]
            per_thousand = [f"{1000 * value / n_iter:.0f}" for value in ess]
            rows.append([case, way, *per_thousand, *(4 - len(ess)) * ["-"]])
    print(f"{n} individuals, 200 SNPs, 5 omics: effective draws in 1,000 iterations\n")
    print(as_table(rows) + "\n")


def quantities(chain):
    """Return the mean liability, the variance of the omics' part, and two thresholds, if any."""
    chain.run(1)
    own = chain.state.layers["phenotype"]
    (nodes,) = (term for term in chain.sampler.layers[-1].terms if term.source)
    part = nodes.contribution(own.terms[nodes.name])
    mean = sum(t.contribution(own.terms[t.name]) for t in chain.sampler.layers[-1].terms).mean()
    thresholds = own.family.values
    return [mean, part.var(), *thresholds[[1, -1]]] if len(thresholds) > 1 else [mean, part.var()]


def without_moves(sampler):
    sampler.bounded["phenotype"]._moves = None


class GivenLiability(Ordinal):
    """Thresholds uniform between the liabilities of neighbouring classes (Albert & Chib 1993)."""

    def draw_parameters(self, parameters, record, mean, sd, rng):
        """Draw nothing yet: the liability comes first."""


def given_the_liability(sampler):
    """Let thresholds be drawn after the liability, and given it."""
    without_moves(sampler)
    bounded, layer = sampler.bounded["phenotype"], sampler.layers[-1]
    bounded._family, draw = GivenLiability(), bounded.draw

    def draw_both(chain, rng):
        draw(chain, rng)
        own = chain.layers["phenotype"]
        response, classes = own.response[layer.bounded], layer.record[layer.bounded]
        for j in range(1, len(own.family.values)):
            low, high = response[classes == j].max(), response[classes == j + 1].min()
            own.family.values[j] = rng.uniform(low, high)

    bounded.draw = draw_both


if __name__ == "__main__":
    main()
