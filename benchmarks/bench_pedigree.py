"""Pedigrees: reading, inbreeding and the sparse inverse; genotypes expected by pedigree.

    python -m benchmarks.bench_pedigree
    python -m benchmarks.bench_pedigree --quick

Herds are simulated: generations of equal size, a tenth of the parents from the generation before
the last. Seconds are those of the processor, one thread, once compiled.
"""

import argparse
import resource
from time import process_time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.reporting import as_table, describe_machine
from sknnmm.preprocessing import PedigreeImputer
from sknnmm.relationship import Pedigree

PARTS = ["relationship", "imputer"]
HERDS = {  # sires and dams of a generation as shares of its individuals, generations
    "1 % sires, 10 generations": (0.01, 0.5, 10),
    "1 % sires, 20 generations": (0.01, 0.5, 20),
    "0.1 % sires, 20 generations": (0.001, 0.5, 20),
    "10 % sires, 10 generations": (0.1, 0.5, 10),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--animals", type=int, default=1_000_000, help="of the first part")
    parser.add_argument("--imputed-from", type=int, default=5000, help="genotyped animals")
    parser.add_argument("--imputed-among", type=int, default=100_000, help="animals in all")
    parser.add_argument("--snps", type=int, default=1000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.animals, options.snps = 20_000, 50
        options.imputed_from, options.imputed_among = 500, 5000
    print(describe_machine() + "\n")
    with threadpool_limits(1):
        if "relationship" in options.parts:
            time_relationships(options.animals)
        if "imputer" in options.parts:
            time_imputation(options.imputed_from, options.imputed_among, options.snps)


def time_relationships(n):
    """Print seconds of every step for each herd of n animals."""
    time_steps(herd(1000, *HERDS["1 % sires, 10 generations"]))  # compiles
    measured = {name: time_steps(herd(n, *shape)) for name, shape in HERDS.items()}
    steps = next(iter(measured.values()))
    rows = [[f"{n} animals", *steps]]
    rows += [
        [name, *(f"{value:.3g}" for value in by_step.values())]
        for name, by_step in measured.items()
    ]
    print("Seconds; mean inbreeding of the last generation:\n")
    print(as_table(rows) + "\n")


def herd(n, sires, dams, n_generations, seed=0):
    """Return the pedigree of a herd as a table of whole numbers, 0 = unknown."""
    rng = np.random.default_rng(seed)
    size = n // n_generations
    parents = np.zeros((2, size * n_generations), np.int64)
    for generation in range(1, n_generations):
        own = slice(generation * size, (generation + 1) * size)
        for role, share in enumerate((sires, dams)):
            n_parents = max(2, int(share * size))
            back = np.where(rng.random(size) < 0.1, min(2, generation), 1)
            # Sires are the first of their generation, dams the last.
            place = rng.integers(0, n_parents, size)
            place = place if role == 0 else size - 1 - place
            parents[role, own] = (generation - back) * size + place + 1
    return pd.DataFrame(
        {"id": np.arange(1, parents.shape[1] + 1), "sire": parents[0], "dam": parents[1]}
    )


def time_steps(table):
    """Return {step: seconds}, and the inbreeding of the last animals."""
    seconds = {}
    texts = table.astype(str)
    with Timer(seconds, "from text"):
        Pedigree.from_frame(texts, "id", "sire", "dam")
    with Timer(seconds, "from numbers"):
        pedigree = Pedigree.from_frame(table, "id", "sire", "dam")
    with Timer(seconds, "inbreeding"):
        inbreeding = pedigree.inbreeding
    with Timer(seconds, "inverse"):
        _ = pedigree.relationship_inverse
    with Timer(seconds, "one draw"):
        pedigree.factor_product(np.ones(len(pedigree)))
    return seconds | {"inbreeding of the last": inbreeding[-1000:].mean()}


def time_imputation(n_genotyped, n, p):
    """Print seconds and memory of a PedigreeImputer for each herd; the youngest are genotyped."""
    rows = [[f"{n_genotyped} of {n} genotyped, {p} SNPs", *STEPS]]
    rng = np.random.default_rng(1)
    for name, shape in HERDS.items():
        pedigree = Pedigree.from_frame(herd(n, *shape), "id", "sire", "dam")
        rows.append([name, *imputation(pedigree, n_genotyped, p, rng)])
    print("Seconds of the processor; transform returns all animals:\n")
    print(as_table(rows) + "\n")


STEPS = ["ancestors to solve for", "fit", "transform", "peak memory so far"]


def imputation(pedigree, n_genotyped, p, rng):
    """Return what is in STEPS, as text."""
    X = pd.DataFrame(rng.binomial(2, 0.3, (n_genotyped, p)).astype(np.int8))
    X.index = pedigree.ids[-n_genotyped:]
    seconds, imputer = {}, PedigreeImputer(pedigree)
    _ = pedigree.relationship_inverse
    n_solved = len(pedigree.prune(X.index)) - len(X)
    with Timer(seconds, "fit"):
        imputer.fit(X)
    table = X.reindex(pedigree.ids, fill_value=-1)
    with Timer(seconds, "transform"):
        imputer.transform(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    values = (f"{seconds[step]:.3g}" for step in ("fit", "transform"))
    return [str(n_solved), *values, f"{peak:.1f} GB"]


class Timer:
    """Adds the processor time of a block to a dictionary."""

    def __init__(self, seconds, name):
        self.seconds, self.name = seconds, name

    def __enter__(self):
        self.started = process_time()

    def __exit__(self, *error):
        self.seconds[self.name] = process_time() - self.started


if __name__ == "__main__":
    main()
