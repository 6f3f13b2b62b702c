"""What groups of SNPs and omics with priors of their own cost: milliseconds an iteration.

Without groups, with 2 and with 20 of them, of processor time, in turn. Run from the root of the
repository, on one BLAS thread::

    python -m benchmarks.bench_groups [--n-iter 100] [--repeats 3] [--quick]
"""

import argparse
import warnings
from time import process_time

import numpy as np

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.estimators.describe import describe
from sknnmm.inputs.fit_inputs import check_fit_inputs
from sknnmm.inputs.phenotype import Phenotype
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import REFRESH_EVERY, Sampler

CASES = {  # name -> (n, p, K, share of omics missing, prior of all effects)
    "cross-products, complete": (2000, 1000, 20, 0.0, "BayesC"),
    "cross-products, 30 % missing": (2000, 1000, 20, 0.3, "BayesC"),
    "blocked": (1000, 10_000, 20, 0.3, "BayesC"),
    "blocked, RR-BLUP": (1000, 10_000, 20, 0.3, "RR-BLUP"),
    "blocked, 400 omics": (400, 2000, 400, 0.0, "BayesC"),
}
GROUPS = (None, 2, 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n-iter", type=int, default=100, help="half of it burn-in")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small data, to see that it runs")
    options = parser.parse_args()
    rows = [["", *("no groups" if g is None else f"{g} groups" for g in GROUPS)]]
    for name, (n, p, n_nodes, missing, prior) in CASES.items():
        n_iter, repeats = options.n_iter, options.repeats
        if options.quick:
            n, p, n_nodes = n // 10, p // 10, max(20, n_nodes // 10)
            n_iter, repeats = 10, 1
        with one_blas_thread():
            samplers = [sampler_of(n, p, n_nodes, missing, prior, g) for g in GROUPS]
            for sampler in samplers:
                milliseconds(sampler, 4)  # compiles
            taken = [[milliseconds(s, n_iter) for s in samplers] for _ in range(repeats)]
        rows.append([name, *(f"{fastest:.2f}" for fastest in np.min(taken, axis=0))])
    print(as_table(rows))
    print(f"\n{describe_machine()}")


def sampler_of(n, p, n_nodes, missing, prior, n_groups):
    """Return the Sampler of simulated data; SNPs are in groups of neighbours, as omics are."""
    data = make_omics_network(n, p, n_nodes, missing_omics=missing, random_state=1)
    groups = {}
    if n_groups is not None:
        groups["snp_groups"] = np.arange(p) * n_groups // p
        groups["omics_groups"] = np.arange(n_nodes) * n_groups // n_nodes
    model = NNMMRegressor(prior, omics_method=prior, **groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = check_fit_inputs(
            model, data.X, Phenotype(data.y), data.omics, None, None, np.float32
        )
        return Sampler(describe(model, inputs, np.float32).network())


def milliseconds(sampler, n_iter):
    """Return processor time of an iteration after burn-in."""
    rng = Stream(np.random.PCG64(0))
    chain = starting_state(sampler, rng)
    for iteration in range(1, n_iter + 1):
        if iteration == n_iter // 2:
            start = process_time()
        sampler.iterate(chain, rng, tuning=iteration < n_iter // 2)
        if iteration % REFRESH_EVERY == 0:
            sampler.refresh(chain)
    return 1000 * (process_time() - start) / (n_iter - n_iter // 2 + 1)


if __name__ == "__main__":
    main()
