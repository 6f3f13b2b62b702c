"""Effective samples per second of processor time, with latent nodes, of what is identified.

The residual variance of y, the heritability, and the genetic values of 50 training rows (the worst
and the median row), with and without the interweaving of the scales of latent nodes. Run from the
root of the repository, on one BLAS thread::

    python -m benchmarks.bench_latent [--n-iter 2500] [--chains 3] [--quick]
"""

import argparse
import warnings
from contextlib import nullcontext
from time import process_time
from unittest.mock import patch

import numpy as np
from arviz_stats.base import array_stats

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.activations import fixed_normals, network_moments, tabulated_moments
from sknnmm.datasets import make_omics_network
from sknnmm.estimators.describe import describe
from sknnmm.inputs.fit_inputs import check_fit_inputs
from sknnmm.inputs.phenotype import Phenotype
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import REFRESH_EVERY, Sampler
from sknnmm.sampling.missing.latent_moves import InterweavedScales

N_ROWS = 50


def product(z):
    return z[:, 0] * np.tanh(z[:, 1])


NODIRECT = {"direct_effects": False}
CASES = {  # name -> (n, p, simulated activation, observed omics, latent nodes, parameters)
    "tanh": (500, 300, "tanh", 0, 1, NODIRECT),
    "tanh, direct effects": (500, 300, "tanh", 0, 1, {}),
    "tanh, direct effects, wide": (300, 1000, "tanh", 0, 1, {}),
    "tanh, 3 nodes": (500, 300, "tanh", 0, 3, NODIRECT),
    "tanh, 3 omics besides, direct effects": (600, 400, "tanh", 3, 1, {}),
    "tanh, RR-BLUP": (500, 300, "tanh", 0, 1, NODIRECT | {"method": "RR-BLUP"}),
    "sigmoid": (500, 300, "sigmoid", 0, 1, NODIRECT),
    "relu": (500, 300, "relu", 0, 1, NODIRECT),
    "relu, direct effects": (500, 300, "relu", 0, 1, {}),
    "relu, 2 nodes": (800, 300, "relu", 0, 2, NODIRECT),
    "relu, 2 nodes, 3 omics besides": (600, 400, "relu", 3, 2, NODIRECT),
    "network function, 2 nodes": (500, 300, "tanh", 0, 2, {"activation": product}),
    "network function, a node and an omic": (500, 300, "tanh", 1, 1, {"activation": product}),
}
COLUMNS = ["residual variance", "heritability", "worst row", "median row"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n-iter", type=int, default=2500, help="a fifth of it burn-in")
    parser.add_argument("--chains", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="short chains, to see that it runs")
    options = parser.parse_args()
    n_iter, chains = (50, 2) if options.quick else (options.n_iter, options.chains)
    rows = [["", "", "ms an iteration", *(f"{c}, ESS/s" for c in COLUMNS), "worst R-hat"]]
    for name, case in CASES.items():
        network = network_of(*case)
        with one_blas_thread():
            for label in ("before", "after"):
                with without_interweaving() if label == "before" else nullcontext():
                    sampler = Sampler(network)
                rows.append([name, label, *measure(sampler, n_iter, chains)])
                name = ""
    print(as_table(rows))
    print(f"\n{describe_machine()}")


def without_interweaving():
    return patch.object(InterweavedScales, "applies", lambda *args: False)


def network_of(n, p, activation, n_observed, n_latent, parameters):
    """Return the Network of simulated data; the latent nodes are omics that were not measured."""
    data = make_omics_network(
        n,
        p,
        n_observed + max(n_latent, 2),
        activation=activation,
        missing_omics=0.3,
        random_state=1,
    )
    omics = data.omics[:, :n_observed] if n_observed else None
    model = NNMMRegressor(**{"activation": activation, "n_latent": n_latent} | parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = check_fit_inputs(model, data.X, Phenotype(data.y), omics, None, None, np.float32)
        return describe(model, inputs, np.float32).network()


def measure(sampler, n_iter, chains):
    """Return a row of the table: milliseconds, ESS per second and the largest R-hat."""
    draws, seconds = [], 0.0
    for seed in range(chains):
        rng = Stream(np.random.PCG64(seed))
        chain, kept = starting_state(sampler, rng), []
        for iteration in range(1, n_iter + 1):
            start = process_time()
            sampler.iterate(chain, rng, tuning=iteration <= n_iter // 5)
            if iteration % REFRESH_EVERY == 0:
                sampler.refresh(chain)
            seconds += process_time() - start
            if iteration > n_iter // 5:
                kept.append(identified(sampler, chain, rng))
        draws.append(kept)
    values = np.moveaxis(np.array(draws), -1, 0)
    ess = array_stats.ess(values, method="bulk", chain_axis=1, draw_axis=2) / (0.8 * seconds)
    r_hat = array_stats.rhat(values, chain_axis=1, draw_axis=2)
    rates = [*ess[:2], ess[2:].min(), np.median(ess[2:])]
    milliseconds = f"{1000 * seconds / chains / n_iter:.2f}"
    return [milliseconds, *(f"{rate:.1f}" for rate in rates), f"{r_hat.max():.2f}"]


def identified(sampler, chain, rng):
    """Return the residual variance of y, the heritability and genetic values of some rows."""
    omics, phenotype = sampler.layers
    direct = np.zeros(len(omics.record))
    for term in phenotype.terms:
        if term.acts_by_snps:
            direct = sampler.update_of(term).fit_everywhere(term.of(chain), rng)[:, 0]
        elif term.source:
            nodes = term
    (snps,) = (term for term in omics.terms if term.acts_by_snps)
    own, reader = chain.layers["omics"], chain.layers["phenotype"]
    mean = sampler.update_of(snps).fit_everywhere(snps.of(chain), rng).astype(float)
    mean = mean + own.terms["fixed"].coefficients[0]
    s2, weights = own.residual_variance, nodes.of(chain).effects[:, 0].astype(float)
    if nodes.activation.is_network:
        normals = fixed_normals(32, nodes.n_nodes, antithetic=True)
        expected, spread = network_moments(nodes.activation, mean, np.sqrt(s2), normals)
        genetic, environmental = direct + expected[:, 0], spread.mean()
    else:
        expected, second = tabulated_moments(nodes.activation, mean, s2)
        genetic = direct + expected @ weights
        environmental = (second - expected**2).mean(axis=0) @ weights**2
    genetic = genetic - genetic.mean()
    environmental += reader.residual_variance[0]
    heritability = genetic.var() / (genetic.var() + environmental)
    rows = genetic[:: max(1, len(genetic) // N_ROWS)][:N_ROWS]
    return [reader.residual_variance[0], heritability, *rows]


if __name__ == "__main__":
    main()
