"""Peak memory of fits: against its bound, and with genotypes in a file larger than memory.

Every case runs in a process of its own. From the root of the repository, on Linux::

    python -m benchmarks.bench_memory                           # both parts, moderate sizes
    python -m benchmarks.bench_memory --parts bound             # genotypes in memory
    python -m benchmarks.bench_memory --parts file --file-gb 6  # 6 GB of genotypes in 2 GB
    python -m benchmarks.bench_memory --quick                   # small data: to see that it runs

Part "file" writes genotypes to a temporary file (``--folder``), SNP after SNP in int8 (.npy) or in
two bits (.bed), and limits the memory of the fit by RLIMIT_DATA: the system refuses any private
memory beyond it, and beyond what libraries had reserved without using it. Pages of the file that
are in memory do not count: they are the system's cache and are given up when memory is short.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import numpy as np

from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.io import open_plink
from sknnmm.sampling.gibbs import Sampler

GB, MB = 1e9, 1e6
PARTS = ("bound", "file")
BOUND_CASES = [  # n, p, K, method
    (2000, 50_000, 10, "BayesC"),
    (20_000, 10_000, 10, "BayesC"),
    (2000, 50_000, 1, "BayesA"),
    (2000, 50_000, 4, "RR-BLUP"),
    (10_000, 2000, 40, "BayesC"),
]
QUICK_CASES = [(300, 3000, 3, "BayesC"), (300, 3000, 1, "RR-BLUP")]
OTHER_BYTES = 300 * MB  # the interpreter and its libraries, compiled code


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--file-gb", type=float, default=1.0, help="int8 genotypes in the file")
    parser.add_argument("--limit-gb", type=float, default=2.0)
    parser.add_argument("--samples", type=int, default=2000, help="individuals of the file")
    parser.add_argument("--omics", type=int, default=2, help="omics, part file")
    parser.add_argument("--n-iter", type=int, default=5, help="iterations, part file")
    parser.add_argument("--formats", nargs="+", choices=["npy", "bed"], default=["npy", "bed"])
    parser.add_argument("--folder", default=None, help="for the file")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # what a process of its own is to run
    options = parser.parse_args()
    if options.case:
        print(json.dumps(run_case(**json.loads(options.case))))
        return
    if options.quick:
        options.file_gb, options.samples = 0.02, 300
    print(describe_machine() + "\n")
    if "bound" in options.parts:
        compare_with_bound(QUICK_CASES if options.quick else BOUND_CASES)
    if "file" in options.parts:
        for file_format in options.formats:
            fit_from_file(options, file_format)


# Genotypes in memory ----------------------------------------------------------------------------


def compare_with_bound(cases):
    """Print the peak memory of fits of genotypes in memory beside the bound.

    Each runs twice: in a process that has to compile everything, and once that is in the cache.
    """
    rows = [["n, p, K, method", "genotypes", "peak", "bound", "share", "compiling", "share"]]
    for n, p, n_omics, method in cases:
        case = {"n": n, "p": p, "n_omics": n_omics, "method": method, "n_iter": 40}
        with tempfile.TemporaryDirectory() as cache:
            compiling, once_compiled = (in_own_process(cache, **case)["peak"] for _ in range(2))
        bound = memory_bound(n, p, n_omics)
        row = [f"{n}, {p}, {n_omics}, {method}"]
        row += [f"{size / MB:.0f} MB" for size in (n * p, once_compiled, bound)]
        row += [f"{once_compiled / bound:.2f}", f"{compiling / MB:.0f} MB"]
        rows.append([*row, f"{compiling / bound:.2f}"])
    print("Peak resident memory of fit, two chains one after the other:\n")
    print(as_table(rows) + "\n")


def memory_bound(n, p, n_omics):
    """Return the bytes that a fit in single precision may take."""
    effects = p * (n_omics + 1)  # with the direct ones
    # Per chain values, components and four sums; the fitted attributes are four more tables.
    of_effects = effects * (2 * (4 + 1 + 6 * 8) + 4 * 8)
    bases = 2 * 4 * min(n, p) ** 2
    effects_memory = NNMMRegressor().effects_memory * 2**20
    return 1.5 * n * p + 6 * 4 * n * n_omics + of_effects + effects_memory + bases + OTHER_BYTES


# Genotypes in a file ----------------------------------------------------------------------------


def fit_from_file(options, file_format):
    """Print what a fit of genotypes in a file takes under a limit of memory."""
    n, p = options.samples, int(options.file_gb * GB / options.samples)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / f"genotypes.{file_format}"
        {"npy": write_npy, "bed": write_bed}[file_format](path, n, p)
        size = path.stat().st_size
        measured = in_own_process(
            None, n=n, p=p, n_omics=options.omics, method="BayesC", n_iter=options.n_iter,
            path=str(path), limit=options.limit_gb * GB,
        )  # fmt: skip
    rows = [
        [f"{n} individuals, {p} SNPs, {options.omics} omics", file_format],
        ["file", f"{size / GB:.2f} GB"],
        ["limit of private memory", f"{options.limit_gb:.2f} GB"],
        ["most private memory in use", f"{measured['private'] / GB:.2f} GB"],
        ["seconds: opening, validation, cross-products", f"{measured['before']:.0f}"],
        ["seconds per iteration", f"{measured['per_iteration']:.1f}"],
        ["seconds: summaries", f"{measured['after']:.0f}"],
        ["seconds: predict", f"{measured['predict']:.0f}"],
    ]
    print(as_table(rows) + "\n")


def simulated_blocks(n, p, width=5000):
    """Yield genotypes (b, n), SNP after SNP, int8."""
    rng = np.random.default_rng(0)
    for start in range(0, p, width):
        shape = (min(width, p - start), n)
        dice = rng.integers(0, 256, shape, dtype=np.uint8)
        yield (dice > 128).astype(np.int8) + (dice > 220)


def write_npy(path, n, p):
    X = np.lib.format.open_memmap(path, "w+", np.int8, (n, p), fortran_order=True)
    del X  # blocks are written, not mapped: their pages would count as memory
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - n * p)
        for block in simulated_blocks(n, p):
            file.write(block.tobytes())


def write_bed(path, n, p):
    codes = np.array([3, 2, 0], np.uint8)  # of 0, 1 and 2 copies of the first allele
    with path.open("wb") as file:
        file.write(b"\x6c\x1b\x01")
        for block in simulated_blocks(n, p):
            four = codes[np.pad(block, ((0, 0), (0, -n % 4)))].reshape(len(block), -1, 4)
            file.write((four << np.array([0, 2, 4, 6], np.uint8)).sum(2, dtype=np.uint8).tobytes())
    with path.with_suffix(".fam").open("w") as file:
        file.writelines(f"f {i} 0 0 0 -9\n" for i in range(n))
    with path.with_suffix(".bim").open("w") as file:
        file.writelines(f"1 rs{j} 0 {j + 1} A G\n" for j in range(p))


# In a process of its own ------------------------------------------------------------------------


def in_own_process(cache, **case):
    """Return what `run_case` does for the case; `cache` is the folder of compiled code, or None."""
    command = [sys.executable, "-m", "benchmarks.bench_memory", "--case", json.dumps(case)]
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def run_case(n, p, n_omics, method, n_iter, path=None, limit=None):
    """Fit (and, from a file, predict) once; return memory in bytes and times in seconds."""
    warnings.simplefilter("ignore")
    warm_up(method)
    if limit is not None:
        # Address space that libraries reserve and never touch (NumPy does) is no memory.
        limit = int(limit + memory_status("VmData") - memory_status("RssAnon"))
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    rng = np.random.default_rng(1)
    started = perf_counter()
    if path is None:
        X = np.empty((n, p), np.int8, order="F")
        first = 0
        for block in simulated_blocks(n, p, 500):
            X[:, first : first + len(block)] = block.T
            first += len(block)
    elif path.endswith(".bed"):
        X = open_plink(path).genotypes
    else:
        X = np.load(path, mmap_mode="r")
    causal = X[:, :20] if path is None or path.endswith(".npy") else X.snps(range(20))
    omics = causal @ rng.normal(size=(20, n_omics)) + rng.normal(size=(n, n_omics))
    y = omics.sum(axis=1) + rng.normal(size=n)
    omics[rng.random(omics.shape) < 0.3] = np.nan
    n_chains = 2 if path is None else 1
    model = NNMMRegressor(
        method, n_iter=n_iter, burn_in=n_iter // 2, n_chains=n_chains, random_state=0
    )
    with Watch() as watch:
        model.fit(X, y, omics=omics)
        fitted = perf_counter()
        if path is not None:
            model.predict(X)
    predicted = perf_counter()
    times = watch.iterations
    return {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "private": watch.private,
        "before": times[0] - started,
        "per_iteration": (times[-1] - times[0]) / max(1, len(times) - 1),
        "after": fitted - times[-1],
        "predict": predicted - fitted,
    }


def warm_up(method):
    """Compile what a fit needs, with a few small ones."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.integers(0, 3, (40, 60), dtype=np.int8))
    y, omics = rng.normal(size=40), rng.normal(size=(40, 2))
    omics[:10] = np.nan
    NNMMRegressor(method, n_iter=10, burn_in=5).fit(X, y, omics=omics).predict(X)


class Watch:
    """Times of the iterations of `Sampler.iterate`, and the most private memory in use."""

    def __enter__(self):
        self.iterations, self.private = [], 0
        self._stop, self._iterate = Event(), Sampler.iterate
        watch, iterate = self, Sampler.iterate

        def timed(sampler, *arguments, **named):
            iterate(sampler, *arguments, **named)
            watch.iterations.append(perf_counter())

        Sampler.iterate = timed
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        Sampler.iterate = self._iterate
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(0.02):
            self.private = max(self.private, memory_status("RssAnon"))


def memory_status(name):
    """Return bytes: "RssAnon" in memory and not of a file, "VmData" private address space.

    "VmHWM" is the most that was in memory, since the process began.
    """
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(name))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
