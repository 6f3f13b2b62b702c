"""Effective samples per second of processor time, with and without the joint draws.

Without: weights one at a time, and none of the joint moves of latent nodes. Run from the root of
the repository, on one BLAS thread::

    python -m benchmarks.bench_mixing [--n-iter 2500] [--quick]
"""

import argparse
import warnings
from contextlib import contextmanager
from time import process_time
from unittest.mock import patch

import numpy as np
from arviz_stats.base import array_stats
from sklearn.exceptions import ConvergenceWarning

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.kernels.weights import sweep_weights
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.missing.latent_moves import (
    InterweavedScales,
    LatentScale,
    ResidualExchange,
)
from sknnmm.terms import nodes

LATENT = {"direct_effects": False}
CASES = {  # name -> (kind of omics, parameters)
    **{
        f"12 correlated omics, {prior} weights": ("complete", {"omics_method": prior})
        for prior in ("RR-BLUP", "BayesA", "BayesR", "BayesC")
    },
    "30 % missing, RR-BLUP weights": ("missing", {"omics_method": "RR-BLUP"}),
    "30 % missing, BayesC weights": ("missing", {"omics_method": "BayesC"}),
    "one latent node, linear": (None, {"n_latent": 1, **LATENT}),
    "two latent nodes, linear": (None, {"n_latent": 2, **LATENT}),
    "two latent nodes, relu": (None, {"n_latent": 2, "activation": "relu", **LATENT}),
    "one latent node, tanh, direct": (None, {"n_latent": 1, "activation": "tanh"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n-iter", type=int, default=2500, help="a fifth of it burn-in")
    parser.add_argument("--quick", action="store_true", help="short chains, to see that it runs")
    options = parser.parse_args()
    n_iter = 50 if options.quick else options.n_iter
    data = make_omics_network(n_samples=800, n_snps=300, n_omics=4, random_state=1)
    omics = correlated_omics(data.omics)
    rows = [["", "weights, without", "with", "residual variance, without", "with"]]
    for name, (kind, parameters) in CASES.items():
        with one_blas_thread():
            with one_at_a_time():
                before = rates(data, omics.get(kind), parameters, n_iter)
            after = rates(data, omics.get(kind), parameters, n_iter)
        rates_of_case = [rate for pair in zip(before, after, strict=True) for rate in pair]
        rows.append([name, *(f"{rate:.1f}" for rate in rates_of_case)])
    print(as_table(rows))
    print(f"\n{describe_machine()}")


def correlated_omics(omics):
    """Return 12 omics in threes correlated by 0.96, complete and with 30 % of the cells missing."""
    rng = np.random.default_rng(0)
    noise = 0.2 * rng.standard_normal((len(omics), 8))
    complete = np.column_stack([omics, np.repeat(omics, 2, axis=1) + noise])
    gaps = rng.random(complete.shape) < 0.3
    return {"complete": complete, "missing": np.where(gaps, np.nan, complete)}


@contextmanager
def one_at_a_time():
    """Draw weights one at a time, and leave out the joint moves of latent nodes."""

    def never(*args):
        return False

    def single_weights(gram, products, *rest):
        sweep_weights(gram, products.copy(), *rest)

    with (
        patch.object(nodes, "draw_weights", single_weights),
        patch.object(InterweavedScales, "applies", never),
        patch.object(LatentScale, "applies", never),
        patch.object(ResidualExchange, "applies", never),
    ):
        yield


def rates(data, omics, parameters, n_iter):
    """Return bulk ESS per second of |weights| (the smallest) and of the residual variance of y."""
    model = NNMMRegressor(n_iter=n_iter, burn_in=n_iter // 5, random_state=3, **parameters)
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.X, data.y, omics=omics)
    seconds = process_time() - start
    draws = model.posterior_.draws
    weights = np.moveaxis(np.abs(draws["omics_weights"]), -1, 0)
    quantities = np.concatenate([weights, draws["residual_variance"][None]])
    ess = array_stats.ess(quantities, method="bulk", chain_axis=1, draw_axis=2)
    return ess[:-1].min() / seconds, ess[-1] / seconds


if __name__ == "__main__":
    main()
